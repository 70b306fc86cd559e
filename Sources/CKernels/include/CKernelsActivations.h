#pragma once
// Activation functions and softmax, on polynomials of our own instead of the C library's scalar
// functions; exp, log1p and erfc inside them are good to about 2 units in the last place.
#include <stdint.h>

/// A function of one number. `parameter` below is α of ELU and β of softplus; others ignore it.
typedef enum {
  CK_SIGMOID = 0,
  CK_TANH = 1,
  CK_SOFTPLUS = 2,
  CK_ELU = 3,
  CK_GELU = 4,
  CK_GELU_TANH = 5,
  CK_SILU = 6,
  CK_HARD_SWISH = 7,
} ck_activation_kind;

/// y = f(x).
void ck_activation(int32_t kind, const float *x, float *y, float parameter, int64_t count);
/// dx = dy * f'(x).
void ck_activation_gradient(int32_t kind, const float *x, const float *dy, float *dx,
                            float parameter, int64_t count);

/// y = gate > 0 ? x : slope * x on [outer][spatial][lanes], slopes [outer][lanes].
void ck_prelu(const float *x, const float *gate, float *y, const float *slope, int64_t spatial,
              int64_t lanes, int64_t first, int64_t last);
/// sum[outer][lane] = sum over space of dy * x where x <= 0.
void ck_prelu_slope_sums(const float *x, const float *dy, double *sum, int64_t spatial,
                         int64_t lanes, int64_t first, int64_t last);

/// Softmax over the middle of [outer][size][inner], or its logarithm; outers [first, last).
void ck_softmax(const float *x, float *y, int64_t size, int64_t inner, int32_t logarithm,
                int64_t first, int64_t last);
/// Softmax over size values that lie inner apart, at x and count - 1 places after it.
void ck_softmax_columns(const float *x, float *y, int64_t size, int64_t inner, int64_t count);
/// The gradient of ck_softmax from its output y.
void ck_softmax_gradient(const float *y, const float *dy, float *dx, int64_t size, int64_t inner,
                         int32_t logarithm, int64_t first, int64_t last);
