#pragma once
// What the parts of the convolutions of low precision share; see CKernelsHalf.h.
//
// A unit first gathers the input rows that its output rows read, once, as factors of the product:
// [row][x][channel], padded with zeros. Cells are then at even distances from one output cell to
// the next, across rows too: the end of a row runs through a few cells of padding, whose results
// are dropped, into the next. So the product sees one long line of cells for each plane of the
// output.
#include <stddef.h>
#include <stdint.h>

#include "CKernelsHalf.h"

enum {
  // Channels of a block and of a panel of weights.
  HALF_LANES = 32,
  // Bytes of factors that one step of the product reads of a cell: a row of an AMX tile.
  HALF_CHUNK = 64,
  // Bytes of weights of a chunk for 16 output channels: an AMX tile.
  HALF_TILE = 1024,
  // Cells of one call of the product, whose sums stay in the L1 cache.
  HALF_SPAN = 64
};

typedef struct {
  const ck_half *shape;
  // Bytes of a factor, and of all channels of a gathered cell.
  int64_t factor_bytes, cell_bytes;
  int64_t channels;
  // Of an input of few plain channels, cells side by side would fill little of a chunk: each
  // gathered cell then holds, after each other, the cells of that place in all rows of the window,
  // which are `folded` (1 if it is not so), and there is a row for each row of the output.
  int64_t folded;
  // Axes with a window of 1 gather only the cells that are read: distance in the input of gathered
  // cells, and distance in gathered cells of windows and of taps.
  int64_t gather_step[3], stride[3], dilation[3], pad[3];
  // Rows that are multiplied (the input's when transposed, else the output's).
  int64_t size[3], window[3];
  // Gathered rows of a unit, and cells of a row.
  int64_t gathered[3];
  int64_t row_bytes, plane_bytes;
  // From a row of products to the next, in cells; bytes between cells of the product.
  int64_t pitch, step_bytes;
  // The bytes of a cell that a tap multiplies, which lie side by side; taps.
  int64_t run_bytes, chunks, taps;
  // Panels of weights; those of a transposed convolution come once for each cell of its window.
  int64_t blocks, scatters, panels;
  int64_t panel_bytes;
  int64_t depth_groups, row_groups, panel_groups;
} half_geometry;

// What a unit covers.
typedef struct {
  int64_t sample, z, depth, y, height, first_panel, last_panel;
} half_place;

// sums[cell][32] of `count` cells; buffers allow for 31 cells more to be read and written.
typedef struct {
  const uint8_t *cells;
  int64_t count, step_bytes;
  const int64_t *taps;
  int64_t tap_count, run_bytes, chunks;
  const uint8_t *weights;
  // Tiles of 16 output channels of the panel, 1 or 2; with 1 the upper half of sums is not written.
  int64_t tiles;
  // What the offset of unsigned factors adds to every cell's sums (AVX-512, 8-bit integers).
  const int32_t *excess;
  void *sums;
} half_product;

// A row of sums on its way to the output.
typedef struct {
  const void *sums;
  int64_t cells, sample, block, place, step;
  const float *weight_scales;
  float *statistics;
} half_row;

typedef struct {
  int32_t level;
  void (*gather)(const half_geometry *, const half_place *, uint8_t *);
  void (*product)(const half_product *);
  void (*finish)(const half_geometry *, const half_row *);
  // What is to be done once before and after products; NULL for nothing.
  void (*begin)(void);
  void (*end)(void);
  // Adds an offset of 128 to gathered integers, for a product that takes unsigned ones, or NULL.
  void (*offset)(uint8_t *, int64_t);
} half_kernels;

static inline int64_t half_ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

half_geometry half_geometry_of(const ck_half *shape);
half_kernels half_kernels_of(const ck_half *shape);
// The tiles of 16 output channels of a block of 32.
int64_t half_block_tiles(const ck_half *shape, int64_t block);
// Parts of packed weights after the tiles: [scatters][lanes] of excess, and [lanes] scales.
const int32_t *half_weight_excess(const half_geometry *g, const void *packed);

// Whether this process may use AMX, which it asks the system for.
int half_amx_permitted(void);
void half_amx_begin(void);
void half_amx_end(void);
void half_amx_bf16(const half_product *p);
void half_amx_int8(const half_product *p);
void half_avx512_bf16(const half_product *p);
void half_avx512_int8(const half_product *p);
void half_avx512_offset(uint8_t *cells, int64_t bytes);
