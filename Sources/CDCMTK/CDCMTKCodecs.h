// Decoders of one compressed frame each; shared by the shim's sources.
#ifndef CDCMTK_CODECS_H
#define CDCMTK_CODECS_H

#include "CDCMTK.h"

#include <vector>

namespace cdcmtk {

// The compressed bytes of one frame.
using Codestream = std::vector<uint8_t>;

// What three samples of a codestream are, as far as it says so.
enum class CodedColour { unknown, rgb, ybr };

// What a codestream says of the samples in it.
struct CodedSamples {
  // Bits of a sample; 0 where the coding does not say, as in RLE.
  unsigned precision = 0;
  CodedColour colour = CodedColour::unknown;
};

// Every decoder writes rows * columns * samples words of `bits_allocated` (8, 16 or 32) bits, the samples of
// a pixel side by side, and nothing beyond. It returns `CDCMTK_DAMAGED` where the stream breaks off or does
// not have the size that the data set states; this is found before anything of the stream's own size is
// allocated.

// JPEG 2000 (ISO/IEC 15444-1), bare or wrapped in JP2, by OpenJPEG.
//
// The sample's bits are what counts: where the stream and the data set disagree about the sign, the low
// `precision` bits are taken as the data set says.
int32_t decodeJPEG2000(const Codestream &bytes, const cdcmtk_pixels &pixels, uint8_t *values,
                       CodedSamples &coded);

// JPEG-LS (ITU-T T.87), lossless or near-lossless, all interleave modes, by CharLS.
//
// The older copy of CharLS inside DCMTK 3.6.7 ends the process on a damaged stream (a failed assertion).
int32_t decodeJPEGLS(const Codestream &bytes, const cdcmtk_pixels &pixels, uint8_t *values,
                     CodedSamples &coded);

// JPEG (ITU-T T.81) with the discrete cosine transform or lossless, of 8, 12 or 16 bits, by DCMTK's copies of
// the Independent JPEG Group's library. No colour is converted.
int32_t decodeJPEG(const Codestream &bytes, const cdcmtk_pixels &pixels, uint8_t *values,
                   CodedSamples &coded);

// RLE (PS3.5 annex G). DCMTK 3.6.7's own decoder believes segment offsets beyond the fragment and reads
// there.
int32_t decodeRLE(const Codestream &bytes, const cdcmtk_pixels &pixels, uint8_t *values);

// A frame deflated by itself (Deflated Image Frame Compression, PS3.5 A.4.13): native bytes after inflating.
int32_t inflateFrame(const Codestream &bytes, uint8_t *native, size_t count);

} // namespace cdcmtk

#endif
