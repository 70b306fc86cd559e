#include "CKernelsWinograd.h"

#include "CKernelsActivations.h"

#include <stdlib.h>
#include <string.h>

// The points of interpolation: 0, +-NEAR, +-FAR and infinity. 5/8 and 3/2 round less than the usual
// 1 and 2, whose powers are further from 1: 2.2e-6 of the largest value instead of 9.4e-6 for 256
// channels of 32 x 32.
#ifndef NEAR
#define NEAR 0.625f
#define FAR 1.5f
#endif
#define NEAR2 (NEAR * NEAR)
#define FAR2 (FAR * FAR)
// 1 / ((p - 0) (p + p) (p^2 - q^2)) for a point p and the other one, q.
#define NEAR_SCALE (1 / (2 * NEAR2 * (NEAR2 - FAR2)))
#define FAR_SCALE (1 / (2 * FAR2 * (FAR2 - NEAR2)))

// What a unit covers: neighbouring tiles of neighbouring slices of one sample.
//
// Slices are counted within one of the grids along the depth, whose first slice is `grid`.
typedef struct {
  int64_t sample, grid, slice, slices, tile, tiles;
} unit_place;

static int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Tiles along an axis with a dilation of d, in all of its grids; some may lie outside the map.
static int64_t axis_tiles(int64_t size, int64_t d) { return d * ceiling(ceiling(size, d), 4); }

// The first cell of a tile. Neighbouring tiles belong to neighbouring grids: what they read is near.
static int64_t tile_start(int64_t tile, int64_t d) { return tile % d + tile / d * 4 * d; }

// How many of a tile's four cells along an axis lie inside the map.
static int64_t tile_cells(int64_t start, int64_t size, int64_t d) {
  if (start >= size) return 0;
  const int64_t left = ceiling(size - start, d);
  return left < 4 ? left : 4;
}

static int64_t plane_tiles(const ck_winograd *s) {
  return axis_tiles(s->height, s->dilation[1]) * axis_tiles(s->width, s->dilation[2]);
}

// Groups of slices of all grids along the depth.
static int64_t depth_layers(const ck_winograd *s) {
  return s->dilation[0] * ceiling(ceiling(s->depth, s->dilation[0]), s->slices);
}

static unit_place place_of(const ck_winograd *s, int64_t unit) {
  const int64_t all = plane_tiles(s);
  const int64_t groups = ceiling(all, s->tiles), layers = depth_layers(s);
  unit_place p;
  p.sample = unit / (groups * layers);
  // Units that share slices' transforms' sources follow one another along the depth.
  const int64_t rest = unit % (groups * layers);
  p.tile = rest / layers * s->tiles;
  p.grid = rest % layers % s->dilation[0];
  p.slice = rest % layers / s->dilation[0] * s->slices;
  p.tiles = all - p.tile < s->tiles ? all - p.tile : s->tiles;
  const int64_t left = ceiling(s->depth - p.grid, s->dilation[0]) - p.slice;
  p.slices = s->depth <= p.grid || left < 0 ? 0 : left < s->slices ? left : s->slices;
  return p;
}

static int64_t pair_groups(const ck_winograd *s) {
  return ceiling(ceiling(s->output_blocks, 2), s->pairs);
}

// Channels whose weights a unit transforms at a time: about 600 KiB of them stay in the L2 cache.
static int64_t fresh_channels(const ck_winograd *s) {
  const int64_t channels = s->input_blocks * s->lanes;
  const int64_t fitting = 600 * 256 / (36 * s->depth_taps * 2 * s->lanes) / s->lanes * s->lanes;
  const int64_t some = fitting < s->lanes ? s->lanes : fitting;
  return some < channels ? some : channels;
}

#define KNOWS_BF16
#define TEMPLATE "WinogradTemplate.h"
#include "EveryInstructionSet.h"

void ck_winograd_plan(ck_winograd *s, int64_t threads) {
  // Some 64 rows use each weight often enough, and their patches should stay near the L2 cache.
  const int64_t all = plane_tiles(s);
  const int64_t channels = s->input_blocks * s->lanes;
  const int64_t reach = s->depth_taps / 2;
  s->transformed = 1;
  const int64_t weights = ck_winograd_weight_count(s);
  const int64_t limit = (weights > (1 << 21) ? 3072 : 1600) * 1024 / 4;
  const int64_t depth = ceiling(s->depth, s->dilation[0]);
  s->slices = s->depth_taps == 1 ? 1 : depth < 8 ? depth : 8;
  int64_t tiles = (s->depth_taps == 1 ? 48 : 64) / s->slices;
  if (tiles > all) tiles = all;
  while (tiles > 4 && 36 * (s->slices + 2 * reach) * tiles * channels > limit) tiles -= 4;
  // Groups of one size, and an even number where there are few: threads finish together.
  int64_t groups = ceiling(all, tiles);
  if (groups > 1 && groups < 8 && groups % 2 == 1) ++groups;
  s->tiles = ceiling(all, groups);
  // Transformed weights are four times as large. Few units transform them again at little cost (512
  // channels of 16 x 16: 3.0 ms instead of 4.6, as less has to come from memory); many do not.
  s->transformed =
      weights <= (1 << 18) || (weights <= (1 << 21) && ck_winograd_spatial_units(s) >= 16);
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
  return s->batch * ceiling(plane_tiles(s), s->tiles) * depth_layers(s);
}

int64_t ck_winograd_unit_cells(const ck_winograd *s, int64_t spatial_unit) {
  const unit_place p = place_of(s, spatial_unit);
  const int64_t dy = s->dilation[1], dx = s->dilation[2], across = axis_tiles(s->width, dx);
  int64_t cells = 0;
  for (int64_t t = p.tile; t < p.tile + p.tiles; ++t) {
    cells += tile_cells(tile_start(t / across, dy), s->height, dy) *
             tile_cells(tile_start(t % across, dx), s->width, dx);
  }
  return cells * p.slices;
}

int64_t ck_winograd_workspace(const ck_winograd *s) {
  const int64_t reach = s->depth_taps / 2;
  const int64_t maps = 36 * s->tiles * ((s->slices + 2 * reach) * s->input_blocks * s->lanes +
                                        s->slices * 2 * s->lanes);
  if (s->transformed) return maps;
  return maps + 36 * s->depth_taps * fresh_channels(s) * 2 * s->lanes;
}

void ck_winograd_run(const ck_winograd *s, int64_t first, int64_t last, float *workspace) {
  void (*const run)(const ck_winograd *, int64_t, float *) = CHOSEN(run_unit, s->lanes);
  for (int64_t unit = first; unit < last; ++unit) run(s, unit, workspace);
}

int64_t ck_winograd_weight_count(const ck_winograd *s) {
  return (s->transformed ? 36 : 9) * s->depth_taps * s->input_blocks * s->output_blocks *
         s->lanes * s->lanes;
}

void ck_winograd_weights(const ck_winograd *s, const float *plain, float *packed, int64_t outputs,
                         int64_t inputs, int mirrored, int64_t first, int64_t last) {
  void (*const pack)(const ck_winograd *, const float *, float *, int64_t, int64_t, int, int64_t) =
      CHOSEN(pack_weights, s->lanes);
  // Blocks are packed in pairs; whoever has the first of a pair packs both.
  for (int64_t block = first + (first & 1); block < last; block += 2) {
    const int64_t before = (s->transformed ? 36 : 9) * s->depth_taps * s->input_blocks * s->lanes *
                           block * s->lanes;
    pack(s, plain, packed + before, outputs, inputs, mirrored, block);
  }
}
