#include "CKernelsHalfMaps.h"

#include <math.h>

#include "HalfDirect.h"

#define TEMPLATE "HalfMapsTemplate.h"
#include "HalfEveryInstructionSet.h"

static int32_t level_of(int32_t limit) { return limit == ck_half_best ? ck_half_amx : limit; }

void ck_half_max_pool(const uint16_t *x, uint16_t *y, const ck_pooling *shape, int64_t first,
                      int64_t last, int32_t limit) {
  HALF_CHOSEN(max_pool, level_of(limit))(x, y, shape, first, last);
}

void ck_half_average_pool(const uint16_t *x, uint16_t *y, const ck_pooling *shape, int64_t first,
                          int64_t last, int32_t limit) {
  HALF_CHOSEN(average_pool, level_of(limit))(x, y, shape, first, last);
}

void ck_half_sum(const ck_half_term *a, const ck_half_term *b, float slope, uint16_t *y,
                 int64_t cells, int32_t limit) {
  HALF_CHOSEN(sum, level_of(limit))(a, b, slope, y, cells);
}

void ck_half_upsample(const uint16_t *x, uint16_t *y, const int64_t size[3],
                      const int64_t scale[3], int64_t first, int64_t last, int32_t limit) {
  HALF_CHOSEN(upsample, level_of(limit))(x, y, size, scale, first, last);
}

void ck_half_from_plain(const float *const *plain, int64_t channels, uint16_t *y, int64_t cells,
                        int32_t limit) {
  HALF_CHOSEN(from_plain, level_of(limit))(plain, channels, y, cells);
}

void ck_half_to_plain(const uint16_t *x, float *const *plain, int64_t channels, int64_t cells,
                      int32_t limit) {
  HALF_CHOSEN(to_plain, level_of(limit))(x, plain, channels, cells);
}

void ck_half_to_int8(const uint16_t *x, int8_t *y, float scale, int64_t cells, int32_t limit) {
  HALF_CHOSEN(to_int8, level_of(limit))(x, y, 1 / scale, cells);
}

void ck_half_from_int8(const int8_t *x, uint16_t *y, float scale, int64_t cells, int32_t limit) {
  HALF_CHOSEN(from_int8, level_of(limit))(x, y, scale, cells);
}

float ck_half_largest(const ck_half_term *x, int64_t cells) {
  float largest = 0;
  for (int64_t i = 0; i < cells * 32; ++i) {
    const uint32_t bits = (uint32_t)x->cells[i] << 16;
    float v;
    memcpy(&v, &bits, sizeof v);
    if (x->factor) {
      v = x->factor[i % 32] * v + x->addition[i % 32];
      v = v > x->slope * v ? v : x->slope * v;
    }
    v = v < 0 ? -v : v;
    if (v > largest) largest = v;
  }
  return largest;
}
