// Recurrent steps for one instruction set; see VectorTemplate.h.
//
// Rows are samples. A block is a vector of units with all their gates; the packed weights of one are
// read once for all rows of a call. What a sample gets does not depend on its neighbours: every sum
// runs over the units in their order.

// Rows of a product whose gates stay in registers, four vectors each, beside four of weights and one of
// the states: of 32 registers 4 rows, of 16 only 2. More would go through memory at every unit, which
// takes twice the time and more.
#define GATE_ROWS (ROWS >= 14 ? 4 : 2)

INLINE void NAME(load_units)(const float *from, int64_t count, VEC *to) {
  if (count >= LANES) {
    memcpy(to, from, sizeof *to);
  } else {
    *to = (VEC)(0.0f);
    memcpy(to, from, (size_t)count * sizeof(float));
  }
}

INLINE void NAME(store_units)(float *to, int64_t count, const VEC *from) {
  if (count >= LANES) {
    memcpy(to, from, sizeof *from);
  } else {
    memcpy(to, from, (size_t)count * sizeof(float));
  }
}

// 2^n and f with e^x = 2^n (1 + f), for -87 <= x <= 0; constants as in Activations.c. Values that are
// no numbers stay so.
INLINE void NAME(exponential)(const VEC *x, VEC *scale, VEC *fraction) {
#pragma clang fp contract(fast)
  const VEC round = (VEC)(12582912.0f);
  const VEC t = *x * 0x1.715476p+0f + round;
  const VEC n = t - round;
  const VEC r = (*x - n * 0.693359375f) - n * -0x1.bd0106p-13f;
  VEC q = (VEC)(0x1.a1a00cp-13f);
  q = q * r + 0x1.6d7628p-10f;
  q = q * r + 0x1.11109p-7f;
  q = q * r + 0x1.5554acp-5f;
  q = q * r + 0x1.555556p-3f;
  q = q * r + 0.5f;
  *fraction = r + r * r * q;
  BITS low, high, power;
  memcpy(&low, &t, sizeof low);
  memcpy(&high, &round, sizeof high);
  power = (low - high + 127u) << 23;
  memcpy(scale, &power, sizeof power);
}

// x = sigmoid(x).
INLINE void NAME(sigmoid)(VEC *x) {
#pragma clang fp contract(fast)
  const VEC given = *x;
  VEC below = given > 0 ? -given : given, scale, fraction;
  below = below < -87.0f ? (VEC)(-87.0f) : below;
  NAME(exponential)(&below, &scale, &fraction);
  const VEC e = scale * (1 + fraction);
  *x = (given > 0 ? (VEC)(1.0f) : e) / (1 + e);
}

// x = tanh(x).
INLINE void NAME(bend)(VEC *x) {
#pragma clang fp contract(fast)
  const VEC given = *x;
  VEC below = given > 0 ? given * -2.0f : given * 2.0f, scale, fraction;
  below = below < -40.0f ? (VEC)(-40.0f) : below;
  NAME(exponential)(&below, &scale, &fraction);
  const VEC e = scale * fraction + (scale - 1);
  const VEC size = e / (2 + e);
  *x = given > 0 ? -size : size;
}

// sum[row][gate] += h[row] W of one block.
INLINE void NAME(add_hidden)(const float *h, int64_t step, int rows, int gates, int64_t width,
                             const float *w, VEC (*sum)[4]) {
#pragma clang fp contract(fast)
  for (int64_t k = 0; k < width; ++k, w += gates * LANES) {
    VEC v[4];
#pragma clang loop unroll(full)
    for (int g = 0; g < gates; ++g) v[g] = ((const VEC *)w)[g];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; ++r) {
      const VEC b = (VEC)(h[r * step + k]);
#pragma clang loop unroll(full)
      for (int g = 0; g < gates; ++g) sum[r][g] += b * v[g];
    }
  }
}

INLINE int NAME(runs)(const ck_recurrence *s, int64_t step, int64_t sample) {
  return s->lengths == NULL || step < s->lengths[sample];
}

