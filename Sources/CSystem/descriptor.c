#include "CSystem.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

// Weak: present only in a program that is linked with -fsanitize=realtime, which takes every read for a blocking one.
extern void __rtsan_disable(void) __attribute__((weak));
extern void __rtsan_enable(void) __attribute__((weak));
static void vouch(void) {
  if (__rtsan_disable) __rtsan_disable();
}
static void unvouch(void) {
  if (__rtsan_enable) __rtsan_enable();
}

int sinew_poll_until_ns(int descriptor, bool for_writing, int64_t deadline) {
  struct pollfd entry = {.fd = descriptor, .events = for_writing ? POLLOUT : POLLIN};
  int status;
  vouch();
  do {
    int64_t left = deadline - sinew_now_ns();
    if (left < 0) left = 0;
    struct timespec timeout = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    status = ppoll(&entry, 1, &timeout, NULL);
  } while (status < 0 && errno == EINTR);
  int reason = errno;
  unvouch();
  return status < 0 ? -reason : status == 0 ? 0 : entry.revents;
}

int64_t sinew_read_some(int descriptor, void *buffer, size_t capacity) {
  ssize_t count;
  vouch();
  do count = read(descriptor, buffer, capacity);
  while (count < 0 && errno == EINTR);
  int reason = errno;
  unvouch();
  return count < 0 ? -reason : count;
}

int64_t sinew_write_some(int descriptor, bool is_socket, const void *bytes, size_t count) {
  ssize_t written;
  // The last word was the stop frame.
  if (sinew_crash_stop_was_sent(descriptor)) return -ESHUTDOWN;
  vouch();
  // A socket whose other end is gone must answer EPIPE, not end the process.
  do written = is_socket ? send(descriptor, bytes, count, MSG_NOSIGNAL) : write(descriptor, bytes, count);
  while (written < 0 && errno == EINTR);
  int reason = errno;
  unvouch();
  return written < 0 ? -reason : written;
}

bool sinew_descriptor_is_socket(int descriptor) {
  int type;
  socklen_t size = sizeof type;
  return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

int sinew_descriptor_prepare(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0) return errno;
  if (fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) return errno;
  return fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0 ? errno : 0;
}
