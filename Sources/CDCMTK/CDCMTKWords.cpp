#include "CDCMTKWords.h"

#include <cstring>
#include <type_traits>

namespace {

template <typename Source, typename Word>
void copyWords(const uint8_t *source, const cdcmtk::Layout &layout, uint8_t *values) {
  // The source may be anywhere in a byte buffer, so words are taken out bytewise.
  for (size_t sample = 0; sample < layout.samples; ++sample) {
    const size_t first = layout.isPlanar ? sample * layout.pixels : sample;
    const size_t step = layout.isPlanar ? 1 : layout.samples;
    for (size_t i = 0; i < layout.pixels; ++i) {
      Source word;
      std::memcpy(&word, source + (first + i * step) * sizeof(Source), sizeof(Source));
      const auto wide = static_cast<Word>(word);
      std::memcpy(values + (i * layout.samples + sample) * sizeof(Word), &wide, sizeof(Word));
    }
  }
}

template <typename Word>
void keepBits(uint8_t *bytes, size_t count, unsigned up, unsigned down, bool isSigned) {
  auto *values = reinterpret_cast<Word *>(bytes);
  using Signed = std::make_signed_t<Word>;
  // The bits that count go to the top, then down again, which clears the rest or spreads the sign.
  if (isSigned) {
    for (size_t i = 0; i < count; ++i) {
      values[i] = static_cast<Word>(static_cast<Signed>(static_cast<Word>(values[i] << up)) >> down);
    }
  } else {
    for (size_t i = 0; i < count; ++i) {
      values[i] = static_cast<Word>(static_cast<Word>(values[i] << up) >> down);
    }
  }
}

} // namespace

void cdcmtk::arrange(const uint8_t *source, const Layout &layout, size_t wordBytes, uint8_t *values) {
  if (layout.wordBytes == wordBytes && (!layout.isPlanar || layout.samples == 1)) {
    std::memcpy(values, source, layout.bytes());
    return;
  }
  switch (layout.wordBytes * 8 + wordBytes) {
  case 8 + 1: copyWords<uint8_t, uint8_t>(source, layout, values); break;
  case 8 + 2: copyWords<uint8_t, uint16_t>(source, layout, values); break;
  case 8 + 4: copyWords<uint8_t, uint32_t>(source, layout, values); break;
  case 16 + 2: copyWords<uint16_t, uint16_t>(source, layout, values); break;
  case 16 + 4: copyWords<uint16_t, uint32_t>(source, layout, values); break;
  default: copyWords<uint32_t, uint32_t>(source, layout, values); break;
  }
}

void cdcmtk::keepStoredBits(uint8_t *values, const cdcmtk_pixels &pixels, unsigned precision) {
  const unsigned width = pixels.bits_allocated;
  const bool isNarrow = precision != 0 && precision <= pixels.bits_stored;
  const unsigned kept = isNarrow ? precision : pixels.bits_stored;
  const unsigned high = isNarrow ? precision - 1 : pixels.high_bit;
  if (kept == width) return;
  const unsigned up = width - 1 - high;
  const unsigned down = width - kept;
  const size_t count = static_cast<size_t>(pixels.rows) * pixels.columns * pixels.samples;
  switch (width) {
  case 8: keepBits<uint8_t>(values, count, up, down, pixels.is_signed != 0); break;
  case 16: keepBits<uint16_t>(values, count, up, down, pixels.is_signed != 0); break;
  default: keepBits<uint32_t>(values, count, up, down, pixels.is_signed != 0); break;
  }
}

void cdcmtk::unpackBits(const uint8_t *packed, size_t firstBit, size_t count, uint8_t *values) {
  for (size_t i = 0; i < count; ++i) {
    const size_t bit = firstBit + i;
    values[i] = packed[bit / 8] >> (bit % 8) & 1;
  }
}
