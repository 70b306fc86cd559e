// The loops of Gradients.c for one width of vectors; see VectorTemplate.h, which comes first.

// Rows of a product of channels, kept in registers with two columns of vectors.
#if LANES == 16
#define CHANNELS 8
#else
#define CHANNELS 4
#endif

// Cells of a box: `count` along each axis, and the distances in the left and the right factor.
typedef struct {
  int64_t count[2], left[2], right[2];
} NAME(box);

// m[r][c] += sum over cells of a[offset r] * b[column c].
//
// Inlined with a constant number of columns. Without offsets, channels follow one another.
INLINE void NAME(outer)(const float *a, const int64_t *offsets, const float *b, int64_t b_column,
                        int columns, const NAME(box) * box, float *m, int64_t m_row) {
#pragma clang fp contract(fast)
  VEC sum[CHANNELS][2];
  const float *from[CHANNELS];
#pragma clang loop unroll(full)
  for (int r = 0; r < CHANNELS; ++r) {
    from[r] = a + (offsets ? offsets[r] : r);
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; ++c) sum[r][c] = (VEC)(0.0f);
  }
  for (int64_t y = 0; y < box->count[0]; ++y) {
    int64_t place = y * box->left[0];
    const float *right = b + y * box->right[0];
    for (int64_t x = 0; x < box->count[1]; ++x, place += box->left[1], right += box->right[1]) {
      VEC w[2];
#pragma clang loop unroll(full)
      for (int c = 0; c < columns; ++c) w[c] = *(const VEC *)(right + c * b_column);
#pragma clang loop unroll(full)
      for (int r = 0; r < CHANNELS; ++r) {
        const VEC v = (VEC)(offsets ? from[r][place] : a[place + r]);
#pragma clang loop unroll(full)
        for (int c = 0; c < columns; ++c) sum[r][c] += v * w[c];
      }
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < CHANNELS; ++r) {
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; ++c) ((VEC *)(m + r * m_row))[c] += sum[r][c];
  }
}

static TARGET __attribute__((noinline)) void NAME(outer_2)(const float *a, const float *b,
                                                           int64_t b_column,
                                                           const NAME(box) * box, float *m,
                                                           int64_t m_row) {
  NAME(outer)(a, 0, b, b_column, 2, box, m, m_row);
}

static TARGET __attribute__((noinline)) void NAME(outer_1)(const float *a, const float *b,
                                                           const NAME(box) * box, float *m,
                                                           int64_t m_row) {
  NAME(outer)(a, 0, b, 0, 1, box, m, m_row);
}

static TARGET __attribute__((noinline)) void NAME(outer_at_2)(const float *a,
                                                              const int64_t *offsets,
                                                              const float *b, int64_t b_column,
                                                              const NAME(box) * box, float *m,
                                                              int64_t m_row) {
  NAME(outer)(a, offsets, b, b_column, 2, box, m, m_row);
}

static TARGET __attribute__((noinline)) void NAME(outer_at_1)(const float *a,
                                                              const int64_t *offsets,
                                                              const float *b,
                                                              const NAME(box) * box, float *m,
                                                              int64_t m_row) {
  NAME(outer)(a, offsets, b, 0, 1, box, m, m_row);
}

// B'x of F(4, 3): points 0, 1, -1, 2, -2 and infinity.
INLINE void NAME(input_points)(const VEC *d, int64_t step, VEC *r, int64_t to) {
#pragma clang fp contract(fast)
  const VEC d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step],
            d5 = d[5 * step];
  const VEC a = d4 - 4.0f * d2, b = d3 - 4.0f * d1, c = d4 - d2, e = 2.0f * (d3 - d1);
  r[0] = 4.0f * d0 + (d4 - 5.0f * d2);
  r[to] = a + b;
  r[2 * to] = a - b;
  r[3 * to] = c + e;
  r[4 * to] = c - e;
  r[5 * to] = 4.0f * d1 + (d5 - 5.0f * d3);
}

// A y.
INLINE void NAME(output_points)(const VEC *y, int64_t step, VEC *r, int64_t to) {
#pragma clang fp contract(fast)
  const VEC y0 = y[0], y1 = y[step], y2 = y[2 * step], y3 = y[3 * step];
  const VEC a = y0 + y2, b = y1 + y3, c = y0 + 4.0f * y2, d = 2.0f * y1 + 8.0f * y3;
  r[0] = y0;
  r[to] = a + b;
  r[2 * to] = a - b;
  r[3 * to] = c + d;
  r[4 * to] = c - d;
  r[5 * to] = y3;
}

