// The arithmetic of networks: scalar rows for the interpreter and vector kernels per instruction set (those of training:
// training.h).
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

// MARK: Vector kernels

/// The kernels of one instruction set.
typedef struct sinew_kernels sinew_kernels;

enum { SINEW_ISA_BASELINE = 0, SINEW_ISA_AVX2, SINEW_ISA_AVX512 };
/// The table of a set, null when this processor or architecture lacks it.
const sinew_kernels *sinew_kernels_for(int set);
/// The set that programs built from now on use, -1 for the best; atomic, for start-up and tests.
void sinew_isa_force(int set);
int sinew_isa_forced(void);

/// y = function(W·x + start), rounded up to whole vectors.
///
/// `weights` is packed: blocks of 64 outputs as [inputs][64], then blocks of 16 as [inputs][16], outputs rounded up to
/// 16. `start` (the bias, or a sum so far; may be y) and y hold the rounded number of floats, x exactly `inputs`.
/// Functions: those below SINEW_FIRST_SCALAR. `streamed` is 1 for a network whose weights outgrow the nearest caches:
/// they are then requested ahead; a request beyond their end has no effect.
SINEW_RT void sinew_dense(const sinew_kernels *kernels, const float *weights, const float *start, const float *x,
                          float *y, size_t inputs, size_t outputs, int streamed, uint8_t function, float p, float q);
/// y[i] = function(x[i]) over whole vectors: both buffers hold `count` rounded up to 16. They may be the same.
SINEW_RT void sinew_function_vector(const sinew_kernels *kernels, uint8_t function, float p, float q, const float *x,
                                    float *y, size_t count);

// Recurrent layers: `size` is a multiple of 16 and every gate holds `size` floats, one after the other.

/// y = sigmoid(r) * h; gates z, r.
SINEW_RT void sinew_gru_reset(const sinew_kernels *kernels, const float *gates, const float *hidden, float *y,
                              size_t size);
/// y = (1 - sigmoid(z)) * tanh(candidate) + sigmoid(z) * h; gates z, r.
SINEW_RT void sinew_gru_before(const sinew_kernels *kernels, const float *gates, const float *candidate,
                               const float *hidden, float *y, size_t size);
/// The same with candidate = input part + sigmoid(r) * hidden part; gates z, r, h in both.
SINEW_RT void sinew_gru_after(const sinew_kernels *kernels, const float *from_input, const float *from_hidden,
                              const float *hidden, float *y, size_t size);
/// y = sigmoid(f) * c + sigmoid(i) * tanh(g); gates i, o, f, g.
SINEW_RT void sinew_lstm_cell(const sinew_kernels *kernels, const float *gates, const float *cell, float *y,
                              size_t size);
/// y = sigmoid(o) * tanh(c).
SINEW_RT void sinew_lstm_hidden(const sinew_kernels *kernels, const float *gates, const float *cell, float *y,
                                size_t size);
