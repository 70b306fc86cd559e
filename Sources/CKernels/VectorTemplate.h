// Vectors of one instruction set.
//
// Included once for each, with LANES (of a vector), ROWS (of the product kept in registers), TARGET
// (an attribute) and SUFFIX (of all names) defined.

typedef float NAME(vec) __attribute__((ext_vector_type(LANES)));
#define VEC NAME(vec)
#define INLINE static inline __attribute__((always_inline)) TARGET
// target = leaky(value); a macro, because vectors do not pass between instruction sets.
#define LEAKY(target, value, slope)                          \
  do {                                                       \
    const VEC given = (value);                               \
    target = __builtin_elementwise_max(given, (slope)*given); \
  } while (0)
