#include "CDCMTKJPEG2000.h"

#include <algorithm>
#include <cstring>

namespace {

// Bounds of what a decoder has to hold beside the image; encoders stay far below.
constexpr uint64_t freeTiles = 64;
constexpr uint64_t pixelsPerTile = 1024;
constexpr uint64_t freePackets = 1 << 16;
constexpr unsigned minimumBlockExponents = 6;

constexpr unsigned markerSOC = 0xFF4F;
constexpr unsigned markerSIZ = 0xFF51;
constexpr unsigned markerCOD = 0xFF52;
constexpr unsigned markerCOC = 0xFF53;
constexpr unsigned markerSOT = 0xFF90;
constexpr unsigned markerSOD = 0xFF93;
constexpr unsigned markerEOC = 0xFFD9;

uint32_t word(const uint8_t *bytes) { return static_cast<uint32_t>(bytes[0]) << 8 | bytes[1]; }
uint32_t longWord(const uint8_t *bytes) { return word(bytes) << 16 | word(bytes + 2); }
uint64_t ceilDivided(uint64_t value, uint64_t by) { return (value + by - 1) / by; }

// Narrows a JP2 file to the codestream in it (ISO/IEC 15444-1 annex I); false when there is none.
bool skipBoxes(const uint8_t *&bytes, size_t &count) {
  size_t at = 0;
  while (count - at >= 8) {
    uint64_t length = longWord(bytes + at);
    size_t head = 8;
    if (length == 1) {
      if (count - at < 16) return false;
      length = static_cast<uint64_t>(longWord(bytes + at + 8)) << 32 | longWord(bytes + at + 12);
      head = 16;
    }
    // The last box may leave its length open.
    if (length == 0) length = count - at;
    if (length < head || length > count - at) return false;
    if (std::memcmp(bytes + at + 4, "jp2c", 4) == 0) {
      bytes += at + head;
      count = static_cast<size_t>(length) - head;
      return true;
    }
    at += static_cast<size_t>(length);
  }
  return false;
}

// The image and tile size (15444-1 A.5.1).
struct Size {
  uint64_t width = 0;
  uint64_t height = 0;
  uint64_t tiles = 0;
  uint32_t components = 0;
};

int32_t readSize(const uint8_t *body, size_t length, const cdcmtk_pixels &pixels, Size &size,
                 cdcmtk::JPEG2000Header &header) {
  if (length < 36) return CDCMTK_DAMAGED;
  const uint64_t right = longWord(body + 2);
  const uint64_t bottom = longWord(body + 6);
  const uint64_t left = longWord(body + 10);
  const uint64_t top = longWord(body + 14);
  const uint64_t tileWidth = longWord(body + 18);
  const uint64_t tileHeight = longWord(body + 22);
  const uint64_t tileLeft = longWord(body + 26);
  const uint64_t tileTop = longWord(body + 30);
  size.components = word(body + 34);
  if (right <= left || bottom <= top || tileWidth == 0 || tileHeight == 0) return CDCMTK_DAMAGED;
  if (tileLeft > left || tileTop > top) return CDCMTK_DAMAGED;
  size.width = right - left;
  size.height = bottom - top;
  if (size.width != pixels.columns || size.height != pixels.rows) return CDCMTK_DAMAGED;
  if (size.components != pixels.samples || length < 36 + 3ull * size.components) return CDCMTK_DAMAGED;
  size.tiles = ceilDivided(right - tileLeft, tileWidth) * ceilDivided(bottom - tileTop, tileHeight);
  if (size.tiles > freeTiles + size.width * size.height / pixelsPerTile) return CDCMTK_UNSUPPORTED;
  header.precision = (body[36] & 0x7Fu) + 1;
  header.isSigned = (body[36] & 0x80) != 0;
  for (uint32_t i = 0; i < size.components; ++i) {
    const uint8_t *component = body + 36 + 3 * i;
    const bool isSubsampled = component[1] != 1 || component[2] != 1;
    if (isSubsampled || component[0] != body[36]) return CDCMTK_UNSUPPORTED;
  }
  return CDCMTK_OK;
}

// Bounds the coding parameters of a component (15444-1 A.6.1): levels, code-block size, precinct sizes.
int32_t boundCoding(const uint8_t *body, size_t length, bool hasPrecincts, uint64_t layers, const Size &size) {
  if (length < 5) return CDCMTK_DAMAGED;
  const unsigned levels = body[0];
  if (levels > 32) return CDCMTK_DAMAGED;
  const unsigned exponents = (body[1] & 15u) + 2 + (body[2] & 15u) + 2;
  if (exponents < minimumBlockExponents) return CDCMTK_UNSUPPORTED;
  if (hasPrecincts && length < 5ull + levels + 1) return CDCMTK_DAMAGED;
  uint64_t precincts = 0;
  for (unsigned resolution = 0; resolution <= levels; ++resolution) {
    const unsigned x = hasPrecincts ? body[5 + resolution] & 15u : 15;
    const unsigned y = hasPrecincts ? body[5 + resolution] >> 4 : 15;
    const unsigned reduction = levels - resolution;
    // Tiles begin anywhere within a precinct, so that each adds one.
    const uint64_t across = ceilDivided(ceilDivided(size.width, 1ull << reduction), 1ull << x) + 1;
    const uint64_t down = ceilDivided(ceilDivided(size.height, 1ull << reduction), 1ull << y) + 1;
    precincts += across * down;
  }
  const uint64_t packets = precincts * layers * size.components;
  // Tiny tiles were refused, so that they at most double the number.
  const uint64_t allowed = freePackets * (1 + levels) + size.width * size.height;
  return packets > allowed ? CDCMTK_UNSUPPORTED : CDCMTK_OK;
}

} // namespace

