#include "CSystem.h"
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

void sinew_event_signal(uint32_t *word) {
  __atomic_fetch_add(word, 1, __ATOMIC_RELEASE);
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

uint32_t sinew_event_wait(uint32_t *word, uint32_t seen, int64_t timeout_ns) {
  uint32_t now = __atomic_load_n(word, __ATOMIC_ACQUIRE);
  if (now != seen) return now;
  struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
  // Returns at once when the word has moved on meanwhile; every other reason to return is harmless to the caller.
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, &timeout, NULL, 0);
  return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}
