#include <float.h>
#include <math.h>
#include <string.h>

#include "CKernels.h"
#include "HalfDirect.h"

// Packed weights: [panel][tap][chunk][tile of 16 output channels][4 bytes of factors][channel][the
// 2 or 4 factors of those bytes], that is, the tiles of AMX, whose rows are vectors for AVX-512.
// Weights of 8-bit integers are followed by [panel][32] of excess and by a scale for each channel:
// AVX-512 multiplies unsigned by signed integers, so factors get an offset of 128, which adds 128
// times the sum of the panel's weights to every sum; the excess is that product.

static int64_t excess_offset(const half_geometry *g) { return g->panels * g->panel_bytes; }

static int64_t scale_offset(const half_geometry *g) {
  return excess_offset(g) + g->panels * HALF_LANES * 4;
}

// Weights do not depend on how work is split, which may not be planned yet.
static half_geometry weight_geometry(const ck_half *s) {
  ck_half planned = *s;
  planned.depth_rows = planned.rows = planned.panels = 1;
  half_geometry g = half_geometry_of(&planned);
  g.shape = s;
  return g;
}

int64_t ck_half_weight_bytes(const ck_half *s) {
  const half_geometry g = weight_geometry(s);
  if (s->product_type != ck_half_int8) return excess_offset(&g);
  return scale_offset(&g) + g.blocks * HALF_LANES * 4;
}

const int32_t *half_weight_excess(const half_geometry *g, const void *packed) {
  return (const int32_t *)((const uint8_t *)packed + excess_offset(g));
}

const float *ck_half_weight_scales(const ck_half *s, const void *packed) {
  if (s->product_type != ck_half_int8) return 0;
  const half_geometry g = weight_geometry(s);
  return (const float *)((const uint8_t *)packed + scale_offset(&g));
}

static float largest_weight(const ck_half *s, const float *plain, int64_t inputs, int64_t o) {
  const int64_t window = s->kernel[0] * s->kernel[1] * s->kernel[2];
  float largest = 0;
  for (int64_t i = 0; i < inputs; ++i) {
    const float *w = plain + (s->transposed ? i * s->outputs + o : o * inputs + i) * window;
    for (int64_t t = 0; t < window; ++t) largest = fmaxf(largest, fabsf(w[t]));
  }
  return largest;
}

// Where the factor `place` of a tap's run lies in a panel for the channel `lane`.
static int64_t packed_place(const half_geometry *g, int64_t tap, int64_t place, int64_t lane) {
  const int64_t byte = place * g->factor_bytes;
  const int64_t chunk = byte / HALF_CHUNK, inside = byte % HALF_CHUNK;
  return (tap * g->chunks + chunk) * 2 * HALF_TILE + lane / 16 * HALF_TILE + inside / 4 * 64 +
         lane % 16 * 4 + inside % 4;
}

// The same for channel i of a cell of the window.
static int64_t window_place(const half_geometry *g, int64_t cell, int64_t i, int64_t lane) {
  const int64_t dx = cell % g->window[2], row = cell / g->window[2];
  if (g->folded > 1) {
    return packed_place(g, 0, (dx * g->folded + row) * g->channels + i, lane);
  }
  const int64_t joined = g->window[2] * g->window[1] * g->window[0] / g->taps;
  return packed_place(g, cell / joined, cell % joined * g->channels + i, lane);
}

void ck_half_weights(const ck_half *s, const float *plain, void *packed, int64_t inputs) {
  const half_geometry g = weight_geometry(s);
  const int64_t window = s->kernel[0] * s->kernel[1] * s->kernel[2];
  // The window's cells, of which neighbours along the width may be one tap; or rows may be.
  const int64_t cells = s->transposed ? 1 : window;
  uint8_t *const bytes = packed;
  memset(bytes, 0, (size_t)ck_half_weight_bytes(s));
  const int integers = s->product_type == ck_half_int8;
  for (int64_t o = 0; o < s->outputs; ++o) {
    const int64_t block = o / HALF_LANES, lane = o % HALF_LANES;
    float scale = 0;
    if (integers) {
      scale = largest_weight(s, plain, inputs, o) / 127;
      if (scale < FLT_MIN) scale = 0;
      ((float *)(bytes + scale_offset(&g)))[o] = scale;
    }
    for (int64_t scatter = 0; scatter < g.scatters; ++scatter) {
      const int64_t index = scatter * g.blocks + block;
      uint8_t *const panel = bytes + index * g.panel_bytes;
      int32_t sum = 0;
      for (int64_t cell = 0; cell < cells; ++cell) {
        for (int64_t i = 0; i < inputs && i < g.channels; ++i) {
          const float w = s->transposed ? plain[(i * s->outputs + o) * window + scatter]
                                        : plain[(o * inputs + i) * window + cell];
          uint8_t *const to = panel + window_place(&g, cell, i, lane);
          if (integers) {
            const float q = scale > 0 ? fminf(fmaxf(rintf(w / scale), -127), 127) : 0;
            *(int8_t *)to = (int8_t)q;
            sum += (int32_t)q;
          } else {
            uint16_t half;
            ck_narrow(&w, &half, 1);
            memcpy(to, &half, sizeof half);
          }
        }
      }
      if (integers) {
        ((int32_t *)(bytes + excess_offset(&g)))[index * HALF_LANES + lane] = 128 * sum;
      }
    }
  }
}
