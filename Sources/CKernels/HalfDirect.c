#include "HalfDirect.h"

#include <string.h>

int64_t half_block_tiles(const ck_half *s, int64_t block) {
  return s->outputs - block * HALF_LANES > HALF_LANES / 2 ? 2 : 1;
}

half_geometry half_geometry_of(const ck_half *s) {
  half_geometry g;
  memset(&g, 0, sizeof g);
  g.shape = s;
  g.factor_bytes = s->product_type == ck_half_int8 ? 1 : 2;
  g.channels = s->input_blocks * (s->input_type == ck_half_float ? 1 : HALF_LANES);
  for (int axis = 0; axis < 3; ++axis) {
    if (s->transposed) {
      g.size[axis] = s->input_size[axis];
      g.window[axis] = g.gather_step[axis] = g.stride[axis] = g.dilation[axis] = 1;
      continue;
    }
    g.size[axis] = s->output_size[axis];
    g.window[axis] = s->kernel[axis];
    g.gather_step[axis] = s->kernel[axis] == 1 ? s->stride[axis] : 1;
    g.stride[axis] = s->stride[axis] / g.gather_step[axis];
    g.dilation[axis] = s->dilation[axis];
    g.pad[axis] = s->pad[axis];
  }
  const int few = g.dilation[2] == 1 &&
                  g.channels * g.window[2] * g.factor_bytes <= HALF_CHUNK / 2;
  g.folded = s->input_type == ck_half_float && few ? g.window[0] * g.window[1] : 1;
  g.cell_bytes = g.channels * g.factor_bytes * g.folded;
  const int64_t covered[3] = {s->depth_rows, s->rows, g.size[2]};
  for (int axis = 0; axis < 3; ++axis) {
    g.gathered[axis] =
        (covered[axis] - 1) * g.stride[axis] + (g.window[axis] - 1) * g.dilation[axis] + 1;
    if (g.folded > 1 && axis < 2) {
      g.gathered[axis] = covered[axis];
      g.stride[axis] = g.gather_step[axis] = g.window[axis] = 1;
    }
  }
  // A row of gathered cells holds a whole number of strides, so that the next row is in step.
  g.gathered[2] = half_ceiling(g.gathered[2], g.stride[2]) * g.stride[2];
  g.row_bytes = g.gathered[2] * g.cell_bytes;
  g.plane_bytes = g.gathered[1] * g.row_bytes;
  g.pitch = g.gathered[2] * g.stride[1] / g.stride[2];
  g.step_bytes = g.stride[2] * g.cell_bytes;
  const int joined = g.dilation[2] == 1;
  g.run_bytes = g.cell_bytes * (joined ? g.window[2] : 1);
  g.chunks = half_ceiling(g.run_bytes, HALF_CHUNK);
  g.taps = g.window[0] * g.window[1] * (joined ? 1 : g.window[2]);
  g.blocks = half_ceiling(s->outputs, HALF_LANES);
  g.scatters = s->transposed ? s->kernel[0] * s->kernel[1] * s->kernel[2] : 1;
  g.panels = g.scatters * g.blocks;
  g.panel_bytes = g.taps * g.chunks * 2 * HALF_TILE;
  g.depth_groups = half_ceiling(g.size[0], s->depth_rows);
  g.row_groups = half_ceiling(g.size[1], s->rows);
  g.panel_groups = half_ceiling(g.panels, s->panels);
  return g;
}

static half_place half_place_of(const half_geometry *g, int64_t unit) {
  const ck_half *s = g->shape;
  half_place p;
  p.first_panel = unit % g->panel_groups * s->panels;
  p.last_panel = p.first_panel + s->panels < g->panels ? p.first_panel + s->panels : g->panels;
  unit /= g->panel_groups;
  p.y = unit % g->row_groups * s->rows;
  p.height = g->size[1] - p.y < s->rows ? g->size[1] - p.y : s->rows;
  unit /= g->row_groups;
  p.z = unit % g->depth_groups * s->depth_rows;
  p.depth = g->size[0] - p.z < s->depth_rows ? g->size[0] - p.z : s->depth_rows;
  p.sample = unit / g->depth_groups;
  return p;
}

