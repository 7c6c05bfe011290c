// The arithmetic of networks: scalar rows for the interpreter and vector kernels per instruction set.
// Everything marked SINEW_RT was reviewed: it neither locks nor allocates, so a Swift function marked @_noLocks may
// call it.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define SINEW_RT __attribute__((swift_attr("@_noLocks")))

// MARK: Functions of one number

/// Element-wise functions; p and q are their parameters. NaN gives NaN in every one.
/// Those below SINEW_FIRST_SCALAR also exist as vector kernels, fused into the dense layer.
enum sinew_function {
  SINEW_IDENTITY = 0,
  SINEW_RELU,
  SINEW_TANH,
  SINEW_SIGMOID,
  SINEW_ELU,         // p: alpha
  SINEW_SILU,
  SINEW_LEAKY_RELU,  // p: slope
  SINEW_EXP,
  SINEW_CLIP,        // p: low, q: high
  SINEW_FIRST_SCALAR = 16,
  SINEW_NEGATE = 16,
  SINEW_ABS,
  SINEW_LOG,
  SINEW_SQRT,
  SINEW_SOFTPLUS,
  SINEW_SOFTSIGN,
  SINEW_ERF,
  SINEW_GELU,        // exact
  SINEW_GELU_TANH,   // tanh approximation
  SINEW_FLOOR,
  SINEW_CEIL,
  SINEW_ROUND,       // half to even
  SINEW_RECIPROCAL,
  SINEW_NOT,         // 1 where x is 0, else 0; NaN gives NaN
  SINEW_SIGN,
  SINEW_SIN,
  SINEW_COS,
  SINEW_SELU,        // p: alpha, q: gamma
  SINEW_HARD_SIGMOID // p: alpha, q: beta
};

/// y[i] = function(x[i]); x and y are the same or do not overlap. The C library's accuracy.
SINEW_RT void sinew_row_function(uint8_t function, float p, float q, const float *x, float *y, size_t count);

// MARK: Rows of the interpreter

enum sinew_binary {
  SINEW_ADD = 0,
  SINEW_SUBTRACT,
  SINEW_MULTIPLY,
  SINEW_DIVIDE,
  SINEW_POWER,
  SINEW_MINIMUM,  // NaN when either side is NaN
  SINEW_MAXIMUM,  // NaN when either side is NaN
  SINEW_GREATER,  // comparisons give 1 or 0
  SINEW_LESS,
  SINEW_EQUAL,
  SINEW_GREATER_OR_EQUAL,
  SINEW_LESS_OR_EQUAL,
  SINEW_AND,      // of "not zero"
  SINEW_OR
};

/// y[i] = a[i * a_stride] op b[i * b_stride].
SINEW_RT void sinew_row_binary(uint8_t operation, const float *a, ptrdiff_t a_stride, const float *b,
                               ptrdiff_t b_stride, float *y, size_t count);
/// y[i] = condition[i * c_stride] != 0 ? a[i * a_stride] : b[i * b_stride].
SINEW_RT void sinew_row_select(const float *condition, ptrdiff_t c_stride, const float *a, ptrdiff_t a_stride,
                               const float *b, ptrdiff_t b_stride, float *y, size_t count);
/// y[i * y_stride] = x[i * x_stride].
SINEW_RT void sinew_row_copy(const float *x, ptrdiff_t x_stride, float *y, ptrdiff_t y_stride, size_t count);

enum sinew_reduction { SINEW_SUM = 0, SINEW_MEAN, SINEW_MAX, SINEW_MIN };
/// The accumulator before the first element, one more row, and the result after the last.
SINEW_RT double sinew_reduce_start(uint8_t reduction);
SINEW_RT double sinew_row_reduce(uint8_t reduction, double accumulator, const float *x, ptrdiff_t stride, size_t count);
SINEW_RT float sinew_reduce_finish(uint8_t reduction, double accumulator, size_t count);

/// Softmax over `count` elements `stride` apart, the largest subtracted first.
SINEW_RT void sinew_row_softmax(const float *x, float *y, ptrdiff_t stride, size_t count);
/// y = (x - mean) / sqrt(variance + epsilon) * scale + bias; scale and bias may be null.
SINEW_RT void sinew_row_layer_normalization(const float *x, const float *scale, const float *bias, float epsilon,
                                            float *y, size_t count);
/// y[m][n] = a[m][k] · b[k][n], row-major, in float.
SINEW_RT void sinew_row_matmul(const float *a, const float *b, float *y, size_t m, size_t k, size_t n);
