// The function table of one instruction set; chosen once per program, called through the entry points of kernels.h.
#pragma once
#include "kernels.h"

struct sinew_kernels {
  void (*dense)(const float *weights, const float *start, const float *x, float *y, size_t inputs, size_t outputs,
                int streamed, uint8_t function, float p, float q);
  void (*function)(uint8_t function, float p, float q, const float *x, float *y, size_t count);
  void (*gru_reset)(const float *gates, const float *hidden, float *y, size_t size);
  void (*gru_before)(const float *gates, const float *candidate, const float *hidden, float *y, size_t size);
  void (*gru_after)(const float *from_input, const float *from_hidden, const float *hidden, float *y, size_t size);
  void (*lstm_cell)(const float *gates, const float *cell, float *y, size_t size);
  void (*lstm_hidden)(const float *gates, const float *cell, float *y, size_t size);
};

extern const struct sinew_kernels sinew_kernels_base;
#if defined(__x86_64__)
extern const struct sinew_kernels sinew_kernels_avx2;
extern const struct sinew_kernels sinew_kernels_avx512;
#endif
