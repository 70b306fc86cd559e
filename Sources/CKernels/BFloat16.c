#include "CKernels.h"

// Cells whose sum single precision holds well enough.
enum { FOLD = 128 };

#define KNOWS_BF16
#define TEMPLATE "BFloat16Template.h"
#include "EveryInstructionSet.h"

static int is_block(int64_t lanes) { return lanes == 8 || lanes == 16; }

// Blocks of channels are widened in registers. Plain numbers are widened in pieces that stay in the
// L1 cache, and handled by the single-precision loops.
enum { PIECE = 2048, MAX_LANES = 16 };

static int64_t cells_left(int64_t spatial, int64_t lanes, int64_t start) {
  const int64_t together = PIECE / lanes;
  return spatial - start < together ? spatial - start : together;
}

void ck_bf16_sum(const uint16_t *x, double *sum, int64_t spatial, int64_t lanes, int64_t first,
                 int64_t last) {
  float piece[PIECE];
  for (int64_t o = first; o < last; ++o) {
    if (is_block(lanes)) {
      CHOSEN(block_sum, lanes)(x + o * spatial * lanes, sum + o * lanes, spatial);
      continue;
    }
    double total[MAX_LANES] = {0}, part[MAX_LANES];
    for (int64_t s = 0; s < spatial; s += PIECE / lanes) {
      const int64_t cells = cells_left(spatial, lanes, s);
      ck_widen(x + (o * spatial + s) * lanes, piece, cells * lanes);
      ck_sum(piece, part, cells, lanes, 0, 1);
      for (int64_t l = 0; l < lanes; ++l) total[l] += part[l];
    }
    for (int64_t l = 0; l < lanes; ++l) sum[o * lanes + l] = total[l];
  }
}

void ck_bf16_centered_squares(const uint16_t *x, const float *mean, double *sum, int64_t spatial,
                              int64_t lanes, int64_t first, int64_t last) {
  float piece[PIECE];
  for (int64_t o = first; o < last; ++o) {
    if (is_block(lanes)) {
      CHOSEN(block_squares, lanes)
      (x + o * spatial * lanes, mean + o * lanes, sum + o * lanes, spatial);
      continue;
    }
    double total[MAX_LANES] = {0}, part[MAX_LANES];
    for (int64_t s = 0; s < spatial; s += PIECE / lanes) {
      const int64_t cells = cells_left(spatial, lanes, s);
      ck_widen(x + (o * spatial + s) * lanes, piece, cells * lanes);
      ck_centered_squares(piece, mean + o * lanes, part, cells, lanes, 0, 1);
      for (int64_t l = 0; l < lanes; ++l) total[l] += part[l];
    }
    for (int64_t l = 0; l < lanes; ++l) sum[o * lanes + l] = total[l];
  }
}

void ck_bf16_affine_leaky(const uint16_t *x, uint16_t *y, const float *scale, const float *shift,
                          float slope, int64_t spatial, int64_t lanes, int64_t first,
                          int64_t last) {
  float piece[PIECE];
  for (int64_t o = first; o < last; ++o) {
    if (is_block(lanes)) {
      CHOSEN(block_affine, lanes)
      (x + o * spatial * lanes, y + o * spatial * lanes, scale + o * lanes, shift + o * lanes,
       slope, spatial);
      continue;
    }
    for (int64_t s = 0; s < spatial; s += PIECE / lanes) {
      const int64_t cells = cells_left(spatial, lanes, s), at = (o * spatial + s) * lanes;
      ck_widen(x + at, piece, cells * lanes);
      ck_affine_leaky(piece, piece, scale + o * lanes, shift + o * lanes, slope, cells, lanes, 0,
                      1);
      ck_narrow(piece, y + at, cells * lanes);
    }
  }
}

void ck_bf16_affine_leaky_sums(const uint16_t *x, const uint16_t *y, const uint16_t *dy,
                               const float *mean, float slope, double *sum_g, double *sum_gx,
                               int64_t spatial, int64_t lanes, int64_t first, int64_t last) {
  float px[PIECE], py[PIECE], pdy[PIECE];
  for (int64_t o = first; o < last; ++o) {
    if (is_block(lanes)) {
      const int64_t at = o * spatial * lanes;
      CHOSEN(block_gradient_sums, lanes)
      (x + at, y + at, dy + at, mean + o * lanes, slope, sum_g + o * lanes, sum_gx + o * lanes,
       spatial);
      continue;
    }
    double total_g[MAX_LANES] = {0}, total_gx[MAX_LANES] = {0};
    double part_g[MAX_LANES], part_gx[MAX_LANES];
    for (int64_t s = 0; s < spatial; s += PIECE / lanes) {
      const int64_t cells = cells_left(spatial, lanes, s), at = (o * spatial + s) * lanes;
      ck_widen(x + at, px, cells * lanes);
      ck_widen(y + at, py, cells * lanes);
      ck_widen(dy + at, pdy, cells * lanes);
      ck_affine_leaky_sums(px, py, pdy, mean + o * lanes, slope, part_g, part_gx, cells, lanes, 0,
                           1);
      for (int64_t l = 0; l < lanes; ++l) {
        total_g[l] += part_g[l];
        total_gx[l] += part_gx[l];
      }
    }
    for (int64_t l = 0; l < lanes; ++l) {
      sum_g[o * lanes + l] = total_g[l];
      sum_gx[o * lanes + l] = total_gx[l];
    }
  }
}

void ck_bf16_affine_leaky_gradient(const uint16_t *x, const uint16_t *y, const uint16_t *dy,
                                   const float *a, const float *b, const float *c, float slope,
                                   uint16_t *dx, int64_t spatial, int64_t lanes, int64_t first,
                                   int64_t last) {
  float px[PIECE], py[PIECE], pdy[PIECE];
  for (int64_t o = first; o < last; ++o) {
    if (is_block(lanes)) {
      const int64_t at = o * spatial * lanes;
      CHOSEN(block_gradient, lanes)
      (x + at, y + at, dy + at, a + o * lanes, b + o * lanes, c + o * lanes, slope, dx + at,
       spatial);
      continue;
    }
    const int64_t lane = o * lanes;
    for (int64_t s = 0; s < spatial; s += PIECE / lanes) {
      const int64_t cells = cells_left(spatial, lanes, s), at = (o * spatial + s) * lanes;
      ck_widen(x + at, px, cells * lanes);
      ck_widen(y + at, py, cells * lanes);
      ck_widen(dy + at, pdy, cells * lanes);
      ck_affine_leaky_gradient(px, py, pdy, a + lane, b + lane, c + lane, slope, px, cells, lanes,
                               0, 1);
      ck_narrow(px, dx + at, cells * lanes);
    }
  }
}
