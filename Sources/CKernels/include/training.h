// The arithmetic of training: matrix products over rows, derivatives of activations and recurrent cells, optimisers.
// Everything marked SINEW_RT was reviewed: it neither locks nor allocates.
//
// "Padded" is rounded up to 16 floats. Rows of matrices that a kernel writes are padded, so that whole vectors are
// stored; what stands in the padding of a weight, a bias or a gradient of them is 0 and stays 0.
#pragma once
#include "kernels.h"

/// C = function(A·B + start).
///
/// A[i][l] stands at a[i * a_row + l * a_column], B[l][j] at b[l * b_row + j * b_column], so a transposed matrix is one
/// with its strides exchanged. Where b_column is 1, rows of B are readable up to n padded; otherwise only n columns are.
/// Rows of C are c_row floats apart and written up to n padded.
typedef struct {
  size_t m, n, k;
  const float *a;
  ptrdiff_t a_row, a_column;
  const float *b;
  ptrdiff_t b_row, b_column;
  float *c;
  size_t c_row;
  /// n padded floats that every row starts from; null: from 0, or from C itself when `accumulates` is 1.
  const float *bias;
  int accumulates;
  /// Below SINEW_FIRST_SCALAR; applied to the finished sum.
  uint8_t function;
  float p, q;
} sinew_product;

SINEW_RT void sinew_matrix_product(const sinew_kernels *kernels, const sinew_product *product);

/// dz[i] = dy[i] · function'(z[i]) over `count` padded floats. The derivative is taken from the output y, except for
/// SINEW_SILU, where `value` is the input z. Functions: identity, ReLU, tanh, sigmoid, ELU, SiLU. dz may be dy.
SINEW_RT void sinew_function_gradient(const sinew_kernels *kernels, uint8_t function, float p, const float *value,
                                      const float *dy, float *dz, size_t count);
/// sums[j] (+)= Σ rows x[r][j]; `columns` padded; rows are `stride` floats apart.
SINEW_RT void sinew_column_sums(const sinew_kernels *kernels, const float *x, size_t rows, size_t columns,
                                size_t stride, float *sums, int accumulates);

// MARK: Flat vectors of `count` floats, a multiple of 16

/// Σ x[i]·y[i]; float products, summed in double from block to block.
SINEW_RT double sinew_vector_dot(const sinew_kernels *kernels, const float *x, const float *y, size_t count);
/// y += factor·x.
SINEW_RT void sinew_vector_add(const sinew_kernels *kernels, float factor, const float *x, float *y, size_t count);
/// y *= factor.
SINEW_RT void sinew_vector_scale(const sinew_kernels *kernels, float factor, float *y, size_t count);

/// One step of Adam (Kingma and Ba, arXiv:1412.6980): m = β₁m + (1−β₁)g, v = β₂v + (1−β₂)g²,
/// x −= rate·m / (√v·root + ε), with the bias corrections in `rate` (α/(1−β₁ᵗ)) and `root` (1/√(1−β₂ᵗ)).
typedef struct {
  float rate, root, beta1, beta2, epsilon;
  /// g is multiplied by this first: the clipped norm.
  float scale;
} sinew_adam;
SINEW_RT void sinew_adam_step(const sinew_kernels *kernels, const sinew_adam *step, const float *gradient, float *x,
                              float *m, float *v, size_t count);
/// One step of RMSprop (Tieleman and Hinton, 2012): v = decay·v + (1−decay)·g², x −= rate·g / (√v + ε).
SINEW_RT void sinew_rmsprop_step(const sinew_kernels *kernels, float rate, float decay, float epsilon, float scale,
                                 const float *gradient, float *x, float *v, size_t count);

/// Multiplies and adds `rounds` times 16 chains of 16 floats, and does nothing else: 512·rounds operations, the yardstick
/// for every other kernel.
SINEW_RT float sinew_multiply_add_probe(const sinew_kernels *kernels, size_t rounds);

// MARK: Recurrent cells, ONNX's order of gates; `size` padded, gates `size` floats apart, rows `gates`·`size`

/// Gates i, o, f, g: turns the sums in `gates` into activations, writes the new cell, its tanh, and the hidden state.
SINEW_RT void sinew_lstm_forward(const sinew_kernels *kernels, size_t rows, size_t size, float *gates,
                                 const float *cell_before, float *cell, float *cell_tanh, float *hidden);
/// From dh (of the hidden state) and dc (of the new cell; becomes that of the cell before) to the sums' gradient.
SINEW_RT void sinew_lstm_backward(const sinew_kernels *kernels, size_t rows, size_t size, const float *gates,
                                  const float *cell_before, const float *cell_tanh, const float *dh, float *dc,
                                  float *dsums);
/// Gates z, r, h with the reset gate behind the recurrent product: `from_input` becomes the activations z, r, n.
SINEW_RT void sinew_gru_forward(const sinew_kernels *kernels, size_t rows, size_t size, float *from_input,
                                const float *from_hidden, const float *hidden_before, float *hidden);
/// From dh (of the new hidden state; becomes the direct part of that of the one before) to the gradients of both sums.
SINEW_RT void sinew_gru_backward(const sinew_kernels *kernels, size_t rows, size_t size, const float *activations,
                                 const float *from_hidden, const float *hidden_before, float *dh, float *dinput,
                                 float *dhidden);
