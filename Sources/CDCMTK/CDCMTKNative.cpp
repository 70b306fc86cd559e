#include "CDCMTKPixels.h"
#include "CDCMTKWords.h"

#include <vector>

cdcmtk::NativeFrame cdcmtk::nativeFrame(const cdcmtk_pixels &pixels, Photometric photometric,
                                        uint32_t frame) {
  const uint64_t count = static_cast<uint64_t>(pixels.rows) * pixels.columns;
  const bool isHalved = pixels.samples == 3 && isSubsampled(photometric);
  // Two pixels share their chrominances; rows of an odd number of columns are not allowed.
  const uint64_t samples = isHalved ? 2 : pixels.samples;
  const uint64_t bits = count * samples * pixels.bits_allocated;
  return {frame * bits, bits};
}

bool cdcmtk::readNative(DcmElement *data, bool isBigEndian, unsigned bitsAllocated, uint64_t offset,
                        size_t count, uint8_t *bytes) {
  const uint64_t length = data->getLength();
  if (count == 0 || offset > length || count > length - offset) return false;
  // DCMTK swaps whole words of 16 bits, and those of 8-bit pixels too where they are stored as words.
  const uint64_t first = isBigEndian ? offset / 2 * 2 : offset;
  const uint64_t last = isBigEndian ? (offset + count + 1) / 2 * 2 : offset + count;
  if (last > length || last > UINT32_MAX) return false;
  if (first == offset && last == offset + count) {
    if (data->getPartialValue(bytes, static_cast<Uint32>(offset), static_cast<Uint32>(count)).bad())
      return false;
  } else {
    std::vector<uint8_t> words(static_cast<size_t>(last - first));
    const auto wanted = static_cast<Uint32>(words.size());
    if (data->getPartialValue(words.data(), static_cast<Uint32>(first), wanted).bad()) return false;
    std::copy_n(words.begin() + static_cast<std::ptrdiff_t>(offset - first), count, bytes);
  }
  if (isBigEndian && bitsAllocated == 32) {
    // The halves of 32-bit words are still exchanged.
    for (size_t i = 0; i + 4 <= count; i += 4) {
      std::swap(bytes[i], bytes[i + 2]);
      std::swap(bytes[i + 1], bytes[i + 3]);
    }
  }
  return true;
}

void cdcmtk::arrangeNative(const uint8_t *bytes, unsigned firstBit, const cdcmtk_pixels &pixels,
                           Photometric photometric, bool isPlanar, uint8_t *values) {
  const size_t count = static_cast<size_t>(pixels.rows) * pixels.columns;
  const size_t wordBytes = pixels.bits_allocated / 8;
  if (pixels.bits_allocated == 1) {
    unpackBits(bytes, firstBit, count, values);
  } else if (pixels.samples == 3 && isSubsampled(photometric)) {
    spreadChrominance(bytes, count, wordBytes, values);
  } else {
    arrange(bytes, {count, pixels.samples, wordBytes, isPlanar}, wordBytes, values);
  }
}

int32_t cdcmtk::decodeNative(DcmPixelData *data, bool isBigEndian, const cdcmtk_pixels &pixels,
                             Photometric photometric, bool isPlanar, uint32_t frame, uint8_t *values) {
  const NativeFrame place = nativeFrame(pixels, photometric, frame);
  const uint64_t offset = place.firstBit / 8;
  const auto firstBit = static_cast<unsigned>(place.firstBit % 8);
  const auto count = static_cast<size_t>((firstBit + place.bits + 7) / 8);
  if (pixels.bits_allocated != 1 && pixels.samples == 1) {
    return readNative(data, isBigEndian, pixels.bits_allocated, offset, count, values) ? CDCMTK_OK
                                                                                       : CDCMTK_DAMAGED;
  }
  std::vector<uint8_t> bytes(count);
  if (!readNative(data, isBigEndian, pixels.bits_allocated, offset, count, bytes.data()))
    return CDCMTK_DAMAGED;
  arrangeNative(bytes.data(), firstBit, pixels, photometric, isPlanar, values);
  return CDCMTK_OK;
}
