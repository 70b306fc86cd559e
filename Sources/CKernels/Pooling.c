#include <math.h>
#include <string.h>

#include "CKernels.h"

#if defined(__x86_64__) && defined(__linux__)
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISPATCHED
#endif

// The window of one output cell, clipped to the image.
typedef struct {
  int64_t low[3], high[3], origin[3];
} window;

static inline window window_at(const ck_pooling *s, int64_t z, int64_t y, int64_t x) {
  const int64_t cell[3] = {z, y, x};
  window w;
  for (int axis = 0; axis < 3; ++axis) {
    w.origin[axis] = cell[axis] * s->stride[axis] - s->pad[axis];
    w.low[axis] = w.origin[axis] < 0 ? 0 : w.origin[axis];
    const int64_t end = w.origin[axis] + s->kernel[axis];
    w.high[axis] = end < s->input[axis] ? end : s->input[axis];
  }
  return w;
}

static inline int64_t volume(const int64_t size[3]) { return size[0] * size[1] * size[2]; }

static inline uint8_t offset_in(const window *w, const ck_pooling *s, int64_t z, int64_t y,
                                int64_t x) {
  return (uint8_t)(((z - w->origin[0]) * s->kernel[1] + (y - w->origin[1])) * s->kernel[2] +
                   (x - w->origin[2]));
}

// Whether windows of two cells along the last two axes (and one or two along the first) stand side by
// side without borders: the usual case, worth loops of its own.
static int is_halving(const ck_pooling *s, int64_t lanes) {
  for (int axis = 0; axis < 3; ++axis) {
    const int64_t k = s->kernel[axis];
    if (s->stride[axis] != k || s->pad[axis] != 0 || (axis > 0 ? k != 2 : k > 2)) return 0;
    if (s->output[axis] * k > s->input[axis]) return 0;
  }
  return lanes == 8 || lanes == 16;
}

// Maxima of halving windows; `lanes` is a constant where it is inlined.
static inline __attribute__((always_inline)) void halve(const float *x, float *y, uint8_t *where,
                                                        const ck_pooling *s, int64_t lanes,
                                                        int64_t first, int64_t last) {
  const int64_t row = s->input[2] * lanes, slice = s->input[1] * row;
  for (int64_t o = first; o < last; ++o) {
    int64_t cell = o * volume(s->output) * lanes;
    for (int64_t line = 0; line < s->output[0] * s->output[1]; ++line) {
      const float *from = x + o * volume(s->input) * lanes +
                          line / s->output[1] * s->kernel[0] * slice +
                          line % s->output[1] * 2 * row;
      for (int64_t ox = 0; ox < s->output[2]; ++ox, cell += lanes, from += 2 * lanes) {
        float best[16];
        int32_t place[16];
        for (int64_t l = 0; l < lanes; ++l) best[l] = from[l];
        for (int64_t l = 0; l < lanes; ++l) place[l] = 0;
        for (int32_t k = 1; k < 4 * (int32_t)s->kernel[0]; ++k) {
          const float *value = from + (k >> 2) * slice + (k >> 1 & 1) * row + (k & 1) * lanes;
          for (int64_t l = 0; l < lanes; ++l) {
            const int larger = value[l] > best[l] || value[l] != value[l];
            best[l] = larger ? value[l] : best[l];
            place[l] = larger ? k : place[l];
          }
        }
        for (int64_t l = 0; l < lanes; ++l) y[cell + l] = best[l];
        for (int64_t l = 0; l < lanes; ++l) where[cell + l] = (uint8_t)place[l];
      }
    }
  }
}

DISPATCHED static void halve_16(const float *x, float *y, uint8_t *where, const ck_pooling *s,
                                int64_t first, int64_t last) {
  halve(x, y, where, s, 16, first, last);
}

DISPATCHED static void halve_8(const float *x, float *y, uint8_t *where, const ck_pooling *s,
                               int64_t first, int64_t last) {
  halve(x, y, where, s, 8, first, last);
}

