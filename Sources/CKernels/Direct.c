#include "CKernelsDirect.h"

#include "CKernels.h"
#include "CKernelsActivations.h"

#include <string.h>

// What a unit covers: neighbouring rows of one sample (of the input, when transposed).
typedef struct {
  int64_t sample, row, rows;
} direct_place;

static int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

static int64_t all_rows(const ck_direct *s) {
  const int64_t *size = s->transposed ? s->input_size : s->output_size;
  return size[0] * size[1];
}

// Products of one row.
static int64_t product_cells(const ck_direct *s) {
  return s->transposed ? s->input_size[2] : s->output_size[2];
}

static int64_t window_cells(const ck_direct *s) {
  return s->transposed ? 1 : s->kernel[0] * s->kernel[1] * s->kernel[2];
}

// Output cells of one input cell of a transposed convolution.
static int64_t scatter_taps(const ck_direct *s) {
  return s->transposed ? s->kernel[0] * s->kernel[1] * s->kernel[2] : 1;
}

// Whether each cell's window is gathered by itself. Short rows would leave the product with few rows
// at a time; holes in the window leave no contiguous cells.
static int gathers_windows(const ck_direct *s) {
  return s->transposed || s->dilation[2] > 1 || s->output_size[2] < 24;
}

// Whether products read the map as it lies: windows of one cell that lie side by side, in the numbers
// that are multiplied.
static int reads_in_place(const ck_direct *s) {
  int plain = !s->transposed && !s->input_half && !s->product_half && !s->factors &&
              s->input_lanes == s->lanes;
  for (int axis = 0; axis < 3; ++axis) {
    plain = plain && s->kernel[axis] == 1 && s->stride[axis] == 1 && s->pad[axis] == 0;
  }
  return plain;
}

// Cells of a gathered, padded input row.
static int64_t row_cells(const ck_direct *s) {
  return (s->output_size[2] - 1) * s->stride[2] + s->kernel[2];
}

// Numbers gathered for one row of products.
static int64_t gathered_row(const ck_direct *s) {
  const int64_t channels = s->input_blocks * s->input_lanes;
  if (gathers_windows(s)) return product_cells(s) * window_cells(s) * channels;
  return s->kernel[0] * s->kernel[1] * row_cells(s) * channels;
}

// Floats of memory that the gathered rows of a unit take, in whole cache lines.
static int64_t gathered_floats(const ck_direct *s) {
  return ceiling(s->rows * gathered_row(s), s->product_half ? 32 : 16) * 16;
}

static int64_t pair_groups(const ck_direct *s) {
  return ceiling(ceiling(s->output_blocks, 2), s->pairs);
}

static int64_t row_groups(const ck_direct *s) { return ceiling(all_rows(s), s->rows); }

static direct_place direct_place_of(const ck_direct *s, int64_t space) {
  direct_place p;
  p.sample = space / row_groups(s);
  p.row = space % row_groups(s) * s->rows;
  p.rows = all_rows(s) - p.row < s->rows ? all_rows(s) - p.row : s->rows;
  return p;
}

#define KNOWS_BF16
#define TEMPLATE "DirectTemplate.h"
#include "EveryInstructionSet.h"

void ck_direct_plan(ck_direct *s, int64_t threads) {
  // About 48 cells use each weight often enough, and 1 MiB of gathered cells stays in the L2 cache.
  const int64_t all = all_rows(s), limit = 1024 * 1024 / 4;
  s->rows = ceiling(48, product_cells(s));
  while (s->rows > 1 && gathered_floats(s) > limit) --s->rows;
  if (s->rows > all) s->rows = all;
  s->pairs = ceiling(s->output_blocks, 2);
  while (s->pairs > 1 && ck_direct_units(s) < 4 * threads && ck_direct_units(s) % threads != 0) {
    s->pairs = ceiling(s->pairs, 2);
  }
}

int64_t ck_direct_spatial_units(const ck_direct *s) { return s->batch * row_groups(s); }

int64_t ck_direct_units(const ck_direct *s) {
  return ck_direct_spatial_units(s) * pair_groups(s);
}

int64_t ck_direct_unit_cells(const ck_direct *s, int64_t spatial_unit) {
  return direct_place_of(s, spatial_unit).rows * s->output_size[2];
}

int64_t ck_direct_workspace(const ck_direct *s) {
  return gathered_floats(s) + s->rows * product_cells(s) * 2 * s->lanes;
}

void ck_direct_run(const ck_direct *s, int64_t first, int64_t last, float *workspace) {
  void (*const run)(const ck_direct *, int64_t, float *) = CHOSEN(run_unit, s->lanes);
  for (int64_t unit = first; unit < last; ++unit) run(s, unit, workspace);
}

int64_t ck_direct_weight_count(const ck_direct *s) {
  const int64_t count = scatter_taps(s) * window_cells(s) * s->input_blocks * s->input_lanes *
                        s->output_blocks * s->lanes;
  return s->product_half ? count / 2 : count;
}

int ck_direct_multiplies_bf16(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512dq");
#else
  return 0;
#endif
}

// Packs as [tap][channels][columns], or with bfloat16 factors as [tap][channels / 2][columns][2].
void ck_direct_weights(const ck_direct *s, const float *plain, void *packed, int64_t outputs,
                       int64_t inputs) {
  float *single = packed;
  uint16_t *half = packed;
  const int64_t channels = s->input_blocks * s->input_lanes, lanes = s->lanes;
  const int64_t window = s->kernel[0] * s->kernel[1] * s->kernel[2];
  const int64_t scatters = scatter_taps(s), taps = window_cells(s);
  for (int64_t offset = 0; offset < scatters; ++offset) {
    for (int64_t block = 0; block < s->output_blocks; block += 2) {
      const int64_t columns = s->output_blocks - block >= 2 ? 2 : 1;
      for (int64_t tap = 0; tap < taps; ++tap) {
        for (int64_t i = 0; i < channels; ++i) {
          for (int64_t c = 0; c < columns * lanes; ++c) {
            const int64_t o = block * lanes + c;
            float w = 0;
            if (i < inputs && o < outputs) {
              w = s->transposed ? plain[(i * outputs + o) * window + offset]
                                : plain[(o * inputs + i) * window + tap];
            }
            if (s->product_half) {
              ck_narrow(&w, half + (i / 2 * columns * lanes + c) * 2 + i % 2, 1);
            } else {
              *single++ = w;
            }
          }
        }
        half += channels * columns * lanes;
      }
    }
  }
}
