#pragma once
// Structural similarity with square windows, by running sums.
#include <stdint.h>

/// What a window is compared by.
typedef struct {
  int64_t width, height, depth;
  /// Voxels of the window along x and y, odd, and along z: `window`, or 1 for slices of their own.
  int64_t window, window_depth;
  /// The stabilising constants (0.01 L)^2 and (0.03 L)^2.
  double c1, c2;
} ck_similarity;

/// Doubles of scratch memory for ck_similarity_block of at most `rows` rows.
int64_t ck_similarity_scratch(const ck_similarity *s, int64_t rows);

/// The sum of the similarities of all windows that lie wholly within the volume, whose lowest
/// corner has its row in [first_row, last_row) and its slice in [first_slice, last_slice).
/// Variances are those of samples (n - 1).
double ck_similarity_block(const float *a, const float *b, const ck_similarity *s,
                           int64_t first_row, int64_t last_row, int64_t first_slice,
                           int64_t last_slice, double *scratch);
