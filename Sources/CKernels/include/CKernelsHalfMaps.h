#pragma once
// Passes over feature maps of low precision in blocks of 32 channels, [D][H][W][32]; see
// CKernelsHalf.h, whose types of elements and sets of instructions these are. Each call handles a
// part of one block, so that callers split work as they like; `limit` is the highest set of
// instructions to use, ck_half_best for all. Every set gives the same bits.
#include <stdint.h>

#include "CKernels.h"

/// Maxima over windows, for the output rows (of depth x height) first..<last of a bfloat16 block.
void ck_half_max_pool(const uint16_t *x, uint16_t *y, const ck_pooling *shape, int64_t first,
                      int64_t last, int32_t limit);
/// Means over the windows' cells that lie inside the image, summed in single precision.
void ck_half_average_pool(const uint16_t *x, uint16_t *y, const ck_pooling *shape, int64_t first,
                          int64_t last, int32_t limit);

/// One bfloat16 block, read as leaky(factor x + addition).
typedef struct {
  const uint16_t *cells;
  /// 32 numbers each, or both NULL to leave x as it is.
  const float *factor, *addition;
  float slope;
} ck_half_term;

/// y = leaky(a + b, slope) over a number of cells; b may be NULL.
void ck_half_sum(const ck_half_term *a, const ck_half_term *b, float slope, uint16_t *y,
                 int64_t cells, int32_t limit);

/// The largest magnitude of leaky(factor x + addition) over a number of cells.
float ck_half_largest(const ck_half_term *x, int64_t cells);

/// Repeats the cells of a bfloat16 block scale[] times (each 1 or 2) along depth, height and width,
/// for the input rows (of depth x height) first..<last.
void ck_half_upsample(const uint16_t *x, uint16_t *y, const int64_t size[3],
                      const int64_t scale[3], int64_t first, int64_t last, int32_t limit);

/// Plain channels, a pointer to the cells of each, to a bfloat16 block; lanes past them become 0.
void ck_half_from_plain(const float *const *plain, int64_t channels, uint16_t *y, int64_t cells,
                        int32_t limit);
/// A bfloat16 block to plain channels.
void ck_half_to_plain(const uint16_t *x, float *const *plain, int64_t channels, int64_t cells,
                      int32_t limit);

/// A bfloat16 block to 8-bit integers: x / scale to the nearest, ties to even, -127 to 127.
void ck_half_to_int8(const uint16_t *x, int8_t *y, float scale, int64_t cells, int32_t limit);
/// 8-bit integers times their scale, to bfloat16.
void ck_half_from_int8(const int8_t *x, uint16_t *y, float scale, int64_t cells, int32_t limit);
