#pragma once
// Sliding windows in half precision (IEEE 754 binary16), as nnU-Net adds them up: every sum and
// quotient is computed in single precision and rounded to half. Halves pass as their bits.
#include <stdint.h>

/// sum = half(sum + x * weight), the product rounded to single precision first.
void ck_window_add(uint16_t *sum, const float *x, const uint16_t *weight, int64_t count);
/// sum = half(sum + weight).
void ck_window_add_weight(uint16_t *sum, const uint16_t *weight, int64_t count);
/// sum = half(sum / total); returns whether every quotient is finite.
int32_t ck_window_divide(uint16_t *sum, const uint16_t *total, int64_t count);
/// sum = half(sum + other).
void ck_half_add(uint16_t *sum, const uint16_t *other, int64_t count);
/// sum = half(sum / divisor).
void ck_half_divide(uint16_t *sum, float divisor, int64_t count);
/// Widens to single precision.
void ck_half_widen(const uint16_t *x, float *y, int64_t count);

/// Scores of a row of cells: y[k][i] = bias[k] + sum over f of weights[k][f] * x[f * stride + i] for
/// `outputs` k and `count` i; y has rows of `count`.
void ck_head_row(const float *x, int64_t stride, const float *weights, const float *bias,
                 int64_t features, int64_t outputs, int64_t count, float *y);

/// sum += x, or the same with x read backwards.
void ck_add_row(float *sum, const float *x, int64_t count, int32_t backwards);
/// Copies a row, or turns it around.
void ck_copy_row(float *to, const float *from, int64_t count, int32_t backwards);

/// A row of scores between four rows of halves, and along it between two of its values each:
/// y[o] = half(b[low[o]] * (1 - share[o]) + b[high[o]] * share[o]), where
/// b[i] = sum over r of weights[r] * rows[r][i]. Sums are in double precision, and rounded once.
typedef struct {
  const uint16_t *rows[4];
  double weights[4];
  int64_t row_count;
  int64_t input, output;
  const int32_t *low, *high;
  const double *share;
} ck_score_row;

/// y [output] in single precision, holding halves. `scratch` has room for `input` values.
void ck_score_row_values(const ck_score_row *row, double *scratch, float *y);
/// Where y > best: best = y and label = given.
void ck_score_keep_largest(const float *y, float *best, uint16_t *label, uint16_t given,
                           int64_t count);
/// Where the logistic function of y, in single precision, is above one half: label = given.
void ck_score_paint(const float *y, uint16_t *label, uint16_t given, int64_t count);
