// Decoders of one compressed frame each; shared by the shim's sources.
#ifndef CDCMTK_CODECS_H
#define CDCMTK_CODECS_H

#include "CDCMTK.h"

#include <vector>

namespace cdcmtk {

// The compressed bytes of one frame.
using Codestream = std::vector<uint8_t>;

// What a codestream says of the samples in it.
struct CodedSamples {
  // Bits of a sample; 0 where the coding does not say, as in RLE.
  unsigned precision = 0;
  // Whether three samples are red, green and blue, whatever the data set calls them.
  bool isRGB = false;
};

// Every decoder writes rows * columns * samples words of `bits_allocated` (8, 16 or 32) bits, the samples of a pixel
// side by side, and nothing beyond. It returns `CDCMTK_DAMAGED` where the stream breaks off or does not have the
// size that the data set states, before anything of the stream's own size is allocated.

// JPEG 2000 (ISO/IEC 15444-1) and High-Throughput JPEG 2000 (15444-15), bare or wrapped in JP2, by OpenJPEG.
//
// The sample's bits are what counts: where the stream and the data set disagree about the sign, the low `precision`
// bits are taken as the data set says.
int32_t decodeJPEG2000(const Codestream &bytes, const cdcmtk_pixels &pixels, uint8_t *values, CodedSamples &coded);

} // namespace cdcmtk

#endif
