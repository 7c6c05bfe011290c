#include "CSystem.h"
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

// Fork and join over persistent threads. One word, `epoch`, tells the workers of a new round; it is also the futex they
// sleep on, so a worker that falls asleep while the round begins is not lost: the kernel compares the word again.

struct worker {
  sinew_pool *pool;
  int chunk;
  pthread_t thread;
};

struct sinew_pool {
  int threads;
  int spins;
  void (*work)(void *context, int chunk);
  void *context;
  uint32_t epoch;
  uint32_t sleepers;
  uint32_t is_closing;
  // On a line of its own: the workers write it while the others spin on `epoch`.
  _Alignas(64) uint32_t pending;
  struct worker *workers;
};

static inline void relax(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void *run_worker(void *argument) {
  struct worker *worker = argument;
  sinew_pool *pool = worker->pool;
  sinew_thread_set_name("sinew-rollout");
  uint32_t seen = 0;
  for (;;) {
    int spins = pool->spins;
    while (__atomic_load_n(&pool->epoch, __ATOMIC_ACQUIRE) == seen) {
      if (spins-- > 0) {
        relax();
        continue;
      }
      __atomic_fetch_add(&pool->sleepers, 1, __ATOMIC_SEQ_CST);
      syscall(SYS_futex, &pool->epoch, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
      __atomic_fetch_sub(&pool->sleepers, 1, __ATOMIC_SEQ_CST);
    }
    seen += 1;
    if (__atomic_load_n(&pool->is_closing, __ATOMIC_ACQUIRE)) return NULL;
    pool->work(pool->context, worker->chunk);
    __atomic_fetch_sub(&pool->pending, 1, __ATOMIC_RELEASE);
  }
}

static void begin_round(sinew_pool *pool) {
  __atomic_fetch_add(&pool->epoch, 1, __ATOMIC_SEQ_CST);
  if (__atomic_load_n(&pool->sleepers, __ATOMIC_SEQ_CST) > 0)
    syscall(SYS_futex, &pool->epoch, FUTEX_WAKE_PRIVATE, pool->threads, NULL, NULL, 0);
}

int sinew_pool_make(int threads, int spins, sinew_pool **result) {
  sinew_pool *pool = aligned_alloc(64, sizeof *pool);
  struct worker *workers = calloc((size_t)threads, sizeof *workers);
  if (!pool || !workers) {
    free(pool);
    free(workers);
    return ENOMEM;
  }
  *pool = (sinew_pool){.threads = 1, .spins = spins, .workers = workers};
  for (int chunk = 1; chunk < threads; chunk++) {
    workers[chunk] = (struct worker){.pool = pool, .chunk = chunk};
    int status = sinew_thread_start(run_worker, &workers[chunk], 8 << 20, &workers[chunk].thread);
    if (status != 0) {
      sinew_pool_delete(pool);
      return status;
    }
    pool->threads = chunk + 1;
  }
  *result = pool;
  return 0;
}

int sinew_pool_threads(const sinew_pool *pool) { return pool->threads; }

void sinew_pool_run(sinew_pool *pool, void (*work)(void *, int), void *context) {
  if (pool->threads > 1) {
    pool->work = work;
    pool->context = context;
    __atomic_store_n(&pool->pending, (uint32_t)pool->threads - 1, __ATOMIC_RELAXED);
    begin_round(pool);
  }
  work(context, 0);
  // The round is short; a worker that lost its processor gets it back sooner when this thread gives way.
  for (int spins = pool->spins; __atomic_load_n(&pool->pending, __ATOMIC_ACQUIRE) != 0;) {
    if (spins-- > 0)
      relax();
    else
      sched_yield();
  }
}

void sinew_pool_delete(sinew_pool *pool) {
  __atomic_store_n(&pool->is_closing, 1, __ATOMIC_RELEASE);
  begin_round(pool);
  for (int chunk = 1; chunk < pool->threads; chunk++) pthread_join(pool->workers[chunk].thread, NULL);
  free(pool->workers);
  free(pool);
}
