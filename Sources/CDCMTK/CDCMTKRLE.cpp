#include "CDCMTKCodecs.h"

#include <zlib.h>

#include <climits>

namespace {

uint32_t littleEndian(const uint8_t *bytes) {
  return static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8 |
         static_cast<uint32_t>(bytes[2]) << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

// Expands one RLE segment into every `stride`-th byte; false when it ends early.
//
// A control byte n of 0...127 is followed by n + 1 bytes to copy, one of 129...255 by a byte to repeat 257 -
// n times; 128 means nothing (PS3.5 G.3.2).
bool expandSegment(const uint8_t *source, size_t length, uint8_t *target, size_t count, size_t stride) {
  size_t read = 0;
  size_t written = 0;
  while (written < count) {
    if (read >= length) return false;
    const uint8_t control = source[read++];
    if (control == 128) continue;
    const bool copies = control < 128;
    const size_t run = copies ? control + 1u : 257u - control;
    if (read + (copies ? run : 1) > length) return false;
    for (size_t i = 0; i < run && written < count; ++i) {
      target[written * stride] = source[read + (copies ? i : 0)];
      written += 1;
    }
    read += copies ? run : 1;
  }
  return true;
}

} // namespace

int32_t cdcmtk::decodeRLE(const Codestream &bytes, const cdcmtk_pixels &pixels, uint8_t *values) {
  constexpr size_t headerLength = 64;
  constexpr size_t maximumSegments = 15;
  const size_t width = pixels.bits_allocated / 8;
  const size_t segments = width * pixels.samples;
  const size_t count = static_cast<size_t>(pixels.rows) * pixels.columns;
  if (segments > maximumSegments) return CDCMTK_UNSUPPORTED;
  if (bytes.size() < headerLength || littleEndian(bytes.data()) != segments) return CDCMTK_DAMAGED;
  for (size_t segment = 0; segment < segments; ++segment) {
    const size_t start = littleEndian(bytes.data() + 4 + 4 * segment);
    size_t end = bytes.size();
    if (segment + 1 < segments) end = littleEndian(bytes.data() + 8 + 4 * segment);
    if (start < headerLength || end > bytes.size() || start >= end) return CDCMTK_DAMAGED;
    // One sample after the other; of each the most significant byte comes first. The machine is little
    // endian.
    uint8_t *target = values + segment / width * width + (width - 1 - segment % width);
    if (!expandSegment(bytes.data() + start, end - start, target, count, segments)) return CDCMTK_DAMAGED;
  }
  return CDCMTK_OK;
}

int32_t cdcmtk::inflateFrame(const Codestream &bytes, uint8_t *native, size_t count) {
  if (bytes.size() > UINT_MAX || count > UINT_MAX) return CDCMTK_UNSUPPORTED;
  z_stream stream = {};
  // A raw deflate stream (RFC 1951), without a header.
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return CDCMTK_NO_MEMORY;
  stream.next_in = const_cast<Bytef *>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = native;
  stream.avail_out = static_cast<uInt>(count);
  const int result = inflate(&stream, Z_FINISH);
  inflateEnd(&stream);
  const bool isWhole =
      stream.avail_out == 0 && (result == Z_STREAM_END || result == Z_BUF_ERROR || result == Z_OK);
  return isWhole ? CDCMTK_OK : CDCMTK_DAMAGED;
}
