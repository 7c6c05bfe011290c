// The interpreter's rows: plain loops with the C library's accuracy. The kernels in impl/kernels.inc are the fast path.
#include "kernels.h"
#include <math.h>

static inline float softplus(float x) {
  // log(1 + e^x) without overflow; both branches are false for NaN, and the sum keeps it.
  return (x > 0 ? x : (x <= 0 ? 0.0f : x)) + log1pf(expf(-fabsf(x)));
}

static inline float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

static inline float sign(float x) { return x > 0 ? 1.0f : (x < 0 ? -1.0f : x); }

#define EACH(expression)                                                                                              \
  for (size_t i = 0; i < count; ++i) {                                                                                \
    float v = x[i];                                                                                                   \
    y[i] = (expression);                                                                                              \
  }                                                                                                                   \
  break;

void sinew_row_function(uint8_t function, float p, float q, const float *x, float *y, size_t count) {
  switch (function) {
  case SINEW_IDENTITY: EACH(v)
  case SINEW_RELU: EACH(0.0f > v ? 0.0f : v)
  case SINEW_TANH: EACH(tanhf(v))
  case SINEW_SIGMOID: EACH(sigmoid(v))
  case SINEW_ELU: EACH(v > 0 ? v : p * expm1f(v))
  case SINEW_SILU: EACH(v / (1.0f + expf(-v)))
  case SINEW_LEAKY_RELU: EACH(v > 0 ? v : p * v)
  case SINEW_EXP: EACH(expf(v))
  case SINEW_CLIP: EACH(q < v ? q : (p > v ? p : v))
  case SINEW_NEGATE: EACH(-v)
  case SINEW_ABS: EACH(fabsf(v))
  case SINEW_LOG: EACH(logf(v))
  case SINEW_SQRT: EACH(sqrtf(v))
  case SINEW_SOFTPLUS: EACH(softplus(v))
  case SINEW_SOFTSIGN: EACH(v / (1.0f + fabsf(v)))
  case SINEW_ERF: EACH(erff(v))
  case SINEW_GELU: EACH(0.5f * v * (1.0f + erff(v * 0.70710678f)))
  case SINEW_GELU_TANH: EACH(0.5f * v * (1.0f + tanhf(0.79788456f * (v + 0.044715f * v * v * v))))
  case SINEW_FLOOR: EACH(floorf(v))
  case SINEW_CEIL: EACH(ceilf(v))
  case SINEW_ROUND: EACH(nearbyintf(v))
  case SINEW_RECIPROCAL: EACH(1.0f / v)
  case SINEW_NOT: EACH(v == 0 ? 1.0f : (v != v ? v : 0.0f))
  case SINEW_SIGN: EACH(sign(v))
  case SINEW_SIN: EACH(sinf(v))
  case SINEW_COS: EACH(cosf(v))
  case SINEW_SELU: EACH(v > 0 ? q * v : q * p * expm1f(v))
  case SINEW_HARD_SIGMOID: {
    for (size_t i = 0; i < count; ++i) {
      float v = p * x[i] + q;
      y[i] = 1.0f < v ? 1.0f : (0.0f > v ? 0.0f : v);
    }
    break;
  }
  default: __builtin_trap();
  }
}

#define PAIR(expression)                                                                                              \
  for (size_t i = 0; i < count; ++i) {                                                                                \
    float u = a[(ptrdiff_t)i * a_stride], v = b[(ptrdiff_t)i * b_stride];                                             \
    y[i] = (expression);                                                                                              \
  }                                                                                                                   \
  break;

