// Pixel data of the main data set; shared by the shim's sources.
#ifndef CDCMTK_PIXELS_H
#define CDCMTK_PIXELS_H

#include "CDCMTKColour.h"
#include "CDCMTKFile.h"

#include "dcmtk/dcmdata/dcpixel.h"

namespace cdcmtk {

// Where a frame begins, in bits of native pixel data, and how many it takes.
struct NativeFrame {
  uint64_t firstBit = 0;
  uint64_t bits = 0;
};

// The place of a frame of native pixels. Frames of single bits need not begin on a byte boundary.
NativeFrame nativeFrame(const cdcmtk_pixels &pixels, Photometric photometric, uint32_t frame);

// Reads bytes of native pixel data in the machine's byte order for words of `bits_allocated`; false when the
// file has not so many.
bool readNative(DcmElement *data, bool isBigEndian, unsigned bitsAllocated, uint64_t offset, size_t count,
                uint8_t *bytes);

// Decodes a frame of native pixels; `isPlanar` where the samples lie in planes.
int32_t decodeNative(DcmPixelData *data, bool isBigEndian, const cdcmtk_pixels &pixels,
                     Photometric photometric, bool isPlanar, uint32_t frame, uint8_t *values);

// The same from the bytes of one frame.
void arrangeNative(const uint8_t *bytes, unsigned firstBit, const cdcmtk_pixels &pixels,
                   Photometric photometric, bool isPlanar, uint8_t *values);

} // namespace cdcmtk

#endif
