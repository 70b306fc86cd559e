#include "CKernels.h"

#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISPATCHED
#endif

// Single-precision partial sums are folded into double precision after so many terms: short enough
// for seven digits, long enough for vector speed.
enum { FOLD = 128, MAX_LANES = 16 };

DISPATCHED void ck_to_blocked(const float *plain, float *blocked, int64_t channels,
                              int64_t spatial, int64_t block, int64_t first, int64_t last) {
  for (int64_t o = first; o < last; ++o) {
    float *target = blocked + o * spatial * block;
    const int64_t used = channels - o * block < block ? channels - o * block : block;
    if (used < block) memset(target, 0, sizeof(float) * (size_t)(spatial * block));
    for (int64_t c = 0; c < used; ++c) {
      const float *source = plain + (o * block + c) * spatial;
      for (int64_t s = 0; s < spatial; ++s) target[s * block + c] = source[s];
    }
  }
}

DISPATCHED void ck_to_plain(const float *blocked, float *plain, int64_t channels, int64_t spatial,
                            int64_t block, int64_t first, int64_t last) {
  for (int64_t o = first; o < last; ++o) {
    const float *source = blocked + o * spatial * block;
    const int64_t used = channels - o * block < block ? channels - o * block : block;
    for (int64_t c = 0; c < used; ++c) {
      float *target = plain + (o * block + c) * spatial;
      for (int64_t s = 0; s < spatial; ++s) target[s] = source[s * block + c];
    }
  }
}

// One lane: fold over eight partial sums so that the loop still vectorises.
DISPATCHED void ck_sum(const float *x, double *sum, int64_t spatial, int64_t lanes, int64_t first,
                       int64_t last) {
  for (int64_t o = first; o < last; ++o) {
    const float *row = x + o * spatial * lanes;
    double total[MAX_LANES] = {0};
    const int64_t width = lanes == 1 ? 8 : lanes;
    const int64_t rows = spatial * lanes / width;
    for (int64_t start = 0; start < rows; start += FOLD) {
      const int64_t end = start + FOLD < rows ? start + FOLD : rows;
      float partial[MAX_LANES] = {0};
      for (int64_t s = start; s < end; ++s) {
        for (int64_t l = 0; l < width; ++l) partial[l] += row[s * width + l];
      }
      for (int64_t l = 0; l < width; ++l) total[l] += partial[l];
    }
    if (lanes == 1) {
      for (int64_t i = rows * width; i < spatial; ++i) total[0] += row[i];
      for (int64_t l = 1; l < width; ++l) total[0] += total[l];
    }
    for (int64_t l = 0; l < lanes; ++l) sum[o * lanes + l] = total[l];
  }
}

DISPATCHED void ck_centered_squares(const float *x, const float *mean, double *sum,
                                    int64_t spatial, int64_t lanes, int64_t first, int64_t last) {
  for (int64_t o = first; o < last; ++o) {
    const float *row = x + o * spatial * lanes;
    double total[MAX_LANES] = {0};
    const int64_t width = lanes == 1 ? 8 : lanes;
    float center[MAX_LANES];
    for (int64_t l = 0; l < width; ++l) center[l] = mean[o * lanes + (lanes == 1 ? 0 : l)];
    const int64_t rows = spatial * lanes / width;
    for (int64_t start = 0; start < rows; start += FOLD) {
      const int64_t end = start + FOLD < rows ? start + FOLD : rows;
      float partial[MAX_LANES] = {0};
      for (int64_t s = start; s < end; ++s) {
        for (int64_t l = 0; l < width; ++l) {
          const float d = row[s * width + l] - center[l];
          partial[l] += d * d;
        }
      }
      for (int64_t l = 0; l < width; ++l) total[l] += partial[l];
    }
    if (lanes == 1) {
      for (int64_t i = rows * width; i < spatial; ++i) {
        const float d = row[i] - center[0];
        total[0] += d * d;
      }
      for (int64_t l = 1; l < width; ++l) total[0] += total[l];
    }
    for (int64_t l = 0; l < lanes; ++l) sum[o * lanes + l] = total[l];
  }
}

DISPATCHED void ck_affine_leaky(const float *x, float *y, const float *scale, const float *shift,
                                float slope, int64_t spatial, int64_t lanes, int64_t first,
                                int64_t last) {
  for (int64_t o = first; o < last; ++o) {
    const float *source = x + o * spatial * lanes;
    float *target = y + o * spatial * lanes;
    const float *a = scale + o * lanes, *b = shift + o * lanes;
    if (lanes == 1) {
      for (int64_t s = 0; s < spatial; ++s) {
        const float v = source[s] * a[0] + b[0];
        target[s] = v > 0 ? v : slope * v;
      }
    } else {
      for (int64_t s = 0; s < spatial; ++s) {
        for (int64_t l = 0; l < lanes; ++l) {
          const float v = source[s * lanes + l] * a[l] + b[l];
          target[s * lanes + l] = v > 0 ? v : slope * v;
        }
      }
    }
  }
}

