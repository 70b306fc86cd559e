// Includes HalfVectors.h and TEMPLATE once for every instruction set, and defines
// HALF_CHOSEN(name): the function of that name for this processor and a highest level.
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define PASTE2(a, b) a##_##b
#define PASTE(a, b) PASTE2(a, b)
#define NAME(x) PASTE(x, SUFFIX)

#if defined(__x86_64__)
#define TARGET \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,bmi2")))
#define HARDWARE_BF16
#define SUFFIX avx512bf16
#include "HalfVectors.h"
#include TEMPLATE
#include "HalfEndOfTemplate.h"
#undef HARDWARE_BF16
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,bmi2")))
#define SUFFIX avx512
#include "HalfVectors.h"
#include TEMPLATE
#include "HalfEndOfTemplate.h"
#define TARGET __attribute__((target("avx2,fma,bmi2")))
#define SUFFIX avx2
#include "HalfVectors.h"
#include TEMPLATE
#include "HalfEndOfTemplate.h"
#endif

#define TARGET
#define SUFFIX plain
#include "HalfVectors.h"
#include TEMPLATE
#include "HalfEndOfTemplate.h"

#if defined(__x86_64__)
static int half_has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
static int half_has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#define HALF_CHOSEN(name, level)                                                              \
  ((level) >= ck_half_avx512 && half_has_avx512()                                             \
       ? (__builtin_cpu_supports("avx512bf16") ? name##_avx512bf16 : name##_avx512)           \
       : ((level) >= ck_half_avx2 && half_has_avx2() ? name##_avx2 : name##_plain))
#else
#define HALF_CHOSEN(name, level) ((void)(level), name##_plain)
#endif
