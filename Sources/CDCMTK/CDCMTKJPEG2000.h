// The markers of a JPEG 2000 codestream; shared by the shim's sources.
#ifndef CDCMTK_JPEG2000_H
#define CDCMTK_JPEG2000_H

#include "CDCMTK.h"

#include <cstddef>
#include <cstdint>

namespace cdcmtk {

// What the markers SIZ and COD state.
struct JPEG2000Header {
  // Where the codestream lies: behind the boxes of a JP2 file, if there are any.
  const uint8_t *start = nullptr;
  size_t length = 0;
  unsigned precision = 0;
  bool isSigned = false;
  // Whether the multiple component transform is in use, so that the decoded samples are red, green and blue.
  bool isTransformed = false;
};

// Reads the markers of a codestream and holds them against the data set.
//
// Damaged: no codestream, or its size or its number of samples is another. Unsupported: subsampled components,
// components of different precision, or a coding that makes a decoder allocate far more than the image (tiny tiles,
// precincts or code-blocks, thousands of layers), which no encoder writes.
int32_t inspectJPEG2000(const uint8_t *bytes, size_t count, const cdcmtk_pixels &pixels, JPEG2000Header &header);

} // namespace cdcmtk

#endif
