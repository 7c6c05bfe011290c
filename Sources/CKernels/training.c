// The entry points of training.h.
#include "impl/table.h"

void sinew_matrix_product(const sinew_kernels *kernels, const sinew_product *product) {
  kernels->matrix_product(product);
}

void sinew_function_gradient(const sinew_kernels *kernels, uint8_t function, float p, const float *value,
                             const float *dy, float *dz, size_t count) {
  kernels->function_gradient(function, p, value, dy, dz, count);
}

void sinew_column_sums(const sinew_kernels *kernels, const float *x, size_t rows, size_t columns, size_t stride,
                       float *sums, int accumulates) {
  kernels->column_sums(x, rows, columns, stride, sums, accumulates);
}

double sinew_vector_dot(const sinew_kernels *kernels, const float *x, const float *y, size_t count) {
  return kernels->vector_dot(x, y, count);
}

void sinew_vector_add(const sinew_kernels *kernels, float factor, const float *x, float *y, size_t count) {
  kernels->vector_add(factor, x, y, count);
}

void sinew_vector_scale(const sinew_kernels *kernels, float factor, float *y, size_t count) {
  kernels->vector_scale(factor, y, count);
}

void sinew_adam_step(const sinew_kernels *kernels, const sinew_adam *step, const float *gradient, float *x, float *m,
                     float *v, size_t count) {
  kernels->adam_step(step, gradient, x, m, v, count);
}

void sinew_rmsprop_step(const sinew_kernels *kernels, float rate, float decay, float epsilon, float scale,
                        const float *gradient, float *x, float *v, size_t count) {
  kernels->rmsprop_step(rate, decay, epsilon, scale, gradient, x, v, count);
}

float sinew_multiply_add_probe(const sinew_kernels *kernels, size_t rounds) {
  return kernels->multiply_add_probe(rounds);
}

void sinew_lstm_forward(const sinew_kernels *kernels, size_t rows, size_t size, float *gates, const float *cell_before,
                        float *cell, float *cell_tanh, float *hidden) {
  kernels->lstm_forward(rows, size, gates, cell_before, cell, cell_tanh, hidden);
}

void sinew_lstm_backward(const sinew_kernels *kernels, size_t rows, size_t size, const float *gates,
                         const float *cell_before, const float *cell_tanh, const float *dh, float *dc, float *dsums) {
  kernels->lstm_backward(rows, size, gates, cell_before, cell_tanh, dh, dc, dsums);
}

void sinew_gru_forward(const sinew_kernels *kernels, size_t rows, size_t size, float *from_input,
                       const float *from_hidden, const float *hidden_before, float *hidden) {
  kernels->gru_forward(rows, size, from_input, from_hidden, hidden_before, hidden);
}

void sinew_gru_backward(const sinew_kernels *kernels, size_t rows, size_t size, const float *activations,
                        const float *from_hidden, const float *hidden_before, float *dh, float *dinput,
                        float *dhidden) {
  kernels->gru_backward(rows, size, activations, from_hidden, hidden_before, dh, dinput, dhidden);
}
