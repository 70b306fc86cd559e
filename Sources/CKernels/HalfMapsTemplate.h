// The loops of HalfMaps.c for one instruction set; see HalfVectors.h, which comes first.

// Maxima or means of the windows of output rows first..<last.
INLINE void NAME(pool)(const uint16_t *x, uint16_t *y, const ck_pooling *s, int64_t first,
                       int64_t last, int means) {
#pragma clang fp contract(off)
  for (int64_t row = first; row < last; ++row) {
    const int64_t place[2] = {row / s->output[1], row % s->output[1]};
    int64_t low[2], high[2];
    for (int axis = 0; axis < 2; ++axis) {
      const int64_t start = place[axis] * s->stride[axis] - s->pad[axis];
      const int64_t end = start + s->kernel[axis];
      low[axis] = start < 0 ? 0 : start;
      high[axis] = end < s->input[axis] ? end : s->input[axis];
    }
    uint16_t *target = y + row * s->output[2] * HALF_LANES;
    for (int64_t ox = 0; ox < s->output[2]; ++ox, target += HALF_LANES) {
      const int64_t start = ox * s->stride[2] - s->pad[2], end = start + s->kernel[2];
      const int64_t left = start < 0 ? 0 : start;
      const int64_t right = end < s->input[2] ? end : s->input[2];
      F16 best[2];
      for (int h = 0; h < 2; ++h) best[h] = (F16)(means ? 0.0f : -INFINITY);
      for (int64_t z = low[0]; z < high[0]; ++z) {
        for (int64_t yy = low[1]; yy < high[1]; ++yy) {
          const uint16_t *from = x + ((z * s->input[1] + yy) * s->input[2] + left) * HALF_LANES;
          for (int64_t xx = left; xx < right; ++xx, from += HALF_LANES) {
            F16 v[2];
            NAME(load_cell)(ck_half_bf16, from, 1, v);
            for (int h = 0; h < 2; ++h) {
              if (means) {
                best[h] += v[h];
              } else {
                // Not-a-number wins over everything and is never beaten.
                const U16 larger = (U16)(v[h] > best[h]) | (U16)(v[h] != v[h]);
                U16 a, b;
                memcpy(&a, &v[h], sizeof a);
                memcpy(&b, &best[h], sizeof b);
                a = (a & larger) | (b & ~larger);
                memcpy(&best[h], &a, sizeof a);
              }
            }
          }
        }
      }
      if (means) {
        const int64_t cells = (high[0] - low[0]) * (high[1] - low[1]) * (right - left);
        for (int h = 0; h < 2; ++h) best[h] = best[h] * (1 / (float)cells);
      }
      NAME(store_cell)(ck_half_bf16, target, best, 1);
    }
  }
}

static TARGET void NAME(max_pool)(const uint16_t *x, uint16_t *y, const ck_pooling *s,
                                  int64_t first, int64_t last) {
  NAME(pool)(x, y, s, first, last, 0);
}

static TARGET void NAME(average_pool)(const uint16_t *x, uint16_t *y, const ck_pooling *s,
                                      int64_t first, int64_t last) {
  NAME(pool)(x, y, s, first, last, 1);
}

INLINE void NAME(load_term)(const ck_half_term *t, int64_t cell, const F16 *factor,
                            const F16 *addition, F16 *v) {
#pragma clang fp contract(off)
  NAME(load_cell)(ck_half_bf16, t->cells + cell * HALF_LANES, 1, v);
  if (!t->factor) return;
  for (int h = 0; h < 2; ++h) LEAKY(v[h], factor[h] * v[h] + addition[h], t->slope);
}

