#include "CSystem.h"
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

int64_t sinew_thread_cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// The answer's bytes, all of them or fewer; the sum stands for looking at each.
static ssize_t collect(int descriptor, size_t wanted, int64_t deadline, unsigned *sum, int64_t *calls) {
  unsigned char buffer[4096];
  size_t count = 0;
  while (count < wanted) {
    int64_t left = deadline - sinew_now_ns();
    if (left <= 0) break;
    struct pollfd entry = {.fd = descriptor, .events = POLLIN};
    struct timespec timeout = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    ++*calls;
    int status = ppoll(&entry, 1, &timeout, NULL);
    if (status < 0 && errno != EINTR) return -errno;
    if (status <= 0) continue;
    ++*calls;
    ssize_t got = read(descriptor, buffer, sizeof buffer);
    if (got == 0) return -EPIPE;
    if (got < 0 && errno != EAGAIN && errno != EINTR) return -errno;
    for (ssize_t i = 0; i < got; ++i) *sum += buffer[i];
    if (got > 0) count += (size_t)got;
  }
  return (ssize_t)count;
}

int sinew_plain_c_bus_client(
    int descriptor, const void *first, size_t first_bytes, const void *second, size_t second_bytes, size_t answer_bytes,
    int64_t timeout_ns, int64_t *times_ns, int cycles, int64_t *system_calls, int64_t *cpu_ns) {
  unsigned sum = 0;
  int64_t calls = 0, cpu = sinew_thread_cpu_ns();
  int result = 0;
  for (int i = 0; i < cycles; ++i) {
    int64_t began = sinew_now_ns();
    ++calls;
    if (write(descriptor, first, first_bytes) != (ssize_t)first_bytes) result = errno ? errno : EIO;
    ++calls;
    if (write(descriptor, second, second_bytes) != (ssize_t)second_bytes) result = errno ? errno : EIO;
    if (result != 0) break;
    ssize_t count = collect(descriptor, answer_bytes, began + timeout_ns, &sum, &calls);
    if (count < 0) {
      result = (int)-count;
      break;
    }
    times_ns[i] = (size_t)count == answer_bytes ? sinew_now_ns() - began : -1;
  }
  // The sum must not be optimised away.
  *system_calls = calls + (sum == 0xffffffffu);
  *cpu_ns = sinew_thread_cpu_ns() - cpu;
  return result;
}
