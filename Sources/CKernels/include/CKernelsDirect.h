#pragma once
// Convolutions of any window, stride, padding and dilation (one group), and transposed convolutions
// whose window equals their stride, as products of gathered patches with packed weights.
//
// Feature maps lie in blocks of channels, [D][H][W][lanes], each block by a pointer of its own, so
// that joined feature maps need no copy. Two-dimensional maps have depth 1. Maps in blocks hold
// single precision or bfloat16; sums are single precision.
#include <stdint.h>

typedef struct {
  int64_t batch, input_size[3], output_size[3];
  int64_t kernel[3], stride[3], pad[3], dilation[3];
  /// Blocks of channels of the input: lanes 8 or 16, or 1 for plain feature maps.
  int64_t input_blocks, input_lanes;
  /// Blocks of `lanes` channels of the output; lanes is 8 or 16.
  int64_t output_blocks, lanes;
  /// 0, or the number of output channels when the output is plain, one pointer a channel.
  int64_t plain_outputs;
  /// 1 for a transposed convolution: every input cell becomes a window of stride[] output cells.
  int64_t transposed;
  /// Output rows and pairs of output blocks of one unit of work; chosen by ck_direct_plan.
  int64_t rows, pairs;
  /// Whether the input (in blocks), and the output in blocks with its residual, are bfloat16.
  int64_t input_half, output_half;
  /// Whether factors are rounded to bfloat16 and multiplied as such, twice as many at a time; only
  /// for an input in blocks, and where ck_direct_multiplies_bf16() says so.
  int64_t product_half;
  /// [batch][input_blocks].
  const void *const *input;
  /// NULL, or [batch][input_blocks] of NULL or `input_lanes` numbers: x is read as
  /// leaky(factor x + addition), the normalisation of whoever made it.
  const float *const *factors;
  const float *const *additions;
  /// [input_blocks]: the slope of that leaky rectifier, 0 to 1; 1 is the identity.
  const float *input_slopes;
  /// Packed weights, from ck_direct_weights.
  const void *weights;
  /// NULL, or output_blocks * lanes numbers.
  const float *bias;
  /// y = leaky(scale * leaky(conv + bias, slope) + residual, final_slope).
  float slope, scale, final_slope;
  /// Whether an activation (ck_activation_kind, with its parameter) follows; not with statistics.
  int32_t activated, activation;
  float activation_parameter;
  /// NULL, or as the output.
  const void *const *residual;
  /// [batch][output_blocks], or [batch][plain_outputs].
  void *const *output;
  /// NULL, or [spatial units][3][output_blocks * lanes]: a pivot, and the sums of y - pivot and of
  /// its square over the unit, y before its rounding to the output's type. Not for plain outputs or
  /// transposed convolutions.
  float *statistics;
} ck_direct;

/// Chooses `rows` and `pairs` from the other numbers.
///
/// Only `pairs` depends on the number of threads, and no result depends on `pairs`.
void ck_direct_plan(ck_direct *shape, int64_t threads);
/// Independent units of work; those of a sample are neighbours.
int64_t ck_direct_units(const ck_direct *shape);
/// Units that differ in space; each is split into units / spatial units by output channels.
int64_t ck_direct_spatial_units(const ck_direct *shape);
/// The number of output cells of a spatial unit.
int64_t ck_direct_unit_cells(const ck_direct *shape, int64_t spatial_unit);
/// Floats of scratch memory that one caller of ck_direct_run needs, 64-byte aligned.
int64_t ck_direct_workspace(const ck_direct *shape);
/// Computes units first..<last.
void ck_direct_run(const ck_direct *shape, int64_t first, int64_t last, float *workspace);

/// Whether this processor has the instructions for `product_half`.
int ck_direct_multiplies_bf16(void);
/// Floats of memory for the packed weights.
int64_t ck_direct_weight_count(const ck_direct *shape);
/// Packs plain weights: [outputs][inputs][kernel], or [inputs][outputs][kernel] when transposed.
void ck_direct_weights(const ck_direct *shape, const float *plain, void *packed, int64_t outputs,
                       int64_t inputs);
