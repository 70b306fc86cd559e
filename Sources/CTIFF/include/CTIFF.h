#pragma once
// TIFF files by libtiff. Its errors are kept in messages; nothing is printed.
#include <stddef.h>
#include <stdint.h>

typedef enum {
  CTIFF_OK = 0,
  /// The file is damaged or ends early; the message says how.
  CTIFF_DAMAGED = 1,
  /// The layout is valid but not read here; the message says which.
  CTIFF_UNSUPPORTED = 2,
} ctiff_status;

enum { CTIFF_MESSAGE = 200 };

typedef struct ctiff_file ctiff_file;

/// The properties of one page.
typedef struct {
  uint32_t width;
  uint32_t height;
  /// 1 for values, 3 for colours (also palettes).
  uint32_t channels;
  /// Bits a sample as `ctiff_read` gives them: 8, 16, 32 or 64.
  uint32_t bits;
  /// 1 unsigned, 2 signed, 3 floating-point.
  uint32_t format;
  /// Distance of pixels along x and y in mm, or 0 when the file does not say.
  double spacing[2];
} ctiff_info;

/// Opens a file; no single allocation of libtiff exceeds `largest` bytes.
int32_t ctiff_open(const char *path, int64_t largest, ctiff_file **file,
                   char message[CTIFF_MESSAGE]);
/// The number of pages.
int32_t ctiff_pages(ctiff_file *file, int32_t *pages, char message[CTIFF_MESSAGE]);
/// Reads the properties of a page, from 0.
int32_t ctiff_inspect(ctiff_file *file, int32_t page, ctiff_info *info,
                      char message[CTIFF_MESSAGE]);
/// Reads the samples of a page into width * height * channels * bits / 8 bytes, rows from the top,
/// without padding, in the machine's byte order. White-is-zero values are turned, so that white is
/// the largest; one-bit values become 0 and 255; colours become 8-bit RGB.
int32_t ctiff_read(ctiff_file *file, int32_t page, void *pixels, size_t size,
                   char message[CTIFF_MESSAGE]);
void ctiff_close(ctiff_file *file);
