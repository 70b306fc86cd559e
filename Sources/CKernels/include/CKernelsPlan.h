#pragma once
// The passes of an inference plan between convolutions, on blocks of 8 or 16 channels,
// [D][H][W][lanes], one block a call. Blocks hold single precision or bfloat16.
#include <stdint.h>

/// One operand of ck_combine: scale * leaky(factor x + addition, slope).
typedef struct {
  const void *x;
  /// Whether x is bfloat16.
  int64_t half;
  /// NULL for x itself, or `lanes` numbers each.
  const float *factor, *addition;
  float slope, scale;
} ck_term;

/// y = leaky(sum of the terms, slope) for cells first..<last; y may be the x of a term, and is of
/// their type.
void ck_combine(const ck_term *terms, int64_t count, float slope, void *y, int64_t lanes,
                int64_t first, int64_t last);

typedef struct {
  int64_t input[3], output[3], kernel[3], stride[3], pad[3];
  /// 1 for the largest, 0 for the mean of a window's cells inside the map.
  int64_t maximum;
} ck_window;

/// Pools output rows (of all slices) first..<last; the operand as in ck_combine; y is of
/// its type.
void ck_pool_block(const ck_term *x, void *y, const ck_window *window, int64_t lanes,
                   int64_t first, int64_t last);

/// Repeats every cell factor[] times along each axis; input rows first..<last; y is of x's
/// type.
void ck_repeat_block(const ck_term *x, void *y, const int64_t input[3], const int64_t factor[3],
                     int64_t lanes, int64_t first, int64_t last);

/// Plain channels, the first one's cells at `plain`, to a bfloat16 block; lanes past them become 0.
void ck_pack_half(const float *plain, uint16_t *y, int64_t channels, int64_t cells, int64_t lanes);
/// The first channels of a bfloat16 block to plain ones.
void ck_unpack_half(const uint16_t *x, float *plain, int64_t channels, int64_t cells,
                    int64_t lanes);

/// Turns the statistics of units (see CKernelsWinograd.h) into the normalisation's factor and
/// addition: y = (x - mean) / sqrt(variance + epsilon) * gain + offset.
///
/// Units' means and squared deviations are joined pairwise in double precision (Chan, Golub and
/// LeVeque 1983, equation 2.1), in the order given. `cells` has a number for each unit. Gain and
/// offset may be NULL (1 and 0); lanes past `channels` get 0.
void ck_join_statistics(const float *statistics, const int64_t *cells, int64_t units,
                        int64_t padded_channels, int64_t channels, const float *gain,
                        const float *offset, float epsilon, float *factor, float *addition);
