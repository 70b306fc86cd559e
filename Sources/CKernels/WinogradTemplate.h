// The loops of Winograd.c for one width of vectors; see VectorTemplate.h, which comes first.

#include "ProductTemplate.h"

// B'x of F(4, 3).
INLINE void NAME(forward)(const VEC *d, int64_t step, VEC *r, int64_t to) {
#pragma clang fp contract(fast)
  const VEC d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step],
            d5 = d[5 * step];
  const VEC even_near = d4 - FAR2 * d2, odd_near = d3 - FAR2 * d1;
  const VEC even_far = d4 - NEAR2 * d2, odd_far = d3 - NEAR2 * d1;
  r[0] = (NEAR2 * FAR2) * d0 + (d4 - (NEAR2 + FAR2) * d2);
  r[to] = even_near + NEAR * odd_near;
  r[2 * to] = even_near - NEAR * odd_near;
  r[3 * to] = even_far + FAR * odd_far;
  r[4 * to] = even_far - FAR * odd_far;
  r[5 * to] = (NEAR2 * FAR2) * d1 + (d5 - (NEAR2 + FAR2) * d3);
}

// A'm.
INLINE void NAME(backward)(const VEC *m, int64_t step, VEC *r, int64_t to) {
#pragma clang fp contract(fast)
  const VEC m0 = m[0], m1 = m[step], m2 = m[2 * step], m3 = m[3 * step], m4 = m[4 * step],
            m5 = m[5 * step];
  const VEC a = m1 + m2, b = m1 - m2, c = m3 + m4, d = m3 - m4;
  r[0] = m0 + a + c;
  r[to] = NEAR * b + FAR * d;
  r[2 * to] = NEAR2 * a + FAR2 * c;
  r[3 * to] = (NEAR * NEAR2 * b + FAR * FAR2 * d) + m5;
}

// One 6 x 6 patch of one channel block, whose slice begins at cell `first` of the map, written to 36
// planes `plane` vectors apart.
INLINE void NAME(transform_patch)(const ck_winograd *s, const void *map, int half, int64_t first,
                                  int64_t y, int64_t x, const float *factor,
                                  const float *addition, float slope, float *target,
                                  int64_t plane) {
#pragma clang fp contract(fast)
  VEC patch[36], once[36];
  const int64_t dy = s->dilation[1], dx = s->dilation[2], line = dy * s->width;
  const int inside = y >= 0 && x >= 0 && y + 5 * dy < s->height && x + 5 * dx < s->width;
  const int64_t source = first + y * s->width + x;
  if (inside) {
#pragma clang loop unroll(full)
    for (int64_t i = 0; i < 6; ++i) {
#pragma clang loop unroll(full)
      for (int64_t j = 0; j < 6; ++j)
        NAME(load_cell)(map, source + i * line + j * dx, half, patch + i * 6 + j);
    }
    if (factor) {
      const VEC f = *(const VEC *)factor, a = *(const VEC *)addition;
#pragma clang loop unroll(full)
      for (int64_t i = 0; i < 36; ++i) LEAKY(patch[i], f * patch[i] + a, slope);
    }
  } else {
    const VEC f = factor ? *(const VEC *)factor : (VEC)(1.0f);
    const VEC a = factor ? *(const VEC *)addition : (VEC)(0.0f);
    for (int64_t i = 0; i < 6; ++i) {
      const int row = y + i * dy >= 0 && y + i * dy < s->height;
      for (int64_t j = 0; j < 6; ++j) {
        VEC v = (VEC)(0.0f);
        if (row && x + j * dx >= 0 && x + j * dx < s->width) {
          NAME(load_cell)(map, source + i * line + j * dx, half, &v);
          if (factor) LEAKY(v, f * v + a, slope);
        }
        patch[i * 6 + j] = v;
      }
    }
  }
#pragma clang loop unroll(full)
  for (int64_t i = 0; i < 6; ++i) NAME(forward)(patch + i * 6, 1, once + i * 6, 1);
  VEC *to = (VEC *)target;
#pragma clang loop unroll(full)
  for (int64_t j = 0; j < 6; ++j) NAME(forward)(once + j, 6, to + j * plane, 6 * plane);
}