// The gradient of `halve`; every cell of the input is written once.
static inline __attribute__((always_inline)) void double_gradient(const float *dy,
                                                                  const uint8_t *where, float *dx,
                                                                  const ck_pooling *s,
                                                                  int64_t lanes, int64_t first,
                                                                  int64_t last) {
  const int64_t row = s->input[2] * lanes, slice = s->input[1] * row;
  const int is_exact = volume(s->output) * s->kernel[0] * 4 == volume(s->input);
  for (int64_t o = first; o < last; ++o) {
    float *const target = dx + o * volume(s->input) * lanes;
    if (!is_exact) memset(target, 0, sizeof(float) * (size_t)(volume(s->input) * lanes));
    int64_t cell = o * volume(s->output) * lanes;
    for (int64_t line = 0; line < s->output[0] * s->output[1]; ++line) {
      float *to = target + line / s->output[1] * s->kernel[0] * slice +
                  line % s->output[1] * 2 * row;
      for (int64_t ox = 0; ox < s->output[2]; ++ox, cell += lanes, to += 2 * lanes) {
        for (int32_t k = 0; k < 4 * (int32_t)s->kernel[0]; ++k) {
          float *value = to + (k >> 2) * slice + (k >> 1 & 1) * row + (k & 1) * lanes;
          for (int64_t l = 0; l < lanes; ++l) {
            value[l] = (int32_t)where[cell + l] == k ? dy[cell + l] : 0;
          }
        }
      }
    }
  }
}

DISPATCHED static void double_16(const float *dy, const uint8_t *where, float *dx,
                                 const ck_pooling *s, int64_t first, int64_t last) {
  double_gradient(dy, where, dx, s, 16, first, last);
}

DISPATCHED static void double_8(const float *dy, const uint8_t *where, float *dx,
                                const ck_pooling *s, int64_t first, int64_t last) {
  double_gradient(dy, where, dx, s, 8, first, last);
}

void ck_max_pool(const float *x, float *y, uint8_t *where, const ck_pooling *s, int64_t lanes,
                 int64_t first, int64_t last) {
  if (is_halving(s, lanes)) {
    (lanes == 16 ? halve_16 : halve_8)(x, y, where, s, first, last);
    return;
  }
  for (int64_t o = first; o < last; ++o) {
    const float *source = x + o * volume(s->input) * lanes;
    int64_t cell = o * volume(s->output) * lanes;
    for (int64_t oz = 0; oz < s->output[0]; ++oz) {
      for (int64_t oy = 0; oy < s->output[1]; ++oy) {
        for (int64_t ox = 0; ox < s->output[2]; ++ox, cell += lanes) {
          const window w = window_at(s, oz, oy, ox);
          for (int64_t l = 0; l < lanes; ++l) y[cell + l] = -INFINITY;
          memset(where + cell, offset_in(&w, s, w.low[0], w.low[1], w.low[2]), (size_t)lanes);
          for (int64_t iz = w.low[0]; iz < w.high[0]; ++iz) {
            for (int64_t iy = w.low[1]; iy < w.high[1]; ++iy) {
              for (int64_t ix = w.low[2]; ix < w.high[2]; ++ix) {
                const uint8_t offset = offset_in(&w, s, iz, iy, ix);
                const float *value = source + ((iz * s->input[1] + iy) * s->input[2] + ix) * lanes;
                for (int64_t l = 0; l < lanes; ++l) {
                  // Not-a-number wins over everything and, unlike a number, is never beaten.
                  const int larger = value[l] > y[cell + l] || value[l] != value[l];
                  y[cell + l] = larger ? value[l] : y[cell + l];
                  where[cell + l] = larger ? offset : where[cell + l];
                }
              }
            }
          }
        }
      }
    }
  }
}

