#include "CSystem.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

// Longer than any servo waits for the next byte of a frame, and three of them well within 20 ms.
enum { pause_ms = 3, copies = 3, stack_bytes = 64 << 10 };

static const int crashes[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGSYS};

struct frame {
  int descriptor;
  size_t count;
  unsigned char bytes[SINEW_CRASH_STOP_CAPACITY];
};

// Two of them, so that one is whole at every instant; `current` says which, -1 while there is none.
static struct frame frames[2];
static atomic_int current = -1;
static atomic_bool is_active, was_sent, is_done;
// What is said on standard error beside it.
static char words[256];
static atomic_size_t word_count;

static void put(const struct frame *frame) {
  size_t sent = 0;
  for (int tries = 0; sent < frame->count && tries < 4; tries++) {
    ssize_t result = write(frame->descriptor, frame->bytes + sent, frame->count - sent);
    if (result > 0) {
      sent += (size_t)result;
    } else if (result < 0 && errno == EAGAIN) {
      // The queue is full of what does not matter any more.
      if (tries == 0) tcflush(frame->descriptor, TCOFLUSH);
      struct pollfd room = {.fd = frame->descriptor, .events = POLLOUT};
      poll(&room, 1, pause_ms);
    } else if (result < 0 && errno != EINTR) {
      return;
    }
  }
}

// Three times what is current, then a text and the words, and whoever waits for it may go on.
static void send_current(const char *text, size_t text_count) {
  int index = atomic_load(&current);
  // Taken now: a run whose writes are refused from here on may end, and take its words back, before this is over.
  size_t count = atomic_load(&word_count);
  int before = errno;
  for (int copy = 0; copy < copies && frames[index].count > 0; copy++) {
    poll(NULL, 0, pause_ms);
    put(&frames[index]);
  }
  if (text_count > 0 && write(STDERR_FILENO, text, text_count) < 0) errno = before;
  if (count > 0 && write(STDERR_FILENO, words, count) < 0) errno = before;
  atomic_store(&is_done, true);
  errno = before;
}

bool sinew_crash_stop_send(void) {
  if (!atomic_load(&is_active) || atomic_load(&current) < 0) return false;
  // Two threads may crash at once; and from here on nobody else writes. An update that is under way may still end: it
  // changes the other frame, and makes that the current one when it is whole.
  if (atomic_exchange(&was_sent, true)) {
    // Whoever ends the process now would cut the other short. A crash within that other waits in vain, but not for long.
    for (int tries = 0; tries < 60 && !atomic_load(&is_done); tries++) poll(NULL, 0, pause_ms);
    return true;
  }
  send_current(NULL, 0);
  return true;
}

bool sinew_crash_stop_was_sent(int descriptor) {
  if (!atomic_load_explicit(&was_sent, memory_order_relaxed)) return false;
  int index = atomic_load_explicit(&current, memory_order_relaxed);
  return index >= 0 && frames[index].descriptor == descriptor;
}

// An ordinary death of the given signal.
static _Noreturn void die(int signal_number) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigaction(signal_number, &action, NULL);
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, signal_number);
  sigprocmask(SIG_UNBLOCK, &own, NULL);
  syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), signal_number);
  _exit(128 + signal_number);
}

static void crashed(int signal_number) {
  sinew_crash_stop_send();
  die(signal_number);
}

void sinew_crash_stop_abort(int thread, const char *text, size_t count) {
  if (!atomic_load(&is_active) || atomic_load(&current) < 0) {
    if (write(STDERR_FILENO, text, count) < 0) { /* Nobody listens. */ }
    syscall(SYS_tgkill, getpid(), (pid_t)thread, SIGABRT);
  } else if (!atomic_exchange(&was_sent, true)) {
    // What that thread still wants to write is refused from here on. It may stand just behind the question whether it may:
    // the signal comes before its next instruction, and its handler keeps it until the frames are out.
    syscall(SYS_tgkill, getpid(), (pid_t)thread, SIGABRT);
    send_current(text, count);
  }
  // That thread dies of its signal and so shows where it stood, unless the kernel holds it; or another has crashed meanwhile,
  // and is about to end all this.
  poll(NULL, 0, 60 * pause_ms);
  die(SIGABRT);
}

// Makes a frame the current one; the other stays as it is.
static void install(int descriptor, const void *bytes, size_t count) {
  int next = atomic_load_explicit(&current, memory_order_relaxed) == 0 ? 1 : 0;
  frames[next].descriptor = descriptor;
  frames[next].count = count;
  memcpy(frames[next].bytes, bytes, count);
  atomic_store(&current, next);
}

void sinew_crash_stop_update(const void *bytes, size_t count) {
  int index = atomic_load_explicit(&current, memory_order_relaxed);
  if (index < 0 || count > SINEW_CRASH_STOP_CAPACITY || atomic_load(&was_sent)) return;
  install(frames[index].descriptor, bytes, count);
}

void sinew_crash_stop_say(const char *text) {
  atomic_store(&word_count, 0);
  size_t count = strlen(text);
  if (count > sizeof words) count = sizeof words;
  memcpy(words, text, count);
  atomic_store(&word_count, count);
}

int sinew_crash_stop_arm(int descriptor, const void *bytes, size_t count) {
  if (descriptor < 0 || count > SINEW_CRASH_STOP_CAPACITY) return EINVAL;
  int status = sinew_thread_add_fault_stack();
  if (status != 0) return status;
  struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_ONSTACK};
  sigfillset(&action.sa_mask);
  // A fault within the handler must end the process, not wait for ever.
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) sigdelset(&action.sa_mask, crashes[i]);
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
    if (sigaction(crashes[i], &action, NULL) != 0) return errno;
  atomic_store(&is_done, false);
  atomic_store(&was_sent, false);
  install(descriptor, bytes, count);
  atomic_store(&is_active, true);
  return 0;
}

void sinew_crash_stop_set_active(bool active) { atomic_store_explicit(&is_active, active, memory_order_release); }

void sinew_crash_stop_disarm(void) {
  atomic_store(&is_active, false);
  atomic_store(&current, -1);
  atomic_store(&word_count, 0);
  struct sigaction action = {.sa_handler = SIG_DFL};
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++) sigaction(crashes[i], &action, NULL);
}

int sinew_thread_add_fault_stack(void) {
  stack_t have;
  if (sigaltstack(NULL, &have) == 0 && !(have.ss_flags & SS_DISABLE)) return 0;
  void *memory = mmap(NULL, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return errno;
  // Touched now: a fault is no time to ask for memory.
  memset(memory, 0, stack_bytes);
  stack_t stack = {.ss_sp = memory, .ss_size = stack_bytes};
  if (sigaltstack(&stack, NULL) == 0) return 0;
  int reason = errno;
  munmap(memory, stack_bytes);
  return reason;
}

void sinew_thread_remove_fault_stack(void) {
  stack_t have, none = {.ss_flags = SS_DISABLE};
  if (sigaltstack(NULL, &have) != 0 || (have.ss_flags & SS_DISABLE) || have.ss_size != stack_bytes) return;
  if (sigaltstack(&none, NULL) == 0) munmap(have.ss_sp, stack_bytes);
}
