// Colour spaces of DICOM images; shared by the shim's sources.
#ifndef CDCMTK_COLOUR_H
#define CDCMTK_COLOUR_H

#include "CDCMTKCodecs.h"

#include <string>

namespace cdcmtk {

// What three samples of a pixel are (Photometric Interpretation, PS3.3 C.7.6.3.1.2).
enum class Photometric {
  // Red, green and blue, or something that nothing is known of.
  other,
  ybrFull,
  // The same, natively stored with two luminances for each pair of chrominances.
  ybrFull422,
  ybrPartial422,
  // By a component transform of JPEG 2000, which its decoder takes back.
  ybrJPEG2000,
  // Stored in a way that no decoder here knows.
  unknownYBR,
};

// The meaning of a value of Photometric Interpretation.
Photometric photometricOf(const std::string &name);

// Whether natively stored pixels share their chrominances in pairs.
bool isSubsampled(Photometric photometric);

// Turns luminance and chrominance into red, green and blue, in place, rounded and clamped; samples lie side
// by side.
//
// PS3.3 C.7.6.3.1.2 gives the equations for 8 bits; of more stored bits the offsets grow with the range.
void convertToRGB(uint8_t *values, const cdcmtk_pixels &pixels, bool isPartial);

// Spreads natively stored Y Y Cb Cr of 8 or 16 bits to Y Cb Cr for each pixel.
void spreadChrominance(const uint8_t *source, size_t pixels, size_t wordBytes, uint8_t *values);

} // namespace cdcmtk

#endif
