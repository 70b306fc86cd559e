#pragma once
// Resampling of one axis by splines, many lines side by side. Everything is computed independently
// for each line, so that callers split lines between threads.
#include <stdint.h>

/// How the samples of one axis become others: output o is the sum over k < taps of
/// weights[o * taps + k] * c[first[o] + k]. With a margin, c are the coefficients of the cubic
/// B-spline through the samples, which are repeated `margin` times at both ends and mirrored beyond;
/// without, c are the samples.
typedef struct {
  int64_t input, output;
  int32_t taps, margin;
  const int32_t *first;
  const double *weights;
} ck_zoom_axis;

/// Doubles of scratch memory that both functions need.
int64_t ck_zoom_scratch(const ck_zoom_axis *axis);

/// Resamples `columns` lines that lie side by side: sample i of line c is x[i * x_stride + c], and
/// likewise y. Results are clamped to [low, high]. Sums are double precision.
void ck_zoom_columns(const float *x, int64_t x_stride, float *y, int64_t y_stride, int64_t columns,
                     const ck_zoom_axis *axis, float low, float high, double *scratch);

/// Resamples `rows` lines one after another: sample i of line r is x[r * input + i], and result o
/// is y[r * output + o]. Results are clamped to [low, high].
void ck_zoom_rows(const float *x, float *y, int64_t rows, const ck_zoom_axis *axis, float low,
                  float high, double *scratch);

/// The smallest and largest of `count` values, joined with those that are there; NaNs are passed over.
void ck_range(const float *x, int64_t count, float *low, float *high);
