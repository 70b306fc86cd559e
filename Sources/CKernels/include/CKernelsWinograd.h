#pragma once
// Stride-1 convolutions with 3 x 3 or 3 x 3 x 3 windows, dilated or not, by Winograd's minimal
// filtering.
//
// Lavin and Gray 2016, F(4 x 4, 3 x 3) in the plane: an output tile of 4 x 4 costs 36 products per
// channel pair instead of 144. A window of depth 3 is three planar ones whose products are summed
// in the transformed domain, so that each slice is transformed once and used three times.
//
// A window with a dilation of d sees one of d interleaved grids along each axis; tiles lie within
// such grids, which changes nothing but the cells that a tile reads and writes.
//
// Feature maps lie in blocks of `lanes` channels, [D][H][W][lanes], each block by a pointer of its
// own: joined feature maps need no copy. Input and output have the same size (the padding is the
// dilation). They hold single precision or bfloat16; everything in between is single precision.
#include <stdint.h>

typedef struct {
  int64_t batch, depth, height, width;
  /// Blocks of `lanes` channels; lanes is 8 or 16.
  int64_t input_blocks, output_blocks, lanes;
  /// 1 for 3 x 3 windows, 3 for 3 x 3 x 3.
  int64_t depth_taps;
  /// Distance of a window's cells along depth, height and width, at least 1.
  int64_t dilation[3];
  /// Tiles, slices and pairs of output blocks of one unit of work; chosen by ck_winograd_plan.
  int64_t tiles, slices, pairs;
  /// Whether the input, and the output with its residual, are bfloat16 instead of single precision.
  int64_t input_half, output_half;
  /// [batch][input_blocks]: feature maps.
  const void *const *input;
  /// NULL, or [batch][input_blocks] of NULL or `lanes` numbers: x is read as
  /// leaky(factor x + addition), the normalisation of whoever made it.
  const float *const *factors;
  const float *const *additions;
  /// [input_blocks]: the slope of that leaky rectifier, 0 to 1; 1 is the identity.
  const float *input_slopes;
  /// Weights from ck_winograd_weights, transformed (1) or only packed (0). Packed ones are a quarter
  /// of the size and are transformed by every unit, which pays where they are large.
  int64_t transformed;
  const float *weights;
  /// NULL, or output_blocks * lanes numbers.
  const float *bias;
  /// y = leaky(scale * leaky(conv + bias, slope) + residual, final_slope).
  float slope, scale, final_slope;
  /// Whether an activation (ck_activation_kind, with its parameter) follows; not with statistics.
  int32_t activated, activation;
  float activation_parameter;
  /// NULL, or [batch][output_blocks].
  const void *const *residual;
  /// [batch][output_blocks].
  void *const *output;
  /// NULL, or [spatial units][3][output_blocks * lanes]: a pivot, and the sums of y - pivot and of its
  /// square over the unit, y before its rounding to the output's type.
  float *statistics;
} ck_winograd;

/// Chooses `tiles`, `slices`, `pairs` and `transformed` from the other numbers.
///
/// Only `pairs` depends on the number of threads, and no result depends on `pairs`.
void ck_winograd_plan(ck_winograd *shape, int64_t threads);
/// Independent units of work; the units of a sample are neighbours.
int64_t ck_winograd_units(const ck_winograd *shape);
/// Units that differ in space; each is split into units / spatial units by output channels.
int64_t ck_winograd_spatial_units(const ck_winograd *shape);
/// The number of output cells of a spatial unit.
int64_t ck_winograd_unit_cells(const ck_winograd *shape, int64_t spatial_unit);
/// Floats of scratch memory that one caller of ck_winograd_run needs, 64-byte aligned.
int64_t ck_winograd_workspace(const ck_winograd *shape);
/// Computes units first..<last.
void ck_winograd_run(const ck_winograd *shape, int64_t first, int64_t last, float *workspace);

/// Floats of the weights as `transformed` says.
int64_t ck_winograd_weight_count(const ck_winograd *shape);
/// Packs plain weights [O][I][taps][3][3], and transforms them if `shape` says so, for the
/// output-channel blocks first..<last.
///
/// With `mirrored`, those of the data gradient: input and output channels change places and the
/// window is mirrored; `outputs` and `inputs` are then the gradient's own, of [inputs][outputs]….
void ck_winograd_weights(const ck_winograd *shape, const float *plain, float *packed,
                         int64_t outputs, int64_t inputs, int mirrored, int64_t first,
                         int64_t last);
