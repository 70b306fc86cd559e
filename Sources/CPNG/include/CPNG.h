#pragma once
// PNG to and from memory by libpng. Its longjmp stays within each call, and nothing is printed.
#include <stddef.h>
#include <stdint.h>

typedef enum {
  CPNG_OK = 0,
  /// The bytes are no PNG.
  CPNG_NOT_PNG = 1,
  /// The bytes are damaged or end early; the message says how.
  CPNG_DAMAGED = 2,
  /// Memory is short.
  CPNG_NO_MEMORY = 3,
} cpng_status;

enum { CPNG_MESSAGE = 128 };

/// A picture's properties after decoding: palettes are expanded, samples have 8 or 16 bits.
typedef struct {
  uint32_t width;
  uint32_t height;
  /// 1 grey, 3 RGB, 4 RGBA.
  uint32_t channels;
  /// 8 or 16.
  uint32_t bits;
  /// Pixels per metre along x and y (pHYs), or 0 when the file does not say.
  uint32_t pixels_per_metre[2];
} cpng_info;

/// Reads the properties only.
int32_t cpng_inspect(const uint8_t *bytes, size_t count, cpng_info *info,
                     char message[CPNG_MESSAGE]);

/// Decodes into `pixels`, which must have the size that `cpng_inspect` told:
/// width * height * channels * bits / 8 bytes, rows without padding, 16-bit samples in the
/// machine's byte order.
int32_t cpng_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t size,
                    char message[CPNG_MESSAGE]);

/// Encodes pixels that are laid out as `cpng_decode` gives them. The result is freed with
/// `cpng_free`.
int32_t cpng_encode(const cpng_info *info, const uint8_t *pixels, uint8_t **bytes, size_t *count,
                    char message[CPNG_MESSAGE]);
void cpng_free(uint8_t *bytes);