// G'm.
INLINE void NAME(weight_points)(const VEC *m, int64_t step, VEC *r, int64_t to) {
#pragma clang fp contract(fast)
  const VEC m1 = m[step], m2 = m[2 * step], m3 = m[3 * step], m4 = m[4 * step];
  const VEC a = (m1 + m2) * (1.0f / 6), b = (m2 - m1) * (1.0f / 6);
  const VEC c = m3 + m4, d = (m3 - m4) * (1.0f / 12);
  r[0] = m[0] * 0.25f - a + c * (1.0f / 24);
  r[to] = b + d;
  r[2 * to] = c * (1.0f / 6) - a + m[5 * step];
}

// A patch of n x n cells, zero outside the slice, which begins at cell `slice` of the map.
INLINE void NAME(load_patch)(const ck_winograd_gradient *s, const void *map, int half,
                             int64_t slice, int64_t y, int64_t x, int64_t n, VEC *patch) {
  const int64_t source = slice + y * s->width + x;
  if (y >= 0 && x >= 0 && y + n <= s->height && x + n <= s->width) {
#pragma clang loop unroll(full)
    for (int64_t i = 0; i < n; ++i) {
#pragma clang loop unroll(full)
      for (int64_t j = 0; j < n; ++j)
        NAME(load_cell)(map, source + i * s->width + j, half, patch + i * n + j);
    }
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const int inside = y + i >= 0 && y + i < s->height && x + j >= 0 && x + j < s->width;
      patch[i * n + j] = (VEC)(0.0f);
      if (inside) NAME(load_cell)(map, source + i * s->width + j, half, patch + i * n + j);
    }
  }
}

static TARGET void NAME(transform)(const ck_winograd_gradient *s, int64_t chunk, int64_t unit) {
  const gradient_chunk p = chunk_of(s, chunk);
  const transform_place u = transform_place_of(s, unit);
  const int64_t across = (s->width + 3) / 4;
  const int64_t plane = tile_plane(s, u.is_input) / LANES;
  VEC *target = (VEC *)s->transformed + (u.is_input ? 0 : 36 * tile_plane(s, 1) / LANES);
  const int64_t slots = u.is_input ? s->slices + s->depth_taps - 1 : s->slices;
  target += (u.block * slots + u.slot) * s->tiles + u.tile;
  const int64_t last = u.tile + TRANSFORM_TILES < s->tiles ? u.tile + TRANSFORM_TILES : s->tiles;
  int64_t sample, z;
  const int exists = slice_of(s, &p, u.is_input, u.slot, &sample, &z);
  const int64_t blocks = u.is_input ? s->input_blocks : s->output_blocks;
  const void *map = u.is_input ? s->input : s->gradient;
  const int is_half = (u.is_input ? s->input_half : s->gradient_half) != 0;
  const int64_t slice = ((sample * blocks + u.block) * s->depth + z) * s->height * s->width;
  for (int64_t t = u.tile; t < last; ++t, ++target) {
    if (!exists || t >= p.tiles) {
      for (int64_t i = 0; i < 36; ++i) target[i * plane] = (VEC)(0.0f);
      continue;
    }
    const int64_t tile = p.tile + t;
    const int64_t y = tile / across * 4, x = tile % across * 4;
    VEC patch[36], half[36];
    if (u.is_input) {
      if (is_half) {
        NAME(load_patch)(s, map, 1, slice, y - 1, x - 1, 6, patch);
      } else {
        NAME(load_patch)(s, map, 0, slice, y - 1, x - 1, 6, patch);
      }
#pragma clang loop unroll(full)
      for (int64_t i = 0; i < 6; ++i) NAME(input_points)(patch + i * 6, 1, half + i * 6, 1);
#pragma clang loop unroll(full)
      for (int64_t j = 0; j < 6; ++j)
        NAME(input_points)(half + j, 6, target + j * plane, 6 * plane);
    } else {
      if (is_half) {
        NAME(load_patch)(s, map, 1, slice, y, x, 4, patch);
      } else {
        NAME(load_patch)(s, map, 0, slice, y, x, 4, patch);
      }
#pragma clang loop unroll(full)
      for (int64_t i = 0; i < 4; ++i) NAME(output_points)(patch + i * 4, 1, half + i * 6, 1);
#pragma clang loop unroll(full)
      for (int64_t j = 0; j < 6; ++j)
        NAME(output_points)(half + j, 6, target + j * plane, 6 * plane);
    }
  }
}

