#include "CKernelsPlan.h"

#include <math.h>
#include <string.h>

#include "CKernels.h"

#define KNOWS_BF16
#define TEMPLATE "PlanTemplate.h"
#include "EveryInstructionSet.h"

void ck_combine(const ck_term *terms, int64_t count, float slope, void *y, int64_t lanes,
                int64_t first, int64_t last) {
  CHOSEN(combine, lanes)(terms, count, slope, y, first, last);
}

void ck_pool_block(const ck_term *x, void *y, const ck_window *window, int64_t lanes,
                   int64_t first, int64_t last) {
  CHOSEN(pool_block, lanes)(x, y, window, first, last);
}

void ck_repeat_block(const ck_term *x, void *y, const int64_t input[3], const int64_t factor[3],
                     int64_t lanes, int64_t first, int64_t last) {
  CHOSEN(repeat_block, lanes)(x, y, input, factor, first, last);
}

// Cells in pieces that stay in the L1 cache.
enum { PIECE = 128, MAX_LANES = 16 };

void ck_pack_half(const float *plain, uint16_t *y, int64_t channels, int64_t cells, int64_t lanes) {
  float piece[PIECE * MAX_LANES] = {0};
  for (int64_t start = 0; start < cells; start += PIECE) {
    const int64_t count = cells - start < PIECE ? cells - start : PIECE;
    for (int64_t c = 0; c < channels && c < lanes; ++c) {
      const float *from = plain + c * cells + start;
      for (int64_t i = 0; i < count; ++i) piece[i * lanes + c] = from[i];
    }
    ck_narrow(piece, y + start * lanes, count * lanes);
  }
}

void ck_unpack_half(const uint16_t *x, float *plain, int64_t channels, int64_t cells,
                    int64_t lanes) {
  float piece[PIECE * MAX_LANES];
  for (int64_t start = 0; start < cells; start += PIECE) {
    const int64_t count = cells - start < PIECE ? cells - start : PIECE;
    ck_widen(x + start * lanes, piece, count * lanes);
    for (int64_t c = 0; c < channels && c < lanes; ++c) {
      float *to = plain + c * cells + start;
      for (int64_t i = 0; i < count; ++i) to[i] = piece[i * lanes + c];
    }
  }
}

void ck_join_statistics(const float *statistics, const int64_t *cells, int64_t units,
                        int64_t padded_channels, int64_t channels, const float *gain,
                        const float *offset, float epsilon, float *factor, float *addition) {
  enum { STRIP = 16 };
  for (int64_t start = 0; start < padded_channels; start += STRIP) {
    double mean[STRIP] = {0}, squares[STRIP] = {0}, count = 0;
    const int64_t width = padded_channels - start < STRIP ? padded_channels - start : STRIP;
    for (int64_t unit = 0; unit < units; ++unit) {
      const float *record = statistics + unit * 3 * padded_channels + start;
      const double n = (double)cells[unit], both = count + n;
      if (n == 0) continue;
      for (int64_t c = 0; c < width; ++c) {
        const double sum = record[padded_channels + c];
        const double here = record[c] + sum / n;
        const double around = record[2 * padded_channels + c] - sum * sum / n;
        const double apart = here - mean[c];
        squares[c] += around + apart * apart * count * n / both;
        mean[c] += apart * n / both;
      }
      count = both;
    }
    for (int64_t c = 0; c < width; ++c) {
      const int64_t channel = start + c;
      if (channel >= channels) {
        factor[channel] = addition[channel] = 0;
        continue;
      }
      const double variance = squares[c] > 0 ? squares[c] / count : 0;
      const double f = (gain ? gain[channel] : 1) / sqrt(variance + (double)epsilon);
      factor[channel] = (float)f;
      addition[channel] = (float)((offset ? offset[channel] : 0) - mean[c] * f);
    }
  }
}