INLINE void NAME(lstm_rows)(const ck_recurrence *s, int rows, int64_t t, int64_t row, int64_t unit,
                            const float *w, const float *bias, const float *h, const float *c,
                            float *gates, float *cells, float *states) {
#pragma clang fp contract(fast)
  const int64_t width = s->width, count = width - unit < LANES ? width - unit : LANES;
  VEC sum[GATE_ROWS][4];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; ++r) {
#pragma clang loop unroll(full)
    for (int g = 0; g < 4; ++g) {
      VEC b;
      NAME(load_units)(bias + g * width + unit, count, &b);
      NAME(load_units)(gates + ((row + r) * 4 + g) * width + unit, count, &sum[r][g]);
      sum[r][g] += b;
    }
  }
  NAME(add_hidden)(h + row * width, width, rows, 4, width, w, sum);
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; ++r) {
    VEC before, cell;
    const int64_t place = (row + r) * width + unit;
    NAME(load_units)(c + place, count, &before);
    if (!NAME(runs)(s, t, row + r)) {
      VEC hidden;
      NAME(load_units)(h + place, count, &hidden);
      NAME(store_units)(cells + place, count, &before);
      NAME(store_units)(states + place, count, &hidden);
      continue;
    }
    NAME(sigmoid)(&sum[r][0]);
    NAME(sigmoid)(&sum[r][1]);
    NAME(bend)(&sum[r][2]);
    NAME(sigmoid)(&sum[r][3]);
    cell = sum[r][1] * before + sum[r][0] * sum[r][2];
    NAME(store_units)(cells + place, count, &cell);
#pragma clang loop unroll(full)
    for (int g = 0; g < 4; ++g)
      NAME(store_units)(gates + ((row + r) * 4 + g) * width + unit, count, &sum[r][g]);
    NAME(bend)(&cell);
    cell = sum[r][3] * cell;
    NAME(store_units)(states + place, count, &cell);
  }
}

INLINE void NAME(gru_rows)(const ck_recurrence *s, int rows, int64_t t, int64_t row, int64_t unit,
                           const float *w, const float *bias, const float *h, float *gates,
                           float *recalled, float *states) {
#pragma clang fp contract(fast)
  const int64_t width = s->width, count = width - unit < LANES ? width - unit : LANES;
  VEC sum[GATE_ROWS][4];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; ++r) {
#pragma clang loop unroll(full)
    for (int g = 0; g < 3; ++g) NAME(load_units)(bias + g * width + unit, count, &sum[r][g]);
  }
  NAME(add_hidden)(h + row * width, width, rows, 3, width, w, sum);
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; ++r) {
    VEC before, input[3];
    const int64_t place = (row + r) * width + unit;
    NAME(load_units)(h + place, count, &before);
    if (!NAME(runs)(s, t, row + r)) {
      NAME(store_units)(states + place, count, &before);
      continue;
    }
#pragma clang loop unroll(full)
    for (int g = 0; g < 3; ++g)
      NAME(load_units)(gates + ((row + r) * 3 + g) * width + unit, count, &input[g]);
    input[0] += sum[r][0];
    input[1] += sum[r][1];
    NAME(sigmoid)(&input[0]);
    NAME(sigmoid)(&input[1]);
    VEC own;
    NAME(load_units)(bias + 3 * width + unit, count, &own);
    input[2] += own + input[0] * sum[r][2];
    NAME(bend)(&input[2]);
#pragma clang loop unroll(full)
    for (int g = 0; g < 3; ++g)
      NAME(store_units)(gates + ((row + r) * 3 + g) * width + unit, count, &input[g]);
    NAME(store_units)(recalled + place, count, &sum[r][2]);
    const VEC after = (1 - input[1]) * input[2] + input[1] * before;
    NAME(store_units)(states + place, count, &after);
  }
}

// to[row] += d[row] W for `count` units from `unit` on, four vectors of them.
INLINE void NAME(back_rows)(const float *d, int64_t inner, int rows, const float *w, float *to,
                            int64_t step, int64_t count) {
#pragma clang fp contract(fast)
  VEC sum[GATE_ROWS][4];
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; ++r) {
#pragma clang loop unroll(full)
    for (int v = 0; v < 4; ++v) sum[r][v] = (VEC)(0.0f);
  }
  NAME(add_hidden)(d, inner, rows, 4, inner, w, sum);
#pragma clang loop unroll(full)
  for (int r = 0; r < rows; ++r) {
#pragma clang loop unroll(full)
    for (int v = 0; v < 4; ++v) {
      const int64_t left = count - v * LANES;
      if (left <= 0) continue;
      VEC value;
      NAME(load_units)(to + r * step + v * LANES, left, &value);
      value += sum[r][v];
      NAME(store_units)(to + r * step + v * LANES, left, &value);
    }
  }
}

