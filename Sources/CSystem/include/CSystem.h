// What Swift cannot import from Glibc, or cannot prove: affinity, thread names, absolute sleeps, and the
// mathematical functions the control thread uses. Everything marked SINEW_RT was reviewed: it neither locks nor
// allocates, so a Swift function marked @_noLocks may call it.
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SINEW_RT __attribute__((swift_attr("@_noLocks")))

// MARK: Time

/// CLOCK_MONOTONIC in nanoseconds.
SINEW_RT int64_t sinew_now_ns(void);
/// How long the machine has been suspended since it was started: CLOCK_BOOTTIME less CLOCK_MONOTONIC, in nanoseconds.
SINEW_RT int64_t sinew_suspended_ns(void);
/// CLOCK_REALTIME in nanoseconds.
SINEW_RT int64_t sinew_realtime_ns(void);
/// Sleeps until an absolute CLOCK_MONOTONIC time; restarts after a signal. Returns 0 or an errno value.
SINEW_RT int sinew_sleep_until_ns(int64_t deadline);
/// The same, but wakes `spin` ns early and spins the rest: the kernel's wake-up latency then hides in the spin. A
/// real-time thread must spin a small part of its period only, or the kernel's throttling stops it for tens of
/// milliseconds.
SINEW_RT int sinew_sleep_until_spinning_ns(int64_t deadline, int64_t spin);

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

// MARK: Threads (set-up only: nothing here belongs on the tick)

/// Starts a thread with its own stack of `stack_bytes` (rounded up to whole pages, at least the system's minimum).
/// Signals that come from outside (SIGINT, SIGTERM, ...) are blocked in it, so that they never interrupt its sleep. It has an
/// alternative stack for the handlers of its own faults.
/// Join it with pthread_join. Returns 0 or an errno value.
int sinew_thread_start(
    void *_Nullable (*_Nonnull entry)(void *_Nullable), void *_Nullable context, size_t stack_bytes,
    pthread_t *_Nonnull thread);
/// Names the calling thread as debuggers and `ps -L` show it; longer names are cut to 15 bytes. Returns 0 or an errno value.
int sinew_thread_set_name(const char *_Nonnull name);
/// Binds the calling thread to one processor. Returns 0 or an errno value (EINVAL: no such processor).
int sinew_thread_set_affinity(int cpu);
/// Lets the calling thread run on every processor of this process but one, or on all where there is no other; -1: on all.
/// Returns 0 or an errno value.
int sinew_thread_avoid_processor(int cpu);
/// The kernel's number of the calling thread.
int sinew_thread_id(void);
/// Puts the calling thread under SCHED_FIFO; threads and processes that it starts are ordinary ones again.
/// Returns 0 or an errno value (EPERM: no right, EINVAL: priority outside 1...99).
int sinew_thread_set_fifo(int priority);
/// The calling thread's SCHED_FIFO priority; 0 when it runs under another policy.
int sinew_thread_fifo_priority(void);
/// How many processors this process may run on.
int sinew_cpu_count(void);
/// Number of the processor at `index` (from 0) among those that this process may run on; -1 when there is none.
int sinew_cpu_at(int index);

// MARK: Memory and latency

/// Locks all memory of the process, now and later, and proves that it still can allocate 64 MiB afterwards: the system
/// call also succeeds where the limit makes every later allocation fail. On failure nothing is locked. Returns 0 or an
/// errno value: EPERM or ENOMEM from the lock, EAGAIN when RLIMIT_MEMLOCK is too low for the allocation after it.
int sinew_lock_memory(void);
/// Touches `bytes` of the calling thread's stack below the caller, fewer where the stack is smaller (64 KiB always stay
/// untouched). Returns the number of bytes touched.
size_t sinew_prefault_stack(size_t bytes);
/// Page faults of the calling thread since it started: without disk access, and with.
SINEW_RT void sinew_page_faults(int64_t *_Nonnull minor, int64_t *_Nonnull major);
/// Asks the kernel to keep processors out of deep sleep, until the returned file descriptor is closed (or the process
/// ends). Returns a descriptor, or a negative errno value.
int sinew_hold_cpu_latency(void);

// MARK: Proof at run time

