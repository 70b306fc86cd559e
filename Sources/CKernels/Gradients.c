#include "CKernelsGradients.h"

// Tiles that one unit transforms.
enum { TRANSFORM_TILES = 32 };
// Output blocks of one unit of accumulation.
enum { OUTPUT_GROUP = 8 };

static int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

static int64_t plane_tiles(const ck_winograd_gradient *s) {
  return ceiling(s->height, 4) * ceiling(s->width, 4);
}

// Slices that may lie in one chunk: windows of depth 3 reach into neighbours, those of depth 1 care
// for nothing, not even the sample.
static int64_t run_slices(const ck_winograd_gradient *s) {
  return s->depth_taps == 1 ? s->batch * s->depth : s->depth;
}

// Floats of one of the 36 planes of transformed tiles, of the input or of the gradient.
static int64_t tile_plane(const ck_winograd_gradient *s, int is_input) {
  return (is_input ? (s->slices + s->depth_taps - 1) * s->input_blocks
                   : s->slices * s->output_blocks) *
         s->tiles * s->lanes;
}

// Floats from one plane of products to the next: not a power of two, which would put the same place
// of all planes into one set of the caches.
static int64_t product_plane(const ck_winograd_gradient *s) {
  return (s->depth_taps * s->input_blocks * s->output_blocks * s->lanes + 5) * s->lanes;
}

// What a chunk covers: slices counted from the start of `sample`.
typedef struct {
  int64_t sample, slice, slices, tile, tiles;
} gradient_chunk;

static gradient_chunk chunk_of(const ck_winograd_gradient *s, int64_t chunk) {
  const int64_t run = run_slices(s), all = plane_tiles(s);
  const int64_t layers = ceiling(run, s->slices), groups = ceiling(all, s->tiles);
  gradient_chunk p;
  p.sample = chunk / (layers * groups);
  p.tile = chunk / layers % groups * s->tiles;
  p.slice = chunk % layers * s->slices;
  p.slices = run - p.slice < s->slices ? run - p.slice : s->slices;
  p.tiles = all - p.tile < s->tiles ? all - p.tile : s->tiles;
  return p;
}

// What a unit transforms: some tiles of one slice of one block, of the input or of the gradient.
typedef struct {
  int is_input;
  int64_t block, slot, tile;
} transform_place;

static transform_place transform_place_of(const ck_winograd_gradient *s, int64_t unit) {
  const int64_t groups = ceiling(s->tiles, TRANSFORM_TILES);
  const int64_t slots = s->slices + s->depth_taps - 1;
  const int64_t inputs = s->input_blocks * slots * groups;
  transform_place u;
  u.is_input = unit < inputs;
  if (!u.is_input) unit -= inputs;
  u.tile = unit % groups * TRANSFORM_TILES;
  u.slot = unit / groups % (u.is_input ? slots : s->slices);
  u.block = unit / groups / (u.is_input ? slots : s->slices);
  return u;
}

// The slice of a slot; 0 when there is none.
static int slice_of(const ck_winograd_gradient *s, const gradient_chunk *p, int is_input,
                    int64_t slot, int64_t *sample, int64_t *z) {
  const int64_t reach = is_input ? s->depth_taps / 2 : 0;
  const int64_t slice = p->slice + slot - reach;
  const int exists = slice >= 0 && slice < run_slices(s) && slot < p->slices + 2 * reach;
  *sample = p->sample + (exists ? slice / s->depth : 0);
  *z = exists ? slice % s->depth : 0;
  return exists;
}

static int64_t output_groups(const ck_winograd_gradient *s) {
  return ceiling(s->output_blocks, OUTPUT_GROUP);
}

// Rows of the sums: one for each tap and input channel, filled up to whole vectors.
static int64_t gradient_rows(const ck_direct_gradient *s) {
  const int64_t taps = s->kernel[0] * s->kernel[1] * s->kernel[2];
  return s->plain_inputs ? ceiling(s->plain_inputs * taps, s->lanes) * s->lanes
                         : taps * s->input_blocks * s->lanes;
}

