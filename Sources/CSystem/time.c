#include "CSystem.h"
#include <errno.h>
#include <time.h>

static int64_t nanoseconds(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t sinew_now_ns(void) { return nanoseconds(CLOCK_MONOTONIC); }
int64_t sinew_suspended_ns(void) {
  // The two clocks cannot be read at once: of three tries the one counts that was interrupted least.
  int64_t least = INT64_MAX, suspended = 0;
  for (int i = 0; i < 3 && least > 20000; i++) {
    int64_t before = nanoseconds(CLOCK_MONOTONIC);
    int64_t boot = nanoseconds(CLOCK_BOOTTIME);
    int64_t gap = nanoseconds(CLOCK_MONOTONIC) - before;
    if (gap < least) {
      least = gap;
      suspended = boot - before;
    }
  }
  return suspended;
}
int64_t sinew_realtime_ns(void) { return nanoseconds(CLOCK_REALTIME); }

int sinew_sleep_until_spinning_ns(int64_t deadline, int64_t spin) {
  int status = 0;
  if (deadline - nanoseconds(CLOCK_MONOTONIC) > spin) status = sinew_sleep_until_ns(deadline - spin);
  while (nanoseconds(CLOCK_MONOTONIC) < deadline) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
  }
  return status;
}

int sinew_sleep_until_ns(int64_t deadline) {
  struct timespec t = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};
  int status;
  do status = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
  while (status == EINTR);
  return status;
}
