// The last thing a dying process does for its arm. Included by CSystem.h.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The most bytes of a stop frame.
#define SINEW_CRASH_STOP_CAPACITY 512

/// From now on a crash of any thread (SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGSYS; Swift's traps among them)
/// puts `bytes` onto `descriptor` before the process dies of it: three times, each after a pause longer than a servo waits
/// for the rest of a frame, since part of another frame may just have been sent. The descriptor must be non-blocking. A
/// second call replaces descriptor and bytes (after a reconnection); no bytes: nothing is sent. A thread's stack overflow is survived as long as the
/// thread has an alternative stack: all that `sinew_thread_start` starts, and the one that calls this. Set-up only.
/// Returns 0 or an errno value (EINVAL: more bytes than SINEW_CRASH_STOP_CAPACITY).
int sinew_crash_stop_arm(int descriptor, const void *_Nonnull bytes, size_t count);
/// Replaces the bytes of an armed stop frame: the goal that is to be held changes with every tick. One thread at a time; a
/// crash at any instant finds the old bytes or the new ones whole. Nothing happens before `sinew_crash_stop_arm`, after the
/// frame was sent, or with more bytes than SINEW_CRASH_STOP_CAPACITY.
SINEW_RT void sinew_crash_stop_update(const void *_Nonnull bytes, size_t count);
/// What is written to standard error beside the stop frame; 256 bytes at most are kept. Set-up only.
void sinew_crash_stop_say(const char *_Nonnull text);
/// Whether a crash sends the stop frame; true after `sinew_crash_stop_arm`. For the times when no torque was asked for.
SINEW_RT void sinew_crash_stop_set_active(bool active);
/// Gives the signals back to the system. Set-up only.
void sinew_crash_stop_disarm(void);
/// Whether the stop frame was sent to `descriptor`: from then on `sinew_write_some` refuses to write anything there
/// (ESHUTDOWN), whatever thread is still running.
SINEW_RT bool sinew_crash_stop_was_sent(int descriptor);
/// Sends the stop frame now, if there is one and it was not sent yet. Async-signal-safe.
bool sinew_crash_stop_send(void);
/// For whoever watches another thread of this process: `thread` (`sinew_thread_id`) has run away or hangs. Puts the stop
/// frame onto its descriptor as a crash does, if there is one that torque was asked for, and ends the process as SIGABRT
/// does. The other thread gets that signal first, and its handler keeps it until the frames are out: it writes nothing
/// after them, also when it comes back in the middle. Then `text` is said on standard error. Does not return.
SINEW_RT _Noreturn void sinew_crash_stop_abort(int thread, const char *_Nonnull text, size_t count);

/// Gives the calling thread an alternative stack for the handlers of its own faults, unless it has one. Returns 0 or an
/// errno value.
int sinew_thread_add_fault_stack(void);
/// Takes that stack away again, before the thread ends.
void sinew_thread_remove_fault_stack(void);

/// At the `count`-th request to stop, as `sinew_stop_requests` counts them, the process sends the stop frame and ends at
/// once with exit code 128 + signal; 0: never. For a program that no longer reacts to the signals before.
void sinew_stop_signals_exit_at(int count);
