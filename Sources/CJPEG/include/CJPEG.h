#pragma once
// JPEG from memory by libjpeg. Its longjmp stays within each call, and nothing is printed.
#include <stddef.h>
#include <stdint.h>

typedef enum {
  CJPEG_OK = 0,
  /// The bytes are damaged or end early; the message says how.
  CJPEG_DAMAGED = 1,
  /// The colours are neither grey nor convertible to RGB (CMYK).
  CJPEG_UNSUPPORTED = 2,
} cjpeg_status;

enum { CJPEG_MESSAGE = 200 };

typedef struct {
  uint32_t width;
  uint32_t height;
  /// 1 grey, 3 RGB after decoding.
  uint32_t channels;
  /// Distance of pixels along x and y in mm (JFIF density), or 0 when the file does not say.
  double spacing[2];
} cjpeg_info;

/// Reads the properties only.
int32_t cjpeg_inspect(const uint8_t *bytes, size_t count, cjpeg_info *info,
                      char message[CJPEG_MESSAGE]);
/// Decodes into `pixels` of width * height * channels bytes, rows without padding.
int32_t cjpeg_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t size,
                     char message[CJPEG_MESSAGE]);

/// Encodes `pixels` of width * height * channels bytes (1 grey, 3 RGB) at a quality of 1 to 100, with
/// optimal Huffman tables, baseline; colours are halved along both axes as is usual. `*bytes` is to be
/// freed by cjpeg_free.
int32_t cjpeg_encode(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                     int32_t quality, uint8_t **bytes, size_t *count,
                     char message[CJPEG_MESSAGE]);
/// Frees what cjpeg_encode made.
void cjpeg_free(uint8_t *bytes);
