#include <math.h>
#include <string.h>

#include "CKernels.h"

#if defined(__x86_64__) && defined(__linux__)
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISPATCHED
#endif

// A stretch of a row that stays in the nearest cache while several input rows are added to it.
enum { STRETCH = 1024 };

static inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

DISPATCHED void ck_apply_axis_map(const float *x, float *y, const ck_axis_map *map, int64_t inner,
                                  int64_t first, int64_t last) {
  const int32_t *starts = map->starts, *sources = map->sources;
  const float *weights = map->weights;
  const int64_t input = map->input, output = map->output;
  const float *source = x + first / output * input * inner;
  // Counted along, since a division costs as much as all the taps of a cell.
  int64_t i = first % output - 1;
  for (int64_t item = first; item < last; ++item) {
    if (++i == output) {
      i = 0;
      source += input * inner;
    }
    const int32_t begin = starts[i], end = starts[i + 1];
    if (inner == 1) {
      float value = begin == end ? map->fill : weights[begin] * source[sources[begin]];
      for (int32_t k = begin + 1; k < end; ++k) value += weights[k] * source[sources[k]];
      y[item] = value;
      continue;
    }
    for (int64_t start = 0; start < inner; start += STRETCH) {
      const int64_t count = smaller(STRETCH, inner - start);
      float *target = y + item * inner + start;
      if (begin == end) {
        for (int64_t s = 0; s < count; ++s) target[s] = map->fill;
        continue;
      }
      const float *row = source + sources[begin] * inner + start;
      const float a = weights[begin];
      int32_t k = begin + 1;
      if (end - begin == 1) {
        for (int64_t s = 0; s < count; ++s) target[s] = a * row[s];
      } else {
        const float *next = source + sources[k] * inner + start;
        const float b = weights[k];
        ++k;
        for (int64_t s = 0; s < count; ++s) target[s] = a * row[s] + b * next[s];
      }
      for (; k + 1 < end; k += 2) {
        const float *one = source + sources[k] * inner + start;
        const float *two = source + sources[k + 1] * inner + start;
        const float c = weights[k], d = weights[k + 1];
        for (int64_t s = 0; s < count; ++s) target[s] = target[s] + c * one[s] + d * two[s];
      }
      if (k < end) {
        const float *one = source + sources[k] * inner + start;
        const float c = weights[k];
        for (int64_t s = 0; s < count; ++s) target[s] += c * one[s];
      }
    }
  }
}

static inline int64_t window_low(int64_t i, int64_t n, int64_t m) { return i * n / m; }
static inline int64_t window_high(int64_t i, int64_t n, int64_t m) {
  return ((i + 1) * n + m - 1) / m;
}

static inline int64_t volume(const int64_t size[3]) { return size[0] * size[1] * size[2]; }

// Maxima of one window for all lanes.
static inline __attribute__((always_inline)) void window_maximum(
    const float *source, float *best, int32_t *place, const int64_t *n, const int64_t low[3],
    const int64_t high[3], int64_t lanes) {
  const int64_t origin = (low[0] * n[1] + low[1]) * n[2] + low[2];
  if (lanes == 1) {
    float largest = -INFINITY;
    int64_t found = origin;
    for (int64_t z = low[0]; z < high[0]; ++z) {
      for (int64_t y = low[1]; y < high[1]; ++y) {
        const int64_t row = (z * n[1] + y) * n[2];
        for (int64_t cell = row + low[2]; cell < row + high[2]; ++cell) {
          if (source[cell] > largest || source[cell] != source[cell]) {
            largest = source[cell];
            found = cell;
          }
        }
      }
    }
    *best = largest;
    *place = (int32_t)found;
    return;
  }
  for (int64_t l = 0; l < lanes; ++l) {
    best[l] = -INFINITY;
    place[l] = (int32_t)origin;
  }
  for (int64_t z = low[0]; z < high[0]; ++z) {
    for (int64_t y = low[1]; y < high[1]; ++y) {
      for (int64_t x = low[2]; x < high[2]; ++x) {
        const int64_t cell = (z * n[1] + y) * n[2] + x;
        const float *value = source + cell * lanes;
        for (int64_t l = 0; l < lanes; ++l) {
          // Not-a-number wins over everything and, unlike a number, is never beaten.
          const int larger = value[l] > best[l] || value[l] != value[l];
          best[l] = larger ? value[l] : best[l];
          place[l] = larger ? (int32_t)cell : place[l];
        }
      }
    }
  }
}

