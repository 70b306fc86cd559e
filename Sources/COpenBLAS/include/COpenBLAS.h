#pragma once
// The few calls of BLAS and LAPACK (in OpenBLAS) that Lamina uses, each behind a status code.
#include <stdint.h>

/// The singular value decomposition m = u diag(s) v^T of a 3x3 matrix; all matrices by columns.
/// Returns 0, or -1 when the matrix holds no finite numbers or the iteration failed.
int32_t copenblas_svd3(const double matrix[9], double u[9], double s[3], double vt[9]);

/// c = op(a) op(b) + beta c, all by rows: op(a) is rows x inner, op(b) inner x columns.
///
/// A transposed operand is stored as its transpose; a_step, b_step and c_step are the distances of
/// stored rows. Runs on the calling thread alone, whatever OpenBLAS is set to elsewhere, so that
/// the result does not depend on a thread count. With beta 0, c may hold anything before.
/// Returns 0, or -1 when a size does not fit the library's integers or a step is too short.
int32_t copenblas_sgemm(int32_t a_transposed, int32_t b_transposed, int64_t rows, int64_t columns,
                        int64_t inner, const float *a, int64_t a_step, const float *b,
                        int64_t b_step, float beta, float *c, int64_t c_step);
