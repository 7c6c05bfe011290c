#include "CSystem.h"
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// Faults of the thread itself: blocking them would turn a crash report into a silent death.
static const int own_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};

static size_t whole_pages(size_t bytes) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  size_t minimum = (size_t)PTHREAD_STACK_MIN;
  if (bytes < minimum) bytes = minimum;
  return bytes > SIZE_MAX - page ? SIZE_MAX / page * page : (bytes + page - 1) / page * page;
}

struct start {
  void *(*entry)(void *);
  void *context;
};

static void *run_with_fault_stack(void *argument) {
  struct start start = *(struct start *)argument;
  free(argument);
  // Without it only a stack overflow would pass unheard.
  (void)sinew_thread_add_fault_stack();
  void *result = start.entry(start.context);
  sinew_thread_remove_fault_stack();
  return result;
}

int sinew_thread_start(void *(*entry)(void *), void *context, size_t stack_bytes, pthread_t *thread) {
  struct start *start = malloc(sizeof *start);
  if (start == NULL) return ENOMEM;
  *start = (struct start){entry, context};
  pthread_attr_t attributes;
  int status = pthread_attr_init(&attributes);
  if (status != 0) {
    free(start);
    return status;
  }
  status = pthread_attr_setstacksize(&attributes, whole_pages(stack_bytes));
  if (status == 0) {
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof own_faults / sizeof *own_faults; i++) sigdelset(&blocked, own_faults[i]);
    // A new thread inherits the mask of the one that makes it.
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    status = pthread_create(thread, &attributes, run_with_fault_stack, start);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  pthread_attr_destroy(&attributes);
  if (status != 0) free(start);
  return status;
}

int sinew_thread_set_name(const char *name) {
  char cut[16];
  strncpy(cut, name, sizeof cut - 1);
  cut[sizeof cut - 1] = '\0';
  return pthread_setname_np(pthread_self(), cut);
}

int sinew_thread_set_affinity(int cpu) {
  if (cpu < 0 || cpu >= CPU_SETSIZE) return EINVAL;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET((size_t)cpu, &set);
  return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

int sinew_thread_avoid_processor(int cpu) {
  cpu_set_t set;
  // The first thread's set: the caller may have got its own from a thread that is bound to one processor.
  if (sched_getaffinity(getpid(), sizeof set, &set) != 0) return errno;
  if (cpu >= 0 && cpu < CPU_SETSIZE && CPU_COUNT(&set) > 1) CPU_CLR((size_t)cpu, &set);
  return pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

int sinew_thread_id(void) { return (int)syscall(SYS_gettid); }

int sinew_thread_set_fifo(int priority) {
  struct sched_param parameters = {.sched_priority = priority};
  // Zero is the calling thread, not the process.
  return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &parameters) == 0 ? 0 : errno;
}

int sinew_thread_fifo_priority(void) {
  struct sched_param parameters;
  if ((sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) != SCHED_FIFO) return 0;
  return sched_getparam(0, &parameters) == 0 ? parameters.sched_priority : 0;
}

int sinew_cpu_count(void) {
  cpu_set_t set;
  // The first thread's set: the caller may have bound itself to one processor.
  if (sched_getaffinity(getpid(), sizeof set, &set) != 0) return (int)sysconf(_SC_NPROCESSORS_ONLN);
  return CPU_COUNT(&set);
}

int sinew_cpu_at(int index) {
  cpu_set_t set;
  if (index < 0 || sched_getaffinity(getpid(), sizeof set, &set) != 0) return -1;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET((size_t)cpu, &set) && index-- == 0) return cpu;
  return -1;
}
