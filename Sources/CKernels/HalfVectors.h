// Vectors of 16 lanes and the conversions of stored elements, for one instruction set.
//
// Included once for each, with TARGET (an attribute), SUFFIX (of all names) and, where the
// processor rounds to bfloat16 itself, HARDWARE_BF16 defined. Values pass through memory, which
// inlining removes, because vectors do not pass between functions of different instruction sets. No
// operation here may be fused with another: every instruction set gives the same bits.

typedef float NAME(f16) __attribute__((ext_vector_type(16), aligned(4)));
typedef uint32_t NAME(u16) __attribute__((ext_vector_type(16), aligned(4)));
typedef int32_t NAME(i16) __attribute__((ext_vector_type(16), aligned(4)));
typedef uint16_t NAME(h16) __attribute__((ext_vector_type(16), aligned(2)));
typedef int8_t NAME(b16) __attribute__((ext_vector_type(16), aligned(1)));
#define F16 NAME(f16)
#define U16 NAME(u16)
#define I16 NAME(i16)
#define H16 NAME(h16)
#define B16 NAME(b16)
#define INLINE static inline __attribute__((always_inline)) TARGET
// target = leaky(value).
#define LEAKY(target, value, slope)                          \
  do {                                                       \
    const F16 given = (value);                               \
    target = __builtin_elementwise_max(given, (slope)*given); \
  } while (0)

INLINE void NAME(load_bf16)(const uint16_t *from, F16 *to) {
  const U16 wide = __builtin_convertvector(*(const H16 *)from, U16) << 16;
  memcpy(to, &wide, sizeof wide);
}

INLINE void NAME(load_int8)(const int8_t *from, float scale, F16 *to) {
#pragma clang fp contract(off)
  *to = __builtin_convertvector(*(const B16 *)from, F16) * scale;
}

// The 32 channels of a cell.
INLINE void NAME(load_cell)(int32_t type, const void *from, float scale, F16 *to) {
  for (int h = 0; h < 2; ++h) {
    if (type == ck_half_bf16) {
      NAME(load_bf16)((const uint16_t *)from + h * 16, to + h);
    } else {
      NAME(load_int8)((const int8_t *)from + h * 16, scale, to + h);
    }
  }
}

// To the nearest, ties to even; numbers below the least normal one become 0, as the processor's own
// instruction has it.
INLINE void NAME(store_bf16)(uint16_t *to, const F16 *from) {
#if defined(HARDWARE_BF16)
  const __m256bh rounded = _mm512_cvtneps_pbh(*(const __m512_u *)from);
  memcpy(to, &rounded, sizeof rounded);
#else
  U16 bits;
  memcpy(&bits, from, sizeof bits);
  const U16 upper = bits >> 16;
  U16 rounded = (bits + 0x7fffu + (upper & 1u)) >> 16;
  const U16 tiny = (U16)((bits & 0x7f800000u) == 0u);
  rounded = (tiny & upper & 0x8000u) | (~tiny & rounded);
  const U16 nan = (U16)((bits & 0x7fffffffu) > 0x7f800000u);
  rounded = (nan & (upper | 0x40u)) | (~nan & rounded);
  *(H16 *)to = __builtin_convertvector(rounded, H16);
#endif
}

INLINE void NAME(store_int8)(int8_t *to, const F16 *from, float inverse_scale) {
#pragma clang fp contract(off)
  // Adding 1.5 * 2^23 leaves the nearest integer, ties to even, in the low bits.
  F16 v = *from * inverse_scale;
  v = __builtin_elementwise_min(__builtin_elementwise_max(v, (F16)(-127.0f)), (F16)(127.0f));
  v = v + (F16)(12582912.0f);
  I16 bits;
  memcpy(&bits, &v, sizeof bits);
  *(B16 *)to = __builtin_convertvector(bits - 0x4b400000, B16);
}

INLINE void NAME(store_cell)(int32_t type, void *to, const F16 *from, float inverse_scale) {
  if (type == ck_half_bf16) {
#if defined(HARDWARE_BF16)
    const __m512bh rounded = _mm512_cvtne2ps_pbh(*(const __m512_u *)(from + 1),
                                                 *(const __m512_u *)from);
    memcpy(to, &rounded, sizeof rounded);
#else
    NAME(store_bf16)((uint16_t *)to, from);
    NAME(store_bf16)((uint16_t *)to + 16, from + 1);
#endif
  } else {
    NAME(store_int8)((int8_t *)to, from, inverse_scale);
    NAME(store_int8)((int8_t *)to + 16, from + 1, inverse_scale);
  }
}
