#include <math.h>
#include <string.h>

#include "CKernels.h"

#if defined(__x86_64__) && defined(__linux__)
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISPATCHED
#endif
#define INLINE static inline __attribute__((always_inline))

// Where one coordinate lies along its axis of n cells.
typedef struct {
  // The two cells beside it, and how much each counts; a cell outside is moved in and counts 0.
  int64_t cell[2];
  float weight[2];
  // The derivatives of the weights by the coordinate.
  float slope[2];
} axis_position;

INLINE axis_position position_along(float coordinate, int64_t n, const ck_grid *s) {
  const float size = (float)n;
  // Not-a-number becomes the far left, as any place would do.
  float v = coordinate == coordinate ? coordinate : -1;
  float rate;
  if (s->aligns_corners) {
    rate = (size - 1) / 2;
    v = (v + 1) / 2 * (size - 1);
  } else {
    rate = size / 2;
    v = ((v + 1) * size - 1) / 2;
  }
  if (s->repeats_border) {
    if (v <= 0 || v >= size - 1) rate = 0;
    v = v < 0 ? 0 : v > size - 1 ? size - 1 : v;
  }
  // Far outside nothing changes, and whole numbers stay in range.
  v = v < -2 ? -2 : v > size + 1 ? size + 1 : v;
  axis_position p;
  const float low = s->nearest ? nearbyintf(v) : floorf(v);
  const float part = s->nearest ? 0 : v - low;
  const int64_t cell = (int64_t)low;
  for (int side = 0; side < 2; ++side) {
    const int64_t place = cell + side;
    const int inside = place >= 0 && place < n;
    p.cell[side] = inside ? place : 0;
    p.weight[side] = inside ? (side ? part : 1 - part) : 0;
    p.slope[side] = inside && !s->nearest ? (side ? rate : -rate) : 0;
  }
  return p;
}

// The axes in the order depth, height, width; images have one cell of depth.
INLINE void positions_of(const float *coordinates, const ck_grid *s, axis_position p[3]) {
  if (s->axes == 2) {
    const axis_position whole = {{0, 0}, {1, 0}, {0, 0}};
    p[0] = whole;
  } else {
    p[0] = position_along(coordinates[2], s->input[0], s);
  }
  p[1] = position_along(coordinates[1], s->input[1], s);
  p[2] = position_along(coordinates[0], s->input[2], s);
}

INLINE int64_t cell_of(const axis_position p[3], const ck_grid *s, int corner) {
  return (p[0].cell[corner >> 2] * s->input[1] + p[1].cell[corner >> 1 & 1]) * s->input[2] +
         p[2].cell[corner & 1];
}

INLINE float weight_of(const axis_position p[3], int corner) {
  return p[0].weight[corner >> 2] * p[1].weight[corner >> 1 & 1] * p[2].weight[corner & 1];
}

// Whether the corner lies in the image, so that it counts or would count next to here.
INLINE int reaches(const axis_position p[3], int corner) {
  int reached = 1;
  for (int k = 0; k < 3; ++k) {
    const int side = corner >> (2 - k) & 1;
    reached &= p[k].weight[side] != 0 || p[k].slope[side] != 0;
  }
  return reached;
}

INLINE int64_t volume(const int64_t size[3]) { return size[0] * size[1] * size[2]; }

DISPATCHED void ck_grid_sample(const float *x, const float *grid, float *y, const ck_grid *s,
                               int64_t first, int64_t last) {
  const int64_t space = volume(s->input), lanes = s->lanes;
  for (int64_t item = first; item < last; ++item) {
    const int64_t sample = item / s->points, point = item % s->points;
    axis_position p[3];
    positions_of(grid + item * s->axes, s, p);
    int64_t cells[8];
    float weights[8];
    int used = 0;
    for (int corner = 0; corner < 8; ++corner) {
      weights[used] = weight_of(p, corner);
      cells[used] = cell_of(p, s, corner);
      used += weights[used] != 0;
    }
    for (int64_t o = sample * s->outer; o < (sample + 1) * s->outer; ++o) {
      float *target = y + (o * s->points + point) * lanes;
      for (int64_t l = 0; l < lanes; ++l) target[l] = 0;
      for (int k = 0; k < used; ++k) {
        const float *source = x + (o * space + cells[k]) * lanes;
        for (int64_t l = 0; l < lanes; ++l) target[l] += weights[k] * source[l];
      }
    }
  }
}

DISPATCHED void ck_grid_sample_input_gradient(const float *dy, const float *grid, float *dx,
                                              const ck_grid *s, int64_t first, int64_t last) {
  const int64_t space = volume(s->input), lanes = s->lanes;
  for (int64_t o = first; o < last; ++o) {
    float *target = dx + o * space * lanes;
    memset(target, 0, sizeof(float) * (size_t)(space * lanes));
    const float *coordinates = grid + o / s->outer * s->points * s->axes;
    for (int64_t point = 0; point < s->points; ++point) {
      axis_position p[3];
      positions_of(coordinates + point * s->axes, s, p);
      const float *gradient = dy + (o * s->points + point) * lanes;
      for (int corner = 0; corner < 8; ++corner) {
        const float weight = weight_of(p, corner);
        if (weight == 0) continue;
        float *place = target + cell_of(p, s, corner) * lanes;
        for (int64_t l = 0; l < lanes; ++l) place[l] += weight * gradient[l];
      }
    }
  }
}

DISPATCHED void ck_grid_sample_grid_gradient(const float *x, const float *grid, const float *dy,
                                             float *dgrid, const ck_grid *s, int64_t first,
                                             int64_t last) {
  const int64_t space = volume(s->input), lanes = s->lanes;
  for (int64_t item = first; item < last; ++item) {
    const int64_t sample = item / s->points, point = item % s->points;
    axis_position p[3];
    positions_of(grid + item * s->axes, s, p);
    // The derivative by each corner's weight, summed over channels.
    double by_weight[8] = {0};
    for (int corner = 0; corner < (s->nearest ? 0 : 8); ++corner) {
      const int64_t cell = cell_of(p, s, corner);
      if (!reaches(p, corner)) continue;
      float sums[16] = {0};
      for (int64_t o = sample * s->outer; o < (sample + 1) * s->outer; ++o) {
        const float *source = x + (o * space + cell) * lanes;
        const float *gradient = dy + (o * s->points + point) * lanes;
        for (int64_t l = 0; l < lanes; ++l) sums[l] += source[l] * gradient[l];
      }
      for (int l = 0; l < 16; ++l) by_weight[corner] += sums[l];
    }
    for (int64_t axis = 0; axis < s->axes; ++axis) {
      double total = 0;
      for (int corner = 0; corner < 8; ++corner) {
        double factor = by_weight[corner];
        for (int k = 0; k < 3; ++k) {
          const int side = corner >> (2 - k) & 1;
          factor *= k == 2 - axis ? p[k].slope[side] : p[k].weight[side];
        }
        total += factor;
      }
      dgrid[item * s->axes + axis] = (float)total;
    }
  }
}
