#pragma once
// Loops over activations that no library serves, vectorised by the compiler for each processor
// family and chosen at load time.
//
// An activation is seen as [outer][spatial][lanes]: plain [N][C][S] has outer = N*C and one lane,
// blocked [N][C/b][S][b] has outer = N*C/b and b lanes. Each function handles the outers of [first,
// last), so that callers split work between threads; per-lane parameters are [outer][lanes].
#include <stdint.h>

#include "CKernelsActivations.h"
#include "CKernelsBFloat16.h"
#include "CKernelsSpatial.h"
#include "CKernelsZoom.h"
#include "CKernelsComponents.h"
#include "CKernelsDistances.h"
#include "CKernelsMasks.h"
#include "CKernelsSimilarity.h"
#include "CKernelsOptimizers.h"
#include "CKernelsRecurrence.h"

/// Plain [C][S] of one sample to blocks [first, last) of [ceil(C/b)][S][b]; lanes past C become 0.
void ck_to_blocked(const float *plain, float *blocked, int64_t channels, int64_t spatial,
                   int64_t block, int64_t first, int64_t last);
/// The reverse of ck_to_blocked.
void ck_to_plain(const float *blocked, float *plain, int64_t channels, int64_t spatial,
                 int64_t block, int64_t first, int64_t last);

/// sum[outer][lane] = sum over space of x.
void ck_sum(const float *x, double *sum, int64_t spatial, int64_t lanes, int64_t first,
            int64_t last);
/// sum[outer][lane] = sum over space of (x - mean)^2.
void ck_centered_squares(const float *x, const float *mean, double *sum, int64_t spatial,
                         int64_t lanes, int64_t first, int64_t last);
/// y = leaky(x * scale + shift), leaky(v) = v > 0 ? v : slope * v.
void ck_affine_leaky(const float *x, float *y, const float *scale, const float *shift, float slope,
                     int64_t spatial, int64_t lanes, int64_t first, int64_t last);
/// With g = dy * leaky'(y): sum_g = sum g, sum_gx = sum g * (x - mean).
void ck_affine_leaky_sums(const float *x, const float *y, const float *dy, const float *mean,
                          float slope, double *sum_g, double *sum_gx, int64_t spatial,
                          int64_t lanes, int64_t first, int64_t last);
/// With g as above: dx = a * g + b * x + c.
void ck_affine_leaky_gradient(const float *x, const float *y, const float *dy, const float *a,
                              const float *b, const float *c, float slope, float *dx,
                              int64_t spatial, int64_t lanes, int64_t first, int64_t last);

/// y = leaky(x).
void ck_leaky(const float *x, float *y, float slope, int64_t count);
/// dx = dy * leaky'(y).
void ck_leaky_gradient(const float *y, const float *dy, float *dx, float slope, int64_t count);
/// y = a + b.
void ck_add(const float *a, const float *b, float *y, int64_t count);
/// y = a * b.
void ck_multiply(const float *a, const float *b, float *y, int64_t count);
/// y = a * scale.
void ck_scale(const float *a, float scale, float *y, int64_t count);

/// A pooling window. Spatial arrays are depth, height, width; unused leading axes are 1.
typedef struct {
  int64_t input[3], output[3], kernel[3], stride[3], pad[3];
} ck_pooling;

/// Maxima; where[...] is the window offset of the maximum, first wins.
void ck_max_pool(const float *x, float *y, uint8_t *where, const ck_pooling *shape, int64_t lanes,
                 int64_t first, int64_t last);
/// Sends dy to where the maximum was; dx is overwritten.
void ck_max_pool_gradient(const float *dy, const uint8_t *where, float *dx,
                          const ck_pooling *shape, int64_t lanes, int64_t first, int64_t last);
/// Means over the window's cells that lie inside the image.
void ck_average_pool(const float *x, float *y, const ck_pooling *shape, int64_t lanes,
                     int64_t first, int64_t last);
/// The gradient of ck_average_pool; dx is overwritten.
void ck_average_pool_gradient(const float *dy, float *dx, const ck_pooling *shape, int64_t lanes,
                              int64_t first, int64_t last);

/// bfloat16 to single precision.
void ck_widen(const uint16_t *x, float *y, int64_t count);
/// Single precision to the nearest bfloat16, ties to even.
void ck_narrow(const float *x, uint16_t *y, int64_t count);

/// Asks the C library to keep large freed blocks for the next tensor instead of handing them back
/// to the system; fresh pages cost a fault each. Changes the whole process.
void ck_keep_freed_memory(void);
/// Asks the C library to hand blocks of a mebibyte and more back as soon as they are freed. glibc
/// raises that bound by itself whenever such a block is freed. Changes the whole process.
void ck_return_freed_memory(void);

#include "CKernelsDirect.h"
#include "CKernelsGradients.h"
#include "CKernelsPlan.h"
#include "CKernelsHalf.h"
#include "CKernelsHalfMaps.h"
#include "CKernelsWindows.h"
#include "CKernelsWinograd.h"
