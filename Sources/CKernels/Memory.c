#include "CKernels.h"

#if defined(__linux__)
#include <malloc.h>
#endif

void ck_keep_freed_memory(void) {
#if defined(__GLIBC__)
  enum { ONE_GIBIBYTE = 1 << 30 };
  mallopt(M_MMAP_THRESHOLD, ONE_GIBIBYTE);
  mallopt(M_TRIM_THRESHOLD, ONE_GIBIBYTE);
#endif
}

void ck_return_freed_memory(void) {
#if defined(__GLIBC__)
  enum { ONE_MEBIBYTE = 1 << 20 };
  mallopt(M_MMAP_THRESHOLD, ONE_MEBIBYTE);
  mallopt(M_TRIM_THRESHOLD, ONE_MEBIBYTE);
#endif
}