// Rows in groups, then in pairs and one by one.
#define EACH_GROUP(call_many, call_two, call_one)              \
  do {                                                         \
    int64_t row = first;                                       \
    for (; row + GATE_ROWS <= last; row += GATE_ROWS) call_many; \
    for (; row + 2 <= last; row += 2) call_two;                \
    for (; row < last; ++row) call_one;                        \
  } while (0)

static TARGET __attribute__((noinline)) void NAME(add_back)(const ck_recurrence *s, const float *d,
                                                            const float *packed, float *dh,
                                                            int64_t first, int64_t last) {
  const int64_t inner = s->gates * s->width, width = s->width;
  for (int64_t unit = 0; unit < width; unit += 4 * LANES, packed += inner * 4 * LANES) {
    EACH_GROUP(NAME(back_rows)(d + row * inner, inner, GATE_ROWS, packed, dh + row * width + unit,
                               width, width - unit),
               NAME(back_rows)(d + row * inner, inner, 2, packed, dh + row * width + unit, width,
                               width - unit),
               NAME(back_rows)(d + row * inner, inner, 1, packed, dh + row * width + unit, width,
                               width - unit));
  }
}

static TARGET void NAME(lstm)(const ck_recurrence *s, const float *packed, const float *bias,
                              const float *first_hidden, const float *first_cell, float *gates,
                              float *cells, float *states, int64_t first, int64_t last) {
  const int64_t size = s->batch * s->width, block = s->width * 4 * LANES;
  const float *h = first_hidden, *c = first_cell;
  for (int64_t index = 0; index < s->steps; ++index) {
    const int64_t t = s->reversed ? s->steps - 1 - index : index;
    float *own = gates + t * 4 * size, *cell = cells + t * size, *state = states + t * size;
    const float *w = packed;
    for (int64_t unit = 0; unit < s->width; unit += LANES, w += block) {
      EACH_GROUP(NAME(lstm_rows)(s, GATE_ROWS, t, row, unit, w, bias, h, c, own, cell, state),
                 NAME(lstm_rows)(s, 2, t, row, unit, w, bias, h, c, own, cell, state),
                 NAME(lstm_rows)(s, 1, t, row, unit, w, bias, h, c, own, cell, state));
    }
    h = state;
    c = cell;
  }
}

static TARGET void NAME(gru)(const ck_recurrence *s, const float *packed, const float *bias,
                             const float *first_hidden, float *gates, float *recalled,
                             float *states, int64_t first, int64_t last) {
  const int64_t size = s->batch * s->width, block = s->width * 3 * LANES;
  const float *h = first_hidden;
  for (int64_t index = 0; index < s->steps; ++index) {
    const int64_t t = s->reversed ? s->steps - 1 - index : index;
    float *own = gates + t * 3 * size, *recall = recalled + t * size, *state = states + t * size;
    const float *w = packed;
    for (int64_t unit = 0; unit < s->width; unit += LANES, w += block) {
      EACH_GROUP(NAME(gru_rows)(s, GATE_ROWS, t, row, unit, w, bias, h, own, recall, state),
                 NAME(gru_rows)(s, 2, t, row, unit, w, bias, h, own, recall, state),
                 NAME(gru_rows)(s, 1, t, row, unit, w, bias, h, own, recall, state));
    }
    h = state;
  }
}

