#include "HalfDirect.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))
#define ALWAYS_INLINE static inline __attribute__((always_inline))

static inline int32_t four_bytes(const uint8_t *from) {
  int32_t v;
  memcpy(&v, from, sizeof v);
  return v;
}

// One product of `rows` cells and `columns` tiles of channels with its sums in registers; DOT adds
// to a vector of sums the products of four bytes of a cell with 16 channels' weights.
#define SOME(VECTOR, START, DOT, STORE)                                                     \
  VECTOR sum[12][2];                                                                        \
  _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; ++r) {                       \
    _Pragma("clang loop unroll(full)") for (int c = 0; c < columns; ++c) sum[r][c] = START; \
  }                                                                                         \
  const uint8_t *const cells = p->cells + first * p->step_bytes;                            \
  const int64_t step = p->step_bytes;                                                       \
  const uint8_t *weights = p->weights;                                                      \
  for (int64_t t = 0; t < p->tap_count; ++t) {                                              \
    const uint8_t *v = cells + p->taps[t];                                                  \
    int64_t left = (p->run_bytes + 3) / 4;                                                  \
    for (int64_t chunk = 0; chunk < p->chunks; ++chunk, left -= 16) {                       \
      const int64_t quads = left < 16 ? left : 16;                                          \
      const uint8_t *w = weights;                                                           \
      weights += 2 * HALF_TILE;                                                             \
      for (int64_t i = 0; i < quads; ++i, w += 64, v += 4) {                                \
        __m512i u[2];                                                                       \
        _Pragma("clang loop unroll(full)") for (int c = 0; c < columns; ++c)                \
          u[c] = _mm512_loadu_si512(w + c * HALF_TILE);                                     \
        _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; ++r) {                 \
          const __m512i a = _mm512_set1_epi32(four_bytes(v + r * step));                    \
          _Pragma("clang loop unroll(full)") for (int c = 0; c < columns; ++c)              \
            sum[r][c] = DOT(sum[r][c], a, u[c]);                                            \
        }                                                                                   \
      }                                                                                     \
    }                                                                                       \
  }                                                                                         \
  int32_t *to = (int32_t *)p->sums + first * HALF_LANES;                                    \
  _Pragma("clang loop unroll(full)") for (int r = 0; r < rows; ++r) {                       \
    _Pragma("clang loop unroll(full)") for (int c = 0; c < columns; ++c)                    \
      STORE(to + r * HALF_LANES + c * 16, sum[r][c]);                                       \
  }

#define DOT_BF16(s, a, w) _mm512_dpbf16_ps(s, (__m512bh)(a), (__m512bh)(w))
#define DOT_INT8(s, a, w) _mm512_dpbusd_epi32(s, a, w)
#define STORE_INT8(to, s) \
  _mm512_storeu_si512(to, _mm512_sub_epi32(s, _mm512_loadu_si512(p->excess + c * 16)))

ALWAYS_INLINE BF16 void bf16_some(const half_product *p, int64_t first, int rows, int columns) {
  SOME(__m512, _mm512_setzero_ps(), DOT_BF16, _mm512_storeu_ps)
}

ALWAYS_INLINE VNNI void int8_some(const half_product *p, int64_t first, int rows, int columns) {
  SOME(__m512i, _mm512_setzero_si512(), DOT_INT8, STORE_INT8)
}

#define ALL(SOME_ROWS)                                                          \
  int64_t r = 0;                                                                \
  if (p->tiles == 2) {                                                          \
    for (; r + 12 <= p->count; r += 12) SOME_ROWS(p, r, 12, 2);                 \
    for (; r + 4 <= p->count; r += 4) SOME_ROWS(p, r, 4, 2);                    \
    for (; r < p->count; ++r) SOME_ROWS(p, r, 1, 2);                            \
  } else {                                                                      \
    for (; r + 12 <= p->count; r += 12) SOME_ROWS(p, r, 12, 1);                 \
    for (; r + 4 <= p->count; r += 4) SOME_ROWS(p, r, 4, 1);                    \
    for (; r < p->count; ++r) SOME_ROWS(p, r, 1, 1);                            \
  }

BF16 void half_avx512_bf16(const half_product *p) { ALL(bf16_some) }

VNNI void half_avx512_int8(const half_product *p) { ALL(int8_some) }

VNNI void half_avx512_offset(uint8_t *cells, int64_t bytes) {
  for (int64_t i = 0; i < bytes; ++i) cells[i] ^= 0x80;
}

#endif
