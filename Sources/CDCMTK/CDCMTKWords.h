// Words of pixels: how they lie, how wide they are, which bits count; shared by the shim's sources.
#ifndef CDCMTK_WORDS_H
#define CDCMTK_WORDS_H

#include "CDCMTK.h"

#include <cstddef>
#include <cstdint>

namespace cdcmtk {

// How the words of a frame lie.
struct Layout {
  size_t pixels;
  size_t samples;
  size_t wordBytes;
  // Whether all pixels of a sample come before those of the next.
  bool isPlanar;

  size_t bytes() const { return pixels * samples * wordBytes; }
};

// Copies unsigned words of 1, 2 or 4 bytes to words at least as wide, the samples of a pixel side by side.
void arrange(const uint8_t *source, const Layout &layout, size_t wordBytes, uint8_t *values);

// Keeps the bits that count in each word and clears the others, or fills them with the sign.
//
// Those are the stored bits, at the place that the high bit states; of a codestream with no more than the
// stored bits its own `precision` lowest ones (0: the coding does not say).
void keepStoredBits(uint8_t *values, const cdcmtk_pixels &pixels, unsigned precision);

// Unpacks single bits, the first pixel in the lowest bit (PS3.5 8.1.1), to bytes of 0 and 1.
void unpackBits(const uint8_t *packed, size_t firstBit, size_t count, uint8_t *values);

} // namespace cdcmtk

#endif
