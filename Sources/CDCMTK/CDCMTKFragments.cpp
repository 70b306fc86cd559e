#include "CDCMTKFragments.h"

#include <cstring>

namespace {

uint32_t littleEndian(const uint8_t *bytes) {
  return static_cast<uint32_t>(bytes[0]) | static_cast<uint32_t>(bytes[1]) << 8 |
         static_cast<uint32_t>(bytes[2]) << 16 | static_cast<uint32_t>(bytes[3]) << 24;
}

// Expands one RLE segment into every `stride`-th byte; false when it ends early.
//
// A control byte n of 0...127 is followed by n + 1 bytes to copy, one of 129...255 by a byte to repeat 257 - n
// times; 128 means nothing (PS3.5 G.3.2).
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

bool cdcmtk::frameBytes(DcmPixelSequence *sequence, uint32_t frame, uint32_t frames,
                        std::vector<uint8_t> &bytes) {
  // Item 0 is the offset table.
  const unsigned long fragments = sequence->card() > 0 ? sequence->card() - 1 : 0;
  if (fragments < 1) return false;
  unsigned long first = 1;
  unsigned long last = fragments;
  if (frames > 1) {
    if (fragments != frames) return false;
    first = last = frame + 1ul;
  }
  for (unsigned long i = first; i <= last; ++i) {
    DcmPixelItem *item = nullptr;
    Uint8 *data = nullptr;
    if (sequence->getItem(item, i).bad() || item == nullptr) return false;
    if (item->getUint8Array(data).bad() || data == nullptr) return false;
    bytes.insert(bytes.end(), data, data + item->getLength());
  }
  return true;
}

bool cdcmtk::decodeRLE(const std::vector<uint8_t> &bytes, size_t pixels, size_t width, uint8_t *values) {
  constexpr size_t headerLength = 64;
  if (bytes.size() < headerLength || littleEndian(bytes.data()) != width) return false;
  for (size_t plane = 0; plane < width; ++plane) {
    const size_t start = littleEndian(bytes.data() + 4 + 4 * plane);
    size_t end = bytes.size();
    if (plane + 1 < width) end = littleEndian(bytes.data() + 8 + 4 * plane);
    if (start < headerLength || end > bytes.size() || start >= end) return false;
    // The most significant byte comes first; the machine is little endian.
    uint8_t *target = values + (width - 1 - plane);
    if (!expandSegment(bytes.data() + start, end - start, target, pixels, width)) return false;
  }
  return true;
}

bool cdcmtk::jpegMatches(const std::vector<uint8_t> &bytes, const cdcmtk_pixels &pixels) {
  size_t at = 2;
  if (bytes.size() < 4 || bytes[0] != 0xFF || bytes[1] != 0xD8) return false;
  while (at + 4 <= bytes.size()) {
    if (bytes[at] != 0xFF) return false;
    const uint8_t marker = bytes[at + 1];
    if (marker == 0xFF) {
      at += 1;
      continue;
    }
    const size_t length = static_cast<size_t>(bytes[at + 2]) << 8 | bytes[at + 3];
    const bool isHuffmanTable = marker == 0xC4;
    const bool isArithmeticTable = marker == 0xCC;
    const bool isFrame = (marker >= 0xC0 && marker <= 0xCF && !isHuffmanTable && !isArithmeticTable &&
                          marker != 0xC8) ||
                         marker == 0xF7;
    if (isFrame) {
      if (at + 10 > bytes.size()) return false;
      const uint32_t precision = bytes[at + 4];
      const uint32_t rows = static_cast<uint32_t>(bytes[at + 5]) << 8 | bytes[at + 6];
      const uint32_t columns = static_cast<uint32_t>(bytes[at + 7]) << 8 | bytes[at + 8];
      return rows == pixels.rows && columns == pixels.columns && bytes[at + 9] == pixels.samples &&
             (precision + 7) / 8 * 8 == pixels.bits_allocated;
    }
    // A scan before any frame header is no image.
    if (marker == 0xDA || marker == 0xD9 || length < 2) return false;
    at += 2 + length;
  }
  return false;
}