// One 4 x 4 tile of one output block from 36 products `plane` vectors apart.
INLINE void NAME(finish_tile)(const ck_winograd *s, const float *products, int half,
                              int64_t plane, int64_t sample, int64_t block, int64_t z, int64_t y,
                              int64_t x, VEC *sums) {
#pragma clang fp contract(fast)
  VEC once[24], tile[16];
#pragma clang loop unroll(full)
  for (int64_t i = 0; i < 6; ++i)
    NAME(backward)((const VEC *)products + i * 6 * plane, plane, once + i * 4, 1);
#pragma clang loop unroll(full)
  for (int64_t j = 0; j < 4; ++j) NAME(backward)(once + j, 4, tile + j, 4);

  const int64_t place = (z * s->height + y) * s->width + x;
  const void *residual = s->residual ? s->residual[sample * s->output_blocks + block] : 0;
  void *target = s->output[sample * s->output_blocks + block];
  const VEC bias = s->bias ? ((const VEC *)s->bias)[block] : (VEC)(0.0f);
  const int64_t dx = s->dilation[2], line = s->dilation[1] * s->width;
  const int64_t rows = tile_cells(y, s->height, s->dilation[1]);
  const int64_t columns = tile_cells(x, s->width, dx);
#pragma clang loop unroll(full)
  for (int64_t i = 0; i < 16; ++i) LEAKY(tile[i], tile[i] + bias, s->slope);
  if (residual) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        VEC added;
        NAME(load_cell)(residual, place + i * line + j * dx, half, &added);
        LEAKY(tile[i * 4 + j], s->scale * tile[i * 4 + j] + added, s->final_slope);
      }
    }
  }
  if (s->activated) {
    VEC linear[16];
    memcpy(linear, tile, sizeof linear);
    ck_activation(s->activation, (const float *)linear, (float *)tile, s->activation_parameter,
                  16 * LANES);
  }
  if (rows == 4 && columns == 4) {
#pragma clang loop unroll(full)
    for (int64_t i = 0; i < 4; ++i) {
#pragma clang loop unroll(full)
      for (int64_t j = 0; j < 4; ++j)
        NAME(store_cell)(target, place + i * line + j * dx, half, tile + i * 4 + j);
    }
    if (sums) {
#pragma clang loop unroll(full)
      for (int64_t i = 0; i < 16; ++i) {
        const VEC v = tile[i] - sums[0];
        sums[1] += v;
        sums[2] += v * v;
      }
    }
    return;
  }
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      NAME(store_cell)(target, place + i * line + j * dx, half, tile + i * 4 + j);
      if (!sums) continue;
      const VEC v = tile[i * 4 + j] - sums[0];
      sums[1] += v;
      sums[2] += v * v;
    }
  }
}

// All tiles of a unit in one output block.
INLINE void NAME(finish_block)(const ck_winograd *s, const unit_place *p, const float *products,
                               int half, int64_t columns, int64_t block, int64_t space) {
  const int64_t rows = p->slices * p->tiles, across = axis_tiles(s->width, s->dilation[2]);
  VEC sums[3] = {(VEC)(0.0f), (VEC)(0.0f), (VEC)(0.0f)};
  int has_pivot = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t tile = p->tile + r % p->tiles;
    const int64_t z = p->grid + (p->slice + r / p->tiles) * s->dilation[0];
    const int64_t y = tile_start(tile / across, s->dilation[1]);
    const int64_t x = tile_start(tile % across, s->dilation[2]);
    if (y >= s->height || x >= s->width) continue;
    const float *from = products + r * columns * LANES;
    if (s->statistics && !has_pivot) {
      // Any value near the mean serves as pivot; the first cell's own is one.
      NAME(finish_tile)(s, from, half, rows * columns, p->sample, block, z, y, x, 0);
      const void *first = s->output[p->sample * s->output_blocks + block];
      NAME(load_cell)(first, (z * s->height + y) * s->width + x, half, sums);
      has_pivot = 1;
    }
    NAME(finish_tile)(s, from, half, rows * columns, p->sample, block, z, y, x,
                      s->statistics ? sums : 0);
  }
  if (s->statistics) {
    float *record = s->statistics + (space * 3 * s->output_blocks + block) * LANES;
    for (int64_t i = 0; i < 3; ++i) ((VEC *)record)[i * s->output_blocks] = sums[i];
  }
}

