#include <math.h>
#include <string.h>

#include "CKernels.h"

#if defined(__x86_64__) && defined(__linux__)
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISPATCHED
#endif

// Products and sums are rounded one by one, as the program whose results are reproduced does.
#pragma STDC FP_CONTRACT OFF

typedef _Float16 half;

DISPATCHED void ck_window_add(uint16_t *sum, const float *x, const uint16_t *weight,
                              int64_t count) {
  half *s = (half *)sum;
  const half *w = (const half *)weight;
  for (int64_t i = 0; i < count; ++i) {
    const float product = x[i] * (float)w[i];
    s[i] = (half)((float)s[i] + product);
  }
}

DISPATCHED void ck_window_add_weight(uint16_t *sum, const uint16_t *weight, int64_t count) {
  half *s = (half *)sum;
  const half *w = (const half *)weight;
  for (int64_t i = 0; i < count; ++i) s[i] = (half)((float)s[i] + (float)w[i]);
}

DISPATCHED int32_t ck_window_divide(uint16_t *sum, const uint16_t *total, int64_t count) {
  half *s = (half *)sum;
  const half *t = (const half *)total;
  int32_t bad = 0;
  for (int64_t i = 0; i < count; ++i) {
    const half quotient = (half)((float)s[i] / (float)t[i]);
    s[i] = quotient;
    uint16_t bits;
    memcpy(&bits, &quotient, sizeof bits);
    bad |= (bits & 0x7c00) == 0x7c00;
  }
  return !bad;
}

DISPATCHED void ck_half_add(uint16_t *sum, const uint16_t *other, int64_t count) {
  half *s = (half *)sum;
  const half *o = (const half *)other;
  for (int64_t i = 0; i < count; ++i) s[i] = (half)((float)s[i] + (float)o[i]);
}

DISPATCHED void ck_half_divide(uint16_t *sum, float divisor, int64_t count) {
  half *s = (half *)sum;
  for (int64_t i = 0; i < count; ++i) s[i] = (half)((float)s[i] / divisor);
}

DISPATCHED void ck_half_widen(const uint16_t *x, float *y, int64_t count) {
  const half *h = (const half *)x;
  for (int64_t i = 0; i < count; ++i) y[i] = (float)h[i];
}

// Cells and outputs whose sums stay in registers.
enum { CELLS = 64, OUTPUTS = 4 };
typedef float lanes __attribute__((ext_vector_type(16), aligned(4)));

DISPATCHED void ck_head_row(const float *x, int64_t stride, const float *weights,
                            const float *bias, int64_t features, int64_t outputs, int64_t count,
                            float *y) {
  for (int64_t start = 0; start < count; start += CELLS) {
    const int64_t cells = count - start < CELLS ? count - start : CELLS;
    for (int64_t first = 0; first < outputs; first += OUTPUTS) {
      const int64_t used = outputs - first < OUTPUTS ? outputs - first : OUTPUTS;
      if (used == OUTPUTS && cells == CELLS) {
        lanes sum[OUTPUTS][CELLS / 16];
#pragma clang loop unroll(full)
        for (int k = 0; k < OUTPUTS; ++k) {
#pragma clang loop unroll(full)
          for (int l = 0; l < CELLS / 16; ++l) sum[k][l] = (lanes)bias[first + k];
        }
        for (int64_t f = 0; f < features; ++f) {
          const lanes *row = (const lanes *)(x + f * stride + start);
#pragma clang loop unroll(full)
          for (int k = 0; k < OUTPUTS; ++k) {
            const lanes weight = (lanes)weights[(first + k) * features + f];
#pragma clang loop unroll(full)
            for (int l = 0; l < CELLS / 16; ++l) {
              sum[k][l] = __builtin_elementwise_fma(weight, row[l], sum[k][l]);
            }
          }
        }
#pragma clang loop unroll(full)
        for (int k = 0; k < OUTPUTS; ++k) {
          lanes *row = (lanes *)(y + (first + k) * count + start);
#pragma clang loop unroll(full)
          for (int l = 0; l < CELLS / 16; ++l) row[l] = sum[k][l];
        }
        continue;
      }
      for (int64_t k = first; k < first + used; ++k) {
        float *row = y + k * count + start;
        for (int64_t i = 0; i < cells; ++i) row[i] = bias[k];
        for (int64_t f = 0; f < features; ++f) {
          const float weight = weights[k * features + f];
          const float *source = x + f * stride + start;
          // As in the registers above: one rounding for a product and its sum.
          for (int64_t i = 0; i < cells; ++i) row[i] = fmaf(weight, source[i], row[i]);
        }
      }
    }
  }
}

DISPATCHED void ck_add_row(float *sum, const float *x, int64_t count, int32_t backwards) {
  if (backwards) {
    for (int64_t i = 0; i < count; ++i) sum[i] += x[count - 1 - i];
  } else {
    for (int64_t i = 0; i < count; ++i) sum[i] += x[i];
  }
}

DISPATCHED void ck_copy_row(float *to, const float *from, int64_t count, int32_t backwards) {
  if (!backwards) {
    memcpy(to, from, (size_t)count * sizeof(float));
    return;
  }
  for (int64_t i = 0; i < count; ++i) to[i] = from[count - 1 - i];
}

// Double to half with one rounding: to single precision towards zero with the last bit set where
// anything was cut off ("round to odd"), which leaves the second rounding all it needs to know.
static inline __attribute__((always_inline)) float rounded_to_half(double value) {
  float single = (float)value;
  uint32_t bits;
  memcpy(&bits, &single, sizeof bits);
  const double back = (double)single;
  bits -= (uint32_t)(fabs(back) > fabs(value));
  bits |= (uint32_t)(back != value);
  memcpy(&single, &bits, sizeof bits);
  return (float)(half)single;
}

DISPATCHED void ck_score_row_values(const ck_score_row *row, double *scratch, float *y) {
  const int64_t input = row->input, output = row->output;
  for (int64_t r = 0; r < row->row_count; ++r) {
    const half *source = (const half *)row->rows[r];
    const double weight = row->weights[r];
    if (r == 0) {
      for (int64_t i = 0; i < input; ++i) scratch[i] = weight * (double)(float)source[i];
    } else {
      for (int64_t i = 0; i < input; ++i) scratch[i] += weight * (double)(float)source[i];
    }
  }
  if (row->low == NULL) {
    for (int64_t o = 0; o < output; ++o) y[o] = rounded_to_half(scratch[o]);
    return;
  }
  const int32_t *low = row->low, *high = row->high;
  const double *share = row->share;
  for (int64_t o = 0; o < output; ++o) {
    const double a = scratch[low[o]], b = scratch[high[o]];
    y[o] = rounded_to_half(a * (1 - share[o]) + b * share[o]);
  }
}

DISPATCHED void ck_score_keep_largest(const float *y, float *best, uint16_t *label, uint16_t given,
                                      int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const int larger = y[i] > best[i];
    best[i] = larger ? y[i] : best[i];
    label[i] = larger ? given : label[i];
  }
}

// 1 / (1 + exp(-y)) in single precision is above 1/2 once exp(-y) is at least two units in the last
// place below 1.
DISPATCHED void ck_score_paint(const float *y, uint16_t *label, uint16_t given, int64_t count) {
  const float least = 0x1p-23f;
  for (int64_t i = 0; i < count; ++i) label[i] = y[i] > least ? given : label[i];
}
