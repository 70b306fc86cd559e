// Includes TEMPLATE once for every instruction set, and defines CHOSEN(name, lanes): the function of
// that name for this processor and for blocks of 8 or 16 channels.
//
// With KNOWS_BF16 also once for processors that round to bfloat16 and multiply it themselves.

#include <stdint.h>
#include <string.h>
#if defined(__x86_64__) && defined(KNOWS_BF16)
#include <immintrin.h>
#endif

#define PASTE2(a, b) a##_##b
#define PASTE(a, b) PASTE2(a, b)
#define NAME(x) PASTE(x, SUFFIX)

#if defined(__x86_64__)
#if defined(KNOWS_BF16)
#define TARGET \
  __attribute__((target("avx512bf16,avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,bmi2")))
#define LANES 16
#define ROWS 14
#define SUFFIX avx512bf16
#define HARDWARE_BF16
#include "VectorTemplate.h"
#include TEMPLATE
#include "EndOfTemplate.h"
#endif
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,bmi2")))
#define LANES 16
#define ROWS 14
#define SUFFIX avx512
#include "VectorTemplate.h"
#include TEMPLATE
#include "EndOfTemplate.h"
#define TARGET __attribute__((target("avx2,fma,bmi2")))
#define LANES 8
#define ROWS 6
#define SUFFIX avx2
#include "VectorTemplate.h"
#include TEMPLATE
#include "EndOfTemplate.h"
#endif

// Any processor; blocks of 16 too, so that every layout runs everywhere.
#define TARGET
#define LANES 16
#define ROWS 4
#define SUFFIX plain16
#include "VectorTemplate.h"
#include TEMPLATE
#include "EndOfTemplate.h"
#define TARGET
#define LANES 8
#define ROWS 4
#define SUFFIX plain8
#include "VectorTemplate.h"
#include TEMPLATE
#include "EndOfTemplate.h"

#if defined(__x86_64__)
#if defined(KNOWS_BF16)
#define AVX512(name) (__builtin_cpu_supports("avx512bf16") ? name##_avx512bf16 : name##_avx512)
#else
#define AVX512(name) name##_avx512
#endif
#define CHOSEN(name, lanes)                                                                  \
  ((lanes) == 16                                                                             \
       ? (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&         \
                  __builtin_cpu_supports("avx512dq")                                         \
              ? AVX512(name)                                                                 \
              : name##_plain16)                                                              \
       : (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? name##_avx2      \
                                                                          : name##_plain8))
#else
#define CHOSEN(name, lanes) ((lanes) == 16 ? name##_plain16 : name##_plain8)
#endif
