// The loops of Direct.c for one width of vectors; see VectorTemplate.h, which comes first.

#include "ProductTemplate.h"
#include "HalfProductTemplate.h"

// leaky(factor x + addition) of the channels of one cell, to place `at` of the gathered numbers.
INLINE void NAME(copy_cell)(const ck_direct *s, const void *map, int64_t cell, void *gathered,
                            int64_t at, const float *factor, const float *addition, float slope) {
#pragma clang fp contract(fast)
  if (s->input_lanes == LANES) {
    HALVES *const half = (HALVES *)((uint16_t *)gathered + at);
    if (s->input_half && s->product_half && !factor) {
      *half = ((const HALVES *)map)[cell];
      return;
    }
    VEC v;
    if (s->input_half) {
      NAME(load_cell)(map, cell, 1, &v);
    } else {
      NAME(load_cell)(map, cell, 0, &v);
    }
    if (factor) LEAKY(v, *(const VEC *)factor * v + *(const VEC *)addition, slope);
    if (s->product_half) {
      NAME(store_cell)(half, 0, 1, &v);
    } else {
      // Cells of few channels are not aligned.
      memcpy((float *)gathered + at, &v, sizeof v);
    }
    return;
  }
  const float *from = (const float *)map + cell * s->input_lanes;
  for (int64_t i = 0; i < s->input_lanes; ++i) {
    float v = from[i];
    if (factor) {
      v = factor[i] * v + addition[i];
      v = v > slope * v ? v : slope * v;
    }
    ((float *)gathered)[at + i] = v;
  }
}

// Zeros in so many gathered numbers from place `at` on.
INLINE void NAME(clear)(const ck_direct *s, void *gathered, int64_t at, int64_t count) {
  const int64_t size = s->product_half ? 2 : 4;
  memset((char *)gathered + at * size, 0, (size_t)(count * size));
}

// The input cells that output row (oz, oy) reads: for every (dz, dy) a padded row of cells.
static TARGET void NAME(gather_row)(const ck_direct *s, int64_t sample, int64_t oz, int64_t oy,
                                    void *gathered, int64_t at) {
  const int64_t channels = s->input_blocks * s->input_lanes, lanes = s->input_lanes;
  const int64_t width = row_cells(s);
  for (int64_t dz = 0; dz < s->kernel[0]; ++dz) {
    for (int64_t dy = 0; dy < s->kernel[1]; ++dy, at += width * channels) {
      const int64_t z = oz * s->stride[0] + dz * s->dilation[0] - s->pad[0];
      const int64_t y = oy * s->stride[1] + dy * s->dilation[1] - s->pad[1];
      if (z < 0 || z >= s->input_size[0] || y < 0 || y >= s->input_size[1]) {
        NAME(clear)(s, gathered, at, width * channels);
        continue;
      }
      const int64_t begin = s->pad[2];
      const int64_t end = begin + s->input_size[2] < width ? begin + s->input_size[2] : width;
      NAME(clear)(s, gathered, at, begin * channels);
      NAME(clear)(s, gathered, at + end * channels, (width - end) * channels);
      for (int64_t b = 0; b < s->input_blocks; ++b) {
        const int64_t block = sample * s->input_blocks + b;
        const float *factor = s->factors ? s->factors[block] : 0;
        const float *addition = factor ? s->additions[block] : 0;
        const float slope = factor ? s->input_slopes[b] : 1;
        const int64_t first = (z * s->input_size[1] + y) * s->input_size[2] - begin;
        if (s->input_lanes == 1 && !factor) {
          const float *from = (const float *)s->input[block] + first;
          float *to = (float *)gathered + at + b;
          for (int64_t x = begin; x < end; ++x) to[x * channels] = from[x];
          continue;
        }
        for (int64_t x = begin; x < end; ++x) {
          NAME(copy_cell)(s, s->input[block], first + x, gathered, at + x * channels + b * lanes,
                          factor, addition, slope);
        }
      }
    }
  }
}

