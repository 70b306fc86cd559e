#pragma once
// Connected components by runs of equal labels along x: runs are found row by row, joined to those
// of earlier rows by union and find, and written out again.
#include <stdint.h>

/// The places [start, end) of a row have one label other than 0.
typedef struct {
  int32_t start, end, label;
} ck_run;

/// How labels are read.
enum {
  /// Bytes; all but 0 are one label.
  CK_RUNS_BYTES = 0,
  /// 16-bit labels; all but 0 are one label.
  CK_RUNS_MASK = 1,
  /// 16-bit labels; equal ones form runs.
  CK_RUNS_LABELS = 2,
};

/// counts[r] = the number of runs of row r of `rows` rows of `length` labels.
void ck_count_runs(const void *labels, int32_t kind, int64_t length, int64_t rows, int64_t *counts);

/// Writes the runs of all rows one after another, as many as ck_count_runs counts.
void ck_find_runs(const void *labels, int32_t kind, int64_t length, int64_t rows, ck_run *runs);

/// Joins the runs of the rows [first, last) with those of neighbouring earlier rows in [lower,
/// upper). Row r = y + height * z has the runs starts[r] up to, not including, starts[r + 1];
/// `parents` are the trees of union and find, each root the smallest of its set. `connectivity` is
/// 6, 18 or 26.
void ck_join_runs(const ck_run *runs, const int64_t *starts, uint32_t *parents, int64_t height,
                  int64_t first, int64_t last, int64_t lower, int64_t upper, int32_t connectivity);

/// Replaces `parents` of `count` runs by consecutive numbers from 1 in the order of first runs,
/// adds up the voxels of each in `sizes` (one entry a number, at most `count`), and returns how
/// many there are.
int64_t ck_number_runs(const ck_run *runs, uint32_t *parents, int64_t count, int64_t *sizes);

/// Writes the numbers of the runs of `rows` rows, and 0 elsewhere; `starts` is that of the first
/// row.
void ck_write_runs(const ck_run *runs, const int64_t *starts, const uint32_t *numbers,
                   int64_t length, int64_t rows, uint32_t *output);

/// The first place from `start` on, at most `end`, at which a or b differs from its value at
/// `start`.
int64_t ck_pair_run_end(const uint16_t *a, const uint16_t *b, int64_t start, int64_t end);
