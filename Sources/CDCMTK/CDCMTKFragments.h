// Compressed frames; shared by the shim's sources.
#ifndef CDCMTK_FRAGMENTS_H
#define CDCMTK_FRAGMENTS_H

#include "CDCMTKFile.h"

#include "dcmtk/dcmdata/dcpixseq.h"
#include "dcmtk/dcmdata/dcpxitem.h"

#include <vector>

namespace cdcmtk {

// Collects the compressed bytes of a frame: all fragments of the only frame, or one fragment for each of several.
bool frameBytes(DcmPixelSequence *sequence, uint32_t frame, uint32_t frames, std::vector<uint8_t> &bytes);

// Expands a frame of RLE (PS3.5 annex G) of one sample a pixel, `width` bytes each; false when it is damaged.
//
// DCMTK 3.6.7's own decoder believes segment offsets beyond the fragment and reads there.
bool decodeRLE(const std::vector<uint8_t> &bytes, size_t pixels, size_t width, uint8_t *values);

// Whether the frame header of a JPEG or JPEG-LS stream has the size and width that the data set states.
//
// The decoders write what the stream says into a buffer that the data set measured.
bool jpegMatches(const std::vector<uint8_t> &bytes, const cdcmtk_pixels &pixels);

} // namespace cdcmtk

#endif
