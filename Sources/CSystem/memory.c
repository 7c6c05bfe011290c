#include "CSystem.h"
#include <alloca.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

int sinew_lock_memory(void) {
  const size_t headroom = (size_t)64 << 20;
  if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0) return errno;
  void *probe = mmap(NULL, headroom, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) {
    int reason = errno;
    munlockall();
    return reason;
  }
  munmap(probe, headroom);
  return 0;
}

// Not inlined: the memory must lie below the caller's frame and be given back on return.
__attribute__((noinline)) static void touch(size_t bytes, size_t page) {
  volatile unsigned char *memory = alloca(bytes);
  // From the top down, as a stack grows.
  for (size_t below = bytes; below >= page; below -= page) memory[below - page] = 0;
}

size_t sinew_prefault_stack(size_t bytes) {
  const size_t reserve = 64 << 10;
  pthread_attr_t attributes;
  void *lowest = NULL;
  size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  int status = pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  if (status != 0) return 0;

  size_t left = (size_t)((uintptr_t)__builtin_frame_address(0) - (uintptr_t)lowest);
  if (left <= reserve) return 0;
  if (bytes > left - reserve) bytes = left - reserve;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  bytes = bytes / page * page;
  if (bytes > 0) touch(bytes, page);
  return bytes;
}

void sinew_page_faults(int64_t *minor, int64_t *major) {
  struct rusage usage = {0};
  getrusage(RUSAGE_THREAD, &usage);
  *minor = usage.ru_minflt;
  *major = usage.ru_majflt;
}

int sinew_hold_cpu_latency(void) {
  int descriptor = open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return -errno;
  const int32_t microseconds = 0;
  if (write(descriptor, &microseconds, sizeof microseconds) != sizeof microseconds) {
    int reason = errno;
    close(descriptor);
    return -reason;
  }
  return descriptor;
}
