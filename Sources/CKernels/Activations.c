#include <math.h>
#include <string.h>

#include "CKernels.h"

#if defined(__x86_64__) && defined(__linux__)
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISPATCHED
#endif
// Inlined into each clone, so that it is compiled for that clone's processor.
#define INLINE static inline __attribute__((always_inline))

INLINE uint32_t bits_of(float v) {
  uint32_t bits;
  memcpy(&bits, &v, sizeof bits);
  return bits;
}

INLINE float float_of(uint32_t bits) {
  float v;
  memcpy(&v, &bits, sizeof v);
  return v;
}

// 2^n for -126 <= n <= 127.
INLINE float power_of_two(int32_t n) { return float_of((uint32_t)(n + 127) << 23); }

// e^(hi + lo) = 2^n (1 + fraction), |ln(1 + fraction)| <= ln 2 / 2.
typedef struct {
  float fraction;
  int32_t exponent;
} reduced;

// `lo` is a small correction. The polynomial is the minimax fit of (e^r - 1 - r) / r^2.
INLINE reduced reduce(float hi, float lo) {
  // Adding 1.5 * 2^23 rounds to a whole number and leaves it in the low bits.
  const float round = 12582912.0f;
  const float t = hi * 0x1.715476p+0f + round;
  const float n = t - round;
  // ln 2 in two parts; the first has nine bits, so that its product with n is exact.
  const float r = ((hi - n * 0.693359375f) - n * -0x1.bd0106p-13f) + lo;
  float q = 0x1.a1a00cp-13f;
  q = q * r + 0x1.6d7628p-10f;
  q = q * r + 0x1.11109p-7f;
  q = q * r + 0x1.5554acp-5f;
  q = q * r + 0x1.555556p-3f;
  q = q * r + 0.5f;
  const reduced result = {r + r * r * q, (int32_t)(bits_of(t) - bits_of(round))};
  return result;
}

// e^(hi + lo) for any hi; the scale goes in two steps, as 2^-149 is no normal number.
INLINE float exp_sum(float hi, float lo) {
  hi = hi < -104.0f ? -104.0f : hi;
  hi = hi > 89.0f ? 89.0f : hi;
  const reduced e = reduce(hi, lo);
  const int32_t half = e.exponent >> 1;
  return (1 + e.fraction) * power_of_two(half) * power_of_two(e.exponent - half);
}

INLINE float exp_of(float x) { return exp_sum(x, 0); }

// e^x - 1 for x <= 0, without cancellation near 0.
INLINE float expm1_negative(float x) {
  x = x < -40.0f ? -40.0f : x;
  const reduced e = reduce(x, 0);
  const float scale = power_of_two(e.exponent);
  return scale * e.fraction + (scale - 1);
}

// log(1 + u) for 0 <= u <= 1, as 2 artanh(s), s = u / (2 + u); minimax fit of
// (artanh(s) / s - 1) / s^2 in z = s^2.
INLINE float log1p_unit(float u) {
  const float s = u / (2 + u);
  const float z = s * s;
  float q = 0x1.be34f4p-4f;
  q = q * z + 0x1.5f3922p-4f;
  q = q * z + 0x1.c8bae8p-4f;
  q = q * z + 0x1.248a6p-3f;
  q = q * z + 0x1.9999bcp-3f;
  q = q * z + 0x1.555556p-2f;
  return 2 * (s + s * (z * q));
}

// e^(a^2) erfc(a) for a >= 0. Times 1 + 2a it is smooth in w = 2a / (a + 1.5), and 1 at 0; minimax
// fit of the rest, over w.
INLINE float erfcx_of(float a) {
  a = a > 10.6f ? 10.6f : a;
  const float w = 2 * a / (a + 1.5f);
  float q = -0x1.502faep-13f;
  q = q * w + 0x1.67b43ap-10f;
  q = q * w + -0x1.2ac456p-8f;
  q = q * w + 0x1.083c4ap-7f;
  q = q * w + -0x1.4fac4ep-7f;
  q = q * w + 0x1.e4f082p-8f;
  q = q * w + 0x1.f0e26cp-9f;
  q = q * w + 0x1.8e0c3p-6f;
  q = q * w + -0x1.1b1418p-6f;
  q = q * w + -0x1.852ceap-2f;
  q = q * w + 0x1.4eb3c2p-1f;
  return (1 + w * q) / (1 + 2 * a);
}

