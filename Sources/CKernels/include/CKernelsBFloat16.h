#pragma once
// The loops of normalisation on bfloat16 maps, as their namesakes in CKernels.h: numbers are widened
// on the way in, computed with in single precision, and rounded to nearest on the way out.
#include <stdint.h>

void ck_bf16_sum(const uint16_t *x, double *sum, int64_t spatial, int64_t lanes, int64_t first,
                 int64_t last);
void ck_bf16_centered_squares(const uint16_t *x, const float *mean, double *sum, int64_t spatial,
                              int64_t lanes, int64_t first, int64_t last);
void ck_bf16_affine_leaky(const uint16_t *x, uint16_t *y, const float *scale, const float *shift,
                          float slope, int64_t spatial, int64_t lanes, int64_t first,
                          int64_t last);
void ck_bf16_affine_leaky_sums(const uint16_t *x, const uint16_t *y, const uint16_t *dy,
                               const float *mean, float slope, double *sum_g, double *sum_gx,
                               int64_t spatial, int64_t lanes, int64_t first, int64_t last);
void ck_bf16_affine_leaky_gradient(const uint16_t *x, const uint16_t *y, const uint16_t *dy,
                                   const float *a, const float *b, const float *c, float slope,
                                   uint16_t *dx, int64_t spatial, int64_t lanes, int64_t first,
                                   int64_t last);
