#include "CKernelsWinograd.h"

#include <string.h>

// What a unit covers: neighbouring tiles of neighbouring slices of one sample.
typedef struct {
  int64_t sample, slice, slices, tile, tiles;
} unit_place;

static int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

static int64_t plane_tiles(const ck_winograd *s) {
  return ceiling(s->height, 4) * ceiling(s->width, 4);
}

static unit_place place_of(const ck_winograd *s, int64_t unit) {
  const int64_t all = plane_tiles(s);
  const int64_t groups = ceiling(all, s->tiles), layers = ceiling(s->depth, s->slices);
  unit_place p;
  p.sample = unit / (groups * layers);
  // Units that share slices' transforms' sources follow one another along the depth.
  const int64_t rest = unit % (groups * layers);
  p.tile = rest / layers * s->tiles;
  p.slice = rest % layers * s->slices;
  p.tiles = all - p.tile < s->tiles ? all - p.tile : s->tiles;
  p.slices = s->depth - p.slice < s->slices ? s->depth - p.slice : s->slices;
  return p;
}

static int64_t pair_groups(const ck_winograd *s) {
  return ceiling(ceiling(s->output_blocks, 2), s->pairs);
}

#define TEMPLATE "WinogradTemplate.h"
#include "EveryInstructionSet.h"

void ck_winograd_plan(ck_winograd *s, int64_t threads) {
  // Some 64 rows use each weight often enough, and their patches should stay in the L2 cache; but
  // weights larger than that cache come from afar, and are best used by more rows. (256 channels of
  // 16 x 16 x 16: 31 ms with 16 rows, 27 with 32, 22 with 128.)
  const int64_t all = plane_tiles(s);
  const int64_t channels = s->input_blocks * s->lanes;
  const int64_t reach = s->depth_taps / 2;
  const int64_t weights = ck_winograd_weight_count(s->input_blocks, s->output_blocks, s->lanes,
                                                   s->depth_taps);
  const int large = weights > (1 << 20);
  const int64_t limit = (large ? 6 : 1) * 1280 * 1024 / 4;
  s->slices = s->depth_taps == 1 ? 1 : s->depth < 8 ? s->depth : 8;
  int64_t tiles = (s->depth_taps == 1 ? large ? 64 : 48 : large ? 128 : 64) / s->slices;
  if (tiles > all) tiles = all;
  while (tiles > 4 && 36 * (s->slices + 2 * reach) * tiles * channels > limit) tiles -= 4;
  s->tiles = tiles;
  s->pairs = ceiling(s->output_blocks, 2);
  // Units that share their tiles transform them again each: no more of those than threads need.
  while (s->pairs > 1 && ck_winograd_units(s) < 2 * threads &&
         ck_winograd_units(s) % threads != 0) {
    s->pairs = ceiling(s->pairs, 2);
  }
}

int64_t ck_winograd_units(const ck_winograd *s) {
  return ck_winograd_spatial_units(s) * pair_groups(s);
}

int64_t ck_winograd_spatial_units(const ck_winograd *s) {
  return s->batch * ceiling(plane_tiles(s), s->tiles) * ceiling(s->depth, s->slices);
}

int64_t ck_winograd_unit_cells(const ck_winograd *s, int64_t spatial_unit) {
  const unit_place p = place_of(s, spatial_unit);
  const int64_t across = ceiling(s->width, 4);
  int64_t cells = 0;
  for (int64_t t = p.tile; t < p.tile + p.tiles; ++t) {
    const int64_t y = t / across * 4, x = t % across * 4;
    const int64_t rows = s->height - y < 4 ? s->height - y : 4;
    cells += rows * (s->width - x < 4 ? s->width - x : 4);
  }
  return cells * p.slices;
}

int64_t ck_winograd_workspace(const ck_winograd *s) {
  const int64_t reach = s->depth_taps / 2;
  return 36 * s->tiles *
         ((s->slices + 2 * reach) * s->input_blocks * s->lanes + s->slices * 2 * s->lanes);
}

void ck_winograd_run(const ck_winograd *s, int64_t first, int64_t last, float *workspace) {
  void (*const run)(const ck_winograd *, int64_t, float *) = CHOSEN(run_unit, s->lanes);
  for (int64_t unit = first; unit < last; ++unit) run(s, unit, workspace);
}

int64_t ck_winograd_weight_count(int64_t input_blocks, int64_t output_blocks, int64_t lanes,
                                 int64_t depth_taps) {
  return 36 * depth_taps * input_blocks * output_blocks * lanes * lanes;
}

// G of F(4, 3), row by row.
static const double kernel_matrix[6][3] = {
    {1.0 / 4, 0, 0},
    {-1.0 / 6, -1.0 / 6, -1.0 / 6},
    {-1.0 / 6, 1.0 / 6, -1.0 / 6},
    {1.0 / 24, 1.0 / 12, 1.0 / 6},
    {1.0 / 24, -1.0 / 12, 1.0 / 6},
    {0, 0, 1},
};

void ck_winograd_weights(const float *plain, float *transformed, int64_t outputs, int64_t inputs,
                         int64_t lanes, int64_t depth_taps, int transposed, int64_t first,
                         int64_t last) {
  const int64_t channels = ceiling(inputs, lanes) * lanes;
  const int64_t blocks = ceiling(outputs, lanes);
  for (int64_t block = first; block < last; ++block) {
    const int64_t pair = block / 2 * 2;
    const int64_t columns = blocks - pair >= 2 ? 2 : 1;
    // Everything before this pair fills whole panels.
    float *const base = transformed + 36 * depth_taps * channels * pair * lanes;
    for (int64_t tap = 0; tap < depth_taps; ++tap) {
      for (int64_t i = 0; i < channels; ++i) {
        for (int64_t lane = 0; lane < lanes; ++lane) {
          const int64_t o = block * lanes + lane;
          double g[3][3] = {{0}};
          if (i < inputs && o < outputs) {
            const float *w = transposed ? plain + ((i * outputs + o) * depth_taps +
                                                   (depth_taps - 1 - tap)) * 9
                                        : plain + ((o * inputs + i) * depth_taps + tap) * 9;
            for (int k = 0; k < 9; ++k) g[k / 3][k % 3] = w[transposed ? 8 - k : k];
          }
          double half[6][3];
          for (int a = 0; a < 6; ++a) {
            for (int k = 0; k < 3; ++k) {
              half[a][k] = kernel_matrix[a][0] * g[0][k] + kernel_matrix[a][1] * g[1][k] +
                           kernel_matrix[a][2] * g[2][k];
            }
          }
          for (int a = 0; a < 6; ++a) {
            for (int b = 0; b < 6; ++b) {
              const double value = half[a][0] * kernel_matrix[b][0] +
                                   half[a][1] * kernel_matrix[b][1] +
                                   half[a][2] * kernel_matrix[b][2];
              const int64_t row = ((a * 6 + b) * depth_taps + tap) * channels + i;
              base[row * columns * lanes + (block - pair) * lanes + lane] = (float)value;
            }
          }
        }
      }
    }
  }
}
