#include "COpenBLAS.h"

#include <math.h>
#include <string.h>

// Declared here: Debian's lapack.h needs C99 complex types that Swift's importer does not know.
void dgesvd_(const char *jobu, const char *jobvt, const int *m, const int *n, double *a,
             const int *lda, double *s, double *u, const int *ldu, double *vt, const int *ldvt,
             double *work, const int *lwork, int *info);

int32_t copenblas_svd3(const double matrix[9], double u[9], double s[3], double vt[9]) {
  double copy[9], work[64];
  for (int i = 0; i < 9; i++)
    if (!isfinite(matrix[i])) return -1;
  memcpy(copy, matrix, sizeof copy);
  const int three = 3, length = 64;
  int info = 0;
  dgesvd_("A", "A", &three, &three, copy, &three, s, u, &three, vt, &three, work, &length, &info);
  return info == 0 ? 0 : -1;
}
