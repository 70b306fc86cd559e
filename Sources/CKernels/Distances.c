#include "CKernelsDistances.h"

#include <math.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISPATCHED
#endif
#define INLINE static inline __attribute__((always_inline))

enum {
  // Lines that are turned together: two cache lines of each place, whatever the stride.
  WIDTH = 32,
  // Floats between turned lines beyond their length, so that they do not share cache sets.
  GAP = 16,
};

// Places of [from, to) lie at from - origin and onwards from a target.
INLINE void rise(float *restrict squared, int64_t from, int64_t to, int64_t origin, double square) {
  for (int64_t i = from; i < to; ++i) {
    const double step = (double)(i - origin);
    squared[i] = (float)(square * step * step);
  }
}

DISPATCHED
void ck_distance_rows(const uint8_t *targets, float *squared, int64_t length, int64_t rows,
                      double spacing) {
  const double square = spacing * spacing;
  for (int64_t row = 0; row < rows; ++row, targets += length, squared += length) {
    int64_t previous = -1;
    for (int64_t place = 0; place < length;) {
      // Targets are bytes of any value but 0; runs of them are walked one by one.
      int64_t next = place;
      while (next + 8 <= length) {
        uint64_t eight;
        memcpy(&eight, targets + next, 8);
        if (eight != 0) break;
        next += 8;
      }
      while (next < length && targets[next] == 0) ++next;
      if (next == length) break;
      if (previous < 0) {
        rise(squared, 0, next, next, square);
      } else {
        const int64_t middle = (previous + next + 1) / 2;
        rise(squared, previous + 1, middle, previous, square);
        rise(squared, middle > previous ? middle : previous + 1, next, next, square);
      }
      squared[next] = 0;
      previous = next;
      place = next + 1;
    }
    if (previous < 0) {
      for (int64_t i = 0; i < length; ++i) squared[i] = INFINITY;
    } else {
      rise(squared, previous + 1, length, previous, square);
    }
  }
}

int64_t ck_distance_scratch(int64_t length) {
  // Turned lines and results (floats), values, bounds, reciprocals (doubles), vertices (integers).
  const int64_t turned = (length + GAP) * WIDTH;
  return turned / 2 + 1 + length * 2 + 2 + length + 1 + (length + 1) / 2 + 1;
}

typedef struct {
  double *heights;   // f(q) / s^2 + q^2
  double *bounds;    // where the parabola of a vertex begins to be the lowest
  double *halves;    // 1 / (2 k)
  int32_t *vertices;
} envelope;

// The lower envelope of parabolas (Felzenszwalb and Huttenlocher 2012, "Distance transforms of
// sampled functions", algorithm 1); places of infinite f carry none.
INLINE void transform(float *restrict line, int64_t length, double square, int32_t root,
                      const envelope *e) {
  double *heights = e->heights;
  double *bounds = e->bounds;
  const double *halves = e->halves;
  int32_t *vertices = e->vertices;
  const double inverse = 1 / square;
  int64_t last = -1;
  for (int64_t q = 0; q < length; ++q) {
    if (isinf(line[q])) continue;
    const double height = (double)line[q] * inverse + (double)(q * q);
    double crossing = -INFINITY;
    while (last >= 0) {
      const int32_t p = vertices[last];
      crossing = (height - heights[last]) * halves[q - p];
      if (crossing > bounds[last]) break;
      --last;
    }
    ++last;
    vertices[last] = (int32_t)q;
    heights[last] = height;
    bounds[last] = last == 0 ? -INFINITY : crossing;
  }
  if (last < 0) return;
  int64_t place = 0;
  for (int64_t k = 0; k <= last && place < length; ++k) {
    // The parabola of vertex k holds up to the bound of the next.
    int64_t end = length;
    if (k < last && bounds[k + 1] < (double)length) {
      end = bounds[k + 1] < 0 ? 0 : (int64_t)bounds[k + 1] + 1;
    }
    if (end > length) end = length;
    if (end <= place) continue;
    const int32_t q = vertices[k];
    const double base = heights[k] - (double)q * (double)q;
    const double value = base * square;
    for (int64_t p = place; p < end; ++p) {
      const double step = (double)(int32_t)((int32_t)p - q);
      line[p] = (float)(value + square * step * step);
    }
    place = end;
  }
  if (root) {
    for (int64_t p = 0; p < length; ++p) line[p] = sqrtf(line[p]);
  }
}

DISPATCHED
void ck_distance_columns(float *field, int64_t length, int64_t stride, int64_t columns,
                         double spacing, int32_t root, double *scratch) {
  const int64_t pitch = length + GAP;
  float *turned = (float *)scratch;
  double *doubles = scratch + pitch * WIDTH / 2 + 1;
  envelope e;
  e.heights = doubles;
  e.bounds = e.heights + length;
  e.halves = e.bounds + length + 2;
  e.vertices = (int32_t *)(e.halves + length + 1);
  for (int64_t k = 1; k <= length; ++k) e.halves[k] = 0.5 / (double)k;
  e.halves[0] = 0;
  const double square = spacing * spacing;
  for (int64_t first = 0; first < columns; first += WIDTH) {
    const int64_t width = columns - first < WIDTH ? columns - first : WIDTH;
    float *corner = field + first;
    for (int64_t p = 0; p < length; ++p) {
      for (int64_t c = 0; c < width; ++c) turned[c * pitch + p] = corner[p * stride + c];
    }
    for (int64_t c = 0; c < width; ++c) transform(turned + c * pitch, length, square, root, &e);
    for (int64_t p = 0; p < length; ++p) {
      for (int64_t c = 0; c < width; ++c) corner[p * stride + c] = turned[c * pitch + p];
    }
  }
}

int64_t ck_distance_gather(const uint8_t *marks, const float *squared, int64_t count,
                           double *roots) {
  int64_t found = 0;
  int64_t place = 0;
  while (place < count) {
    if (place + 8 <= count) {
      uint64_t eight;
      memcpy(&eight, marks + place, 8);
      if (eight == 0) {
        place += 8;
        continue;
      }
    }
    const int64_t end = place + 8 < count ? place + 8 : count;
    for (; place < end; ++place) {
      if (marks[place] != 0) roots[found++] = sqrt((double)squared[place]);
    }
  }
  return found;
}
