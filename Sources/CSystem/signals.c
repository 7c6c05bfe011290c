#include "CSystem.h"
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

static atomic_int requests, last, exit_at;

// Everything a handler may do: two lock-free stores; and the end, for whoever asks too often, or says quit after asking.
static void count(int signal) {
  atomic_store_explicit(&last, signal, memory_order_relaxed);
  int arrived = atomic_fetch_add_explicit(&requests, 1, memory_order_release) + 1;
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

int sinew_stop_requests(void) { return atomic_load_explicit(&requests, memory_order_acquire); }
int sinew_last_stop_signal(void) { return atomic_load_explicit(&last, memory_order_relaxed); }

void sinew_clear_stop_requests(void) {
  atomic_store_explicit(&last, 0, memory_order_relaxed);
  atomic_store_explicit(&requests, 0, memory_order_release);
}