int32_t cdcmtk::inspectJPEG2000(const uint8_t *bytes, size_t count, const cdcmtk_pixels &pixels,
                                JPEG2000Header &header) {
  static const uint8_t signature[8] = {0, 0, 0, 12, 'j', 'P', ' ', ' '};
  const bool hasBoxes = count >= 8 && std::memcmp(bytes, signature, 8) == 0;
  if (hasBoxes && !skipBoxes(bytes, count)) return CDCMTK_DAMAGED;
  if (count < 4 || word(bytes) != markerSOC || word(bytes + 2) != markerSIZ) return CDCMTK_DAMAGED;
  header.start = bytes;
  header.length = count;

  Size size;
  bool isInTile = false;
  bool hasCoding = false;
  uint64_t layers = 1;
  uint64_t tileParts = 0;
  size_t tileStart = 0;
  uint64_t tileLength = 0;
  size_t at = 2;
  while (count - at >= 2) {
    const unsigned marker = word(bytes + at);
    if (marker == markerEOC) break;
    if (marker == markerSOD) {
      if (!isInTile) return CDCMTK_DAMAGED;
      // The last tile part may leave its length open.
      if (tileLength == 0) break;
      if (tileLength > count - tileStart || tileStart + tileLength <= at) return CDCMTK_DAMAGED;
      at = tileStart + static_cast<size_t>(tileLength);
      continue;
    }
    // What follows the last tile may be padding.
    if (marker < 0xFF01 && isInTile) break;
    if (marker < 0xFF01 || count - at < 4) return CDCMTK_DAMAGED;
    const size_t length = word(bytes + at + 2);
    if (length < 2 || length > count - at - 2) return CDCMTK_DAMAGED;
    const uint8_t *body = bytes + at + 4;
    const size_t rest = length - 2;
    int32_t status = CDCMTK_OK;
    if (marker == markerSIZ) {
      if (size.components != 0) return CDCMTK_DAMAGED;
      status = readSize(body, rest, pixels, size, header);
    } else if (marker == markerCOD) {
      if (rest < 5) return CDCMTK_DAMAGED;
      layers = word(body + 2);
      hasCoding = true;
      header.isTransformed = header.isTransformed || body[4] == 1;
      status = boundCoding(body + 5, rest - 5, (body[0] & 1) != 0, layers, size);
    } else if (marker == markerCOC) {
      if (rest < 2) return CDCMTK_DAMAGED;
      status = boundCoding(body + 2, rest - 2, (body[1] & 1) != 0, layers, size);
    } else if (marker == markerSOT) {
      if (rest != 8 || !hasCoding) return CDCMTK_DAMAGED;
      tileParts += 1;
      // Each of at most 255 parts of a tile needs its own header.
      if (tileParts > size.tiles * 255) return CDCMTK_DAMAGED;
      isInTile = true;
      tileStart = at;
      tileLength = longWord(body + 2);
    }
    if (status != CDCMTK_OK) return status;
    at += 2 + length;
  }
  return isInTile && hasCoding ? CDCMTK_OK : CDCMTK_DAMAGED;
}
