// The loops of HalfLoops.c for one instruction set; see HalfVectors.h, which comes first.

// A stretch of `cells` cells of a block, 32 channels each, to factors `stride` bytes apart.
INLINE void NAME(gather_block)(int32_t from_type, int32_t to_type, const uint8_t *from,
                               int64_t from_step, uint8_t *to, int64_t to_step, int64_t cells,
                               float scale, const float *factor, const float *addition,
                               float slope, float inverse_scale) {
#pragma clang fp contract(off)
  F16 f[2], a[2];
  if (factor) {
    memcpy(f, factor, sizeof f);
    memcpy(a, addition, sizeof a);
  }
  for (int64_t x = 0; x < cells; ++x, from += from_step, to += to_step) {
    F16 v[2];
    NAME(load_cell)(from_type, from, scale, v);
    if (factor) {
      for (int h = 0; h < 2; ++h) LEAKY(v[h], f[h] * v[h] + a[h], slope);
    }
    NAME(store_cell)(to_type, to, v, inverse_scale);
  }
}

// A stretch of one plain channel.
INLINE void NAME(gather_plain)(int32_t to_type, const float *from, int64_t from_step, uint8_t *to,
                               int64_t to_step, int64_t cells, const float *factor,
                               const float *addition, float slope, float inverse_scale) {
#pragma clang fp contract(off)
  for (int64_t x = 0; x < cells; x += 16) {
    const int64_t count = cells - x < 16 ? cells - x : 16;
    F16 v = (F16)(0.0f);
    if (count == 16 && from_step == 1) {
      v = *(const F16 *)(from + x);
    } else {
      float some[16] = {0};
      for (int64_t i = 0; i < count; ++i) some[i] = from[(x + i) * from_step];
      memcpy(&v, some, sizeof v);
    }
    if (factor) LEAKY(v, *factor * v + *addition, slope);
    uint8_t *target = to + x * to_step;
    if (to_type == ck_half_bf16) {
      uint16_t rounded[16];
      NAME(store_bf16)(rounded, &v);
      if (to_step == 2) {
        memcpy(target, rounded, (size_t)count * 2);
      } else {
        for (int64_t i = 0; i < count; ++i) memcpy(target + i * to_step, rounded + i, 2);
      }
    } else {
      int8_t rounded[16];
      NAME(store_int8)(rounded, &v, inverse_scale);
      for (int64_t i = 0; i < count; ++i) memcpy(target + i * to_step, rounded + i, 1);
    }
  }
}

// The inside of a gathered row: cells begin..<end, whose first one reads the input cell `place`.
static TARGET void NAME(gather_row)(const half_geometry *g, int64_t sample, int64_t place,
                                    uint8_t *target, int64_t cells) {
  const ck_half *s = g->shape;
  const int64_t step = g->gather_step[2], to_step = g->cell_bytes;
  const int integers = s->product_type == ck_half_int8;
  const float inverse = integers ? 1 / s->product_scale : 1;
  for (int64_t b = 0; b < s->input_blocks; ++b) {
    const int64_t block = sample * s->input_blocks + b;
    const float *f = s->factors ? s->factors[block] : 0;
    const float *a = f ? s->additions[block] : 0;
    const float slope = f ? s->input_slopes[b] : 1;
    if (s->input_type == ck_half_float) {
      const float *from = (const float *)s->input[block] + place;
      uint8_t *to = target + b * g->factor_bytes;
      NAME(gather_plain)(s->product_type, from, step, to, to_step, cells, f, a, slope, inverse);
      continue;
    }
    const int64_t bytes = s->input_type == ck_half_int8 ? HALF_LANES : 2 * HALF_LANES;
    const uint8_t *from = (const uint8_t *)s->input[block] + place * bytes;
    uint8_t *to = target + b * HALF_LANES * g->factor_bytes;
    if (s->input_type == ck_half_int8) {
      const float scale = s->input_scales[b];
      if (!integers) {
        NAME(gather_block)(ck_half_int8, ck_half_bf16, from, step * 32, to, to_step, cells, scale,
                           f, a, slope, 1);
      } else if (f || scale != s->product_scale) {
        NAME(gather_block)(ck_half_int8, ck_half_int8, from, step * 32, to, to_step, cells, scale,
                           f, a, slope, inverse);
      } else {
        for (int64_t x = 0; x < cells; ++x) memcpy(to + x * to_step, from + x * step * 32, 32);
      }
    } else if (integers) {
      NAME(gather_block)(ck_half_bf16, ck_half_int8, from, step * 64, to, to_step, cells, 1, f, a,
                         slope, inverse);
    } else if (f) {
      NAME(gather_block)(ck_half_bf16, ck_half_bf16, from, step * 64, to, to_step, cells, 1, f, a,
                         slope, 1);
    } else if (step == 1 && to_step == 64) {
      memcpy(to, from, (size_t)(cells * 64));
    } else {
      for (int64_t x = 0; x < cells; ++x) memcpy(to + x * to_step, from + x * step * 64, 64);
    }
  }
}

