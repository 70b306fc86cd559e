#include "COpenBLAS.h"

#include <math.h>
#include <pthread.h>
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

// Declared here for the same reason; the numbers are those of the CBLAS interface.
enum { cblas_row_major = 101, cblas_plain = 111, cblas_transposed = 112 };
void cblas_sgemm(int order, int a_transposed, int b_transposed, int rows, int columns, int inner,
                 float alpha, const float *a, int a_step, const float *b, int b_step, float beta,
                 float *c, int c_step);
void cblas_sgemv(int order, int transposed, int rows, int columns, float alpha, const float *a,
                 int a_step, const float *x, int x_step, float beta, float *y, int y_step);
void openblas_set_num_threads(int count);

static void use_one_thread(void) { openblas_set_num_threads(1); }

int32_t copenblas_sgemm(int32_t a_transposed, int32_t b_transposed, int64_t rows, int64_t columns,
                        int64_t inner, const float *a, int64_t a_step, const float *b,
                        int64_t b_step, float beta, float *c, int64_t c_step) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  const int64_t sizes[] = {rows, columns, inner, a_step, b_step, c_step};
  for (int i = 0; i < 6; i++)
    if (sizes[i] < 0 || sizes[i] > INT32_MAX) return -1;
  if (a_step < (a_transposed ? rows : inner) || b_step < (b_transposed ? inner : columns) ||
      c_step < columns)
    return -1;
  if (rows == 0 || columns == 0) return 0;
  if (inner == 0) {
    for (int64_t row = 0; row < rows; row++)
      for (int64_t column = 0; column < columns; column++) {
        float *value = c + row * c_step + column;
        *value = beta == 0 ? 0 : beta * *value;
      }
    return 0;
  }
  if (pthread_once(&once, use_one_thread) != 0) return -1;
  if (rows == 1 && !a_transposed && b_transposed) {
    // Each number of b is used once: copying them into panels would take longer than the sums.
    if (beta == 0) memset(c, 0, (size_t)columns * sizeof *c);
    cblas_sgemv(cblas_row_major, cblas_plain, (int)columns, (int)inner, 1, b, (int)b_step, a, 1,
                beta == 0 ? 1 : beta, c, 1);
    return 0;
  }
  cblas_sgemm(cblas_row_major, a_transposed ? cblas_transposed : cblas_plain,
              b_transposed ? cblas_transposed : cblas_plain, (int)rows, (int)columns, (int)inner, 1,
              a, (int)a_step, b, (int)b_step, beta, c, (int)c_step);
  return 0;
}
