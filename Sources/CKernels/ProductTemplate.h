// The product at the heart of the convolutions, for one instruction set; see VectorTemplate.h.

// `rows` x (`columns` vectors) of a product, summed over taps and channels in registers; with `adds`,
// on top of what m holds.
//
// Inlined with constant rows and columns, so that the loops over both unroll.
INLINE void NAME(product)(const float *v, int rows, int columns, int64_t row_step,
                          int64_t tap_step, int64_t taps, int64_t k, const float *u, float *m,
                          int adds) {
#pragma clang fp contract(fast)
  VEC sum[ROWS][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; ++r) {
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; ++c) {
      sum[r][c] = adds ? ((const VEC *)m)[r * columns + c] : (VEC)(0.0f);
    }
  }
  for (int64_t tap = 0; tap < taps; ++tap, v += tap_step) {
    for (int64_t i = 0; i < k; ++i, u += columns * LANES) {
      VEC w[2];
#pragma clang loop unroll(full)
      for (int c = 0; c < columns; ++c) w[c] = ((const VEC *)u)[c];
#pragma clang loop unroll(full)
      for (int r = 0; r < rows; ++r) {
        const VEC b = (VEC)(v[r * row_step + i]);
#pragma clang loop unroll(full)
        for (int c = 0; c < columns; ++c) sum[r][c] += b * w[c];
      }
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; ++r) {
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; ++c) ((VEC *)m)[r * columns + c] = sum[r][c];
  }
}

INLINE void NAME(products)(const float *v, int64_t rows, int columns, int64_t row_step,
                           int64_t tap_step, int64_t taps, int64_t k, const float *u, float *m,
                           int adds) {
  int64_t r = 0;
  for (; r + ROWS <= rows; r += ROWS)
    NAME(product)(v + r * row_step, ROWS, columns, row_step, tap_step, taps, k, u,
                  m + r * columns * LANES, adds);
  for (; r + 4 <= rows; r += 4)
    NAME(product)(v + r * row_step, 4, columns, row_step, tap_step, taps, k, u,
                  m + r * columns * LANES, adds);
  for (; r + 2 <= rows; r += 2)
    NAME(product)(v + r * row_step, 2, columns, row_step, tap_step, taps, k, u,
                  m + r * columns * LANES, adds);
  for (; r < rows; ++r)
    NAME(product)(v + r * row_step, 1, columns, row_step, tap_step, taps, k, u,
                  m + r * columns * LANES, adds);
}

static TARGET __attribute__((noinline)) void NAME(products_2)(const float *v, int64_t rows,
                                                              int64_t row_step,
                                                              int64_t tap_step, int64_t taps,
                                                              int64_t k, const float *u, float *m,
                                                              int adds) {
  NAME(products)(v, rows, 2, row_step, tap_step, taps, k, u, m, adds);
}

static TARGET __attribute__((noinline)) void NAME(products_1)(const float *v, int64_t rows,
                                                              int64_t row_step,
                                                              int64_t tap_step, int64_t taps,
                                                              int64_t k, const float *u, float *m,
                                                              int adds) {
  NAME(products)(v, rows, 1, row_step, tap_step, taps, k, u, m, adds);
}