DISPATCHED void ck_affine_leaky_sums(const float *x, const float *y, const float *dy,
                                     const float *mean, float slope, double *sum_g,
                                     double *sum_gx, int64_t spatial, int64_t lanes, int64_t first,
                                     int64_t last) {
  for (int64_t o = first; o < last; ++o) {
    const int64_t at = o * spatial * lanes;
    double total_g[MAX_LANES] = {0}, total_gx[MAX_LANES] = {0};
    const int64_t width = lanes == 1 ? 8 : lanes;
    float center[MAX_LANES];
    for (int64_t l = 0; l < width; ++l) center[l] = mean[o * lanes + (lanes == 1 ? 0 : l)];
    const int64_t rows = spatial * lanes / width;
    for (int64_t start = 0; start < rows; start += FOLD) {
      const int64_t end = start + FOLD < rows ? start + FOLD : rows;
      float partial_g[MAX_LANES] = {0}, partial_gx[MAX_LANES] = {0};
      for (int64_t s = start; s < end; ++s) {
        for (int64_t l = 0; l < width; ++l) {
          const int64_t i = at + s * width + l;
          const float g = y[i] > 0 ? dy[i] : slope * dy[i];
          partial_g[l] += g;
          partial_gx[l] += g * (x[i] - center[l]);
        }
      }
      for (int64_t l = 0; l < width; ++l) {
        total_g[l] += partial_g[l];
        total_gx[l] += partial_gx[l];
      }
    }
    if (lanes == 1) {
      for (int64_t i = at + rows * width; i < at + spatial; ++i) {
        const float g = y[i] > 0 ? dy[i] : slope * dy[i];
        total_g[0] += g;
        total_gx[0] += g * (x[i] - center[0]);
      }
      for (int64_t l = 1; l < width; ++l) {
        total_g[0] += total_g[l];
        total_gx[0] += total_gx[l];
      }
    }
    for (int64_t l = 0; l < lanes; ++l) {
      sum_g[o * lanes + l] = total_g[l];
      sum_gx[o * lanes + l] = total_gx[l];
    }
  }
}

DISPATCHED void ck_affine_leaky_gradient(const float *x, const float *y, const float *dy,
                                         const float *a, const float *b, const float *c,
                                         float slope, float *dx, int64_t spatial, int64_t lanes,
                                         int64_t first, int64_t last) {
  for (int64_t o = first; o < last; ++o) {
    const int64_t at = o * spatial * lanes;
    if (lanes == 1) {
      for (int64_t i = at; i < at + spatial; ++i) {
        const float g = y[i] > 0 ? dy[i] : slope * dy[i];
        dx[i] = a[o] * g + b[o] * x[i] + c[o];
      }
    } else {
      const float *pa = a + o * lanes, *pb = b + o * lanes, *pc = c + o * lanes;
      for (int64_t s = 0; s < spatial; ++s) {
        for (int64_t l = 0; l < lanes; ++l) {
          const int64_t i = at + s * lanes + l;
          const float g = y[i] > 0 ? dy[i] : slope * dy[i];
          dx[i] = pa[l] * g + pb[l] * x[i] + pc[l];
        }
      }
    }
  }
}

DISPATCHED void ck_leaky(const float *x, float *y, float slope, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = x[i] > 0 ? x[i] : slope * x[i];
}

DISPATCHED void ck_leaky_gradient(const float *y, const float *dy, float *dx, float slope,
                                  int64_t count) {
  for (int64_t i = 0; i < count; ++i) dx[i] = y[i] > 0 ? dy[i] : slope * dy[i];
}

DISPATCHED void ck_add(const float *a, const float *b, float *y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = a[i] + b[i];
}

DISPATCHED void ck_multiply(const float *a, const float *b, float *y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = a[i] * b[i];
}

DISPATCHED void ck_scale(const float *a, float scale, float *y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) y[i] = a[i] * scale;
}

DISPATCHED void ck_widen(const uint16_t *x, float *y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits = (uint32_t)x[i] << 16;
    memcpy(&y[i], &bits, sizeof bits);
  }
}

// To nearest, ties to even; a NaN keeps its sign and stays a NaN.
DISPATCHED void ck_narrow(const float *x, uint16_t *y, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    uint32_t bits;
    memcpy(&bits, &x[i], sizeof bits);
    const uint32_t even = (bits >> 16) & 1;
    const uint32_t nearest = (bits + 0x7FFFu + even) >> 16;
    const uint32_t quiet = (bits >> 16) | 0x40u;
    y[i] = (uint16_t)((bits & 0x7FFFFFFFu) > 0x7F800000u ? quiet : nearest);
  }
}