// e^(-x^2 / 2): the square is split, since the rounding error of a large one would be felt.
INLINE float bell(float x) {
  x = x > 15.0f ? 15.0f : x < -15.0f ? -15.0f : x;
  const float high = float_of(bits_of(x) & 0xFFFFF000u);
  return exp_sum(-0.5f * (high * high), -0.5f * ((x - high) * (x + high)));
}

// The normal distribution function from e^(-x^2 / 2).
INLINE float normal_below(float x, float bell_x) {
  const float tail = 0.5f * bell_x * erfcx_of(fabsf(x) * 0x1.6a09e6p-1f);
  return x > 0 ? 1 - tail : tail;
}

INLINE float sigmoid(float x) {
  const float e = exp_of(-fabsf(x));
  return (x > 0 ? 1 : e) / (1 + e);
}

// sigmoid(x) (1 - sigmoid(x)).
INLINE float sigmoid_slope(float x) {
  const float e = exp_of(-fabsf(x));
  return e / ((1 + e) * (1 + e));
}

INLINE float tanh_of(float x) {
  const float e = expm1_negative(-2 * fabsf(x));
  return copysignf(e / (2 + e), x);
}

INLINE float softplus(float x) { return (x > 0 ? x : 0) + log1p_unit(exp_of(-fabsf(x))); }

// Twice the argument of the tanh in the approximate GELU, and that argument's derivative times two:
// 2 sqrt(2 / pi) (x + 0.044715 x^3).
INLINE float gelu_argument(float x) {
  return 0x1.988454p+0f * x * (1 + 0.044715f * (x * x));
}
INLINE float gelu_argument_slope(float x) {
  return 0x1.988454p+0f * (1 + 0.134145f * (x * x));
}

INLINE float gelu_tanh_slope(float x) {
  const float u = gelu_argument(x);
  // Far out the square of x outgrows the vanishing slope of the sigmoid; stop before infinity.
  const float near = x > 20.0f ? 20.0f : x < -20.0f ? -20.0f : x;
  return sigmoid(u) + near * sigmoid_slope(u) * gelu_argument_slope(near);
}

INLINE float gelu_slope(float x) {
  const float b = bell(x);
  const float near = x > 40.0f ? 40.0f : x < -40.0f ? -40.0f : x;
  return normal_below(x, b) + near * b * 0x1.988454p-2f;
}

INLINE float silu_slope(float x) {
  const float near = x > 120.0f ? 120.0f : x < -120.0f ? -120.0f : x;
  return sigmoid(x) + near * sigmoid_slope(x);
}

INLINE float hard_gate(float x) {
  const float v = x + 3;
  return (v < 0 ? 0 : v > 6 ? 6 : v) / 6;
}

INLINE float hard_swish_slope(float x) { return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + 0.5f; }

#define FOR_EACH(EXPRESSION)             \
  for (int64_t i = 0; i < count; ++i) {  \
    const float v = x[i];                \
    y[i] = (EXPRESSION);                 \
  }                                      \
  break

DISPATCHED void ck_activation(int32_t kind, const float *x, float *y, float parameter,
                              int64_t count) {
  const float a = parameter;
  switch (kind) {
    case CK_SIGMOID: FOR_EACH(sigmoid(v));
    case CK_TANH: FOR_EACH(tanh_of(v));
    case CK_SOFTPLUS: FOR_EACH(softplus(a * v) / a);
    case CK_ELU: FOR_EACH(v > 0 ? v : a * expm1_negative(v > 0 ? 0 : v));
    case CK_GELU: FOR_EACH(v * normal_below(v, bell(v)));
    case CK_GELU_TANH: FOR_EACH(v * sigmoid(gelu_argument(v)));
    case CK_SILU: FOR_EACH(v * sigmoid(v));
    case CK_HARD_SWISH: FOR_EACH(v * hard_gate(v));
    default: break;
  }
}

#undef FOR_EACH
#define FOR_EACH(EXPRESSION)             \
  for (int64_t i = 0; i < count; ++i) {  \
    const float v = x[i];                \
    dx[i] = dy[i] * (EXPRESSION);        \
  }                                      \
  break

