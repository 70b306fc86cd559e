#include "CKernelsZoom.h"

#if defined(__x86_64__) && defined(__linux__)
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISPATCHED
#endif
#define INLINE static inline __attribute__((always_inline))

enum {
  // Lines side by side: enough for the recursions not to wait for each other's results, few enough
  // for 512 samples of each to stay in the second cache.
  WIDTH = 32,
  // Samples that are turned at a time, so that both sides stay in the first cache.
  BLOCK = 64,
  // The pole's powers from here on are below 1e-30.
  REACH = 54,
};

// The pole of the cubic B-spline's prefilter, sqrt(3) - 2, and its gain (1 - z)(1 - 1 / z)
// (Unser 1999, "Splines: a perfect fit for signal and image processing", box 2).
static const double POLE = -0.26794919243112270647;
static const double GAIN = 6;

INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

int64_t ck_zoom_scratch(const ck_zoom_axis *axis) {
  // The samples in double precision, and the results before they are turned back.
  return WIDTH * (axis->input + 2 * axis->margin + axis->output);
}

// Repeats the ends and turns samples, which carry the gain already, into coefficients.
INLINE void prefilter(double *restrict t, int64_t input, int64_t margin) {
  const int64_t count = input + 2 * margin;
  for (int64_t i = 0; i < margin; ++i) {
    for (int l = 0; l < WIDTH; ++l) t[i * WIDTH + l] = t[margin * WIDTH + l];
    for (int l = 0; l < WIDTH; ++l) {
      t[(margin + input + i) * WIDTH + l] = t[(margin + input - 1) * WIDTH + l];
    }
  }
  double sum[WIDTH] = {0};
  for (int64_t i = smaller(count, REACH) - 1; i >= 0; --i) {
    for (int l = 0; l < WIDTH; ++l) sum[l] = t[i * WIDTH + l] + POLE * sum[l];
  }
  double value[WIDTH];
  for (int l = 0; l < WIDTH; ++l) t[l] = value[l] = t[l] + POLE * sum[l];
  for (int64_t i = 1; i < count; ++i) {
    for (int l = 0; l < WIDTH; ++l) t[i * WIDTH + l] = value[l] = t[i * WIDTH + l] + POLE * value[l];
  }
  for (int l = 0; l < WIDTH; ++l) {
    t[(count - 1) * WIDTH + l] = value[l] = value[l] * (POLE / (POLE - 1));
  }
  for (int64_t i = count - 2; i >= 0; --i) {
    for (int l = 0; l < WIDTH; ++l) {
      t[i * WIDTH + l] = value[l] = POLE * (value[l] - t[i * WIDTH + l]);
    }
  }
}

INLINE float clamped(double value, float low, float high) {
  const float rounded = (float)value;
  const float raised = rounded < low ? low : rounded;
  return raised > high ? high : raised;
}

// One result of all lines of a block.
INLINE void evaluate(const double *restrict t, const ck_zoom_axis *axis, int64_t o,
                     float *restrict y, int64_t width, float low, float high) {
  const double *c = t + axis->first[o] * WIDTH;
  const double *w = axis->weights + o * axis->taps;
  if (axis->taps == 4) {
    const double w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
    for (int64_t l = 0; l < width; ++l) {
      const double near = w0 * c[l] + w1 * c[WIDTH + l];
      const double far = w2 * c[2 * WIDTH + l] + w3 * c[3 * WIDTH + l];
      y[l] = clamped(near + far, low, high);
    }
  } else if (axis->taps == 2) {
    const double w0 = w[0], w1 = w[1];
    for (int64_t l = 0; l < width; ++l) y[l] = clamped(w0 * c[l] + w1 * c[WIDTH + l], low, high);
  } else {
    for (int64_t l = 0; l < width; ++l) y[l] = clamped(w[0] * c[l], low, high);
  }
}

