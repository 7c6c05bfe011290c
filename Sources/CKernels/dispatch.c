// Which instruction set runs: the processor's best, unless one is forced.
#include "impl/table.h"
#include <stdatomic.h>

const sinew_kernels *sinew_kernels_for(int set) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  switch (set) {
  case SINEW_ISA_BASELINE: return &sinew_kernels_base;
  case SINEW_ISA_AVX2:
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &sinew_kernels_avx2 : 0;
  case SINEW_ISA_AVX512:
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("fma")
               ? &sinew_kernels_avx512
               : 0;
  default: return 0;
  }
#else
  return set == SINEW_ISA_BASELINE ? &sinew_kernels_base : 0;
#endif
}

static _Atomic int forced = -1;

void sinew_isa_force(int set) { atomic_store(&forced, set); }
int sinew_isa_forced(void) { return atomic_load(&forced); }

void sinew_dense(const sinew_kernels *kernels, const float *weights, const float *start, const float *x, float *y,
                 size_t inputs, size_t outputs, int streamed, uint8_t function, float p, float q) {
  kernels->dense(weights, start, x, y, inputs, outputs, streamed, function, p, q);
}

void sinew_function_vector(const sinew_kernels *kernels, uint8_t function, float p, float q, const float *x, float *y,
                           size_t count) {
  kernels->function(function, p, q, x, y, count);
}

void sinew_gru_reset(const sinew_kernels *kernels, const float *gates, const float *hidden, float *y, size_t size) {
  kernels->gru_reset(gates, hidden, y, size);
}

void sinew_gru_before(const sinew_kernels *kernels, const float *gates, const float *candidate, const float *hidden,
                      float *y, size_t size) {
  kernels->gru_before(gates, candidate, hidden, y, size);
}

void sinew_gru_after(const sinew_kernels *kernels, const float *from_input, const float *from_hidden,
                     const float *hidden, float *y, size_t size) {
  kernels->gru_after(from_input, from_hidden, hidden, y, size);
}

void sinew_lstm_cell(const sinew_kernels *kernels, const float *gates, const float *cell, float *y, size_t size) {
  kernels->lstm_cell(gates, cell, y, size);
}

void sinew_lstm_hidden(const sinew_kernels *kernels, const float *gates, const float *cell, float *y, size_t size) {
  kernels->lstm_hidden(gates, cell, y, size);
}
