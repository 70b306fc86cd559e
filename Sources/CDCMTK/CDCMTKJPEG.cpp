#include "CDCMTKCodecs.h"
#include "CDCMTKWords.h"

#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dctk.h"
#include "dcmtk/dcmjpeg/djcparam.h"
#include "dcmtk/dcmjpeg/djdijg12.h"
#include "dcmtk/dcmjpeg/djdijg16.h"
#include "dcmtk/dcmjpeg/djdijg8.h"

#include <cstring>

namespace {

// What the markers before the first scan state (T.81 annex B).
struct Header {
  unsigned precision = 0;
  bool isLossless = false;
  cdcmtk::CodedColour colour = cdcmtk::CodedColour::unknown;
};

// What the application markers say of the colours (JFIF 1.02; Adobe technical note 5116).
cdcmtk::CodedColour colourOf(unsigned marker, const uint8_t *body, size_t length) {
  if (marker == 0xE0 && length >= 5 && std::memcmp(body, "JFIF", 5) == 0) return cdcmtk::CodedColour::ybr;
  if (marker == 0xEE && length >= 12 && std::memcmp(body, "Adobe", 5) == 0) {
    return body[11] == 0 ? cdcmtk::CodedColour::rgb : cdcmtk::CodedColour::ybr;
  }
  return cdcmtk::CodedColour::unknown;
}

// Whether the components of a frame are named R, G, B.
bool hasNamesOfRGB(const uint8_t *components) {
  const uint8_t names[3] = {components[0], components[3], components[6]};
  return std::memcmp(names, "RGB", 3) == 0 || std::memcmp(names, "rgb", 3) == 0;
}

// Reads the markers up to the frame header and holds that against the data set.
//
// The decoders write what the stream says into a buffer that the data set measured.
int32_t inspect(const cdcmtk::Codestream &bytes, const cdcmtk_pixels &pixels, Header &header) {
  size_t at = 2;
  if (bytes.size() < 4 || bytes[0] != 0xFF || bytes[1] != 0xD8) return CDCMTK_DAMAGED;
  while (at + 4 <= bytes.size()) {
    if (bytes[at] != 0xFF) return CDCMTK_DAMAGED;
    const uint8_t marker = bytes[at + 1];
    if (marker == 0xFF) {
      at += 1;
      continue;
    }
    const size_t length = static_cast<size_t>(bytes[at + 2]) << 8 | bytes[at + 3];
    // A scan before any frame header is no image.
    if (marker == 0xDA || marker == 0xD9 || length < 2 || length > bytes.size() - at - 2)
      return CDCMTK_DAMAGED;
    const uint8_t *body = bytes.data() + at + 4;
    if (marker >= 0xE0 && marker <= 0xEF && header.colour != cdcmtk::CodedColour::rgb) {
      const auto colour = colourOf(marker, body, length - 2);
      if (colour != cdcmtk::CodedColour::unknown) header.colour = colour;
    }
    const bool isTable = marker == 0xC4 || marker == 0xC8 || marker == 0xCC;
    if (marker >= 0xC0 && marker <= 0xCF && !isTable) {
      // Baseline, extended, progressive (all retired but for the first two) and lossless, by Huffman coding.
      const bool isKnown = marker <= 0xC3;
      const bool isLossless = marker == 0xC3;
      if (!isKnown) return CDCMTK_UNSUPPORTED;
      if (length < 8) return CDCMTK_DAMAGED;
      const uint32_t precision = body[0];
      const uint32_t rows = static_cast<uint32_t>(body[1]) << 8 | body[2];
      const uint32_t columns = static_cast<uint32_t>(body[3]) << 8 | body[4];
      const uint32_t components = body[5];
      if (rows != pixels.rows || columns != pixels.columns || components != pixels.samples)
        return CDCMTK_DAMAGED;
      if (length < 8 + 3 * components || precision > pixels.bits_allocated) return CDCMTK_DAMAGED;
      const bool isPossible =
          isLossless ? precision >= 2 && precision <= 16 : precision == 8 || precision == 12;
      if (!isPossible) return CDCMTK_UNSUPPORTED;
      header.precision = precision;
      header.isLossless = isLossless;
      if (components == 3 && hasNamesOfRGB(body + 6)) {
        header.colour = cdcmtk::CodedColour::rgb;
      } else if (isLossless) {
        // Lossless encoders write these markers out of habit; the data set knows better.
        header.colour = cdcmtk::CodedColour::unknown;
      }
      return CDCMTK_OK;
    }
    at += 2 + length;
  }
  return CDCMTK_DAMAGED;
}

template <typename Decoder>
int32_t decodeBy(Decoder &&decoder, const cdcmtk::Codestream &bytes, uint8_t *values, size_t count) {
  if (bytes.size() > UINT32_MAX || count > UINT32_MAX) return CDCMTK_UNSUPPORTED;
  if (decoder.init().bad()) return CDCMTK_NO_MEMORY;
  // The library only reads from the source, whatever its type says.
  const OFCondition condition =
      decoder.decode(const_cast<Uint8 *>(bytes.data()), static_cast<Uint32>(bytes.size()), values,
                     static_cast<Uint32>(count), OFFalse);
  if (condition == EC_MemoryExhausted) return CDCMTK_NO_MEMORY;
  return condition.good() ? CDCMTK_OK : CDCMTK_DAMAGED;
}

} // namespace

int32_t cdcmtk::decodeJPEG(const Codestream &bytes, const cdcmtk_pixels &pixels, uint8_t *values,
                           CodedSamples &coded) {
  Header header;
  const int32_t status = inspect(bytes, pixels, header);
  if (status != CDCMTK_OK) return status;
  const Layout layout = {static_cast<size_t>(pixels.rows) * pixels.columns, pixels.samples,
                         header.precision <= 8 ? 1u : 2u, false};
  const bool isInPlace = layout.wordBytes * 8 == pixels.bits_allocated;
  std::vector<uint8_t> own(isInPlace ? 0 : layout.bytes());
  uint8_t *target = isInPlace ? values : own.data();

  const DJCodecParameter parameters(ECC_lossyYCbCr, EDC_never, EUC_never, EPC_colorByPixel);
  int32_t decoded = CDCMTK_OK;
  if (header.precision <= 8) {
    decoded = decodeBy(DJDecompressIJG8Bit(parameters, OFFalse), bytes, target, layout.bytes());
  } else if (header.precision <= 12) {
    decoded = decodeBy(DJDecompressIJG12Bit(parameters, OFFalse), bytes, target, layout.bytes());
  } else {
    decoded = decodeBy(DJDecompressIJG16Bit(parameters, OFFalse), bytes, target, layout.bytes());
  }
  if (decoded != CDCMTK_OK) return decoded;
  if (!isInPlace) arrange(own.data(), layout, pixels.bits_allocated / 8, values);
  coded.precision = header.precision;
  coded.colour = header.colour;
  return CDCMTK_OK;
}
