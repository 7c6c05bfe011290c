// A line to a device that exists in memory only, with a clock of its own. Included by CSystem.h.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What a transport asks of its descriptor, answered by functions instead. The calls below are as real-time safe as what
/// stands behind them: they are for tests and trials on virtual time, never for a robot.
typedef struct sinew_line {
  void *_Nullable context;
  /// The line's time, ns.
  int64_t (*_Nonnull now)(void *_Nullable context);
  /// As `sinew_poll_until_ns`: event bits, 0 at the deadline, or a negative errno value.
  int (*_Nonnull wait)(void *_Nullable context, bool for_writing, int64_t deadline);
  /// As `sinew_read_some`.
  int64_t (*_Nonnull read)(void *_Nullable context, void *_Nonnull buffer, size_t capacity);
  /// As `sinew_write_some`.
  int64_t (*_Nonnull write)(void *_Nullable context, const void *_Nonnull bytes, size_t count);
  /// Lets time pass, whatever comes in.
  void (*_Nonnull sleep)(void *_Nullable context, int64_t deadline);
  /// The transport is gone.
  void (*_Nonnull close)(void *_Nullable context);
} sinew_line;

SINEW_RT int64_t sinew_line_now(const sinew_line *_Nonnull line);
SINEW_RT int sinew_line_wait(const sinew_line *_Nonnull line, bool for_writing, int64_t deadline);
SINEW_RT int64_t sinew_line_read(const sinew_line *_Nonnull line, void *_Nonnull buffer, size_t capacity);
SINEW_RT int64_t sinew_line_write(const sinew_line *_Nonnull line, const void *_Nonnull bytes, size_t count);
SINEW_RT void sinew_line_sleep(const sinew_line *_Nonnull line, int64_t deadline);
void sinew_line_close(const sinew_line *_Nonnull line);