void sinew_row_binary(uint8_t operation, const float *a, ptrdiff_t a_stride, const float *b, ptrdiff_t b_stride,
                      float *y, size_t count) {
  switch (operation) {
  case SINEW_ADD: PAIR(u + v)
  case SINEW_SUBTRACT: PAIR(u - v)
  case SINEW_MULTIPLY: PAIR(u * v)
  case SINEW_DIVIDE: PAIR(u / v)
  case SINEW_POWER: PAIR(powf(u, v))
  case SINEW_MINIMUM: PAIR(u < v || u != u ? u : v)
  case SINEW_MAXIMUM: PAIR(u > v || u != u ? u : v)
  case SINEW_GREATER: PAIR(u > v ? 1.0f : 0.0f)
  case SINEW_LESS: PAIR(u < v ? 1.0f : 0.0f)
  case SINEW_EQUAL: PAIR(u == v ? 1.0f : 0.0f)
  case SINEW_GREATER_OR_EQUAL: PAIR(u >= v ? 1.0f : 0.0f)
  case SINEW_LESS_OR_EQUAL: PAIR(u <= v ? 1.0f : 0.0f)
  case SINEW_AND: PAIR(u != 0 && v != 0 ? 1.0f : 0.0f)
  case SINEW_OR: PAIR(u != 0 || v != 0 ? 1.0f : 0.0f)
  default: __builtin_trap();
  }
}

void sinew_row_select(const float *condition, ptrdiff_t c_stride, const float *a, ptrdiff_t a_stride, const float *b,
                      ptrdiff_t b_stride, float *y, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    ptrdiff_t n = (ptrdiff_t)i;
    y[i] = condition[n * c_stride] != 0 ? a[n * a_stride] : b[n * b_stride];
  }
}

void sinew_row_copy(const float *x, ptrdiff_t x_stride, float *y, ptrdiff_t y_stride, size_t count) {
  if (x_stride == 1 && y_stride == 1) {
    __builtin_memcpy(y, x, count * sizeof(float));
    return;
  }
  for (size_t i = 0; i < count; ++i) y[(ptrdiff_t)i * y_stride] = x[(ptrdiff_t)i * x_stride];
}

double sinew_reduce_start(uint8_t reduction) {
  return reduction == SINEW_MAX ? -INFINITY : reduction == SINEW_MIN ? INFINITY : 0;
}

double sinew_row_reduce(uint8_t reduction, double accumulator, const float *x, ptrdiff_t stride, size_t count) {
  double s = accumulator;
  for (size_t i = 0; i < count; ++i) {
    double v = x[(ptrdiff_t)i * stride];
    switch (reduction) {
    case SINEW_MAX: s = (v > s || v != v) ? v : s; break;
    case SINEW_MIN: s = (v < s || v != v) ? v : s; break;
    default: s += v;
    }
  }
  return s;
}

float sinew_reduce_finish(uint8_t reduction, double accumulator, size_t count) {
  return (float)(reduction == SINEW_MEAN ? accumulator / (double)count : accumulator);
}

void sinew_row_softmax(const float *x, float *y, ptrdiff_t stride, size_t count) {
  double largest = sinew_row_reduce(SINEW_MAX, -INFINITY, x, stride, count);
  double sum = 0;
  for (size_t i = 0; i < count; ++i) {
    float e = expf((float)(x[(ptrdiff_t)i * stride] - largest));
    y[(ptrdiff_t)i * stride] = e;
    sum += e;
  }
  for (size_t i = 0; i < count; ++i) y[(ptrdiff_t)i * stride] = (float)(y[(ptrdiff_t)i * stride] / sum);
}

void sinew_row_layer_normalization(const float *x, const float *scale, const float *bias, float epsilon, float *y,
                                   size_t count) {
  double sum = 0, squares = 0;
  for (size_t i = 0; i < count; ++i) sum += x[i];
  double mean = sum / (double)count;
  for (size_t i = 0; i < count; ++i) squares += (x[i] - mean) * (x[i] - mean);
  double inverse = 1 / sqrt(squares / (double)count + epsilon);
  for (size_t i = 0; i < count; ++i) {
    double normal = (x[i] - mean) * inverse;
    y[i] = (float)(normal * (scale ? scale[i] : 1.0f) + (bias ? bias[i] : 0.0f));
  }
}

void sinew_row_matmul(const float *a, const float *b, float *y, size_t m, size_t k, size_t n) {
  for (size_t i = 0; i < m; ++i) {
    float *row = y + i * n;
    for (size_t j = 0; j < n; ++j) row[j] = 0;
    for (size_t l = 0; l < k; ++l) {
      float factor = a[i * k + l];
      for (size_t j = 0; j < n; ++j) row[j] += factor * b[l * n + j];
    }
  }
}