// Rows of folded cells, one for each row of the output.
static TARGET void NAME(gather_folded)(const half_geometry *g, const half_place *p,
                                       uint8_t *scratch, int64_t begin, int64_t cells,
                                       int64_t first) {
  const ck_half *s = g->shape;
  const int64_t part = g->channels * g->factor_bytes;
  for (int64_t r = 0; r < p->depth * p->height; ++r) {
    const int64_t oz = p->z + r / p->height, oy = p->y + r % p->height;
    uint8_t *target = scratch + r / p->height * g->plane_bytes + r % p->height * g->row_bytes;
    memset(target, 0, (size_t)g->row_bytes + HALF_CHUNK);
    for (int64_t row = 0; row < g->folded; ++row) {
      const int64_t z =
          oz * s->stride[0] + row / s->kernel[1] * s->dilation[0] - s->pad[0];
      const int64_t y =
          oy * s->stride[1] + row % s->kernel[1] * s->dilation[1] - s->pad[1];
      if (z < 0 || z >= s->input_size[0] || y < 0 || y >= s->input_size[1]) continue;
      NAME(gather_row)(g, p->sample, (z * s->input_size[1] + y) * s->input_size[2] + first,
                       target + begin * g->cell_bytes + row * part, cells);
    }
  }
}

static TARGET void NAME(gather)(const half_geometry *g, const half_place *p, uint8_t *scratch) {
  const ck_half *s = g->shape;
  const int64_t deep = (p->depth - 1) * g->stride[0] + (g->window[0] - 1) * g->dilation[0] + 1;
  const int64_t high = (p->height - 1) * g->stride[1] + (g->window[1] - 1) * g->dilation[1] + 1;
  const int64_t step = g->gather_step[2], width = g->gathered[2];
  int64_t begin = half_ceiling(g->pad[2], step);
  int64_t end = half_ceiling(s->input_size[2] + g->pad[2], step);
  if (end > width) end = width;
  if (begin > end) begin = end;
  const int64_t place = begin * step - g->pad[2];
  if (g->folded > 1) {
    NAME(gather_folded)(g, p, scratch, begin, end - begin, place);
    return;
  }
  for (int64_t r = 0; r < deep; ++r) {
    const int64_t z = (p->z * g->stride[0] + r) * g->gather_step[0] - g->pad[0];
    uint8_t *target = scratch + r * g->plane_bytes;
    for (int64_t q = 0; q < high; ++q, target += g->row_bytes) {
      const int64_t y = (p->y * g->stride[1] + q) * g->gather_step[1] - g->pad[1];
      if (z < 0 || z >= s->input_size[0] || y < 0 || y >= s->input_size[1]) {
        memset(target, 0, (size_t)g->row_bytes);
        continue;
      }
      memset(target, 0, (size_t)(begin * g->cell_bytes));
      memset(target + end * g->cell_bytes, 0, (size_t)((width - end) * g->cell_bytes));
      NAME(gather_row)(g, p->sample, (z * s->input_size[1] + y) * s->input_size[2] + place,
                       target + begin * g->cell_bytes, end - begin);
    }
    // The last chunk of a run may reach into the row after, whose weights are 0: no old bits there
    // may look like infinity.
    memset(target, 0, HALF_CHUNK);
  }
}

// Sums of 16 channels of up to 4 cells.
INLINE void NAME(product_bf16_some)(const half_product *p, int64_t first, int rows, int tile) {
#pragma clang fp contract(fast)
  F16 sum[4];
  for (int r = 0; r < rows; ++r) sum[r] = (F16)(0.0f);
  const uint8_t *w = p->weights + tile * HALF_TILE;
  for (int64_t t = 0; t < p->tap_count; ++t) {
    const uint8_t *v = p->cells + first * p->step_bytes + p->taps[t];
    for (int64_t i = 0; i < p->run_bytes; i += 4) {
      const U16 pair =
          *(const U16 *)(w + i / HALF_CHUNK * 2 * HALF_TILE + i % HALF_CHUNK * 16);
      const U16 even_bits = pair << 16, odd_bits = pair & 0xffff0000u;
      F16 even, odd;
      memcpy(&even, &even_bits, sizeof even);
      memcpy(&odd, &odd_bits, sizeof odd);
      for (int r = 0; r < rows; ++r) {
        uint16_t halves[2];
        memcpy(halves, v + r * p->step_bytes + i, 4);
        const uint32_t bits[2] = {(uint32_t)halves[0] << 16, (uint32_t)halves[1] << 16};
        float factors[2];
        memcpy(factors, bits, sizeof factors);
        sum[r] += even * factors[0];
        sum[r] += odd * factors[1];
      }
    }
    w += p->chunks * 2 * HALF_TILE;
  }
  for (int r = 0; r < rows; ++r) {
    memcpy((float *)p->sums + (first + r) * HALF_LANES + tile * 16, &sum[r], sizeof sum[r]);
  }
}

