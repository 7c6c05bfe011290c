// File descriptors of devices on the control thread, and what terminal devices need beyond Glibc's Swift import.
// Included by CSystem.h.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// MARK: Reading and writing on the control thread (the descriptor must be non-blocking)

/// Waits until `descriptor` can be read (or written), at most until an absolute CLOCK_MONOTONIC time; restarts after a
/// signal. Returns poll's event bits, 0 at the deadline, or a negative errno value.
SINEW_RT int sinew_poll_until_ns(int descriptor, bool for_writing, int64_t deadline);
/// read(), restarted after a signal. Returns the number of bytes, 0 at the end of file, or a negative errno value.
SINEW_RT int64_t sinew_read_some(int descriptor, void *_Nonnull buffer, size_t capacity);
/// write(), for a socket send() without SIGPIPE; restarted after a signal. Returns the number of bytes, or a negative
/// errno value.
SINEW_RT int64_t sinew_write_some(int descriptor, bool is_socket, const void *_Nonnull bytes, size_t count);
/// Throws away what a terminal device has not sent yet. Returns 0 or an errno value (ENOTTY: not a terminal).
SINEW_RT int sinew_terminal_discard_output(int descriptor);

// MARK: Set-up

/// Whether a descriptor is a socket.
bool sinew_descriptor_is_socket(int descriptor);
/// Makes a descriptor non-blocking and closes it in child processes. Returns 0 or an errno value.
int sinew_descriptor_prepare(int descriptor);
/// Makes read() of a terminal device tell "nothing there" (EAGAIN) from "gone" (0): VMIN 1, VTIME 0; and switches all
/// processing of bytes off. Returns 0 or an errno value (ENOTTY: not a terminal).
int sinew_terminal_prepare(int descriptor);
/// The speeds a terminal device has really been set to, bit/s. Returns 0 or an errno value.
int sinew_terminal_speed(int descriptor, uint32_t *_Nonnull input, uint32_t *_Nonnull output);
/// Sets a terminal device to any speed, bit/s. Returns 0 or an errno value.
int sinew_terminal_set_speed(int descriptor, uint32_t speed);
/// Claims a device for this process: flock and TIOCEXCL. Returns 0 or an errno value (EWOULDBLOCK: another holds it).
int sinew_terminal_claim(int descriptor);
/// Asks a serial driver for low latency (ASYNC_LOW_LATENCY; an FTDI adaptor's timer becomes 1 ms). Returns 0 or an
/// errno value.
int sinew_terminal_low_latency(int descriptor);

// MARK: A peer to compare with

/// A plain C client of a servo bus, the yardstick for ours: per cycle one write of `first`, one of `second`, then poll and
/// read until `answer_bytes` bytes are there, whose sum it takes. `times_ns[i]` receives what cycle i took, -1 when its
/// answer was not whole within `timeout_ns`. `system_calls` and `cpu_ns` receive the totals. Returns 0 or an errno value.
int sinew_plain_c_bus_client(
    int descriptor, const void *_Nonnull first, size_t first_bytes, const void *_Nonnull second, size_t second_bytes,
    size_t answer_bytes, int64_t timeout_ns, int64_t *_Nonnull times_ns, int cycles, int64_t *_Nonnull system_calls,
    int64_t *_Nonnull cpu_ns);
/// Processor time of the calling thread, ns.
SINEW_RT int64_t sinew_thread_cpu_ns(void);
