#include "CKernelsRecurrence.h"

#include <stddef.h>
#include <string.h>

#define TEMPLATE "RecurrenceTemplate.h"
#include "EveryInstructionSet.h"

// Vectors of one row of packed weights: the gates of a unit, or four of units.
static int64_t packed_vectors(const ck_recurrence *s, int32_t gradient) {
  return gradient ? 4 : s->gates;
}

static int64_t packed_blocks(const ck_recurrence *s, int32_t gradient) {
  const int64_t units = gradient ? 4 * s->lanes : s->lanes;
  return (s->width + units - 1) / units;
}

int64_t ck_recurrence_packed(const ck_recurrence *s, int32_t gradient) {
  const int64_t inner = gradient ? s->gates * s->width : s->width;
  return packed_blocks(s, gradient) * inner * packed_vectors(s, gradient) * s->lanes;
}

// Forward [block of units][hidden unit][gate][lane]; for gradients [block][gate and unit][4 lanes].
void ck_recurrence_pack(const ck_recurrence *s, const float *plain, float *packed,
                        int32_t gradient) {
  const int64_t width = s->width, lanes = s->lanes;
  const int64_t inner = gradient ? s->gates * width : width;
  const int64_t vectors = packed_vectors(s, gradient);
  for (int64_t block = 0; block < packed_blocks(s, gradient); ++block) {
    for (int64_t k = 0; k < inner; ++k) {
      for (int64_t v = 0; v < vectors; ++v) {
        for (int64_t lane = 0; lane < lanes; ++lane) {
          const int64_t unit = (gradient ? block * 4 + v : block) * lanes + lane;
          const float *from =
              gradient ? plain + k * width + unit : plain + (v * width + unit) * width + k;
          *packed++ = unit < width ? *from : 0;
        }
      }
    }
  }
}

void ck_lstm(const ck_recurrence *s, const float *packed, const float *bias,
             const float *first_hidden, const float *first_cell, float *gates, float *cells,
             float *states, int64_t first, int64_t last) {
  CHOSEN(lstm, s->lanes)
  (s, packed, bias, first_hidden, first_cell, gates, cells, states, first, last);
}

void ck_lstm_gradient(const ck_recurrence *s, const float *packed, const float *first_cell,
                      const float *gates, const float *cells, const float *arriving,
                      float *gate_gradients, float *dh, float *dc, int64_t first, int64_t last) {
  CHOSEN(lstm_gradient, s->lanes)
  (s, packed, first_cell, gates, cells, arriving, gate_gradients, dh, dc, first, last);
}

void ck_gru(const ck_recurrence *s, const float *packed, const float *bias,
            const float *first_hidden, float *gates, float *recalled, float *states,
            int64_t first, int64_t last) {
  CHOSEN(gru, s->lanes)
  (s, packed, bias, first_hidden, gates, recalled, states, first, last);
}

void ck_gru_gradient(const ck_recurrence *s, const float *packed, const float *first_hidden,
                     const float *gates, const float *recalled, const float *states,
                     const float *arriving, float *input_gradients, float *hidden_gradients,
                     float *dh, int64_t first, int64_t last) {
  CHOSEN(gru_gradient, s->lanes)
  (s, packed, first_hidden, gates, recalled, states, arriving, input_gradients, hidden_gradients, dh,
   first, last);
}