static TARGET void NAME(lstm_gradient)(const ck_recurrence *s, const float *packed,
                                       const float *first_cell, const float *gates,
                                       const float *cells, const float *arriving,
                                       float *gate_gradients, float *dh, float *dc, int64_t first,
                                       int64_t last) {
#pragma clang fp contract(fast)
  const int64_t width = s->width, size = s->batch * width;
  for (int64_t index = s->steps - 1; index >= 0; --index) {
    const int64_t t = s->reversed ? s->steps - 1 - index : index;
    const int64_t earlier = s->reversed ? t + 1 : t - 1;
    const float *before = index == 0 ? first_cell : cells + earlier * size;
    float *own = gate_gradients + t * 4 * size;
    for (int64_t n = first; n < last; ++n) {
      const float *gate = gates + (t * s->batch + n) * 4 * width;
      float *to = own + n * 4 * width;
      const int runs = NAME(runs)(s, t, n);
      if (!runs) memset(to, 0, (size_t)(4 * width) * sizeof(float));
      for (int64_t unit = 0; unit < width; unit += LANES) {
        const int64_t count = width - unit < LANES ? width - unit : LANES;
        const int64_t place = n * width + unit;
        VEC down, more;
        NAME(load_units)(dh + place, count, &down);
        NAME(load_units)(arriving + t * size + place, count, &more);
        down += more;
        if (!runs) {
          NAME(store_units)(dh + place, count, &down);
          continue;
        }
        VEC i, f, g, o, bent, along, old;
        NAME(load_units)(gate + unit, count, &i);
        NAME(load_units)(gate + width + unit, count, &f);
        NAME(load_units)(gate + 2 * width + unit, count, &g);
        NAME(load_units)(gate + 3 * width + unit, count, &o);
        NAME(load_units)(cells + t * size + place, count, &bent);
        NAME(load_units)(dc + place, count, &along);
        NAME(load_units)(before + place, count, &old);
        NAME(bend)(&bent);
        along += down * o * (1 - bent * bent);
        const VEC di = along * g * i * (1 - i), df = along * old * f * (1 - f);
        const VEC dg = along * i * (1 - g * g), d_o = down * bent * o * (1 - o);
        const VEC carried = along * f, nothing = (VEC)(0.0f);
        NAME(store_units)(to + unit, count, &di);
        NAME(store_units)(to + width + unit, count, &df);
        NAME(store_units)(to + 2 * width + unit, count, &dg);
        NAME(store_units)(to + 3 * width + unit, count, &d_o);
        NAME(store_units)(dc + place, count, &carried);
        NAME(store_units)(dh + place, count, &nothing);
      }
    }
    NAME(add_back)(s, own, packed, dh, first, last);
  }
}

static TARGET void NAME(gru_gradient)(const ck_recurrence *s, const float *packed,
                                      const float *first_hidden, const float *gates,
                                      const float *recalled, const float *states,
                                      const float *arriving, float *input_gradients,
                                      float *hidden_gradients, float *dh, int64_t first,
                                      int64_t last) {
#pragma clang fp contract(fast)
  const int64_t width = s->width, size = s->batch * width;
  for (int64_t index = s->steps - 1; index >= 0; --index) {
    const int64_t t = s->reversed ? s->steps - 1 - index : index;
    const int64_t earlier = s->reversed ? t + 1 : t - 1;
    const float *before = index == 0 ? first_hidden : states + earlier * size;
    float *own = hidden_gradients + t * 3 * size;
    for (int64_t n = first; n < last; ++n) {
      const float *gate = gates + (t * s->batch + n) * 3 * width;
      float *to = own + n * 3 * width;
      float *input = input_gradients + (t * s->batch + n) * 3 * width;
      const int runs = NAME(runs)(s, t, n);
      if (!runs) {
        memset(to, 0, (size_t)(3 * width) * sizeof(float));
        memset(input, 0, (size_t)(3 * width) * sizeof(float));
      }
      for (int64_t unit = 0; unit < width; unit += LANES) {
        const int64_t count = width - unit < LANES ? width - unit : LANES;
        const int64_t place = n * width + unit;
        VEC down, more;
        NAME(load_units)(dh + place, count, &down);
        NAME(load_units)(arriving + t * size + place, count, &more);
        down += more;
        if (!runs) {
          NAME(store_units)(dh + place, count, &down);
          continue;
        }
        VEC r, z, n_, old, memory;
        NAME(load_units)(gate + unit, count, &r);
        NAME(load_units)(gate + width + unit, count, &z);
        NAME(load_units)(gate + 2 * width + unit, count, &n_);
        NAME(load_units)(before + place, count, &old);
        NAME(load_units)(recalled + t * size + place, count, &memory);
        const VEC dn = down * (1 - z) * (1 - n_ * n_);
        const VEC dr = dn * memory * r * (1 - r), dz = down * (old - n_) * z * (1 - z);
        const VEC dm = dn * r, carried = down * z;
        NAME(store_units)(input + unit, count, &dr);
        NAME(store_units)(input + width + unit, count, &dz);
        NAME(store_units)(input + 2 * width + unit, count, &dn);
        NAME(store_units)(to + unit, count, &dr);
        NAME(store_units)(to + width + unit, count, &dz);
        NAME(store_units)(to + 2 * width + unit, count, &dm);
        NAME(store_units)(dh + place, count, &carried);
      }
    }
    NAME(add_back)(s, own, packed, dh, first, last);
  }
}

#undef EACH_GROUP
#undef GATE_ROWS