DISPATCHED void ck_activation_gradient(int32_t kind, const float *x, const float *dy, float *dx,
                                       float parameter, int64_t count) {
  const float a = parameter;
  switch (kind) {
    case CK_SIGMOID: FOR_EACH(sigmoid_slope(v));
    case CK_TANH: FOR_EACH(4 * sigmoid_slope(2 * v));
    case CK_SOFTPLUS: FOR_EACH(sigmoid(a * v));
    case CK_ELU: FOR_EACH(v > 0 ? 1 : a * exp_of(v));
    case CK_GELU: FOR_EACH(gelu_slope(v));
    case CK_GELU_TANH: FOR_EACH(gelu_tanh_slope(v));
    case CK_SILU: FOR_EACH(silu_slope(v));
    case CK_HARD_SWISH: FOR_EACH(hard_swish_slope(v));
    default: break;
  }
}

#undef FOR_EACH

DISPATCHED void ck_prelu(const float *x, const float *gate, float *y, const float *slope,
                         int64_t spatial, int64_t lanes, int64_t first, int64_t last) {
  for (int64_t o = first; o < last; ++o) {
    const int64_t at = o * spatial * lanes;
    const float *a = slope + o * lanes;
    if (lanes == 1) {
      const float factor = a[0];
      for (int64_t i = at; i < at + spatial; ++i) y[i] = gate[i] > 0 ? x[i] : factor * x[i];
    } else {
      for (int64_t s = 0; s < spatial; ++s) {
        for (int64_t l = 0; l < lanes; ++l) {
          const int64_t i = at + s * lanes + l;
          y[i] = gate[i] > 0 ? x[i] : a[l] * x[i];
        }
      }
    }
  }
}

enum { FOLD = 128, WIDTH = 16 };

DISPATCHED void ck_prelu_slope_sums(const float *x, const float *dy, double *sum, int64_t spatial,
                                    int64_t lanes, int64_t first, int64_t last) {
  const int64_t count = spatial * lanes, rows = count / WIDTH;
  for (int64_t o = first; o < last; ++o) {
    const float *value = x + o * count, *gradient = dy + o * count;
    // Lanes divide the width (1, 8 or 16), so that a lane's terms meet in its own columns.
    double total[WIDTH] = {0};
    for (int64_t start = 0; start < rows; start += FOLD) {
      const int64_t end = start + FOLD < rows ? start + FOLD : rows;
      float partial[WIDTH] = {0};
      for (int64_t i = start * WIDTH; i < end * WIDTH; i += WIDTH) {
        for (int l = 0; l < WIDTH; ++l) {
          partial[l] += value[i + l] > 0 ? 0 : value[i + l] * gradient[i + l];
        }
      }
      for (int l = 0; l < WIDTH; ++l) total[l] += partial[l];
    }
    for (int64_t i = rows * WIDTH; i < count; ++i) {
      total[i % WIDTH] += value[i] > 0 ? 0 : value[i] * gradient[i];
    }
    for (int64_t l = 0; l < lanes; ++l) {
      double lane = 0;
      for (int64_t k = l; k < WIDTH; k += lanes) lane += total[k];
      sum[o * lanes + l] = lane;
    }
  }
}

// Columns handled side by side when the axis is not the last one.
enum { TILE = 64 };

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// One contiguous row. Sixteen partial results make the loops vectorise.
INLINE void softmax_row(const float *x, float *y, int64_t size, int32_t logarithm) {
  const int64_t whole = size - size % WIDTH;
  float peaks[WIDTH], sums[WIDTH] = {0};
  for (int l = 0; l < WIDTH; ++l) peaks[l] = x[smaller(l, size - 1)];
  for (int64_t i = 0; i < whole; i += WIDTH) {
    for (int l = 0; l < WIDTH; ++l) peaks[l] = x[i + l] > peaks[l] ? x[i + l] : peaks[l];
  }
  float peak = peaks[0];
  for (int l = 1; l < WIDTH; ++l) peak = peaks[l] > peak ? peaks[l] : peak;
  for (int64_t i = whole; i < size; ++i) peak = x[i] > peak ? x[i] : peak;
  for (int64_t i = 0; i < whole; i += WIDTH) {
    for (int l = 0; l < WIDTH; ++l) {
      const float e = exp_of(x[i + l] - peak);
      y[i + l] = e;
      sums[l] += e;
    }
  }
  for (int64_t i = whole; i < size; ++i) {
    y[i] = exp_of(x[i] - peak);
    sums[i - whole] += y[i];
  }
  float sum = 0;
  for (int l = 0; l < WIDTH; ++l) sum += sums[l];
  if (logarithm) {
    const float shift = logf(sum);
    for (int64_t i = 0; i < size; ++i) y[i] = (x[i] - peak) - shift;
  } else {
    const float scale = 1 / sum;
    for (int64_t i = 0; i < size; ++i) y[i] *= scale;
  }
}

