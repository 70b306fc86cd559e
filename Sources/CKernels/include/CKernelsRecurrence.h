#pragma once
// Steps of recurrent networks: for some samples the whole sequence, with the product by the recurrent
// weights and the gates fused, so that no thread waits for another between steps.
#include <stdint.h>

/// A layer and direction of an LSTM (4 gates: input, forget, cell, output) or a GRU (3: reset, update,
/// new) over sequences [steps][batch][width].
typedef struct {
  int64_t steps;
  int64_t batch;
  int64_t width;
  /// 4 or 3.
  int64_t gates;
  /// 8 or 16, values of a vector.
  int64_t lanes;
  /// Not 0: from the last step to the first.
  int64_t reversed;
  /// Steps of each sample, at most `steps`; at others its state stays. NULL: all steps of all.
  const int32_t *lengths;
} ck_recurrence;

/// Floats of the packed recurrent weights, aligned to 64 bytes, for steps forward or for gradients.
int64_t ck_recurrence_packed(const ck_recurrence *s, int32_t gradient);
/// Packs [gates * width][width] for steps forward or for gradients.
void ck_recurrence_pack(const ck_recurrence *s, const float *plain, float *packed,
                        int32_t gradient);

/// An LSTM over samples [first, last). `gates` [steps][batch][4][width] hold the input's part and
/// become the gates after their activations; bias [4][width]; cells and states
/// [steps][batch][width] are written.
void ck_lstm(const ck_recurrence *s, const float *packed, const float *bias,
             const float *first_hidden, const float *first_cell, float *gates, float *cells,
             float *states, int64_t first, int64_t last);
/// The gradient of the gates before their activations from `arriving` [steps][batch][width]; dh and dc
/// [batch][width] hold those of the last states and become those of the first.
void ck_lstm_gradient(const ck_recurrence *s, const float *packed, const float *first_cell,
                      const float *gates, const float *cells, const float *arriving,
                      float *gate_gradients, float *dh, float *dc, int64_t first, int64_t last);

/// A GRU, likewise; `bias` [4][width] is that of reset and update (of both sides), and of new on the
/// hidden and on the input side; `recalled` [steps][batch][width] is what the reset gate weighs.
void ck_gru(const ck_recurrence *s, const float *packed, const float *bias,
            const float *first_hidden, float *gates, float *recalled, float *states,
            int64_t first, int64_t last);
/// The gradients of the gates' input side and hidden side, and dh as above.
void ck_gru_gradient(const ck_recurrence *s, const float *packed, const float *first_hidden,
                     const float *gates, const float *recalled, const float *states,
                     const float *arriving, float *input_gradients, float *hidden_gradients,
                     float *dh, int64_t first, int64_t last);
