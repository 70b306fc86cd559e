#include "HalfDirect.h"

#define TEMPLATE "HalfLoopsTemplate.h"
#include "HalfEveryInstructionSet.h"

half_kernels half_kernels_of(const ck_half *s) {
  const int integers = s->product_type == ck_half_int8;
  const int32_t limit = s->limit == ck_half_best ? ck_half_amx : s->limit;
  half_kernels k;
  memset(&k, 0, sizeof k);
  k.level = ck_half_portable;
  k.gather = HALF_CHOSEN(gather, limit);
  k.finish = HALF_CHOSEN(finish, limit);
  k.product = integers ? HALF_CHOSEN(product_int8, limit) : HALF_CHOSEN(product_bf16, limit);
#if defined(__x86_64__)
  if (limit >= ck_half_avx2 && half_has_avx2()) k.level = ck_half_avx2;
  const int wide = limit >= ck_half_avx512 && half_has_avx512();
  const int dot = integers ? __builtin_cpu_supports("avx512vnni") != 0
                           : __builtin_cpu_supports("avx512bf16") != 0;
  if (wide && dot) {
    k.level = ck_half_avx512;
    k.product = integers ? half_avx512_int8 : half_avx512_bf16;
    k.offset = integers ? half_avx512_offset : 0;
  }
  const int tiles = integers ? __builtin_cpu_supports("amx-int8") != 0
                             : __builtin_cpu_supports("amx-bf16") != 0;
  if (wide && tiles && limit >= ck_half_amx && half_amx_permitted()) {
    k.level = ck_half_amx;
    k.product = integers ? half_amx_int8 : half_amx_bf16;
    k.offset = 0;
    k.begin = half_amx_begin;
    k.end = half_amx_end;
  }
#endif
  return k;
}

int32_t ck_half_instructions(const ck_half *s) { return half_kernels_of(s).level; }