#define TEMPLATE "GradientTemplate.h"
#include "EveryInstructionSet.h"

void ck_winograd_gradient_plan(ck_winograd_gradient *s) {
  // Transformed tiles should stay in the caches until they are multiplied; but the fewer the chunks,
  // the less often the sums are fetched.
  const int64_t bytes = 36 * 4 * (s->input_blocks + s->output_blocks) * s->lanes;
  const int64_t all = plane_tiles(s), run = run_slices(s);
  int64_t count = (4 << 20) / bytes;
  if (count < 128) count = 128;
  if (s->depth_taps == 1) {
    s->slices = count / all < 1 ? 1 : count / all < run ? count / all : run;
  } else {
    // Neighbours of the slices are transformed too, hence not too few.
    s->slices = s->depth < 8 ? s->depth : 8;
    count = count / s->slices < 8 ? 8 : count / s->slices;
  }
  s->slices = ceiling(run, ceiling(run, s->slices));
  s->tiles = count < all ? ceiling(all, ceiling(all, count)) : all;
}

int64_t ck_winograd_gradient_tiles(const ck_winograd_gradient *s) {
  return 36 * (tile_plane(s, 0) + tile_plane(s, 1));
}

int64_t ck_winograd_gradient_products(const ck_winograd_gradient *s) {
  return 36 * product_plane(s);
}

int64_t ck_winograd_gradient_chunks(const ck_winograd_gradient *s) {
  const int64_t chunks = ceiling(run_slices(s), s->slices) * ceiling(plane_tiles(s), s->tiles);
  return s->depth_taps == 1 ? chunks : s->batch * chunks;
}

int64_t ck_winograd_gradient_transform_units(const ck_winograd_gradient *s) {
  const int64_t slots = s->slices + s->depth_taps - 1;
  return (s->input_blocks * slots + s->output_blocks * s->slices) *
         ceiling(s->tiles, TRANSFORM_TILES);
}

void ck_winograd_gradient_transform(const ck_winograd_gradient *s, int64_t chunk, int64_t unit) {
  CHOSEN(transform, s->lanes)(s, chunk, unit);
}

int64_t ck_winograd_gradient_units(const ck_winograd_gradient *s) { return 36 * output_groups(s); }

void ck_winograd_gradient_accumulate(const ck_winograd_gradient *s, int64_t chunk, int64_t unit) {
  CHOSEN(accumulate, s->lanes)(s, chunk, unit);
}

void ck_winograd_gradient_finish(const ck_winograd_gradient *s, float *plain, int64_t outputs,
                                 int64_t inputs, int64_t block) {
  CHOSEN(finish_winograd, s->lanes)(s, plain, outputs, inputs, block);
}

void ck_direct_gradient_plan(ck_direct_gradient *s) {
  // Enough units for any processor, as long as the sums stay below 16 MiB; at least 64 cells each.
  const int64_t pairs = ceiling(s->output_blocks, 2);
  const int64_t rows = s->batch * s->output_size[0] * s->output_size[1];
  const int64_t budget = (4 << 20) / (gradient_rows(s) * s->output_blocks * s->lanes);
  int64_t parts = ceiling(64, pairs);
  if (parts > budget) parts = budget;
  if (parts > rows * s->output_size[2] / 64) parts = rows * s->output_size[2] / 64;
  if (parts > rows) parts = rows;
  s->parts = parts < 1 ? 1 : parts;
}

int64_t ck_direct_gradient_sums(const ck_direct_gradient *s) {
  return s->parts * gradient_rows(s) * s->output_blocks * s->lanes;
}

int64_t ck_direct_gradient_units(const ck_direct_gradient *s) {
  return s->parts * ceiling(s->output_blocks, 2);
}

void ck_direct_gradient_run(const ck_direct_gradient *s, int64_t unit) {
  CHOSEN(direct, s->lanes)(s, unit);
}

void ck_direct_gradient_finish(const ck_direct_gradient *s, float *plain, int64_t outputs,
                               int64_t inputs, int64_t block) {
  CHOSEN(finish_direct, s->lanes)(s, plain, outputs, inputs, block);
}
