#pragma once
// Steps of optimisers over flat arrays, and checks of gradients.
//
// Every function works on single values alone (the sums over blocks excepted), so that callers may
// split the arrays between threads as they like.
#include <stdint.h>

/// What all steps do with a gradient first: g * scale, then cut to [-limit, limit].
typedef struct {
  float scale, limit;
} ck_gradient_scale;

/// v = momentum * v + g, g with decay * w added; w -= rate * (nesterov ? g + momentum * v : v).
/// momentum 0 leaves v alone, which may then be null.
void ck_step_sgd(const float *w, const float *dw, float *v, float *result, ck_gradient_scale scale,
                 float rate, float momentum, float decay, int32_t nesterov, int64_t count);
/// Adam: m and v are averages of g and g^2 (g with decay * w added);
/// w = w * shrink - rate * m / (sqrt(v) * correction + epsilon).
void ck_step_adam(const float *w, const float *dw, float *m, float *v, float *result,
                  ck_gradient_scale scale, float rate, float beta1, float beta2, float epsilon,
                  float correction, float decay, float shrink, int64_t count);
/// RMSprop: v is the average of g^2; w -= rate * b, b = momentum * b + g / (sqrt(v) + epsilon).
/// momentum 0 leaves b alone, which may then be null.
void ck_step_rmsprop(const float *w, const float *dw, float *v, float *b, float *result,
                     ck_gradient_scale scale, float rate, float smoothing, float epsilon,
                     float momentum, float decay, int64_t count);
/// Lion: w = w * shrink - rate * sign(beta1 * m + (1 - beta1) * g), m = beta2 * m + (1 - beta2) * g.
void ck_step_lion(const float *w, const float *dw, float *m, float *result,
                  ck_gradient_scale scale, float rate, float beta1, float beta2, float shrink,
                  int64_t count);
/// average = decay * average + (1 - decay) * w.
void ck_average(const float *w, float *average, float decay, int64_t count);

/// The sum of squares, in double precision.
double ck_sum_squares(const float *x, int64_t count);
/// 1 when no value is infinite or not a number.
int32_t ck_all_finite(const float *x, int64_t count);

/// IEEE 754 half precision to single precision.
void ck_widen_half(const uint16_t *x, float *y, int64_t count);
/// Single to the nearest half precision, ties to even; too large becomes infinite, NaN stays NaN.
void ck_narrow_half(const float *x, uint16_t *y, int64_t count);
