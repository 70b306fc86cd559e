#pragma once
// The few calls of LAPACK (in OpenBLAS) that Lamina uses, each behind a status code.
#include <stdint.h>

/// The singular value decomposition m = u diag(s) v^T of a 3x3 matrix; all matrices by columns.
/// Returns 0, or -1 when the matrix holds no finite numbers or the iteration failed.
int32_t copenblas_svd3(const double matrix[9], double u[9], double s[3], double vt[9]);