// For every cell of output row (oz, oy) all input cells of its window, one after the other.
static TARGET void NAME(gather_windows)(const ck_direct *s, int64_t sample, int64_t oz, int64_t oy,
                                        void *gathered, int64_t at) {
  const int64_t channels = s->input_blocks * s->input_lanes, lanes = s->input_lanes;
  // A transposed convolution multiplies each input cell by itself.
  static const int64_t one[3] = {1, 1, 1};
  const int64_t *kernel = s->transposed ? one : s->kernel;
  const int64_t *stride = s->transposed ? one : s->stride;
  const int64_t cells = product_cells(s);
  for (int64_t ox = 0; ox < cells; ++ox) {
    for (int64_t dz = 0; dz < kernel[0]; ++dz) {
      for (int64_t dy = 0; dy < kernel[1]; ++dy) {
        for (int64_t dx = 0; dx < kernel[2]; ++dx, at += channels) {
          const int64_t z = oz * stride[0] + dz * s->dilation[0] - s->pad[0];
          const int64_t y = oy * stride[1] + dy * s->dilation[1] - s->pad[1];
          const int64_t x = ox * stride[2] + dx * s->dilation[2] - s->pad[2];
          if (z < 0 || z >= s->input_size[0] || y < 0 || y >= s->input_size[1] || x < 0 ||
              x >= s->input_size[2]) {
            NAME(clear)(s, gathered, at, channels);
            continue;
          }
          const int64_t cell = (z * s->input_size[1] + y) * s->input_size[2] + x;
          for (int64_t b = 0; b < s->input_blocks; ++b) {
            const int64_t block = sample * s->input_blocks + b;
            const float *factor = s->factors ? s->factors[block] : 0;
            NAME(copy_cell)(s, s->input[block], cell, gathered, at + b * lanes, factor,
                            factor ? s->additions[block] : 0, factor ? s->input_slopes[b] : 1);
          }
        }
      }
    }
  }
}

// A row of products with an activation at the end, plain channel by plain channel.
INLINE void NAME(finish_active_plain)(const ck_direct *s, const float *products, int64_t columns,
                                      int64_t cells, int64_t sample, int64_t block, int64_t place,
                                      int64_t step) {
#pragma clang fp contract(fast)
  enum { PIECE = 64 };
  float linear[PIECE], active[PIECE];
  const int64_t left = s->plain_outputs - block * LANES;
  const int64_t used = left < LANES ? left : LANES;
  for (int64_t c = 0; c < used; ++c) {
    const int64_t channel = sample * s->plain_outputs + block * LANES + c;
    float *target = (float *)s->output[channel] + place;
    const float *residual = s->residual ? (const float *)s->residual[channel] + place : 0;
    const float bias = s->bias ? s->bias[block * LANES + c] : 0;
    for (int64_t start = 0; start < cells; start += PIECE) {
      const int64_t count = cells - start < PIECE ? cells - start : PIECE;
      for (int64_t i = 0; i < count; ++i) {
        float v = products[(start + i) * columns * LANES + c] + bias;
        v = v > s->slope * v ? v : s->slope * v;
        if (residual) {
          v = s->scale * v + residual[(start + i) * step];
          v = v > s->final_slope * v ? v : s->final_slope * v;
        }
        linear[i] = v;
      }
      ck_activation(s->activation, linear, active, s->activation_parameter, count);
      for (int64_t i = 0; i < count; ++i) target[(start + i) * step] = active[i];
    }
  }
}

// A row of products with an activation at the end, in blocks.
INLINE void NAME(finish_active)(const ck_direct *s, const float *products, int half,
                                int64_t columns, int64_t cells, int64_t sample, int64_t block,
                                int64_t place, int64_t step) {
#pragma clang fp contract(fast)
  enum { PIECE = 16 };
  VEC linear[PIECE], active[PIECE];
  const VEC bias = s->bias ? ((const VEC *)s->bias)[block] : (VEC)(0.0f);
  void *target = s->output[sample * s->output_blocks + block];
  const void *residual = s->residual ? s->residual[sample * s->output_blocks + block] : 0;
  const VEC *from = (const VEC *)products;
  for (int64_t start = 0; start < cells; start += PIECE) {
    const int64_t count = cells - start < PIECE ? cells - start : PIECE;
    for (int64_t i = 0; i < count; ++i) {
      VEC v = from[(start + i) * columns] + bias;
      LEAKY(v, v, s->slope);
      if (residual) {
        VEC added;
        NAME(load_cell)(residual, place + (start + i) * step, half, &added);
        LEAKY(v, s->scale * v + added, s->final_slope);
      }
      linear[i] = v;
    }
    ck_activation(s->activation, (const float *)linear, (float *)active, s->activation_parameter,
                  count * LANES);
    for (int64_t i = 0; i < count; ++i) {
      NAME(store_cell)(target, place + (start + i) * step, half, active + i);
    }
  }
}

