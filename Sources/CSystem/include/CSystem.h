// What Swift cannot import from Glibc, or cannot prove: affinity, thread names, absolute sleeps, and the
// mathematical functions the control thread uses. Everything marked SINEW_RT was reviewed: it neither locks nor
// allocates, so a Swift function marked @_noLocks may call it.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SINEW_RT __attribute__((swift_attr("@_noLocks")))

// MARK: Time

/// CLOCK_MONOTONIC in nanoseconds.
SINEW_RT int64_t sinew_now_ns(void);
/// CLOCK_REALTIME in nanoseconds.
SINEW_RT int64_t sinew_realtime_ns(void);
/// Sleeps until an absolute CLOCK_MONOTONIC time; restarts after a signal. Returns 0 or an errno value.
SINEW_RT int sinew_sleep_until_ns(int64_t deadline);

// MARK: Mathematics (double, then float)

SINEW_RT double sinew_sin(double x);
SINEW_RT double sinew_cos(double x);
SINEW_RT double sinew_atan2(double y, double x);
SINEW_RT double sinew_sqrt(double x);
SINEW_RT double sinew_exp(double x);
SINEW_RT double sinew_log(double x);
SINEW_RT double sinew_tanh(double x);
SINEW_RT double sinew_floor(double x);
/// Rounds half away from zero, as C's round().
SINEW_RT double sinew_round(double x);
SINEW_RT double sinew_pow(double x, double y);
SINEW_RT double sinew_erf(double x);
