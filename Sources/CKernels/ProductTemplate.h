// The product at the heart of the convolutions, for one instruction set; see VectorTemplate.h.

// `rows` x (`columns` vectors) of a product, summed over taps and channels in registers; with `adds`,
// on top of what m holds. `next` is what will be read soon, a cache line for each channel.
//
// Inlined with constant rows and columns, so that the loops over both unroll.
INLINE void NAME(product)(const float *v, int rows, int columns, int64_t row_step,
                          int64_t tap_step, int64_t taps, int64_t k, const float *u, float *m,
                          int adds, const float *next) {
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
      __builtin_prefetch(next, 0, 2);
      next += 16;
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

// CASE(n) for each number of rows whose product fits into the registers.
#if ROWS > 6
#define ROW_COUNTS(CASE) \
  CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) \
  CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
#elif ROWS > 4
#define ROW_COUNTS(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6)
#else
#define ROW_COUNTS(CASE) CASE(1) CASE(2) CASE(3) CASE(4)
#endif

// The rows are divided evenly: sums of few rows wait for each other.
//
// The weights that follow in memory are fetched meanwhile; the next products are theirs.
INLINE void NAME(products)(const float *v, int64_t rows, int columns, int64_t row_step,
                           int64_t tap_step, int64_t taps, int64_t k, const float *u, float *m,
                           int adds) {
#define PRODUCT(n)                                                               \
  case n:                                                                        \
    NAME(product)(v, n, columns, row_step, tap_step, taps, k, u, m, adds, next); \
    break;
  const int64_t length = taps * k;
  const float *next = u + length * columns * LANES;
  for (int64_t parts = (rows + ROWS - 1) / ROWS; parts > 0; --parts) {
    const int64_t count = (rows + parts - 1) / parts;
    switch (count) { ROW_COUNTS(PRODUCT) }
    v += count * row_step;
    m += count * columns * LANES;
    rows -= count;
    next += length * 16;
  }
#undef PRODUCT
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
