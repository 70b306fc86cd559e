// JPEG-LS; shared by the shim's sources.
#ifndef CDCMTK_JPEGLS_H
#define CDCMTK_JPEGLS_H

#include "CDCMTK.h"

#include <vector>

namespace cdcmtk {

// Decodes a frame of JPEG-LS (ITU-T T.87) of one component, lossless or near-lossless, to words of
// `bits_allocated` bits; false when the stream is damaged.
//
// The CharLS copy inside DCMTK 3.6.7 ends the process on a damaged stream (a failed assertion), so it is not used.
bool decodeJPEGLS(const std::vector<uint8_t> &bytes, const cdcmtk_pixels &pixels, uint8_t *values);

} // namespace cdcmtk

#endif
