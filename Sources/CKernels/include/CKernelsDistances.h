#pragma once
// The exact squared Euclidean distance transform, one axis after another. Lines are independent of
// each other, so that callers split them between threads.
#include <stdint.h>

/// squared[i] = the squared distance, in units of `spacing`, from place i of a row to the nearest
/// place of the same row whose target is not 0; infinite in a row without targets. `rows` rows of
/// `length` places follow one another.
void ck_distance_rows(const uint8_t *targets, float *squared, int64_t length, int64_t rows,
                      double spacing);

/// Doubles of scratch memory that ck_distance_columns needs.
int64_t ck_distance_scratch(int64_t length);

/// Replaces f of each of `columns` lines that lie side by side by the minimum over q of
/// f(q) + (spacing (p - q))^2: place p of line c is field[p * stride + c]. With `root` the square
/// root of the minimum is written.
void ck_distance_columns(float *field, int64_t length, int64_t stride, int64_t columns,
                         double spacing, int32_t root, double *scratch);

/// Writes the roots of squared[i] of all i whose mark is not 0, in order, and returns how many.
int64_t ck_distance_gather(const uint8_t *marks, const float *squared, int64_t count,
                           double *roots);
