#include "CSystem.h"
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

// How many requests there were, in the low byte; whether one was a key's; and when the last of them was counted, ms, above:
// one word, so that signals that come to several threads at once are judged one after the other.
enum { most_requests = 0xFF, was_key = 0x100, time_shift = 9, asks_again_ms = 1000 };
static _Atomic uint64_t requests;
static atomic_int last, exit_at;

// The signals of a terminal's keys: somebody has pressed one.
static bool is_key(int signal) { return signal == SIGINT || signal == SIGQUIT || signal == SIGTSTP; }

// Whether a signal that comes `pause` ms after a request that was counted is another one. `timeout` sends SIGTERM twice at
// once and means one, systemd sends SIGHUP right after it. A terminal that closes sends SIGHUP any number of times: the
// kernel one, an interactive shell another. Timers repeat by themselves.
static bool insists(int signal, uint64_t pause) {
  return is_key(signal) || (signal == SIGTERM && pause >= asks_again_ms);
}

// Counts a request, unless it only repeats one. The number of those counted, 0 when it was none.
static int take(int signal) {
  uint64_t now = (uint64_t)(sinew_now_ns() / 1000000), before = atomic_load_explicit(&requests, memory_order_relaxed);
  while (true) {
    uint64_t counted = before & most_requests, at = before >> time_shift;
    // Another thread may have looked at the clock later and been first.
    if (counted > 0 && !insists(signal, now > at ? now - at : 0)) return 0;
    uint64_t next = now << time_shift | (before & was_key) | (is_key(signal) ? was_key : 0)
      | (counted < most_requests ? counted + 1 : most_requests);
    if (atomic_compare_exchange_weak_explicit(
          &requests, &before, next, memory_order_release, memory_order_relaxed)) {
      return (int)(next & most_requests);
    }
  }
}

// Everything a handler may do: lock-free stores; and the end, for whoever asks too often, or says quit after asking.
static void count(int signal) {
  atomic_store_explicit(&last, signal, memory_order_relaxed);
  int arrived = take(signal);
  int most = atomic_load_explicit(&exit_at, memory_order_relaxed);
  if ((most > 0 && arrived >= most) || (signal == SIGQUIT && arrived > 1)) {
    static const char words[] =
      "\nsinew: ended at once. This run has no torque on; what it found under torque is as it was found.\n";
    if (!sinew_crash_stop_send() && write(STDERR_FILENO, words, sizeof words - 1) < 0) { /* Nobody listens. */ }
    _exit(128 + signal);
  }
}

void sinew_stop_signals_exit_at(int count) { atomic_store_explicit(&exit_at, count, memory_order_relaxed); }

int sinew_install_stop_signals(void) {
  // Beside what is meant to stop a program, what would end it or leave it standing by default: an arm under torque must
  // not be left so.
  const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF};
  sigset_t heard;
  sigemptyset(&heard);
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART}, before;
    sigfillset(&action.sa_mask);
    if (sigaction(signals[i], NULL, &before) != 0) return errno;
    // A shell starts background jobs with SIGINT ignored; a robot's stop must work there too. nohup is a wish.
    if (signals[i] == SIGHUP && before.sa_handler == SIG_IGN) continue;
    if (sigaction(signals[i], &action, NULL) != 0) return errno;
    sigaddset(&heard, signals[i]);
  }
  // A child inherits what its parent has blocked, and many a parent starts it from a thread that blocks everything.
  int status = pthread_sigmask(SIG_UNBLOCK, &heard, NULL);
  if (status != 0) return status;
  // A terminal that this program may not use just now is no reason to stand still, either.
  const int ignored[] = {SIGTTIN, SIGTTOU};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) {
    struct sigaction action = {.sa_handler = SIG_IGN};
    if (sigaction(ignored[i], &action, NULL) != 0) return errno;
  }
  return 0;
}

int sinew_stop_requests(void) { return (int)(atomic_load_explicit(&requests, memory_order_acquire) & most_requests); }
bool sinew_stop_was_pressed(void) { return (atomic_load_explicit(&requests, memory_order_acquire) & was_key) != 0; }
int sinew_last_stop_signal(void) { return atomic_load_explicit(&last, memory_order_relaxed); }

bool sinew_suspension_is_heard(void) {
  struct sigaction action;
  return sigaction(SIGTSTP, NULL, &action) == 0 && action.sa_handler == count;
}

void sinew_clear_stop_requests(void) {
  atomic_store_explicit(&last, 0, memory_order_relaxed);
  atomic_store_explicit(&requests, 0, memory_order_release);
}
