// Vectors of one instruction set.
//
// Included once for each, with LANES (of a vector), ROWS (of the product kept in registers), TARGET
// (an attribute) and SUFFIX (of all names) defined.

typedef float NAME(vec) __attribute__((ext_vector_type(LANES)));
typedef uint32_t NAME(bits) __attribute__((ext_vector_type(LANES)));
typedef uint16_t NAME(halves) __attribute__((ext_vector_type(LANES)));
#define VEC NAME(vec)
#define BITS NAME(bits)
#define HALVES NAME(halves)
#define INLINE static inline __attribute__((always_inline)) TARGET
// target = leaky(value); a macro, because vectors do not pass between instruction sets.
#define LEAKY(target, value, slope)                          \
  do {                                                       \
    const VEC given = (value);                               \
    target = __builtin_elementwise_max(given, (slope)*given); \
  } while (0)

// Cells of feature maps, one vector each: single precision, or bfloat16 if `half`, which callers
// give as a constant. Vectors pass through memory, which inlining removes.
INLINE void NAME(load_cell)(const void *map, int64_t cell, int half, VEC *to) {
  if (half) {
    const BITS wide = __builtin_convertvector(((const HALVES *)map)[cell], BITS) << 16;
    memcpy(to, &wide, sizeof wide);
  } else {
    *to = ((const VEC *)map)[cell];
  }
}

// Rounds to the nearest bfloat16, ties to even; numbers below the least normal one become 0, as the
// processor's own instruction has it.
INLINE void NAME(store_cell)(void *map, int64_t cell, int half, const VEC *from) {
  if (!half) {
    ((VEC *)map)[cell] = *from;
    return;
  }
#if defined(HARDWARE_BF16)
  const __m256bh rounded = _mm512_cvtneps_pbh(*(const __m512 *)from);
  memcpy((HALVES *)map + cell, &rounded, sizeof rounded);
#else
  BITS bits;
  memcpy(&bits, from, sizeof bits);
  const BITS upper = bits >> 16;
  BITS rounded = (bits + 0x7fffu + (upper & 1u)) >> 16;
  const BITS tiny = (BITS)((bits & 0x7f800000u) == 0u);
  rounded = (tiny & upper & 0x8000u) | (~tiny & rounded);
  const BITS nan = (BITS)((bits & 0x7fffffffu) > 0x7f800000u);
  rounded = (nan & (upper | 0x40u)) | (~nan & rounded);
  ((HALVES *)map)[cell] = __builtin_convertvector(rounded, HALVES);
#endif
}
