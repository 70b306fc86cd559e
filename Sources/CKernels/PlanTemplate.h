// The loops of PlanPasses.c for one width of vectors; see VectorTemplate.h, which comes first.

INLINE void NAME(read_term)(const ck_term *t, int64_t cell, VEC *result) {
#pragma clang fp contract(fast)
  VEC v = ((const VEC *)t->x)[cell];
  if (t->factor) LEAKY(v, *(const VEC *)t->factor * v + *(const VEC *)t->addition, t->slope);
  *result = v;
}

static TARGET void NAME(combine)(const ck_term *terms, int64_t count, float slope, float *y,
                                 int64_t first, int64_t last) {
#pragma clang fp contract(fast)
  VEC *to = (VEC *)y;
  if (count == 1) {
    const ck_term t = terms[0];
    for (int64_t i = first; i < last; ++i) {
      VEC v;
      NAME(read_term)(&t, i, &v);
      LEAKY(to[i], t.scale * v, slope);
    }
    return;
  }
  const ck_term a = terms[0], b = terms[1];
  for (int64_t i = first; i < last; ++i) {
    VEC v, w;
    NAME(read_term)(&a, i, &v);
    NAME(read_term)(&b, i, &w);
    VEC sum = a.scale * v + b.scale * w;
    for (int64_t k = 2; k < count; ++k) {
      NAME(read_term)(&terms[k], i, &v);
      sum += terms[k].scale * v;
    }
    LEAKY(to[i], sum, slope);
  }
}

static TARGET void NAME(pool_block)(const ck_term *x, float *y, const ck_window *s, int64_t first,
                                    int64_t last) {
  VEC *to = (VEC *)y + first * s->output[2];
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
            NAME(read_term)(x, line + x0 + dx, &v);
            result = s->maximum ? __builtin_elementwise_max(result, v) : result + v;
            ++cells;
          }
        }
      }
      *to++ = s->maximum ? result : result * (1.0f / (float)(cells > 0 ? cells : 1));
    }
  }
}

static TARGET void NAME(repeat_block)(const ck_term *x, float *y, const int64_t input[3],
                                      const int64_t factor[3], int64_t first, int64_t last) {
  const int64_t width = input[2] * factor[2], height = input[1] * factor[1];
  for (int64_t row = first; row < last; ++row) {
    const int64_t z = row / input[1] * factor[0], yy = row % input[1] * factor[1];
    VEC *const line = (VEC *)y + (z * height + yy) * width;
    for (int64_t i = 0; i < input[2]; ++i) {
      VEC v;
      NAME(read_term)(x, row * input[2] + i, &v);
      for (int64_t k = 0; k < factor[2]; ++k) line[i * factor[2] + k] = v;
    }
    for (int64_t dz = 0; dz < factor[0]; ++dz) {
      for (int64_t dy = 0; dy < factor[1]; ++dy) {
        if (dz + dy == 0) continue;
        memcpy(line + (dz * height + dy) * width, line, sizeof(VEC) * (size_t)width);
      }
    }
  }
}
