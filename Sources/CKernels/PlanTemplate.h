// The loops of PlanPasses.c for one width of vectors; see VectorTemplate.h, which comes first.

INLINE void NAME(read_term)(const ck_term *t, int half, int64_t cell, VEC *result) {
#pragma clang fp contract(fast)
  VEC v;
  NAME(load_cell)(t->x, cell, half, &v);
  if (t->factor) LEAKY(v, *(const VEC *)t->factor * v + *(const VEC *)t->addition, t->slope);
  *result = v;
}

INLINE void NAME(combine_as)(const ck_term *terms, int64_t count, float slope, void *y, int half,
                             int64_t first, int64_t last) {
#pragma clang fp contract(fast)
  if (count == 1) {
    const ck_term t = terms[0];
    for (int64_t i = first; i < last; ++i) {
      VEC v;
      NAME(read_term)(&t, half, i, &v);
      LEAKY(v, t.scale * v, slope);
      NAME(store_cell)(y, i, half, &v);
    }
    return;
  }
  const ck_term a = terms[0], b = terms[1];
  for (int64_t i = first; i < last; ++i) {
    VEC v, w;
    NAME(read_term)(&a, half, i, &v);
    NAME(read_term)(&b, half, i, &w);
    VEC sum = a.scale * v + b.scale * w;
    for (int64_t k = 2; k < count; ++k) {
      NAME(read_term)(&terms[k], half, i, &v);
      sum += terms[k].scale * v;
    }
    LEAKY(sum, sum, slope);
    NAME(store_cell)(y, i, half, &sum);
  }
}

static TARGET void NAME(combine)(const ck_term *terms, int64_t count, float slope, void *y,
                                 int64_t first, int64_t last) {
  if (terms[0].half) {
    NAME(combine_as)(terms, count, slope, y, 1, first, last);
  } else {
    NAME(combine_as)(terms, count, slope, y, 0, first, last);
  }
}

INLINE void NAME(pool_block_as)(const ck_term *x, void *y, int half, const ck_window *s,
                                int64_t first, int64_t last) {
  int64_t to = first * s->output[2];
  for (int64_t row = first; row < last; ++row) {
    const int64_t z0 = row / s->output[1] * s->stride[0] - s->pad[0];
    const int64_t y0 = row % s->output[1] * s->stride[1] - s->pad[1];
    for (int64_t ox = 0; ox < s->output[2]; ++ox) {
      const int64_t x0 = ox * s->stride[2] - s->pad[2];
      VEC result = (VEC)(s->maximum ? -__builtin_inff() : 0.0f);
      int64_t cells = 0;
      for (int64_t dz = 0; dz < s->kernel[0]; ++dz) {
        if (z0 + dz < 0 || z0 + dz >= s->input[0]) continue;
        for (int64_t dy = 0; dy < s->kernel[1]; ++dy) {
          if (y0 + dy < 0 || y0 + dy >= s->input[1]) continue;
          const int64_t line = ((z0 + dz) * s->input[1] + y0 + dy) * s->input[2];
          for (int64_t dx = 0; dx < s->kernel[2]; ++dx) {
            if (x0 + dx < 0 || x0 + dx >= s->input[2]) continue;
            VEC v;
            NAME(read_term)(x, half, line + x0 + dx, &v);
            result = s->maximum ? __builtin_elementwise_max(result, v) : result + v;
            ++cells;
          }
        }
      }
      if (!s->maximum) result = result * (1.0f / (float)(cells > 0 ? cells : 1));
      NAME(store_cell)(y, to++, half, &result);
    }
  }
}

static TARGET void NAME(pool_block)(const ck_term *x, void *y, const ck_window *s, int64_t first,
                                    int64_t last) {
  if (x->half) {
    NAME(pool_block_as)(x, y, 1, s, first, last);
  } else {
    NAME(pool_block_as)(x, y, 0, s, first, last);
  }
}

INLINE void NAME(repeat_block_as)(const ck_term *x, void *y, int half, const int64_t input[3],
                                  const int64_t factor[3], int64_t first, int64_t last) {
  const int64_t size = LANES * (half ? 2 : 4);
  const int64_t width = input[2] * factor[2], height = input[1] * factor[1];
  for (int64_t row = first; row < last; ++row) {
    const int64_t z = row / input[1] * factor[0], yy = row % input[1] * factor[1];
    char *const line = (char *)y + (z * height + yy) * width * size;
    for (int64_t i = 0; i < input[2]; ++i) {
      VEC v;
      NAME(read_term)(x, half, row * input[2] + i, &v);
      for (int64_t k = 0; k < factor[2]; ++k) {
        NAME(store_cell)(line, i * factor[2] + k, half, &v);
      }
    }
    for (int64_t dz = 0; dz < factor[0]; ++dz) {
      for (int64_t dy = 0; dy < factor[1]; ++dy) {
        if (dz + dy == 0) continue;
        memcpy(line + (dz * height + dy) * width * size, line, (size_t)(width * size));
      }
    }
  }
}

static TARGET void NAME(repeat_block)(const ck_term *x, void *y, const int64_t input[3],
                                      const int64_t factor[3], int64_t first, int64_t last) {
  if (x->half) {
    NAME(repeat_block_as)(x, y, 1, input, factor, first, last);
  } else {
    NAME(repeat_block_as)(x, y, 0, input, factor, first, last);
  }
}
