#pragma once
// Convolutions of low precision for inference: bfloat16 or 8-bit integer factors, sums of 32 bits.
//
// Any window, stride, padding and dilation (one group), and transposed convolutions whose window
// equals their stride. Feature maps lie in blocks of 32 channels, [D][H][W][32], each block by a
// pointer of its own, so that joined feature maps need no copy; or plain, [D][H][W], a pointer for
// each channel. Two-dimensional maps have depth 1. Instructions are chosen at run time: AMX,
// AVX-512 (VNNI, BF16), or portable code. Integer products are exact and everything after them is
// rounded alike, so that each set of instructions gives the same bits; sums of bfloat16 products
// are rounded in an order of each set's own.
#include <stdint.h>

/// Types of elements. A stored 8-bit integer q means the number q * scale; q is -127 to 127.
enum { ck_half_bf16 = 0, ck_half_int8 = 1, ck_half_float = 2 };

/// Sets of instructions, in rising order.
enum {
  ck_half_best = 0,
  ck_half_portable = 1,
  ck_half_avx2 = 2,
  ck_half_avx512 = 3,
  ck_half_amx = 4
};

typedef struct {
  int64_t batch, input_size[3], output_size[3];
  int64_t kernel[3], stride[3], pad[3], dilation[3];
  /// Blocks of 32 channels of the input, or channels if the input is plain.
  int64_t input_blocks;
  /// Channels of the output; lanes past them in the last block are computed from zero weights.
  int64_t outputs;
  /// 1 for a transposed convolution: every input cell becomes a window of stride[] output cells.
  int64_t transposed;
  /// ck_half_bf16 or ck_half_int8 (both in blocks), or ck_half_float (plain).
  int32_t input_type, output_type;
  /// Type of the factors: ck_half_bf16 or ck_half_int8.
  int32_t product_type;
  /// ck_half_bf16 or ck_half_int8 for an output in blocks, ck_half_float for a plain one.
  int32_t residual_type;
  /// The highest set of instructions to use; ck_half_best for all that the processor has.
  int32_t limit;
  /// Output rows of one unit of work along depth and height (input rows when transposed), and
  /// panels of weights; chosen by ck_half_plan.
  int64_t depth_rows, rows, panels;
  /// [batch][input_blocks].
  const void *const *input;
  /// [input_blocks]: the scale of each block of an input of 8-bit integers.
  const float *input_scales;
  /// The scale to which the input is rounded when the factors are 8-bit integers.
  float product_scale;
  /// NULL, or [batch][input_blocks] of NULL or 32 numbers (1 when plain): x is read as
  /// leaky(factor x + addition), the normalisation of whoever made it.
  const float *const *factors;
  const float *const *additions;
  /// [input_blocks]: the slope of that leaky rectifier, 0 to 1; 1 is the identity.
  const float *input_slopes;
  /// Packed weights, from ck_half_weights.
  const void *weights;
  /// NULL, or ceil(outputs / 32) * 32 numbers.
  const float *bias;
  /// y = leaky(scale * leaky(conv + bias, slope) + residual, final_slope); without a residual
  /// y = leaky(conv + bias, slope).
  float slope, scale, final_slope;
  /// NULL, or as the output.
  const void *const *residual;
  /// The scales of a residual and of an output of 8-bit integers.
  float residual_scale, output_scale;
  /// [batch][ceil(outputs / 32)], or [batch][outputs] when plain.
  void *const *output;
  /// NULL, or [spatial units][3][ceil(outputs / 32) * 32]: a pivot, and the sums over the unit of
  /// y - pivot and of its square, y before its rounding to the output's type. Not for plain outputs
  /// or transposed convolutions.
  float *statistics;
} ck_half;

/// Chooses `depth_rows`, `rows` and `panels` from the other numbers; the same for every thread
/// count and every set of instructions.
void ck_half_plan(ck_half *shape);
/// The set of instructions that ck_half_run will use, at most `limit`.
int32_t ck_half_instructions(const ck_half *shape);
/// Independent units of work; those of a sample are neighbours.
int64_t ck_half_units(const ck_half *shape);
/// Units that differ in space; each is split into units / spatial units by output channels.
int64_t ck_half_spatial_units(const ck_half *shape);
/// The number of output cells of a spatial unit.
int64_t ck_half_unit_cells(const ck_half *shape, int64_t spatial_unit);
/// Bytes of scratch memory that one caller of ck_half_run needs, 64-byte aligned.
int64_t ck_half_workspace(const ck_half *shape);
/// Computes units first..<last.
void ck_half_run(const ck_half *shape, int64_t first, int64_t last, void *workspace);

/// Bytes of the packed weights, which want to be 64-byte aligned.
int64_t ck_half_weight_bytes(const ck_half *shape);
/// Packs plain weights: [outputs][inputs][kernel], or [inputs][outputs][kernel] when transposed.
///
/// For factors of 8-bit integers each output channel gets the scale max |w| / 127. Sums are exact
/// while inputs * window < 133,000.
void ck_half_weights(const ck_half *shape, const float *plain, void *packed, int64_t inputs);
/// The scales of packed weights of 8-bit integers, ceil(outputs / 32) * 32 numbers; NULL for
/// bfloat16.
const float *ck_half_weight_scales(const ck_half *shape, const void *packed);