static TARGET void NAME(accumulate)(const ck_winograd_gradient *s, int64_t chunk, int64_t unit) {
  const gradient_chunk p = chunk_of(s, chunk);
  const int64_t groups = output_groups(s);
  const int64_t plane = unit / groups, group = unit % groups;
  const int64_t inputs = s->input_blocks * LANES, outputs = s->output_blocks * LANES;
  const int64_t left_cells = (s->slices + s->depth_taps - 1) * s->tiles;
  const int64_t right_cells = s->slices * s->tiles;
  const float *left = s->transformed + plane * tile_plane(s, 1);
  const float *right = s->transformed + 36 * tile_plane(s, 1) + plane * tile_plane(s, 0);
  // Tiles past those of the chunk hold zero, but there is no need to look at slices of them.
  const int64_t cells = p.slices * s->tiles;
  const int64_t first = group * OUTPUT_GROUP;
  const int64_t end = first + OUTPUT_GROUP < s->output_blocks ? first + OUTPUT_GROUP
                                                              : s->output_blocks;
  // So many cells' vectors of one pair of output blocks stay in the L1 cache.
  enum { CELLS = 128 };
  for (int64_t cell = 0; cell < cells; cell += CELLS) {
    const NAME(box) box = {{1, cells - cell < CELLS ? cells - cell : CELLS},
                           {0, LANES},
                           {0, LANES}};
    for (int64_t block = first; block < end; block += 2) {
      const float *b = right + (block * right_cells + cell) * LANES;
      for (int64_t tap = 0; tap < s->depth_taps; ++tap) {
        for (int64_t i = 0; i < inputs; i += CHANNELS) {
          const float *a =
              left + (i / LANES * left_cells + tap * s->tiles + cell) * LANES + i % LANES;
          const int64_t columns = end - block >= 2 ? 2 : 1;
          float *m = s->products + plane * product_plane(s) +
                     (tap * outputs + block * LANES) * inputs + i * columns * LANES;
          if (columns == 2) {
            NAME(outer_2)(a, b, right_cells * LANES, &box, m, 2 * LANES);
          } else {
            NAME(outer_1)(a, b, &box, m, LANES);
          }
        }
      }
    }
  }
}

static TARGET void NAME(finish_winograd)(const ck_winograd_gradient *s, float *plain,
                                         int64_t outputs, int64_t inputs, int64_t block) {
  const int64_t channels = s->input_blocks * LANES, row = s->output_blocks * LANES;
  const int64_t plane = product_plane(s) / LANES;
  const int64_t pair = block / 2 * 2, columns = s->output_blocks - pair >= 2 ? 2 : 1;
  const int64_t used = outputs - block * LANES < LANES ? outputs - block * LANES : LANES;
  for (int64_t i = 0; i < inputs; ++i) {
    for (int64_t tap = 0; tap < s->depth_taps; ++tap) {
      const VEC *m = (const VEC *)(s->products + (tap * row + pair * LANES) * channels) +
                     i * columns + (block - pair);
      VEC half[18], g[9];
#pragma clang loop unroll(full)
      for (int64_t a = 0; a < 6; ++a)
        NAME(weight_points)(m + a * 6 * plane, plane, half + a * 3, 1);
#pragma clang loop unroll(full)
      for (int64_t k = 0; k < 3; ++k) NAME(weight_points)(half + k, 3, g + k, 3);
      float *to = plain + ((block * LANES * inputs + i) * s->depth_taps + tap) * 9;
      for (int64_t lane = 0; lane < used; ++lane, to += inputs * s->depth_taps * 9) {
        for (int64_t k = 0; k < 9; ++k) to[k] = g[k][lane];
      }
    }
  }
}