// G g G' of `count` vectors' windows of 9 to 36 planes `plane` vectors apart.
static TARGET void NAME(transform_weights)(const float *windows, int64_t count, float *target,
                                           int64_t plane) {
#pragma clang fp contract(fast)
  for (int64_t i = 0; i < count; ++i) {
    const VEC *g = (const VEC *)windows + i * 9;
    VEC half[18], *to = (VEC *)target + i;
#define SPREAD(g0, g1, g2, out, step)                                      \
  do {                                                                     \
    const VEC even_near = NEAR_SCALE * (g0) + (NEAR_SCALE * NEAR2) * (g2); \
    const VEC even_far = FAR_SCALE * (g0) + (FAR_SCALE * FAR2) * (g2);     \
    const VEC odd_near = (NEAR_SCALE * NEAR) * (g1);                       \
    const VEC odd_far = (FAR_SCALE * FAR) * (g1);                          \
    (out)[0] = (1 / (NEAR2 * FAR2)) * (g0);                                \
    (out)[step] = even_near + odd_near;                                    \
    (out)[2 * (step)] = even_near - odd_near;                              \
    (out)[3 * (step)] = even_far + odd_far;                                \
    (out)[4 * (step)] = even_far - odd_far;                                \
    (out)[5 * (step)] = (g2);                                              \
  } while (0)
#pragma clang loop unroll(full)
    for (int64_t k = 0; k < 3; ++k) SPREAD(g[k], g[3 + k], g[6 + k], half + k, 3);
#pragma clang loop unroll(full)
    for (int64_t a = 0; a < 6; ++a) {
      SPREAD(half[a * 3], half[a * 3 + 1], half[a * 3 + 2], to + a * 6 * plane, plane);
    }
#undef SPREAD
  }
}

// One pair of output blocks: [O][I][taps][3][3] packed as [taps][channels][columns][9] vectors.
static TARGET void NAME(pack_pair)(const ck_winograd *s, const float *plain, float *packed,
                                   int64_t outputs, int64_t inputs, int mirrored, int64_t block,
                                   int64_t columns) {
  const int64_t channels = s->input_blocks * LANES, taps = s->depth_taps;
  for (int64_t tap = 0; tap < taps; ++tap) {
    for (int64_t i = 0; i < channels; ++i) {
      for (int64_t c = 0; c < columns; ++c, packed += 9 * LANES) {
        for (int64_t lane = 0; lane < LANES; ++lane) {
          const int64_t o = (block + c) * LANES + lane;
          if (i >= inputs || o >= outputs) {
            for (int64_t k = 0; k < 9; ++k) packed[k * LANES + lane] = 0;
            continue;
          }
          const float *w = mirrored ? plain + ((i * outputs + o) * taps + taps - 1 - tap) * 9
                                    : plain + ((o * inputs + i) * taps + tap) * 9;
          for (int64_t k = 0; k < 9; ++k) packed[k * LANES + lane] = w[mirrored ? 8 - k : k];
        }
      }
    }
  }
}

static TARGET void NAME(pack_weights)(const ck_winograd *s, const float *plain, float *packed,
                                      int64_t outputs, int64_t inputs, int mirrored,
                                      int64_t block) {
  const int64_t columns = s->output_blocks - block >= 2 ? 2 : 1;
  const int64_t count = s->depth_taps * s->input_blocks * LANES * columns;
  if (!s->transformed) {
    NAME(pack_pair)(s, plain, packed, outputs, inputs, mirrored, block, columns);
    return;
  }
  float *const windows = aligned_alloc(64, sizeof(VEC) * (size_t)(9 * count));
  if (!windows) abort();
  NAME(pack_pair)(s, plain, windows, outputs, inputs, mirrored, block, columns);
  NAME(transform_weights)(windows, count, packed, count);
  free(windows);
}