// Some neighbouring places of the axes after the softmax's.
INLINE void softmax_columns(const float *source, float *target, int64_t size, int64_t inner,
                            int64_t count, int32_t logarithm) {
  for (int64_t start = 0; start < count; start += TILE) {
    const int64_t width = smaller(TILE, count - start);
    float peak[TILE], sum[TILE];
    for (int64_t l = 0; l < width; ++l) {
      peak[l] = source[start + l];
      sum[l] = 0;
    }
    for (int64_t k = 1; k < size; ++k) {
      const float *row = source + k * inner + start;
      for (int64_t l = 0; l < width; ++l) peak[l] = row[l] > peak[l] ? row[l] : peak[l];
    }
    for (int64_t k = 0; k < size; ++k) {
      const float *row = source + k * inner + start;
      float *result = target + k * inner + start;
      for (int64_t l = 0; l < width; ++l) {
        const float e = exp_of(row[l] - peak[l]);
        result[l] = e;
        sum[l] += e;
      }
    }
    for (int64_t l = 0; l < width; ++l) sum[l] = logarithm ? logf(sum[l]) : 1 / sum[l];
    for (int64_t k = 0; k < size; ++k) {
      const float *row = source + k * inner + start;
      float *result = target + k * inner + start;
      if (logarithm) {
        for (int64_t l = 0; l < width; ++l) result[l] = (row[l] - peak[l]) - sum[l];
      } else {
        for (int64_t l = 0; l < width; ++l) result[l] *= sum[l];
      }
    }
  }
}

DISPATCHED void ck_softmax(const float *x, float *y, int64_t size, int64_t inner,
                           int32_t logarithm, int64_t first, int64_t last) {
  for (int64_t o = first; o < last; ++o) {
    const float *source = x + o * size * inner;
    float *target = y + o * size * inner;
    if (inner == 1) {
      softmax_row(source, target, size, logarithm);
    } else {
      softmax_columns(source, target, size, inner, inner, logarithm);
    }
  }
}

DISPATCHED void ck_softmax_columns(const float *x, float *y, int64_t size, int64_t inner,
                                   int64_t count) {
  softmax_columns(x, y, size, inner, count, 0);
}

INLINE void softmax_gradient_row(const float *y, const float *dy, float *dx, int64_t size,
                                 int32_t logarithm) {
  const int64_t whole = size - size % WIDTH;
  float sums[WIDTH] = {0};
  for (int64_t i = 0; i < whole; i += WIDTH) {
    for (int l = 0; l < WIDTH; ++l) sums[l] += dy[i + l] * (logarithm ? 1 : y[i + l]);
  }
  for (int64_t i = whole; i < size; ++i) sums[i - whole] += dy[i] * (logarithm ? 1 : y[i]);
  float sum = 0;
  for (int l = 0; l < WIDTH; ++l) sum += sums[l];
  if (logarithm) {
    for (int64_t i = 0; i < size; ++i) dx[i] = dy[i] - exp_of(y[i]) * sum;
  } else {
    for (int64_t i = 0; i < size; ++i) dx[i] = y[i] * (dy[i] - sum);
  }
}

DISPATCHED void ck_softmax_gradient(const float *y, const float *dy, float *dx, int64_t size,
                                    int64_t inner, int32_t logarithm, int64_t first,
                                    int64_t last) {
  for (int64_t o = first; o < last; ++o) {
    const int64_t at = o * size * inner;
    if (inner == 1) {
      softmax_gradient_row(y + at, dy + at, dx + at, size, logarithm);
      continue;
    }
    for (int64_t start = 0; start < inner; start += TILE) {
      const int64_t width = smaller(TILE, inner - start);
      float sum[TILE] = {0};
      for (int64_t k = 0; k < size; ++k) {
        const int64_t row = at + k * inner + start;
        for (int64_t l = 0; l < width; ++l) {
          sum[l] += dy[row + l] * (logarithm ? 1 : y[row + l]);
        }
      }
      for (int64_t k = 0; k < size; ++k) {
        const int64_t row = at + k * inner + start;
        if (logarithm) {
          for (int64_t l = 0; l < width; ++l) {
            dx[row + l] = dy[row + l] - exp_of(y[row + l]) * sum[l];
          }
        } else {
          for (int64_t l = 0; l < width; ++l) dx[row + l] = y[row + l] * (dy[row + l] - sum[l]);
        }
      }
    }
  }
}