static TARGET void NAME(sum)(const ck_half_term *a, const ck_half_term *b, float slope,
                             uint16_t *y, int64_t cells) {
#pragma clang fp contract(off)
  F16 fa[2], aa[2], fb[2], ab[2];
  if (a->factor) {
    memcpy(fa, a->factor, sizeof fa);
    memcpy(aa, a->addition, sizeof aa);
  }
  if (b && b->factor) {
    memcpy(fb, b->factor, sizeof fb);
    memcpy(ab, b->addition, sizeof ab);
  }
  for (int64_t i = 0; i < cells; ++i) {
    F16 v[2], w[2];
    NAME(load_term)(a, i, fa, aa, v);
    if (b) {
      NAME(load_term)(b, i, fb, ab, w);
      for (int h = 0; h < 2; ++h) v[h] += w[h];
    }
    for (int h = 0; h < 2; ++h) LEAKY(v[h], v[h], slope);
    NAME(store_cell)(ck_half_bf16, y + i * HALF_LANES, v, 1);
  }
}

static TARGET void NAME(upsample)(const uint16_t *x, uint16_t *y, const int64_t *size,
                                  const int64_t *scale, int64_t first, int64_t last) {
  const int64_t width = size[2] * scale[2];
  for (int64_t row = first; row < last; ++row) {
    const int64_t z = row / size[1] * scale[0], yy = row % size[1] * scale[1];
    const uint16_t *from = x + row * size[2] * HALF_LANES;
    for (int64_t dz = 0; dz < scale[0]; ++dz) {
      for (int64_t dy = 0; dy < scale[1]; ++dy) {
        uint16_t *to = y + ((z + dz) * size[1] * scale[1] + yy + dy) * width * HALF_LANES;
        for (int64_t i = 0; i < size[2]; ++i) {
          for (int64_t dx = 0; dx < scale[2]; ++dx, to += HALF_LANES) {
            memcpy(to, from + i * HALF_LANES, 2 * HALF_LANES);
          }
        }
      }
    }
  }
}

static TARGET void NAME(from_plain)(const float *const *plain, int64_t channels, uint16_t *y,
                                    int64_t cells) {
  // Sixteen cells at a time: read along channels, written along cells.
  for (int64_t begin = 0; begin < cells; begin += 16) {
    const int64_t count = cells - begin < 16 ? cells - begin : 16;
    float all[16][HALF_LANES];
    memset(all, 0, sizeof all);
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t i = 0; i < count; ++i) all[i][c] = plain[c][begin + i];
    }
    for (int64_t i = 0; i < count; ++i) {
      F16 v[2];
      memcpy(v, all[i], sizeof v);
      NAME(store_cell)(ck_half_bf16, y + (begin + i) * HALF_LANES, v, 1);
    }
  }
}

static TARGET void NAME(to_plain)(const uint16_t *x, float *const *plain, int64_t channels,
                                  int64_t cells) {
  for (int64_t begin = 0; begin < cells; begin += 16) {
    const int64_t count = cells - begin < 16 ? cells - begin : 16;
    float all[16][HALF_LANES];
    for (int64_t i = 0; i < count; ++i) {
      F16 v[2];
      NAME(load_cell)(ck_half_bf16, x + (begin + i) * HALF_LANES, 1, v);
      memcpy(all[i], v, sizeof v);
    }
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t i = 0; i < count; ++i) plain[c][begin + i] = all[i][c];
    }
  }
}

static TARGET void NAME(to_int8)(const uint16_t *x, int8_t *y, float inverse_scale,
                                 int64_t cells) {
  for (int64_t i = 0; i < cells * HALF_LANES; i += HALF_LANES) {
    F16 v[2];
    NAME(load_cell)(ck_half_bf16, x + i, 1, v);
    NAME(store_cell)(ck_half_int8, y + i, v, inverse_scale);
  }
}

static TARGET void NAME(from_int8)(const int8_t *x, uint16_t *y, float scale, int64_t cells) {
  for (int64_t i = 0; i < cells * HALF_LANES; i += HALF_LANES) {
    F16 v[2];
    NAME(load_cell)(ck_half_int8, x + i, scale, v);
    NAME(store_cell)(ck_half_bf16, y + i, v, 1);
  }
}