void ck_max_pool_gradient(const float *dy, const uint8_t *where, float *dx, const ck_pooling *s,
                          int64_t lanes, int64_t first, int64_t last) {
  if (is_halving(s, lanes)) {
    (lanes == 16 ? double_16 : double_8)(dy, where, dx, s, first, last);
    return;
  }
  for (int64_t o = first; o < last; ++o) {
    float *target = dx + o * volume(s->input) * lanes;
    memset(target, 0, sizeof(float) * (size_t)(volume(s->input) * lanes));
    int64_t cell = o * volume(s->output) * lanes;
    for (int64_t oz = 0; oz < s->output[0]; ++oz) {
      for (int64_t oy = 0; oy < s->output[1]; ++oy) {
        for (int64_t ox = 0; ox < s->output[2]; ++ox, cell += lanes) {
          const window w = window_at(s, oz, oy, ox);
          for (int64_t iz = w.low[0]; iz < w.high[0]; ++iz) {
            for (int64_t iy = w.low[1]; iy < w.high[1]; ++iy) {
              for (int64_t ix = w.low[2]; ix < w.high[2]; ++ix) {
                const uint8_t offset = offset_in(&w, s, iz, iy, ix);
                float *value = target + ((iz * s->input[1] + iy) * s->input[2] + ix) * lanes;
                for (int64_t l = 0; l < lanes; ++l) {
                  value[l] += where[cell + l] == offset ? dy[cell + l] : 0;
                }
              }
            }
          }
        }
      }
    }
  }
}

static inline float cells_inside(const window *w) {
  return (float)((w->high[0] - w->low[0]) * (w->high[1] - w->low[1]) * (w->high[2] - w->low[2]));
}

void ck_average_pool(const float *x, float *y, const ck_pooling *s, int64_t lanes, int64_t first,
                     int64_t last) {
  for (int64_t o = first; o < last; ++o) {
    const float *source = x + o * volume(s->input) * lanes;
    float *cell = y + o * volume(s->output) * lanes;
    for (int64_t oz = 0; oz < s->output[0]; ++oz) {
      for (int64_t oy = 0; oy < s->output[1]; ++oy) {
        for (int64_t ox = 0; ox < s->output[2]; ++ox, cell += lanes) {
          const window w = window_at(s, oz, oy, ox);
          for (int64_t l = 0; l < lanes; ++l) cell[l] = 0;
          for (int64_t iz = w.low[0]; iz < w.high[0]; ++iz) {
            for (int64_t iy = w.low[1]; iy < w.high[1]; ++iy) {
              for (int64_t ix = w.low[2]; ix < w.high[2]; ++ix) {
                const float *value = source + ((iz * s->input[1] + iy) * s->input[2] + ix) * lanes;
                for (int64_t l = 0; l < lanes; ++l) cell[l] += value[l];
              }
            }
          }
          for (int64_t l = 0; l < lanes; ++l) cell[l] /= cells_inside(&w);
        }
      }
    }
  }
}

void ck_average_pool_gradient(const float *dy, float *dx, const ck_pooling *s, int64_t lanes,
                              int64_t first, int64_t last) {
  for (int64_t o = first; o < last; ++o) {
    float *target = dx + o * volume(s->input) * lanes;
    memset(target, 0, sizeof(float) * (size_t)(volume(s->input) * lanes));
    const float *cell = dy + o * volume(s->output) * lanes;
    for (int64_t oz = 0; oz < s->output[0]; ++oz) {
      for (int64_t oy = 0; oy < s->output[1]; ++oy) {
        for (int64_t ox = 0; ox < s->output[2]; ++ox, cell += lanes) {
          const window w = window_at(s, oz, oy, ox);
          const float share = 1 / cells_inside(&w);
          for (int64_t iz = w.low[0]; iz < w.high[0]; ++iz) {
            for (int64_t iy = w.low[1]; iy < w.high[1]; ++iy) {
              for (int64_t ix = w.low[2]; ix < w.high[2]; ++ix) {
                float *value = target + ((iz * s->input[1] + iy) * s->input[2] + ix) * lanes;
                for (int64_t l = 0; l < lanes; ++l) value[l] += cell[l] * share;
              }
            }
          }
        }
      }
    }
  }
}