DISPATCHED void ck_zoom_columns(const float *x, int64_t x_stride, float *y, int64_t y_stride,
                                int64_t columns, const ck_zoom_axis *axis, float low, float high,
                                double *scratch) {
  const int64_t input = axis->input, output = axis->output, margin = axis->margin;
  for (int64_t start = 0; start < columns; start += WIDTH) {
    const int64_t width = smaller(WIDTH, columns - start);
    if (margin == 0) {
      // One or two samples make a result: they need not be gathered first.
      for (int64_t o = 0; o < output; ++o) {
        const float *a = x + axis->first[o] * x_stride + start;
        const double *w = axis->weights + o * axis->taps;
        float *target = y + o * y_stride + start;
        if (axis->taps == 1) {
          for (int64_t l = 0; l < width; ++l) target[l] = clamped(w[0] * a[l], low, high);
        } else {
          const float *b = a + x_stride;
          const double w0 = w[0], w1 = w[1];
          for (int64_t l = 0; l < width; ++l) target[l] = clamped(w0 * a[l] + w1 * b[l], low, high);
        }
      }
      continue;
    }
    double *t = scratch + margin * WIDTH;
    if (width == WIDTH) {
      for (int64_t i = 0; i < input; ++i) {
        const float *row = x + i * x_stride + start;
        for (int l = 0; l < WIDTH; ++l) t[i * WIDTH + l] = GAIN * row[l];
      }
    } else {
      for (int64_t i = 0; i < input; ++i) {
        const float *row = x + i * x_stride + start;
        for (int l = 0; l < WIDTH; ++l) t[i * WIDTH + l] = l < width ? GAIN * row[l] : 0;
      }
    }
    prefilter(scratch, input, margin);
    if (width == WIDTH) {
      for (int64_t o = 0; o < output; ++o) {
        evaluate(scratch, axis, o, y + o * y_stride + start, WIDTH, low, high);
      }
    } else {
      for (int64_t o = 0; o < output; ++o) {
        evaluate(scratch, axis, o, y + o * y_stride + start, width, low, high);
      }
    }
  }
}

DISPATCHED void ck_zoom_rows(const float *x, float *y, int64_t rows, const ck_zoom_axis *axis,
                             float low, float high, double *scratch) {
  const int64_t input = axis->input, output = axis->output, margin = axis->margin;
  double *t = scratch + margin * WIDTH;
  float *results = (float *)(scratch + (input + 2 * margin) * WIDTH);
  const double gain = margin > 0 ? GAIN : 1;
  for (int64_t start = 0; start < rows; start += WIDTH) {
    const int64_t width = smaller(WIDTH, rows - start);
    for (int64_t block = 0; block < input; block += BLOCK) {
      const int64_t end = smaller(block + BLOCK, input);
      for (int64_t l = 0; l < WIDTH; ++l) {
        // Lines past the last are filled with the last and not stored.
        const float *row = x + (start + smaller(l, width - 1)) * input;
        for (int64_t i = block; i < end; ++i) t[i * WIDTH + l] = gain * row[i];
      }
    }
    if (margin > 0) prefilter(scratch, input, margin);
    for (int64_t o = 0; o < output; ++o) {
      evaluate(scratch, axis, o, results + o * WIDTH, WIDTH, low, high);
    }
    for (int64_t block = 0; block < output; block += BLOCK) {
      const int64_t end = smaller(block + BLOCK, output);
      for (int64_t l = 0; l < width; ++l) {
        float *row = y + (start + l) * output;
        for (int64_t o = block; o < end; ++o) row[o] = results[o * WIDTH + l];
      }
    }
  }
}

DISPATCHED void ck_range(const float *x, int64_t count, float *low, float *high) {
  float lows[WIDTH], highs[WIDTH];
  for (int l = 0; l < WIDTH; ++l) {
    lows[l] = *low;
    highs[l] = *high;
  }
  int64_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    for (int l = 0; l < WIDTH; ++l) {
      lows[l] = x[i + l] < lows[l] ? x[i + l] : lows[l];
      highs[l] = x[i + l] > highs[l] ? x[i + l] : highs[l];
    }
  }
  for (int l = 0; i < count; ++i, ++l) {
    lows[l] = x[i] < lows[l] ? x[i] : lows[l];
    highs[l] = x[i] > highs[l] ? x[i] : highs[l];
  }
  for (int l = 0; l < WIDTH; ++l) {
    if (lows[l] < *low) *low = lows[l];
    if (highs[l] > *high) *high = highs[l];
  }
}
