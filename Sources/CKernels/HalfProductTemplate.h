// The product of ProductTemplate.h with bfloat16 factors, two channels at a time; only where the
// processor has the instruction.

#if defined(HARDWARE_BF16)
// `rows` x (`columns` vectors) of a product, summed over taps and channels in registers.
//
// Inlined with constant rows and columns, so that the loops over both unroll.
INLINE void NAME(half_product)(const uint16_t *v, int rows, int columns, int64_t row_step,
                               int64_t tap_step, int64_t taps, int64_t k, const uint16_t *u,
                               float *m) {
  __m512 sum[ROWS][2];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; ++r) {
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; ++c) sum[r][c] = _mm512_setzero_ps();
  }
  for (int64_t tap = 0; tap < taps; ++tap, v += tap_step) {
    for (int64_t i = 0; i < k; i += 2, u += columns * LANES * 2) {
      __m512i w[2];
#pragma clang loop unroll(full)
      for (int c = 0; c < columns; ++c) w[c] = _mm512_loadu_si512(u + c * LANES * 2);
#pragma clang loop unroll(full)
      for (int r = 0; r < rows; ++r) {
        int32_t both;
        memcpy(&both, v + r * row_step + i, sizeof both);
        const __m512i b = _mm512_set1_epi32(both);
#pragma clang loop unroll(full)
        for (int c = 0; c < columns; ++c) {
          sum[r][c] = _mm512_dpbf16_ps(sum[r][c], (__m512bh)b, (__m512bh)w[c]);
        }
      }
    }
  }
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; ++r) {
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; ++c) _mm512_storeu_ps(m + (r * columns + c) * LANES, sum[r][c]);
  }
}

INLINE void NAME(half_products)(const uint16_t *v, int64_t rows, int columns, int64_t row_step,
                                int64_t tap_step, int64_t taps, int64_t k, const uint16_t *u,
                                float *m) {
#define PRODUCT(n)                                                        \
  case n:                                                                 \
    NAME(half_product)(v, n, columns, row_step, tap_step, taps, k, u, m); \
    break;
  for (int64_t parts = (rows + ROWS - 1) / ROWS; parts > 0; --parts) {
    const int64_t count = (rows + parts - 1) / parts;
    switch (count) { ROW_COUNTS(PRODUCT) }
    v += count * row_step;
    m += count * columns * LANES;
    rows -= count;
  }
#undef PRODUCT
}

static TARGET __attribute__((noinline)) void NAME(half_products_2)(
    const uint16_t *v, int64_t rows, int64_t row_step, int64_t tap_step, int64_t taps, int64_t k,
    const uint16_t *u, float *m) {
  NAME(half_products)(v, rows, 2, row_step, tap_step, taps, k, u, m);
}

static TARGET __attribute__((noinline)) void NAME(half_products_1)(
    const uint16_t *v, int64_t rows, int64_t row_step, int64_t tap_step, int64_t taps, int64_t k,
    const uint16_t *u, float *m) {
  NAME(half_products)(v, rows, 1, row_step, tap_step, taps, k, u, m);
}
#endif