int64_t ck_half_spatial_units(const ck_half *s) {
  const half_geometry g = half_geometry_of(s);
  return s->batch * g.depth_groups * g.row_groups;
}

int64_t ck_half_units(const ck_half *s) {
  return ck_half_spatial_units(s) * half_geometry_of(s).panel_groups;
}

int64_t ck_half_unit_cells(const ck_half *s, int64_t spatial_unit) {
  const half_geometry g = half_geometry_of(s);
  const half_place p = half_place_of(&g, spatial_unit * g.panel_groups);
  return p.depth * p.height * g.size[2] * g.scatters;
}

// Gathered rows, and what the product may read past them: cells that fill up the last tile, and
// the end of a chunk.
static int64_t slab_bytes(const half_geometry *g) { return g->gathered[0] * g->plane_bytes; }

static int64_t slack_bytes(const half_geometry *g) {
  return HALF_SPAN * g->step_bytes + g->chunks * HALF_CHUNK;
}

static int64_t scratch_bytes(const half_geometry *g) {
  return half_ceiling(slab_bytes(g) + slack_bytes(g), 64) * 64;
}

enum { SUM_BYTES = HALF_SPAN * HALF_LANES * 4 };

int64_t ck_half_workspace(const ck_half *s) {
  const half_geometry g = half_geometry_of(s);
  return SUM_BYTES + scratch_bytes(&g) + half_ceiling(g.taps, 8) * 64;
}

// The cost of a choice in units of about a cycle, were 16 threads to share the work.
static double cost(const half_geometry *g) {
  const ck_half *s = g->shape;
  const double spatial = (double)(s->batch * g->depth_groups * g->row_groups);
  const double units = spatial * (double)g->panel_groups;
  const double line = (double)(((s->rows - 1) * g->pitch + g->size[2] + 15) / 16 * 16);
  const double steps = (double)(g->taps * g->chunks);
  const double gather = (double)slab_bytes(g) / 64 * 4;
  // Two tiles of 16 cycles for 16 cells, about half of that reached; and the sums' way out.
  const double product = line * (double)(s->depth_rows * s->panels) * (steps * 4 + 16);
  const double weights = (double)(s->panels * g->panel_bytes) / 16;
  const double rounds = units < 16 ? 1 : units / 16;
  return rounds * (gather + product + weights + 2000);
}

void ck_half_plan(ck_half *s) {
  enum { SLAB_LIMIT = 768 * 1024, ROW_LIMIT = 64, DEPTH_LIMIT = 16 };
  int64_t best[3] = {1, 1, 1};
  double least = -1;
  s->depth_rows = s->rows = s->panels = 1;
  const half_geometry whole = half_geometry_of(s);
  for (int64_t panels = whole.panels;; panels = half_ceiling(panels, 2)) {
    for (int64_t z = 1; z <= whole.size[0] && z <= DEPTH_LIMIT; ++z) {
      for (int64_t y = 1; y <= whole.size[1] && y <= ROW_LIMIT; ++y) {
        s->depth_rows = z;
        s->rows = y;
        s->panels = panels;
        const half_geometry g = half_geometry_of(s);
        if (slab_bytes(&g) > SLAB_LIMIT && z * y > 1) break;
        const double here = cost(&g);
        if (least < 0 || here < least) {
          least = here;
          best[0] = z;
          best[1] = y;
          best[2] = panels;
        }
      }
    }
    if (panels == 1) break;
  }
  s->depth_rows = best[0];
  s->rows = best[1];
  s->panels = best[2];
}

