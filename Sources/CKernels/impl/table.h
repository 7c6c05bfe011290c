// The function table of one instruction set; chosen once per program, called through the entry points of kernels.h.
#pragma once
#include "training.h"

struct sinew_kernels {
  void (*dense)(const float *weights, const float *start, const float *x, float *y, size_t inputs, size_t outputs,
                int streamed, uint8_t function, float p, float q);
  void (*function)(uint8_t function, float p, float q, const float *x, float *y, size_t count);
  void (*gru_reset)(const float *gates, const float *hidden, float *y, size_t size);
  void (*gru_before)(const float *gates, const float *candidate, const float *hidden, float *y, size_t size);
  void (*gru_after)(const float *from_input, const float *from_hidden, const float *hidden, float *y, size_t size);
  void (*lstm_cell)(const float *gates, const float *cell, float *y, size_t size);
  void (*lstm_hidden)(const float *gates, const float *cell, float *y, size_t size);
  void (*matrix_product)(const sinew_product *product);
  void (*function_gradient)(uint8_t function, float p, const float *value, const float *dy, float *dz, size_t count);
  void (*column_sums)(const float *x, size_t rows, size_t columns, size_t stride, float *sums, int accumulates);
  double (*vector_dot)(const float *x, const float *y, size_t count);
  void (*vector_add)(float factor, const float *x, float *y, size_t count);
  void (*vector_scale)(float factor, float *y, size_t count);
  void (*adam_step)(const sinew_adam *step, const float *gradient, float *x, float *m, float *v, size_t count);
  void (*rmsprop_step)(float rate, float decay, float epsilon, float scale, const float *gradient, float *x, float *v,
                       size_t count);
  float (*multiply_add_probe)(size_t rounds);
  void (*lstm_forward)(size_t rows, size_t size, float *gates, const float *cell_before, float *cell, float *cell_tanh,
                       float *hidden);
  void (*lstm_backward)(size_t rows, size_t size, const float *gates, const float *cell_before, const float *cell_tanh,
                        const float *dh, float *dc, float *dsums);
  void (*gru_forward)(size_t rows, size_t size, float *from_input, const float *from_hidden, const float *hidden_before,
                      float *hidden);
  void (*gru_backward)(size_t rows, size_t size, const float *activations, const float *from_hidden,
                       const float *hidden_before, float *dh, float *dinput, float *dhidden);
};

extern const struct sinew_kernels sinew_kernels_base;
#if defined(__x86_64__)
extern const struct sinew_kernels sinew_kernels_avx2;
extern const struct sinew_kernels sinew_kernels_avx512;
#endif
