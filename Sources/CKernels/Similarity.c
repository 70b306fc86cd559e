#include "CKernelsSimilarity.h"

#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISPATCHED
#endif
#define INLINE static inline __attribute__((always_inline))

enum {
  // Sums of a, b, a a, b b and a b.
  SUMS = 5,
  // Doubles that the sums along x read beyond a row.
  SPARE = 16,
  // Partial sums of the result, so that the compiler may keep them in one register.
  LANES = 8,
};

int64_t ck_similarity_scratch(const ck_similarity *s, int64_t rows) {
  // Sums along z of each row, running sums along y, one row of window sums, and a result row.
  return SUMS * (s->width + SPARE) * (rows + s->window - 1 + 2) + s->width + SPARE;
}

// Adds the sums of one row of voxels, or takes them off.
INLINE void add_row(const float *restrict a, const float *restrict b, int64_t width, int64_t pitch,
                    double sign, double *restrict sums) {
  for (int64_t x = 0; x < width; ++x) {
    const double u = a[x], v = b[x];
    sums[x] += sign * u;
    sums[pitch + x] += sign * v;
    sums[2 * pitch + x] += sign * (u * u);
    sums[3 * pitch + x] += sign * (v * v);
    sums[4 * pitch + x] += sign * (u * v);
  }
}

INLINE void add_sums(const double *restrict from, int64_t count, double sign, double *restrict to) {
  for (int64_t i = 0; i < count; ++i) to[i] += sign * from[i];
}

// Window sums along x of one row.
INLINE void slide(const double *restrict row, int64_t count, int64_t window, double *restrict out) {
  if (window == 7) {
    for (int64_t x = 0; x < count; ++x) {
      out[x] = ((row[x] + row[x + 1]) + (row[x + 2] + row[x + 3])) +
               ((row[x + 4] + row[x + 5]) + row[x + 6]);
    }
    return;
  }
  for (int64_t x = 0; x < count; ++x) {
    double sum = 0;
    for (int64_t i = 0; i < window; ++i) sum += row[x + i];
    out[x] = sum;
  }
}

DISPATCHED
double ck_similarity_block(const float *a, const float *b, const ck_similarity *s,
                           int64_t first_row, int64_t last_row, int64_t first_slice,
                           int64_t last_slice, double *scratch) {
  const int64_t width = s->width;
  const int64_t plane = width * s->height;
  const int64_t pitch = width + SPARE;
  const int64_t rows = last_row - first_row + s->window - 1;
  const int64_t columns = width - s->window + 1;
  const double count = (double)(s->window * s->window * s->window_depth);
  const double share = 1 / count;
  const double correction = count / (count - 1);
  double *slices = scratch;                        // [rows][SUMS][pitch]
  double *running = slices + rows * SUMS * pitch;  // [SUMS][pitch]
  double *sums = running + SUMS * pitch;           // [SUMS][pitch]
  double *results = sums + SUMS * pitch;
  memset(slices, 0, (size_t)(rows * SUMS * pitch) * sizeof(double));
  double total[LANES] = {0};
  for (int64_t z = first_slice; z < last_slice; ++z) {
    const int64_t entering = z == first_slice ? z : z + s->window_depth - 1;
    for (int64_t y = 0; y < rows; ++y) {
      double *row = slices + y * SUMS * pitch;
      const int64_t offset = (first_row + y) * width;
      for (int64_t d = entering; d < z + s->window_depth; ++d) {
        add_row(a + d * plane + offset, b + d * plane + offset, width, pitch, 1, row);
      }
      if (z > first_slice) {
        add_row(a + (z - 1) * plane + offset, b + (z - 1) * plane + offset, width, pitch, -1, row);
      }
    }
    memset(running, 0, (size_t)(SUMS * pitch) * sizeof(double));
    for (int64_t y = 0; y < s->window - 1; ++y) {
      add_sums(slices + y * SUMS * pitch, SUMS * pitch, 1, running);
    }
    for (int64_t y = 0; y < last_row - first_row; ++y) {
      add_sums(slices + (y + s->window - 1) * SUMS * pitch, SUMS * pitch, 1, running);
      for (int k = 0; k < SUMS; ++k) {
        slide(running + k * pitch, columns, s->window, sums + k * pitch);
      }
      for (int64_t x = 0; x < columns; ++x) {
        const double u = sums[x] * share, v = sums[pitch + x] * share;
        const double uu = correction * (sums[2 * pitch + x] * share - u * u);
        const double vv = correction * (sums[3 * pitch + x] * share - v * v);
        const double uv = correction * (sums[4 * pitch + x] * share - u * v);
        results[x] = ((2 * u * v + s->c1) * (2 * uv + s->c2)) /
                     ((u * u + v * v + s->c1) * (uu + vv + s->c2));
      }
      for (int64_t x = 0; x + LANES <= columns; x += LANES) {
        for (int l = 0; l < LANES; ++l) total[l] += results[x + l];
      }
      for (int64_t x = columns / LANES * LANES; x < columns; ++x) total[0] += results[x];
      add_sums(slices + y * SUMS * pitch, SUMS * pitch, -1, running);
    }
  }
  double sum = 0;
  for (int l = 0; l < LANES; ++l) sum += total[l];
  return sum;
}