INLINE void NAME(product_int8_some)(const half_product *p, int64_t first, int rows, int tile) {
  I16 sum[4];
  for (int r = 0; r < rows; ++r) sum[r] = (I16)(0);
  const uint8_t *w = p->weights + tile * HALF_TILE;
  for (int64_t t = 0; t < p->tap_count; ++t) {
    const int8_t *v = (const int8_t *)p->cells + first * p->step_bytes + p->taps[t];
    for (int64_t i = 0; i < p->run_bytes; i += 4) {
      const I16 four = *(const I16 *)(w + i / HALF_CHUNK * 2 * HALF_TILE + i % HALF_CHUNK * 16);
      const I16 one[4] = {four << 24 >> 24, four << 16 >> 24, four << 8 >> 24, four >> 24};
      for (int r = 0; r < rows; ++r) {
        for (int j = 0; j < 4; ++j) sum[r] += one[j] * (int32_t)v[r * p->step_bytes + i + j];
      }
    }
    w += p->chunks * 2 * HALF_TILE;
  }
  for (int r = 0; r < rows; ++r) {
    memcpy((int32_t *)p->sums + (first + r) * HALF_LANES + tile * 16, &sum[r], sizeof sum[r]);
  }
}

static TARGET void NAME(product_bf16)(const half_product *p) {
  for (int tile = 0; tile < p->tiles; ++tile) {
    int64_t r = 0;
    for (; r + 4 <= p->count; r += 4) NAME(product_bf16_some)(p, r, 4, tile);
    for (; r < p->count; ++r) NAME(product_bf16_some)(p, r, 1, tile);
  }
}

static TARGET void NAME(product_int8)(const half_product *p) {
  for (int tile = 0; tile < p->tiles; ++tile) {
    int64_t r = 0;
    for (; r + 4 <= p->count; r += 4) NAME(product_int8_some)(p, r, 4, tile);
    for (; r < p->count; ++r) NAME(product_int8_some)(p, r, 1, tile);
  }
}

// 32 sums of a cell in real numbers, biased and rectified.
#define FINISHED(v, from)                                                            \
  do {                                                                               \
    for (int h = 0; h < 2; ++h) {                                                    \
      if (integers) {                                                                \
        v[h] = __builtin_convertvector(((const I16 *)(from))[h], F16) * scales[h];   \
      } else {                                                                       \
        v[h] = ((const F16 *)(from))[h];                                             \
      }                                                                              \
      LEAKY(v[h], v[h] + bias[h], s->slope);                                         \
    }                                                                                \
  } while (0)

INLINE void NAME(finish_cells)(const half_geometry *g, const half_row *row, const F16 *bias,
                               const F16 *scales, int integers, int32_t type, int with_residual) {
#pragma clang fp contract(off)
  const ck_half *s = g->shape;
  const int64_t index = row->sample * g->blocks + row->block;
  const int64_t bytes = type == ck_half_int8 ? HALF_LANES : 2 * HALF_LANES;
  const int64_t other_bytes = s->residual_type == ck_half_int8 ? HALF_LANES : 2 * HALF_LANES;
  uint8_t *target = (uint8_t *)s->output[index] + row->place * bytes;
  const uint8_t *residual =
      with_residual ? (const uint8_t *)s->residual[index] + row->place * other_bytes : 0;
  const float inverse = type == ck_half_int8 ? 1 / s->output_scale : 1;
  const float *from = row->sums;
  F16 pivot[2], sum[2], squares[2];
  for (int h = 0; h < 2; ++h) pivot[h] = sum[h] = squares[h] = (F16)(0.0f);
  const int64_t lanes = g->blocks * HALF_LANES;
  if (row->statistics) {
    memcpy(pivot, row->statistics, sizeof pivot);
    memcpy(sum, row->statistics + lanes, sizeof sum);
    memcpy(squares, row->statistics + 2 * lanes, sizeof squares);
  }
  for (int64_t r = 0; r < row->cells; ++r, from += HALF_LANES, target += row->step * bytes) {
    F16 v[2];
    FINISHED(v, from);
    if (with_residual) {
      F16 other[2];
      NAME(load_cell)(s->residual_type, residual, s->residual_scale, other);
      residual += row->step * other_bytes;
      for (int h = 0; h < 2; ++h) LEAKY(v[h], s->scale * v[h] + other[h], s->final_slope);
    }
    NAME(store_cell)(type, target, v, inverse);
    if (row->statistics) {
      for (int h = 0; h < 2; ++h) {
        const F16 away = v[h] - pivot[h];
        sum[h] += away;
        squares[h] += away * away;
      }
    }
  }
  if (row->statistics) {
    memcpy(row->statistics + lanes, sum, sizeof sum);
    memcpy(row->statistics + 2 * lanes, squares, sizeof squares);
  }
}