// Bias, rectifiers, residual and statistics of one row of products; `step` cells apart in output.
INLINE void NAME(finish_row)(const ck_direct *s, const float *products, int half, int64_t columns,
                             int64_t cells, int64_t sample, int64_t block, int64_t place,
                             int64_t step, float *statistics) {
#pragma clang fp contract(fast)
  if (s->activated) {
    if (s->plain_outputs) {
      NAME(finish_active_plain)(s, products, columns, cells, sample, block, place, step);
    } else {
      NAME(finish_active)(s, products, half, columns, cells, sample, block, place, step);
    }
    return;
  }
  const VEC bias = s->bias ? ((const VEC *)s->bias)[block] : (VEC)(0.0f);
  if (s->plain_outputs) {
    const int64_t left = s->plain_outputs - block * LANES;
    const int64_t used = left < LANES ? left : LANES;
    for (int64_t c = 0; c < used; ++c) {
      const int64_t channel = sample * s->plain_outputs + block * LANES + c;
      float *target = (float *)s->output[channel] + place;
      const float *residual = s->residual ? (const float *)s->residual[channel] + place : 0;
      for (int64_t r = 0; r < cells; ++r) {
        float v = products[r * columns * LANES + c] + bias[c];
        v = v > s->slope * v ? v : s->slope * v;
        if (residual) {
          v = s->scale * v + residual[r * step];
          v = v > s->final_slope * v ? v : s->final_slope * v;
        }
        target[r * step] = v;
      }
    }
    return;
  }
  const int64_t index = sample * s->output_blocks + block;
  void *target = s->output[index];
  const void *residual = s->residual ? s->residual[index] : 0;
  const VEC *from = (const VEC *)products;
  VEC pivot = (VEC)(0.0f), sum = (VEC)(0.0f), squares = (VEC)(0.0f);
  if (statistics) {
    pivot = ((const VEC *)statistics)[0];
    sum = ((const VEC *)statistics)[s->output_blocks];
    squares = ((const VEC *)statistics)[2 * s->output_blocks];
  }
  for (int64_t r = 0; r < cells; ++r) {
    VEC v = from[r * columns] + bias;
    LEAKY(v, v, s->slope);
    if (residual) {
      VEC added;
      NAME(load_cell)(residual, place + r * step, half, &added);
      LEAKY(v, s->scale * v + added, s->final_slope);
    }
    NAME(store_cell)(target, place + r * step, half, &v);
    const VEC away = v - pivot;
    sum += away;
    squares += away * away;
  }
  if (statistics) {
    ((VEC *)statistics)[s->output_blocks] = sum;
    ((VEC *)statistics)[2 * s->output_blocks] = squares;
  }
}

// Products of cells that lie side by side in blocks: constant distances leave the processor's address
// registers free.
static TARGET __attribute__((noinline)) void NAME(cell_products_2)(const float *v, int64_t rows,
                                                                   int64_t block_step,
                                                                   int64_t blocks, const float *u,
                                                                   float *m, int adds) {
  NAME(products)(v, rows, 2, LANES, block_step, blocks, LANES, u, m, adds);
}

static TARGET __attribute__((noinline)) void NAME(cell_products_1)(const float *v, int64_t rows,
                                                                   int64_t block_step,
                                                                   int64_t blocks, const float *u,
                                                                   float *m, int adds) {
  NAME(products)(v, rows, 1, LANES, block_step, blocks, LANES, u, m, adds);
}

// Products of neighbouring cells with all their channels, read where they lie; blocks that follow each
// other at one distance are summed together, whose order is that of the channels either way.
INLINE void NAME(products_in_place)(const ck_direct *s, const direct_place *p, int64_t columns,
                                    const float *weights, float *to) {
  const int64_t cells = p->rows * s->output_size[2];
  const int64_t skipped = p->row * s->output_size[2] * LANES;
  const void *const *input = s->input + p->sample * s->input_blocks;
  const int64_t size = sizeof(float);
  for (int64_t first = 0; first < s->input_blocks;) {
    int64_t count = 1;
    intptr_t distance = 0;
    while (first + count < s->input_blocks) {
      const intptr_t next = (intptr_t)input[first + count] - (intptr_t)input[first + count - 1];
      if (next % size || (count > 1 && next != distance)) break;
      distance = next;
      ++count;
    }
    const float *from = (const float *)input[first] + skipped;
    const float *factors = weights + first * LANES * columns * LANES;
    if (columns == 2) {
      NAME(cell_products_2)(from, cells, distance / size, count, factors, to, first > 0);
    } else {
      NAME(cell_products_1)(from, cells, distance / size, count, factors, to, first > 0);
    }
    first += count;
  }
}

