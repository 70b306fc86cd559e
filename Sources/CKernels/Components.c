#include "CKernelsComponents.h"

#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__)
#define DISPATCHED __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISPATCHED
#endif
#define INLINE static inline __attribute__((always_inline))

INLINE int64_t count_bytes(const uint8_t *row, int64_t length) {
  int64_t count = length > 0 && row[0] != 0;
  // 8-bit sums vectorise best; 128 of them cannot overflow.
  for (int64_t first = 1; first < length; first += 128) {
    const int64_t last = first + 128 < length ? first + 128 : length;
    uint8_t sum = 0;
    for (int64_t x = first; x < last; ++x) sum += (uint8_t)((row[x] != 0) & (row[x - 1] == 0));
    count += sum;
  }
  return count;
}

INLINE int64_t count_mask(const uint16_t *row, int64_t length) {
  int64_t count = length > 0 && row[0] != 0;
  for (int64_t first = 1; first < length; first += 4096) {
    const int64_t last = first + 4096 < length ? first + 4096 : length;
    uint16_t sum = 0;
    for (int64_t x = first; x < last; ++x) sum += (uint16_t)((row[x] != 0) & (row[x - 1] == 0));
    count += sum;
  }
  return count;
}

INLINE int64_t count_labels(const uint16_t *row, int64_t length) {
  int64_t count = length > 0 && row[0] != 0;
  for (int64_t first = 1; first < length; first += 4096) {
    const int64_t last = first + 4096 < length ? first + 4096 : length;
    uint16_t sum = 0;
    for (int64_t x = first; x < last; ++x) {
      sum += (uint16_t)((row[x] != 0) & (row[x - 1] != row[x]));
    }
    count += sum;
  }
  return count;
}

DISPATCHED
void ck_count_runs(const void *labels, int32_t kind, int64_t length, int64_t rows,
                   int64_t *counts) {
  for (int64_t row = 0; row < rows; ++row) {
    if (kind == CK_RUNS_BYTES) {
      counts[row] = count_bytes((const uint8_t *)labels + row * length, length);
    } else if (kind == CK_RUNS_MASK) {
      counts[row] = count_mask((const uint16_t *)labels + row * length, length);
    } else {
      counts[row] = count_labels((const uint16_t *)labels + row * length, length);
    }
  }
}

// The first place from x on whose 64-bit word of labels is not `word` throughout; up to seven
// places (bytes) or three before the true end may remain to be looked at.
INLINE int64_t skip(const char *row, int64_t x, int64_t length, int64_t size, uint64_t word) {
  const int64_t step = 8 / size;
  while (x + step <= length) {
    uint64_t seen;
    memcpy(&seen, row + x * size, 8);
    if (seen != word) break;
    x += step;
  }
  return x;
}

INLINE ck_run *find_bytes(const uint8_t *row, int64_t length, ck_run *run) {
  int64_t x = 0;
  while (x < length) {
    x = skip((const char *)row, x, length, 1, 0);
    while (x < length && row[x] == 0) ++x;
    if (x == length) break;
    const int64_t start = x;
    // Bytes of a mask are 1; others are passed one by one.
    x = skip((const char *)row, x, length, 1, 0x0101010101010101u);
    while (x < length && row[x] != 0) ++x;
    *run++ = (ck_run){(int32_t)start, (int32_t)x, 1};
  }
  return run;
}

INLINE ck_run *find_words(const uint16_t *row, int64_t length, bool binary, ck_run *run) {
  int64_t x = 0;
  while (x < length) {
    x = skip((const char *)row, x, length, 2, 0);
    while (x < length && row[x] == 0) ++x;
    if (x == length) break;
    const int64_t start = x;
    const uint16_t label = row[x];
    if (binary) {
      while (x < length && row[x] != 0) ++x;
    } else {
      const uint64_t word = (uint64_t)label * 0x0001000100010001u;
      x = skip((const char *)row, x, length, 2, word);
      while (x < length && row[x] == label) ++x;
    }
    *run++ = (ck_run){(int32_t)start, (int32_t)x, binary ? 1 : label};
  }
  return run;
}

void ck_find_runs(const void *labels, int32_t kind, int64_t length, int64_t rows, ck_run *runs) {
  for (int64_t row = 0; row < rows; ++row) {
    if (kind == CK_RUNS_BYTES) {
      runs = find_bytes((const uint8_t *)labels + row * length, length, runs);
    } else {
      const uint16_t *words = (const uint16_t *)labels + row * length;
      runs = find_words(words, length, kind == CK_RUNS_MASK, runs);
    }
  }
}

