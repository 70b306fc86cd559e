#include "CDCMTKColour.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace {

// Columns: luminance, blue and red chrominance. The inverses of the equations of PS3.3 C.7.6.3.1.2; "full" by
// the constants of ITU-R BT.601 (luminance .299 R + .587 G + .114 B), as JFIF uses them, "partial" with
// luminance spread over 219 and chrominance over 224 of 255 steps.
constexpr double redWeight = 0.299;
constexpr double blueWeight = 0.114;
constexpr double greenWeight = 1 - redWeight - blueWeight;

template <typename Word> void convert(uint8_t *bytes, size_t pixels, unsigned bits, bool isPartial) {
  auto *values = reinterpret_cast<Word *>(bytes);
  const double maximum = std::ldexp(1.0, static_cast<int>(bits)) - 1;
  const double middle = std::ldexp(1.0, static_cast<int>(bits) - 1);
  const double black = isPartial ? std::ldexp(16.0, static_cast<int>(bits) - 8) : 0;
  const double lumaScale = isPartial ? 255.0 / 219.0 : 1;
  const double chromaScale = isPartial ? 255.0 / 224.0 : 1;
  const double redOfCr = 2 * (1 - redWeight) * chromaScale;
  const double blueOfCb = 2 * (1 - blueWeight) * chromaScale;
  const double greenOfCb = -blueOfCb * blueWeight / greenWeight;
  const double greenOfCr = -redOfCr * redWeight / greenWeight;
  const auto rounded = [maximum](double value) {
    return static_cast<Word>(std::min(std::max(value + 0.5, 0.0), maximum));
  };
  for (size_t i = 0; i < pixels; ++i) {
    Word *pixel = values + 3 * i;
    const double y = lumaScale * (pixel[0] - black);
    const double cb = pixel[1] - middle;
    const double cr = pixel[2] - middle;
    pixel[0] = rounded(y + redOfCr * cr);
    pixel[1] = rounded(y + greenOfCb * cb + greenOfCr * cr);
    pixel[2] = rounded(y + blueOfCb * cb);
  }
}

} // namespace

cdcmtk::Photometric cdcmtk::photometricOf(const std::string &name) {
  if (name == "YBR_FULL") return Photometric::ybrFull;
  if (name == "YBR_FULL_422") return Photometric::ybrFull422;
  if (name == "YBR_PARTIAL_422") return Photometric::ybrPartial422;
  if (name == "YBR_ICT" || name == "YBR_RCT") return Photometric::ybrJPEG2000;
  if (name.compare(0, 4, "YBR_") == 0) return Photometric::unknownYBR;
  return Photometric::other;
}

bool cdcmtk::isSubsampled(Photometric photometric) {
  return photometric == Photometric::ybrFull422 || photometric == Photometric::ybrPartial422;
}

void cdcmtk::convertToRGB(uint8_t *values, const cdcmtk_pixels &pixels, bool isPartial) {
  const size_t count = static_cast<size_t>(pixels.rows) * pixels.columns;
  switch (pixels.bits_allocated) {
  case 8: convert<uint8_t>(values, count, pixels.bits_stored, isPartial); break;
  case 16: convert<uint16_t>(values, count, pixels.bits_stored, isPartial); break;
  default: convert<uint32_t>(values, count, pixels.bits_stored, isPartial); break;
  }
}

void cdcmtk::spreadChrominance(const uint8_t *source, size_t pixels, size_t wordBytes, uint8_t *values) {
  for (size_t i = 0; i < pixels; ++i) {
    const uint8_t *pair = source + i / 2 * 4 * wordBytes;
    uint8_t *pixel = values + 3 * i * wordBytes;
    std::memcpy(pixel, pair + i % 2 * wordBytes, wordBytes);
    std::memcpy(pixel + wordBytes, pair + 2 * wordBytes, 2 * wordBytes);
  }
}
