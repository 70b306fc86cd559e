#pragma once
// Gradients of convolutions' weights, and the weights that Winograd's filtering needs anew after
// every step of training.
//
// Feature maps are whole tensors in blocks of channels, [N][C/lanes][D][H][W][lanes]; images have
// depth 1. Every number is summed in an order that depends on the shape alone, so that results are
// the same for any number of threads. Work comes in phases; the units of a phase are independent.
#include <stdint.h>

/// The gradient of the weights of a stride-1 convolution with 3 x 3 or 3 x 3 x 3 windows.
///
/// With y = A'[(G g G') . (B'd B)]A (Lavin and Gray 2016, F(4 x 4, 3 x 3)) the gradient of g is
/// G'[sum over tiles of (A dy A') . (B'd B)]G: 36 products a tile instead of 144, and one
/// transformation back for all tiles.
typedef struct {
  int64_t batch, depth, height, width;
  /// Blocks of `lanes` channels; lanes is 8 or 16.
  int64_t input_blocks, output_blocks, lanes;
  /// 1 for 3 x 3 windows, 3 for 3 x 3 x 3.
  int64_t depth_taps;
  /// Slices and tiles of a chunk; chosen by ck_winograd_gradient_plan.
  int64_t slices, tiles;
  /// Whether the input and the gradient are bfloat16 instead of single precision.
  int64_t input_half, gradient_half;
  const void *input, *gradient;
  /// Transformed tiles of a chunk, ck_winograd_gradient_tiles floats.
  float *transformed;
  /// Products, ck_winograd_gradient_products floats, zero before the first chunk.
  float *products;
} ck_winograd_gradient;

/// Chooses `slices` and `tiles`.
void ck_winograd_gradient_plan(ck_winograd_gradient *shape);
/// Floats of `transformed` and of `products`.
int64_t ck_winograd_gradient_tiles(const ck_winograd_gradient *shape);
int64_t ck_winograd_gradient_products(const ck_winograd_gradient *shape);
/// Chunks, to be worked through one after the other: all units of its transformation, then all of
/// its accumulation.
int64_t ck_winograd_gradient_chunks(const ck_winograd_gradient *shape);
int64_t ck_winograd_gradient_transform_units(const ck_winograd_gradient *shape);
void ck_winograd_gradient_transform(const ck_winograd_gradient *shape, int64_t chunk, int64_t unit);
int64_t ck_winograd_gradient_units(const ck_winograd_gradient *shape);
void ck_winograd_gradient_accumulate(const ck_winograd_gradient *shape, int64_t chunk,
                                     int64_t unit);
/// After all chunks: plain gradients [O][I][taps][3][3] of the output channels of one block.
void ck_winograd_gradient_finish(const ck_winograd_gradient *shape, float *plain, int64_t outputs,
                                 int64_t inputs, int64_t block);

/// The gradient of the weights of any convolution of one group.
typedef struct {
  int64_t batch, input_size[3], output_size[3];
  int64_t kernel[3], stride[3], pad[3], dilation[3];
  /// Blocks of `lanes` channels; lanes is 8 or 16. No input blocks when the input is plain.
  int64_t input_blocks, output_blocks, lanes;
  /// 0, or the number of channels of a plain input, [N][C][D][H][W]. Its borders are part of it:
  /// input_size counts them and pad is 0.
  int64_t plain_inputs;
  /// Parts of the output cells, summed apart; chosen by ck_direct_gradient_plan.
  int64_t parts;
  const float *input, *gradient;
  /// ck_direct_gradient_sums floats, zero before the first unit.
  float *sums;
} ck_direct_gradient;

/// Chooses `parts`.
void ck_direct_gradient_plan(ck_direct_gradient *shape);
/// Floats of `sums`.
int64_t ck_direct_gradient_sums(const ck_direct_gradient *shape);
/// The first phase.
int64_t ck_direct_gradient_units(const ck_direct_gradient *shape);
void ck_direct_gradient_run(const ck_direct_gradient *shape, int64_t unit);
/// The second phase: plain gradients [O][I][kernel] of the output channels of one block.
void ck_direct_gradient_finish(const ck_direct_gradient *shape, float *plain, int64_t outputs,
                               int64_t inputs, int64_t block);
