#include "HalfDirect.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdatomic.h>
#endif
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__x86_64__)

int half_amx_permitted(void) {
#if defined(__linux__)
  // The answer of the system, 0 while unknown: a fact of the process that any thread may find out.
  static _Atomic int answer;
  enum { ASK_FOR_STATE = 0x1023, TILE_DATA = 18, GRANTED = 1, REFUSED = 2 };
  int known = atomic_load_explicit(&answer, memory_order_relaxed);
  if (known == 0) {
    known = REFUSED;
    if (__builtin_cpu_supports("amx-tile") &&
        syscall(SYS_arch_prctl, (long)ASK_FOR_STATE, (long)TILE_DATA) == 0) {
      known = GRANTED;
    }
    atomic_store_explicit(&answer, known, memory_order_relaxed);
  }
  return known == GRANTED;
#else
  return 0;
#endif
}

#define AMX __attribute__((target("amx-tile,amx-bf16,amx-int8")))

// The operand of LDTILECFG: eight tiles of 16 rows of 64 bytes.
typedef struct {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} tile_configuration;

AMX void half_amx_begin(void) {
  tile_configuration all = {1, 0, {0}, {0}, {0}};
  for (int t = 0; t < 8; ++t) {
    all.row_bytes[t] = 64;
    all.rows[t] = 16;
  }
  _tile_loadconfig(&all);
}

AMX void half_amx_end(void) { _tile_release(); }

// Tiles 0 to 3 sum 32 cells x 32 channels; 4 and 5 hold cells, 6 and 7 weights. What a unit lacks
// of 16 cells is computed from whatever lies there, and dropped.
#define PRODUCT(DOT)                                                            \
  for (int64_t first = 0; first < p->count; first += 32) {                      \
    const uint8_t *const cells = p->cells + first * p->step_bytes;              \
    const size_t step = (size_t)p->step_bytes;                                  \
    const uint8_t *w = p->weights;                                              \
    float *const sums = (float *)p->sums + first * HALF_LANES;                  \
    const int two_rows = p->count - first > 16, two_columns = p->tiles == 2;    \
    _tile_zero(0);                                                              \
    _tile_zero(1);                                                              \
    _tile_zero(2);                                                              \
    _tile_zero(3);                                                              \
    for (int64_t t = 0; t < p->tap_count; ++t) {                                \
      const uint8_t *a = cells + p->taps[t];                                    \
      for (int64_t c = 0; c < p->chunks; ++c, a += 64, w += 2 * HALF_TILE) {    \
        _tile_loadd(6, w, 64);                                                  \
        _tile_loadd(4, a, step);                                                \
        DOT(0, 4, 6);                                                           \
        if (two_columns) {                                                      \
          _tile_loadd(7, w + HALF_TILE, 64);                                    \
          DOT(1, 4, 7);                                                         \
        }                                                                       \
        if (two_rows) {                                                         \
          _tile_loadd(5, a + 16 * step, step);                                  \
          DOT(2, 5, 6);                                                         \
          if (two_columns) DOT(3, 5, 7);                                        \
        }                                                                       \
      }                                                                         \
    }                                                                           \
    _tile_stored(0, sums, HALF_LANES * 4);                                      \
    if (two_columns) _tile_stored(1, sums + 16, HALF_LANES * 4);                \
    if (two_rows) {                                                             \
      _tile_stored(2, sums + 16 * HALF_LANES, HALF_LANES * 4);                  \
      if (two_columns) _tile_stored(3, sums + 16 * HALF_LANES + 16, HALF_LANES * 4); \
    }                                                                           \
  }

AMX void half_amx_bf16(const half_product *p) { PRODUCT(_tile_dpbf16ps) }

AMX void half_amx_int8(const half_product *p) { PRODUCT(_tile_dpbssd) }

#else

int half_amx_permitted(void) { return 0; }

#endif
