#include "CSystem.h"

// Weak: present only in a program that is linked with -fsanitize=realtime.
extern void __rtsan_ensure_initialized(void) __attribute__((weak));
extern void __rtsan_realtime_enter(void) __attribute__((weak));
extern void __rtsan_realtime_exit(void) __attribute__((weak));

void sinew_rt_initialize(void) {
  if (__rtsan_ensure_initialized) __rtsan_ensure_initialized();
}
bool sinew_rt_is_checked(void) { return __rtsan_realtime_enter && __rtsan_realtime_exit; }
void sinew_rt_enter(void) {
  if (__rtsan_realtime_enter) __rtsan_realtime_enter();
}
void sinew_rt_leave(void) {
  if (__rtsan_realtime_exit) __rtsan_realtime_exit();
}
