// The loops of BFloat16.c over one block of channels, for one width of vectors; see VectorTemplate.h,
// which comes first.

// Adds a fold's sums, which single precision holds well enough, to those of the block.
INLINE void NAME(add_fold)(const VEC *partial, double *total) {
  for (int l = 0; l < LANES; ++l) total[l] += (double)(*partial)[l];
}

static TARGET void NAME(block_sum)(const uint16_t *x, double *sum, int64_t cells) {
  for (int l = 0; l < LANES; ++l) sum[l] = 0;
  for (int64_t start = 0; start < cells; start += FOLD) {
    const int64_t end = start + FOLD < cells ? start + FOLD : cells;
    VEC partial = (VEC)(0.0f);
    for (int64_t i = start; i < end; ++i) {
      VEC v;
      NAME(load_cell)(x, i, 1, &v);
      partial += v;
    }
    NAME(add_fold)(&partial, sum);
  }
}

static TARGET void NAME(block_squares)(const uint16_t *x, const float *mean, double *sum,
                                       int64_t cells) {
#pragma clang fp contract(fast)
  const VEC center = *(const VEC *)mean;
  for (int l = 0; l < LANES; ++l) sum[l] = 0;
  for (int64_t start = 0; start < cells; start += FOLD) {
    const int64_t end = start + FOLD < cells ? start + FOLD : cells;
    VEC partial = (VEC)(0.0f);
    for (int64_t i = start; i < end; ++i) {
      VEC v;
      NAME(load_cell)(x, i, 1, &v);
      v -= center;
      partial += v * v;
    }
    NAME(add_fold)(&partial, sum);
  }
}

static TARGET void NAME(block_affine)(const uint16_t *x, uint16_t *y, const float *scale,
                                      const float *shift, float slope, int64_t cells) {
#pragma clang fp contract(fast)
  const VEC a = *(const VEC *)scale, b = *(const VEC *)shift;
  for (int64_t i = 0; i < cells; ++i) {
    VEC v;
    NAME(load_cell)(x, i, 1, &v);
    LEAKY(v, v * a + b, slope);
    NAME(store_cell)(y, i, 1, &v);
  }
}

// dy * leaky'(y) of one cell.
INLINE void NAME(load_gradient)(const uint16_t *y, const uint16_t *dy, float slope, int64_t cell,
                                VEC *g) {
  VEC seen, arriving;
  NAME(load_cell)(y, cell, 1, &seen);
  NAME(load_cell)(dy, cell, 1, &arriving);
  *g = seen > (VEC)(0.0f) ? arriving : slope * arriving;
}

static TARGET void NAME(block_gradient_sums)(const uint16_t *x, const uint16_t *y,
                                             const uint16_t *dy, const float *mean, float slope,
                                             double *sum_g, double *sum_gx, int64_t cells) {
#pragma clang fp contract(fast)
  const VEC center = *(const VEC *)mean;
  for (int l = 0; l < LANES; ++l) sum_g[l] = sum_gx[l] = 0;
  for (int64_t start = 0; start < cells; start += FOLD) {
    const int64_t end = start + FOLD < cells ? start + FOLD : cells;
    VEC partial_g = (VEC)(0.0f), partial_gx = (VEC)(0.0f);
    for (int64_t i = start; i < end; ++i) {
      VEC v, g;
      NAME(load_cell)(x, i, 1, &v);
      NAME(load_gradient)(y, dy, slope, i, &g);
      partial_g += g;
      partial_gx += g * (v - center);
    }
    NAME(add_fold)(&partial_g, sum_g);
    NAME(add_fold)(&partial_gx, sum_gx);
  }
}

static TARGET void NAME(block_gradient)(const uint16_t *x, const uint16_t *y, const uint16_t *dy,
                                        const float *a, const float *b, const float *c,
                                        float slope, uint16_t *dx, int64_t cells) {
#pragma clang fp contract(fast)
  const VEC va = *(const VEC *)a, vb = *(const VEC *)b, vc = *(const VEC *)c;
  for (int64_t i = 0; i < cells; ++i) {
    VEC v, g;
    NAME(load_cell)(x, i, 1, &v);
    NAME(load_gradient)(y, dy, slope, i, &g);
    v = va * g + (vb * v + vc);
    NAME(store_cell)(dx, i, 1, &v);
  }
}