DISPATCHED void ck_adaptive_max(const float *x, float *y, int32_t *where, const ck_adaptive *shape,
                                int64_t lanes, int64_t first, int64_t last) {
  const int64_t *n = shape->input, *m = shape->output;
  for (int64_t o = first; o < last; ++o) {
    const float *source = x + o * volume(n) * lanes;
    int64_t cell = o * volume(m) * lanes;
    for (int64_t oz = 0; oz < m[0]; ++oz) {
      for (int64_t oy = 0; oy < m[1]; ++oy) {
        for (int64_t ox = 0; ox < m[2]; ++ox, cell += lanes) {
          const int64_t low[3] = {window_low(oz, n[0], m[0]), window_low(oy, n[1], m[1]),
                                  window_low(ox, n[2], m[2])};
          const int64_t high[3] = {window_high(oz, n[0], m[0]), window_high(oy, n[1], m[1]),
                                   window_high(ox, n[2], m[2])};
          window_maximum(source, y + cell, where + cell, n, low, high, lanes);
        }
      }
    }
  }
}

void ck_adaptive_max_gradient(const float *dy, const int32_t *where, float *dx,
                              const ck_adaptive *shape, int64_t lanes, int64_t first,
                              int64_t last) {
  const int64_t cells = volume(shape->output), inside = volume(shape->input);
  for (int64_t o = first; o < last; ++o) {
    float *target = dx + o * inside * lanes;
    memset(target, 0, sizeof(float) * (size_t)(inside * lanes));
    for (int64_t cell = o * cells * lanes; cell < (o + 1) * cells * lanes; cell += lanes) {
      for (int64_t l = 0; l < lanes; ++l) {
        target[(int64_t)where[cell + l] * lanes + l] += dy[cell + l];
      }
    }
  }
}

DISPATCHED void ck_rows_affine(const float *x, float *y, const float *mean, const float *inverse,
                               const float *scale, const float *shift, int64_t size,
                               int64_t first, int64_t last) {
  for (int64_t row = first; row < last; ++row) {
    const float m = mean[row], r = inverse[row];
    for (int64_t i = 0; i < size; ++i) {
      y[row * size + i] = (x[row * size + i] - m) * r * scale[i] + shift[i];
    }
  }
}

enum { FOLD = 128, WIDTH = 16 };

DISPATCHED void ck_rows_affine_gradient(const float *x, const float *dy, float *dx,
                                        const float *mean, const float *inverse,
                                        const float *scale, int64_t size, int64_t first,
                                        int64_t last) {
  const int64_t whole = size / WIDTH;
  for (int64_t row = first; row < last; ++row) {
    const float *value = x + row * size, *gradient = dy + row * size;
    const float m = mean[row], r = inverse[row];
    double sum = 0, product = 0;
    for (int64_t start = 0; start < whole; start += FOLD) {
      const int64_t end = smaller(start + FOLD, whole);
      float partial[WIDTH] = {0}, partial_product[WIDTH] = {0};
      for (int64_t i = start * WIDTH; i < end * WIDTH; i += WIDTH) {
        for (int l = 0; l < WIDTH; ++l) {
          const float g = gradient[i + l] * scale[i + l];
          partial[l] += g;
          partial_product[l] += g * ((value[i + l] - m) * r);
        }
      }
      for (int l = 0; l < WIDTH; ++l) {
        sum += partial[l];
        product += partial_product[l];
      }
    }
    for (int64_t i = whole * WIDTH; i < size; ++i) {
      const float g = gradient[i] * scale[i];
      sum += g;
      product += g * ((value[i] - m) * r);
    }
    const float average = (float)(sum / (double)size);
    const float slope = (float)(product / (double)size);
    for (int64_t i = 0; i < size; ++i) {
      const float g = gradient[i] * scale[i];
      dx[row * size + i] = r * (g - average - (value[i] - m) * r * slope);
    }
  }
}

DISPATCHED void ck_rows_affine_sums(const float *x, const float *dy, float *scale_sum,
                                    float *shift_sum, const float *mean, const float *inverse,
                                    int64_t size, int64_t rows, int64_t first, int64_t last) {
  for (int64_t column = first; column < last; column += WIDTH) {
    const int64_t width = smaller(WIDTH, last - column);
    double total[WIDTH] = {0}, total_product[WIDTH] = {0};
    for (int64_t start = 0; start < rows; start += FOLD) {
      const int64_t end = smaller(start + FOLD, rows);
      float partial[WIDTH] = {0}, partial_product[WIDTH] = {0};
      for (int64_t row = start; row < end; ++row) {
        const int64_t at = row * size + column;
        for (int64_t l = 0; l < width; ++l) {
          partial[l] += dy[at + l];
          partial_product[l] += dy[at + l] * ((x[at + l] - mean[row]) * inverse[row]);
        }
      }
      for (int64_t l = 0; l < width; ++l) {
        total[l] += partial[l];
        total_product[l] += partial_product[l];
      }
    }
    for (int64_t l = 0; l < width; ++l) {
      scale_sum[column + l] = (float)total_product[l];
      shift_sum[column + l] = (float)total[l];
    }
  }
}
