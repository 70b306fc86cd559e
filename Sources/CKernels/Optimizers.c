#include "CKernelsOptimizers.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISPATCHED
#endif

// Not-a-number passes, so that checks find it.
static inline float scaled(float g, ck_gradient_scale s) {
  const float v = g * s.scale;
  return v > s.limit ? s.limit : v < -s.limit ? -s.limit : v;
}

DISPATCHED void ck_step_sgd(const float *w, const float *dw, float *v, float *result,
                            ck_gradient_scale scale, float rate, float momentum, float decay,
                            int32_t nesterov, int64_t count) {
  if (momentum == 0) {
    for (int64_t i = 0; i < count; ++i) {
      result[i] = w[i] - rate * (scaled(dw[i], scale) + decay * w[i]);
    }
    return;
  }
  const float now = nesterov ? 1.0f : 0.0f, later = nesterov ? momentum : 1.0f;
  for (int64_t i = 0; i < count; ++i) {
    const float g = scaled(dw[i], scale) + decay * w[i];
    const float speed = momentum * v[i] + g;
    v[i] = speed;
    result[i] = w[i] - rate * (now * g + later * speed);
  }
}

DISPATCHED void ck_step_adam(const float *w, const float *dw, float *m, float *v, float *result,
                             ck_gradient_scale scale, float rate, float beta1, float beta2,
                             float epsilon, float correction, float decay, float shrink,
                             int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = scaled(dw[i], scale) + decay * w[i];
    const float first = beta1 * m[i] + (1 - beta1) * g;
    const float second = beta2 * v[i] + (1 - beta2) * g * g;
    m[i] = first;
    v[i] = second;
    result[i] = w[i] * shrink - rate * (first / (sqrtf(second) * correction + epsilon));
  }
}

DISPATCHED void ck_step_rmsprop(const float *w, const float *dw, float *v, float *b, float *result,
                                ck_gradient_scale scale, float rate, float smoothing,
                                float epsilon, float momentum, float decay, int64_t count) {
  if (momentum == 0) {
    for (int64_t i = 0; i < count; ++i) {
      const float g = scaled(dw[i], scale) + decay * w[i];
      const float square = smoothing * v[i] + (1 - smoothing) * g * g;
      v[i] = square;
      result[i] = w[i] - rate * (g / (sqrtf(square) + epsilon));
    }
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    const float g = scaled(dw[i], scale) + decay * w[i];
    const float square = smoothing * v[i] + (1 - smoothing) * g * g;
    const float speed = momentum * b[i] + g / (sqrtf(square) + epsilon);
    v[i] = square;
    b[i] = speed;
    result[i] = w[i] - rate * speed;
  }
}

DISPATCHED void ck_step_lion(const float *w, const float *dw, float *m, float *result,
                             ck_gradient_scale scale, float rate, float beta1, float beta2,
                             float shrink, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const float g = scaled(dw[i], scale);
    const float mixed = beta1 * m[i] + (1 - beta1) * g;
    const float sign = mixed > 0 ? 1.0f : mixed < 0 ? -1.0f : mixed;
    m[i] = beta2 * m[i] + (1 - beta2) * g;
    result[i] = w[i] * shrink - rate * sign;
  }
}

DISPATCHED void ck_average(const float *w, float *average, float decay, int64_t count) {
  for (int64_t i = 0; i < count; ++i) average[i] = decay * average[i] + (1 - decay) * w[i];
}

DISPATCHED double ck_sum_squares(const float *x, int64_t count) {
  enum { LANES = 16 };
  double total[LANES] = {0};
  const int64_t rows = count / LANES;
  for (int64_t s = 0; s < rows; ++s) {
    for (int64_t l = 0; l < LANES; ++l) {
      // The squares of huge gradients overflow single precision.
      const double v = x[s * LANES + l];
      total[l] += v * v;
    }
  }
  double sum = 0;
  for (int64_t i = rows * LANES; i < count; ++i) sum += (double)x[i] * x[i];
  for (int64_t l = 0; l < LANES; ++l) sum += total[l];
  return sum;
}

DISPATCHED int32_t ck_all_finite(const float *x, int64_t count) {
  // Blocks keep the loop free of branches, and stop soon after a bad value.
  enum { BLOCK = 4096 };
  for (int64_t start = 0; start < count; start += BLOCK) {
    const int64_t end = start + BLOCK < count ? start + BLOCK : count;
    uint32_t bad = 0;
    for (int64_t i = start; i < end; ++i) {
      uint32_t bits;
      memcpy(&bits, &x[i], sizeof bits);
      bad |= (bits & 0x7F800000u) == 0x7F800000u ? 1u : 0u;
    }
    if (bad) return 0;
  }
  return 1;
}

DISPATCHED void ck_widen_half(const uint16_t *x, float *y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t sign = (uint32_t)(x[i] & 0x8000u) << 16;
    const uint32_t body = x[i] & 0x7FFFu;
    // Subnormals are multiples of 2^-24; others need the exponent's offset, 127 - 15.
    const float small = (float)body * 0x1p-24f;
    uint32_t bits;
    memcpy(&bits, &small, sizeof bits);
    bits = body >= 0x400u ? (body << 13) + ((127u - 15u) << 23) : bits;
    bits = body >= 0x7C00u ? 0x7F800000u | (body & 0x3FFu) << 13 : bits;
    bits |= sign;
    memcpy(&y[i], &bits, sizeof bits);
  }
}

DISPATCHED void ck_narrow_half(const float *x, uint16_t *y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    uint32_t bits;
    memcpy(&bits, &x[i], sizeof bits);
    const uint32_t sign = bits >> 16 & 0x8000u;
    const uint32_t body = bits & 0x7FFFFFFFu;
    // Adding 1/2 moves a small number's last bit to that of multiples of 2^-24, rounded to even.
    float magnitude;
    memcpy(&magnitude, &body, sizeof body);
    const float shifted = magnitude + 0.5f;
    uint32_t low;
    memcpy(&low, &shifted, sizeof low);
    low -= 0x3F000000u;
    const uint32_t even = body >> 13 & 1u;
    const uint32_t normal = (body - ((127u - 15u) << 23) + 0xFFFu + even) >> 13;
    uint32_t half = body < 0x38800000u ? low : normal;
    half = body >= 0x477FF000u ? 0x7C00u : half;
    half = body > 0x7F800000u ? 0x7E00u : half;
    y[i] = (uint16_t)(half | sign);
  }
}
