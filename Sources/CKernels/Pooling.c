#include <math.h>
#include <string.h>

#include "CKernels.h"

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

void ck_max_pool(const float *x, float *y, uint8_t *where, const ck_pooling *s, int64_t lanes,
                 int64_t first, int64_t last) {
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