/// Prepares the real-time sanitizer, when the program is linked with it; otherwise does nothing.
void sinew_rt_initialize(void);
/// Whether the program is linked with the real-time sanitizer.
bool sinew_rt_is_checked(void);
/// From here to `sinew_rt_leave` the real-time sanitizer, when linked, ends the program at any allocation, lock or
/// blocking system call of the calling thread. Call after the sleep, leave before the next one.
SINEW_RT void sinew_rt_enter(void);
SINEW_RT void sinew_rt_leave(void);

// MARK: Stop requests

/// From now on SIGINT, SIGTERM and SIGHUP do nothing but ask for a stop, and so do signals that would end the program or
/// leave it standing by default: SIGQUIT, SIGTSTP, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM and SIGPROF. A SIGHUP that was
/// ignored at start (nohup) stays ignored; SIGTTIN and SIGTTOU are ignored. SIGQUIT after another stop signal ends the
/// program at once, also one that no longer listens, after the crash stop's frame. Returns 0 or an errno value.
int sinew_install_stop_signals(void);
/// How often a stop was asked for since the signals were installed or cleared; 0 before. The first signal of any kind asks.
/// After it only what a person presses again asks again, at once (SIGINT, SIGQUIT, SIGTSTP), and a SIGTERM that comes a
/// second or more after the last request: `timeout` sends two at once and means one. Every other signal repeats and does
/// not insist: a terminal that closes sends SIGHUP any number of times, from the kernel and from its shell.
SINEW_RT int sinew_stop_requests(void);
/// Whether a person pressed a key for one of these requests (SIGINT, SIGQUIT, SIGTSTP).
SINEW_RT bool sinew_stop_was_pressed(void);
/// The number of the last stop signal that arrived; 0 when none has.
SINEW_RT int sinew_last_stop_signal(void);
/// Whether Ctrl-Z is heard as a stop signal; false before `sinew_install_stop_signals`.
bool sinew_suspension_is_heard(void);
/// Forgets the stop signals that have arrived.
void sinew_clear_stop_requests(void);

// MARK: A peer to compare with

/// A plain periodic loop in C: the yardstick for the control loop's wake-up lateness. It runs on a thread of its own,
/// with absolute deadlines; a late tick skips to the grid, a stop signal ends it. Lock the memory first
/// (`sinew_lock_memory`), as for any loop.
///
/// `priority` 0 asks for ordinary scheduling, 1...99 for SCHED_FIFO; `cpu` -1 leaves the choice to the kernel.
/// `histogram_us[i]` receives the count of wake-ups that were late by i to i+1 microseconds; the last bucket also takes
/// everything above. Returns 0; a positive errno value when it ran, but without the SCHED_FIFO or the processor asked
/// for; a negative one when it did not run.
int sinew_plain_c_loop(
    int64_t period_ns, int64_t ticks, int priority, int cpu, uint32_t *_Nonnull histogram_us, int buckets);

// MARK: Waking another thread

/// Counts `word` up and wakes a thread that waits on it. Never waits itself: a system call that returns at once.
SINEW_RT void sinew_event_signal(uint32_t *_Nonnull word);
/// Waits until `word` differs from `seen`, or `timeout_ns` have passed; returns its value.
uint32_t sinew_event_wait(uint32_t *_Nonnull word, uint32_t seen, int64_t timeout_ns);

// MARK: Fork and join

/// Threads that do parts of one job again and again: they spin a while for the next round, then sleep.
typedef struct sinew_pool sinew_pool;
/// Starts `threads` - 1 workers (the caller is the first thread). `spins` pauses are spent awake between rounds; give 0
/// where the threads do not own their processors. Returns 0 or an errno value.
int sinew_pool_make(int threads, int spins, sinew_pool *_Nullable *_Nonnull pool);
int sinew_pool_threads(const sinew_pool *_Nonnull pool);
/// Calls `work` for every chunk from 0 to the number of threads, chunk 0 on the calling thread, and waits for all.
/// Neither locks nor allocates. What a chunk wrote is visible to the caller afterwards.
void sinew_pool_run(
    sinew_pool *_Nonnull pool, void (*_Nonnull work)(void *_Nullable context, int chunk), void *_Nullable context);
/// Ends the workers; not during a round.
void sinew_pool_delete(sinew_pool *_Nonnull pool);

#include "CSystemDescriptor.h"
#include "CSystemInput.h"
#include "CSystemLine.h"
#include "CSystemCrash.h"