// Sends the valid cells of sums begin..<end of an output plane's line to the output.
static void finish_span(const half_geometry *g, const half_kernels *k, const half_place *p,
                        half_row row, int64_t begin, int64_t end, int64_t z, int64_t scatter) {
  const ck_half *s = g->shape;
  const uint8_t *sums = row.sums;
  const int64_t width = g->size[2];
  const int64_t dx = scatter % s->kernel[2], dy = scatter / s->kernel[2] % s->kernel[1];
  const int64_t dz = scatter / s->kernel[2] / s->kernel[1];
  for (int64_t r = begin / g->pitch; r * g->pitch < end; ++r) {
    const int64_t start = r * g->pitch;
    const int64_t low = start < begin ? begin : start;
    const int64_t high = start + width < end ? start + width : end;
    if (low >= high) continue;
    int64_t oz = p->z + z, oy = p->y + r, ox = low - start;
    row.step = 1;
    if (s->transposed) {
      oz = oz * s->stride[0] + dz;
      oy = oy * s->stride[1] + dy;
      ox = ox * s->stride[2] + dx;
      row.step = s->stride[2];
    }
    row.sums = sums + (low - begin) * HALF_LANES * 4;
    row.cells = high - low;
    row.place = (oz * s->output_size[1] + oy) * s->output_size[2] + ox;
    k->finish(g, &row);
  }
}

static void run_unit(const half_geometry *g, const half_kernels *k, int64_t unit, uint8_t *scratch,
                     const int64_t *taps, void *sums) {
  const ck_half *s = g->shape;
  const half_place p = half_place_of(g, unit);
  const int64_t lanes = g->blocks * HALF_LANES;
  k->gather(g, &p, scratch);
  if (k->offset) k->offset(scratch, slab_bytes(g));
  const int64_t line = (p.height - 1) * g->pitch + g->size[2];
  for (int64_t panel = p.first_panel; panel < p.last_panel; ++panel) {
    const int64_t scatter = panel / g->blocks, block = panel % g->blocks;
    half_row row;
    row.sums = sums;
    row.sample = p.sample;
    row.block = block;
    row.weight_scales = ck_half_weight_scales(s, s->weights);
    row.statistics = 0;
    half_product product;
    product.step_bytes = g->step_bytes;
    product.taps = taps;
    product.tap_count = g->taps;
    product.run_bytes = g->run_bytes;
    product.chunks = g->chunks;
    product.weights = (const uint8_t *)s->weights + panel * g->panel_bytes;
    product.tiles = half_block_tiles(s, block);
    product.excess =
        k->offset ? half_weight_excess(g, s->weights) + panel * HALF_LANES : 0;
    product.sums = sums;
    if (product.tiles == 1) memset(sums, 0, SUM_BYTES);
    for (int64_t z = 0; z < p.depth; ++z) {
      for (int64_t begin = 0; begin < line; begin += HALF_SPAN) {
        const int64_t end = begin + HALF_SPAN < line ? begin + HALF_SPAN : line;
        product.cells = scratch + z * g->stride[0] * g->plane_bytes + begin * g->step_bytes;
        product.count = end - begin;
        k->product(&product);
        if (s->statistics && !row.statistics) {
          // Sums start from nothing but a pivot, for which the first cell's value serves.
          row.statistics = s->statistics + unit / g->panel_groups * 3 * lanes + block * HALF_LANES;
          half_row first = row;
          first.cells = 0;
          k->finish(g, &first);
        }
        finish_span(g, k, &p, row, begin, end, z, scatter);
      }
    }
  }
}

void ck_half_run(const ck_half *s, int64_t first, int64_t last, void *workspace) {
  if (first >= last) return;
  const half_geometry g = half_geometry_of(s);
  const half_kernels k = half_kernels_of(s);
  uint8_t *const scratch = (uint8_t *)workspace + SUM_BYTES;
  int64_t *const taps = (int64_t *)(scratch + scratch_bytes(&g));
  memset(scratch + slab_bytes(&g), 0, (size_t)slack_bytes(&g));
  const int64_t columns = g.taps / g.window[0] / g.window[1];
  for (int64_t t = 0; t < g.taps; ++t) {
    const int64_t dx = t % columns, dy = t / columns % g.window[1];
    const int64_t dz = t / columns / g.window[1];
    taps[t] = dz * g.dilation[0] * g.plane_bytes + dy * g.dilation[1] * g.row_bytes +
              dx * g.dilation[2] * g.cell_bytes;
  }
  if (k.begin) k.begin();
  for (int64_t unit = first; unit < last; ++unit) run_unit(&g, &k, unit, scratch, taps, workspace);
  if (k.end) k.end();
}