INLINE uint32_t root(uint32_t *parents, uint32_t node) {
  while (parents[node] != node) {
    parents[node] = parents[parents[node]];
    node = parents[node];
  }
  return node;
}

// Joins the sets of runs a and b; the smaller root stays.
INLINE void join(uint32_t *parents, int64_t a, int64_t b) {
  if (parents[a] == parents[b]) return;
  const uint32_t one = root(parents, (uint32_t)a);
  const uint32_t two = root(parents, (uint32_t)b);
  const uint32_t least = one < two ? one : two;
  // Roots first, then the runs themselves, so that they are found at once the next time.
  parents[one] = least;
  parents[two] = least;
  parents[a] = least;
  parents[b] = least;
}

INLINE bool touches(const ck_run *a, const ck_run *b, int32_t spare) {
  return (a->start < b->end + spare) & (b->start < a->end + spare) & (a->label == b->label);
}

// Joins touching runs of two rows; `spare` is 1 where rows touch by edges or corners too.
INLINE void join_rows(const ck_run *runs, uint32_t *parents, int64_t a, int64_t a_last, int64_t b,
                      int64_t b_last, int32_t spare) {
  while (a < a_last && b < b_last) {
    if (touches(runs + a, runs + b, spare)) join(parents, a, b);
    // The run that ends first touches nothing further in the other row.
    const int32_t end_a = runs[a].end, end_b = runs[b].end;
    if (spare != 0 && end_a == end_b) {
      // Both end here; a run of another label may begin here in either row, and touch by a corner.
      if (b + 1 < b_last && touches(runs + a, runs + b + 1, spare)) join(parents, a, b + 1);
      if (a + 1 < a_last && touches(runs + a + 1, runs + b, spare)) join(parents, a + 1, b);
    }
    // Without branches: which run ends first is anybody's guess.
    a += end_a <= end_b;
    b += end_b <= end_a;
  }
}

void ck_join_runs(const ck_run *runs, const int64_t *starts, uint32_t *parents, int64_t height,
                  int64_t first, int64_t last, int64_t lower, int64_t upper,
                  int32_t connectivity) {
  static const int32_t steps[4][2] = {{-1, 0}, {-1, -1}, {0, -1}, {1, -1}};
  for (int64_t row = first; row < last; ++row) {
    if (starts[row] == starts[row + 1]) continue;
    const int64_t y = row % height;
    for (int step = 0; step < 4; ++step) {
      const int32_t dy = steps[step][0];
      const int32_t dz = steps[step][1];
      const bool diagonal = dy != 0 && dz != 0;
      if (diagonal && connectivity == 6) continue;
      if (y + dy < 0 || y + dy >= height) continue;
      const int64_t other = row + dy + height * dz;
      if (other < lower || other >= upper) continue;
      const int32_t spare = connectivity == 26 || (connectivity == 18 && !diagonal);
      join_rows(runs, parents, starts[row], starts[row + 1], starts[other], starts[other + 1],
                spare);
    }
  }
}

int64_t ck_number_runs(const ck_run *runs, uint32_t *parents, int64_t count, int64_t *sizes) {
  int64_t numbers = 0;
  for (int64_t i = 0; i < count; ++i) {
    // A parent precedes its children, so that it has its number already.
    if (parents[i] == (uint32_t)i) {
      sizes[numbers++] = 0;
      parents[i] = (uint32_t)numbers;
    } else {
      parents[i] = parents[parents[i]];
    }
    sizes[parents[i] - 1] += runs[i].end - runs[i].start;
  }
  return numbers;
}

DISPATCHED
void ck_write_runs(const ck_run *runs, const int64_t *starts, const uint32_t *numbers,
                   int64_t length, int64_t rows, uint32_t *output) {
  for (int64_t row = 0; row < rows; ++row, output += length) {
    memset(output, 0, (size_t)length * sizeof *output);
    for (int64_t run = starts[row]; run < starts[row + 1]; ++run) {
      const uint32_t number = numbers[run];
      for (int64_t place = runs[run].start; place < runs[run].end; ++place) output[place] = number;
    }
  }
}

int64_t ck_pair_run_end(const uint16_t *a, const uint16_t *b, int64_t start, int64_t end) {
  const uint64_t one = (uint64_t)a[start] * 0x0001000100010001u;
  const uint64_t two = (uint64_t)b[start] * 0x0001000100010001u;
  int64_t place = start + 1;
  while (place + 4 <= end) {
    uint64_t left, right;
    memcpy(&left, a + place, 8);
    memcpy(&right, b + place, 8);
    if (((left ^ one) | (right ^ two)) != 0) break;
    place += 4;
  }
  while (place < end && a[place] == a[start] && b[place] == b[start]) ++place;
  return place;
}