INLINE void NAME(finish_plain)(const half_geometry *g, const half_row *row, const F16 *bias,
                               const F16 *scales, int integers) {
#pragma clang fp contract(off)
  const ck_half *s = g->shape;
  const int64_t left = s->outputs - row->block * HALF_LANES;
  const int64_t used = left < HALF_LANES ? left : HALF_LANES;
  const int64_t channel = row->sample * s->outputs + row->block * HALF_LANES;
  // Cells by the line: one at a time would touch a line of every channel, whose addresses often
  // differ by powers of two and then share a set of the cache.
  enum { STRETCH = 16 };
  const float *from = row->sums;
  for (int64_t start = 0; start < row->cells; start += STRETCH) {
    const int64_t cells = row->cells - start < STRETCH ? row->cells - start : STRETCH;
    float numbers[STRETCH][HALF_LANES];
    for (int64_t r = 0; r < cells; ++r, from += HALF_LANES) {
      F16 v[2];
      FINISHED(v, from);
      memcpy(numbers[r], v, sizeof v);
    }
    const int64_t place = row->place + start * row->step;
    for (int64_t c = 0; c < used; ++c) {
      float *target = (float *)s->output[channel + c] + place;
      if (s->residual) {
        const float *residual = (const float *)s->residual[channel + c] + place;
        for (int64_t r = 0; r < cells; ++r) {
          const float y = s->scale * numbers[r][c] + residual[r * row->step];
          target[r * row->step] = y > s->final_slope * y ? y : s->final_slope * y;
        }
      } else if (row->step == 1 && cells == STRETCH) {
        for (int64_t r = 0; r < STRETCH; ++r) target[r] = numbers[r][c];
      } else {
        for (int64_t r = 0; r < cells; ++r) target[r * row->step] = numbers[r][c];
      }
    }
  }
}

// A call without cells begins the statistics.
static TARGET void NAME(finish)(const half_geometry *g, const half_row *row) {
#pragma clang fp contract(off)
  const ck_half *s = g->shape;
  const int integers = s->product_type == ck_half_int8;
  F16 bias[2] = {(F16)(0.0f), (F16)(0.0f)}, scales[2] = {(F16)(1.0f), (F16)(1.0f)};
  if (s->bias) memcpy(bias, s->bias + row->block * HALF_LANES, sizeof bias);
  if (integers) {
    memcpy(scales, row->weight_scales + row->block * HALF_LANES, sizeof scales);
    for (int h = 0; h < 2; ++h) scales[h] = scales[h] * s->product_scale;
  }
  if (row->statistics && row->cells == 0) {
    const int64_t lanes = g->blocks * HALF_LANES;
    F16 v[2];
    FINISHED(v, row->sums);
    memcpy(row->statistics, v, sizeof v);
    memset(row->statistics + lanes, 0, sizeof v);
    memset(row->statistics + 2 * lanes, 0, sizeof v);
  } else if (s->output_type == ck_half_float) {
    NAME(finish_plain)(g, row, bias, scales, integers);
  } else if (s->output_type == ck_half_bf16) {
    if (integers) {
      NAME(finish_cells)(g, row, bias, scales, 1, ck_half_bf16, s->residual != 0);
    } else if (s->residual) {
      NAME(finish_cells)(g, row, bias, scales, 0, ck_half_bf16, 1);
    } else {
      NAME(finish_cells)(g, row, bias, scales, 0, ck_half_bf16, 0);
    }
  } else if (integers) {
    NAME(finish_cells)(g, row, bias, scales, 1, ck_half_int8, s->residual != 0);
  } else {
    NAME(finish_cells)(g, row, bias, scales, 0, ck_half_int8, s->residual != 0);
  }
}
#undef FINISHED
