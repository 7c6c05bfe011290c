#include "CSystem.h"
#include <errno.h>
#include <string.h>

struct run {
  int64_t period_ns, ticks;
  int priority, cpu, buckets, refused;
  uint32_t *histogram_us;
};

static void *loop(void *context) {
  struct run *run = context;
  sinew_thread_set_name("plain-c-loop");
  if (run->cpu >= 0) run->refused = sinew_thread_set_affinity(run->cpu);
  if (run->priority > 0) {
    int refused = sinew_thread_set_fifo(run->priority);
    if (refused != 0) run->refused = refused;
  }
  sinew_prefault_stack((size_t)128 << 10);

  int64_t deadline = sinew_now_ns() + run->period_ns;
  for (int64_t tick = 0; tick < run->ticks && sinew_stop_requests() == 0; tick++) {
    sinew_sleep_until_ns(deadline);
    int64_t lateness = sinew_now_ns() - deadline;
    int64_t bucket = lateness < 0 ? 0 : lateness / 1000;
    run->histogram_us[bucket < run->buckets ? bucket : run->buckets - 1]++;
    // The next point of the grid that is still ahead.
    deadline += (1 + (lateness > 0 ? lateness / run->period_ns : 0)) * run->period_ns;
  }
  return NULL;
}

int sinew_plain_c_loop(
    int64_t period_ns, int64_t ticks, int priority, int cpu, uint32_t *histogram_us, int buckets) {
  if (period_ns <= 0 || ticks < 0 || priority < 0 || buckets <= 0) return -EINVAL;
  struct run run = {period_ns, ticks, priority, cpu, buckets, 0, histogram_us};
  memset(histogram_us, 0, (size_t)buckets * sizeof *histogram_us);
  pthread_t thread;
  int status = sinew_thread_start(loop, &run, (size_t)512 << 10, &thread);
  if (status != 0) return -status;
  pthread_join(thread, NULL);
  return run.refused;
}