static TARGET void NAME(run_unit)(const ck_winograd *s, int64_t unit, float *workspace) {
  const int64_t parts = pair_groups(s), part = unit % parts, space = unit / parts;
  const unit_place p = place_of(s, space);
  const int64_t channels = s->input_blocks * LANES;
  const int64_t reach = s->depth_taps / 2;
  const int64_t slices = p.slices + 2 * reach, rows_in = slices * p.tiles;
  const int64_t rows = p.slices * p.tiles;
  const int64_t dy = s->dilation[1], dx = s->dilation[2], across = axis_tiles(s->width, dx);
  // [36][rows_in][channels], then [36][rows][2 * LANES], then some transformed weights.
  float *const v = workspace;
  float *const m = workspace + 36 * (s->slices + 2 * reach) * s->tiles * channels;
  float *const fresh = m + 36 * s->slices * s->tiles * 2 * LANES;

  // Grids of fewer slices than others leave units empty.
  for (int64_t i = 0; p.slices > 0 && i < slices; ++i) {
    const int64_t z = p.grid + (p.slice + i - reach) * s->dilation[0];
    float *const target = v + i * p.tiles * channels;
    if (z < 0 || z >= s->depth) {
      for (int64_t plane = 0; plane < 36; ++plane) {
        memset(target + plane * rows_in * channels, 0,
               sizeof(float) * (size_t)(p.tiles * channels));
      }
      continue;
    }
    for (int64_t b = 0; b < s->input_blocks; ++b) {
      const int64_t block = p.sample * s->input_blocks + b;
      const void *map = s->input[block];
      const int64_t slice = z * s->height * s->width;
      const float *factor = s->factors ? s->factors[block] : 0;
      const float *addition = factor ? s->additions[block] : 0;
      const float slope = factor ? s->input_slopes[b] : 1.0f;
      for (int64_t t = 0; t < p.tiles; ++t) {
        const int64_t y = tile_start((p.tile + t) / across, dy) - dy;
        const int64_t x = tile_start((p.tile + t) % across, dx) - dx;
        float *const to = target + t * channels + b * LANES;
        if (s->input_half) {
          NAME(transform_patch)(s, map, 1, slice, y, x, factor, addition, slope, to,
                                rows_in * s->input_blocks);
        } else {
          NAME(transform_patch)(s, map, 0, slice, y, x, factor, addition, slope, to,
                                rows_in * s->input_blocks);
        }
      }
    }
  }

  const int64_t first = part * s->pairs * 2;
  const int64_t last =
      first + s->pairs * 2 < s->output_blocks ? first + s->pairs * 2 : s->output_blocks;
  const int64_t numbers = s->transformed ? 36 : 9;
  const float *u = s->weights + numbers * s->depth_taps * channels * first * LANES;
  for (int64_t block = first; block < last; block += 2) {
    const int columns = s->output_blocks - block >= 2 ? 2 : 1;
    const int64_t panel = s->depth_taps * channels * columns * LANES;
    const int64_t strip = s->transformed ? channels : fresh_channels(s);
    for (int64_t start = 0; start < channels; start += strip) {
      const int64_t k = channels - start < strip ? channels - start : strip;
      const float *w = u;
      int64_t step = panel;
      if (!s->transformed) {
        // [36][taps][k][columns] of the channels start..<start + k.
        step = s->depth_taps * k * columns * LANES;
        for (int64_t tap = 0; tap < s->depth_taps; ++tap) {
          NAME(transform_weights)(u + (tap * channels + start) * columns * 9 * LANES, k * columns,
                                  fresh + tap * k * columns * LANES, step / LANES);
        }
        w = fresh;
      }
      for (int64_t plane = 0; plane < 36; ++plane, w += step) {
        const float *from = v + plane * rows_in * channels + start;
        float *to = m + plane * rows * columns * LANES;
        if (columns == 2) {
          NAME(products_2)(from, rows, channels, p.tiles * channels, s->depth_taps, k, w, to,
                           start > 0);
        } else {
          NAME(products_1)(from, rows, channels, p.tiles * channels, s->depth_taps, k, w, to,
                           start > 0);
        }
      }
    }
    u += numbers * panel;
    for (int64_t c = 0; c < columns; ++c) {
      if (s->output_half) {
        NAME(finish_block)(s, &p, m + c * LANES, 1, columns, block + c, space);
      } else {
        NAME(finish_block)(s, &p, m + c * LANES, 0, columns, block + c, space);
      }
    }
  }
}

