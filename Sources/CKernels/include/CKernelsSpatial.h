#pragma once
// Loops that move values between grids, and normalisation of rows. Everything here is computed
// independently for each item of [first, last), so that callers split work between threads.
#include <stdint.h>

/// A sparse matrix for one axis, by rows: output cell i is the sum over
/// k in [starts[i], starts[i + 1]) of weights[k] * input cell sources[k]; `fill` without any k.
typedef struct {
  int64_t input, output;
  const int32_t *starts;
  const int32_t *sources;
  const float *weights;
  float fill;
} ck_axis_map;

/// Applies the matrix to the middle of [outer][input][inner]; an item is one outer and output cell,
/// outer * output + i.
void ck_apply_axis_map(const float *x, float *y, const ck_axis_map *map, int64_t inner,
                       int64_t first, int64_t last);

/// Windows of adaptive pooling: cell i of an axis covers [i n / m], ceil((i + 1) n / m) of n cells.
/// Axes are depth, height, width; unused leading axes are 1.
typedef struct {
  int64_t input[3], output[3];
} ck_adaptive;

/// Maxima over the windows of [outer][spatial][lanes], and the row-major cell of each; first wins.
void ck_adaptive_max(const float *x, float *y, int32_t *where, const ck_adaptive *shape,
                     int64_t lanes, int64_t first, int64_t last);
/// Sends dy to where the maximum was; dx is overwritten.
void ck_adaptive_max_gradient(const float *dy, const int32_t *where, float *dx,
                              const ck_adaptive *shape, int64_t lanes, int64_t first,
                              int64_t last);

/// Sampling of [samples][outer][spatial][lanes] at [samples][points][axes] positions, the first
/// coordinate along the last axis, -1 to 1. Axes are depth, height, width; depth is 1 for images.
typedef struct {
  int64_t input[3];
  int64_t axes, points, outer, lanes;
  int32_t aligns_corners, repeats_border, nearest;
} ck_grid;

/// y [samples][outer][points][lanes]; an item is a point, sample * points + p.
void ck_grid_sample(const float *x, const float *grid, float *y, const ck_grid *shape,
                    int64_t first, int64_t last);
/// The gradient of x, overwritten; an item is one sample and outer.
void ck_grid_sample_input_gradient(const float *dy, const float *grid, float *dx,
                                   const ck_grid *shape, int64_t first, int64_t last);
/// The gradient of the grid; an item is a point.
void ck_grid_sample_grid_gradient(const float *x, const float *grid, const float *dy,
                                  float *dgrid, const ck_grid *shape, int64_t first,
                                  int64_t last);

/// y = (x - mean[row]) * inverse[row] * scale + shift over rows of `size`; scale and shift [size].
void ck_rows_affine(const float *x, float *y, const float *mean, const float *inverse,
                    const float *scale, const float *shift, int64_t size, int64_t first,
                    int64_t last);
/// The gradient of ck_rows_affine for x when mean and inverse deviation are those of the row.
void ck_rows_affine_gradient(const float *x, const float *dy, float *dx, const float *mean,
                             const float *inverse, const float *scale, int64_t size,
                             int64_t first, int64_t last);
/// Its gradients for scale and shift: sums over all rows, for the columns [first, last).
void ck_rows_affine_sums(const float *x, const float *dy, float *scale_sum, float *shift_sum,
                         const float *mean, const float *inverse, int64_t size, int64_t rows,
                         int64_t first, int64_t last);