// One part's sums of one pair of output blocks.
static TARGET void NAME(direct)(const ck_direct_gradient *s, int64_t unit) {
  const int64_t pairs = (s->output_blocks + 1) / 2;
  const int64_t part = unit / pairs, block = unit % pairs * 2;
  const int columns = s->output_blocks - block >= 2 ? 2 : 1;
  const int64_t outputs = s->output_blocks * LANES, rows = gradient_rows(s);
  const int64_t height = s->output_size[1], width = s->output_size[2];
  const int64_t all = s->batch * s->output_size[0] * height;
  const int64_t begin = all * part / s->parts, end = all * (part + 1) / s->parts;
  const int64_t cells = s->output_size[0] * height * width;
  const int64_t input_cells = s->input_size[0] * s->input_size[1] * s->input_size[2];
  const int64_t taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  float *const sums = s->sums + part * rows * outputs + block * LANES;

  // A few rows at a time stay in the cache for all taps and channels.
  const int64_t together = 256 / width > 1 ? 256 / width : 1;
  for (int64_t row = begin; row < end;) {
    const int64_t slice = row / height, y0 = row % height;
    int64_t count = end - row < together ? end - row : together;
    if (count > height - y0) count = height - y0;
    row += count;
    const int64_t sample = slice / s->output_size[0], z = slice % s->output_size[0];
    const float *b = s->gradient + ((sample * s->output_blocks + block) * cells +
                                    (z * height + y0) * width) * LANES;
    if (s->plain_inputs) {
      const float *a = s->input + sample * s->plain_inputs * input_cells +
                       (z * s->stride[0] * s->input_size[1] + y0 * s->stride[1]) *
                           s->input_size[2];
      const NAME(box) box = {{count, width},
                             {s->stride[1] * s->input_size[2], s->stride[2]},
                             {width * LANES, LANES}};
      for (int64_t r = 0; r < rows; r += CHANNELS) {
        int64_t offsets[CHANNELS];
        for (int64_t k = 0; k < CHANNELS; ++k) {
          const int64_t used = r + k < s->plain_inputs * taps ? r + k : 0;
          const int64_t tap = used % taps;
          const int64_t dx = tap % s->kernel[2], dy = tap / s->kernel[2] % s->kernel[1];
          const int64_t dz = tap / s->kernel[2] / s->kernel[1];
          offsets[k] = used / taps * input_cells +
                       (dz * s->dilation[0] * s->input_size[1] + dy * s->dilation[1]) *
                           s->input_size[2] +
                       dx * s->dilation[2];
        }
        float *m = sums + r * outputs;
        if (columns == 2) {
          NAME(outer_at_2)(a, offsets, b, cells * LANES, &box, m, outputs);
        } else {
          NAME(outer_at_1)(a, offsets, b, &box, m, outputs);
        }
      }
      continue;
    }
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t dx = tap % s->kernel[2] * s->dilation[2] - s->pad[2];
      const int64_t dy = tap / s->kernel[2] % s->kernel[1] * s->dilation[1] - s->pad[1];
      const int64_t dz = tap / s->kernel[2] / s->kernel[1] * s->dilation[0] - s->pad[0];
      const int64_t iz = z * s->stride[0] + dz;
      if (iz < 0 || iz >= s->input_size[0]) continue;
      // Output cells whose input lies inside the image.
      int64_t y1 = y0, y2 = y0 + count, x1 = 0, x2 = width;
      while (y1 < y2 && y1 * s->stride[1] + dy < 0) ++y1;
      while (y2 > y1 && (y2 - 1) * s->stride[1] + dy >= s->input_size[1]) --y2;
      while (x1 < x2 && x1 * s->stride[2] + dx < 0) ++x1;
      while (x2 > x1 && (x2 - 1) * s->stride[2] + dx >= s->input_size[2]) --x2;
      if (y1 == y2 || x1 == x2) continue;
      const NAME(box) box = {{y2 - y1, x2 - x1},
                             {s->stride[1] * s->input_size[2] * LANES, s->stride[2] * LANES},
                             {width * LANES, LANES}};
      const int64_t place = (iz * s->input_size[1] + y1 * s->stride[1] + dy) * s->input_size[2] +
                            x1 * s->stride[2] + dx;
      const float *right = b + ((y1 - y0) * width + x1) * LANES;
      for (int64_t i = 0; i < s->input_blocks * LANES; i += CHANNELS) {
        const float *a =
            s->input + ((sample * s->input_blocks + i / LANES) * input_cells + place) * LANES +
            i % LANES;
        float *m = sums + (tap * s->input_blocks * LANES + i) * outputs;
        if (columns == 2) {
          NAME(outer_2)(a, right, cells * LANES, &box, m, outputs);
        } else {
          NAME(outer_1)(a, right, &box, m, outputs);
        }
      }
    }
  }
}

static TARGET void NAME(finish_direct)(const ck_direct_gradient *s, float *plain, int64_t outputs,
                                       int64_t inputs, int64_t block) {
  const int64_t taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  const int64_t row = s->output_blocks * LANES, size = gradient_rows(s) * row;
  const int64_t used = outputs - block * LANES < LANES ? outputs - block * LANES : LANES;
  for (int64_t i = 0; i < inputs; ++i) {
    for (int64_t tap = 0; tap < taps; ++tap) {
      const int64_t r = s->plain_inputs ? i * taps + tap : tap * s->input_blocks * LANES + i;
      const float *from = s->sums + r * row + block * LANES;
      VEC total = *(const VEC *)from;
      for (int64_t part = 1; part < s->parts; ++part) total += *(const VEC *)(from + part * size);
      float *to = plain + (block * LANES * inputs + i) * taps + tap;
      for (int64_t lane = 0; lane < used; ++lane) to[lane * inputs * taps] = total[lane];
    }
  }
}
#undef CHANNELS