static TARGET void NAME(run_unit)(const ck_direct *s, int64_t unit, float *workspace) {
  const int64_t parts = pair_groups(s);
  const int64_t space = unit / parts, part = unit % parts;
  const direct_place p = direct_place_of(s, space);
  const int64_t channels = s->input_blocks * s->input_lanes;
  const int64_t cells = product_cells(s), offset_taps = scatter_taps(s);
  const int windows = gathers_windows(s);
  const int64_t taps = windows ? 1 : s->kernel[0] * s->kernel[1];
  const int64_t window = s->transposed ? 1 : s->kernel[2];
  const int64_t k = windows ? window_cells(s) * channels : window * channels;
  const int64_t row_step = windows ? k : s->transposed ? channels : s->stride[2] * channels;
  const int64_t tap_step = row_cells(s) * channels;
  const int64_t row_size = gathered_row(s);
  void *const gathered = workspace;
  float *const products = workspace + gathered_floats(s);

  const int in_place = reads_in_place(s);
  const int64_t height = s->transposed ? s->input_size[1] : s->output_size[1];
  for (int64_t r = 0; r < p.rows && !in_place; ++r) {
    const int64_t z = (p.row + r) / height, y = (p.row + r) % height;
    if (windows) {
      NAME(gather_windows)(s, p.sample, z, y, gathered, r * row_size);
    } else {
      NAME(gather_row)(s, p.sample, z, y, gathered, r * row_size);
    }
  }

  const int64_t pairs = (s->output_blocks + 1) / 2;
  const int64_t first = part * s->pairs;
  const int64_t last = first + s->pairs < pairs ? first + s->pairs : pairs;
  for (int64_t offset = 0; offset < offset_taps; ++offset) {
    const int64_t dx = offset % s->kernel[2], dy = offset / s->kernel[2] % s->kernel[1];
    const int64_t dz = offset / s->kernel[2] / s->kernel[1];
    for (int64_t pair = first; pair < last; ++pair) {
      const int64_t block = pair * 2;
      const int64_t columns = s->output_blocks - block >= 2 ? 2 : 1;
      const int64_t u = taps * k * (offset * s->output_blocks + block) * LANES;
      // Windows lie row after row without gaps: one product for all rows of the unit.
      const int64_t joint = windows || in_place ? p.rows : 1;
      if (in_place) {
        NAME(products_in_place)(s, &p, columns, (const float *)s->weights + u, products);
      }
      for (int64_t r = 0; r < p.rows && !in_place; r += joint) {
        float *to = products + r * cells * columns * LANES;
        const float *from = (const float *)gathered + r * row_size;
        const float *weights = (const float *)s->weights + u;
#if defined(HARDWARE_BF16)
        if (s->product_half) {
          const uint16_t *from = (const uint16_t *)gathered + r * row_size;
          const uint16_t *weights = (const uint16_t *)s->weights + u;
          if (columns == 2) {
            NAME(half_products_2)(from, joint * cells, row_step, tap_step, taps, k, weights, to);
          } else {
            NAME(half_products_1)(from, joint * cells, row_step, tap_step, taps, k, weights, to);
          }
          continue;
        }
#endif
        if (columns == 2) {
          NAME(products_2)(from, joint * cells, row_step, tap_step, taps, k, weights, to, 0);
        } else {
          NAME(products_1)(from, joint * cells, row_step, tap_step, taps, k, weights, to, 0);
        }
      }
      for (int64_t c = 0; c < columns; ++c) {
        float *statistics = 0;
        if (s->statistics) {
          // Any value near the mean serves as pivot; the first cell's own, before its bias, is one.
          statistics = s->statistics + (space * 3 * s->output_blocks + block + c) * LANES;
          ((VEC *)statistics)[0] = ((const VEC *)products)[c];
          ((VEC *)statistics)[s->output_blocks] = (VEC)(0.0f);
          ((VEC *)statistics)[2 * s->output_blocks] = (VEC)(0.0f);
        }
        for (int64_t r = 0; r < p.rows; ++r) {
          int64_t z = (p.row + r) / height, y = (p.row + r) % height, x = 0, step = 1;
          if (s->transposed) {
            z = z * s->stride[0] + dz;
            y = y * s->stride[1] + dy;
            x = dx;
            step = s->stride[2];
          }
          const int64_t place = (z * s->output_size[1] + y) * s->output_size[2] + x;
          const float *row = products + (r * cells * columns + c) * LANES;
          if (s->output_half) {
            NAME(finish_row)(s, row, 1, columns, cells, p.sample, block + c, place, step,
                             statistics);
          } else {
            NAME(finish_row)(s, row, 0, columns, cells, p.sample, block + c, place, step,
                             statistics);
          }
        }
      }
    }
  }
}
