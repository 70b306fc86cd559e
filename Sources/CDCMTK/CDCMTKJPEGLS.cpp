#include "CDCMTKCodecs.h"
#include "CDCMTKWords.h"

#include <charls/charls.h>

#include <memory>

namespace {

struct Closer {
  void operator()(charls_jpegls_decoder *decoder) const { charls_jpegls_decoder_destroy(decoder); }
};

// Where a single byte of zero stands between the data of the scan and the marker that ends the image; 0
// without one.
//
// Encoders pad so, which CharLS 2.4 takes for damage (team-charls/charls issues 365 and 437; DICOM working
// group 4's own sample does it).
size_t paddingBeforeEnd(const cdcmtk::Codestream &bytes) {
  size_t end = bytes.size();
  // Fragments are padded as well, behind the marker.
  while (end > 0 && bytes[end - 1] == 0) end -= 1;
  if (end < 5 || bytes[end - 2] != 0xFF || bytes[end - 1] != 0xD9) return 0;
  return bytes[end - 3] == 0 && bytes[end - 4] != 0 ? end - 3 : 0;
}

bool succeeds(charls_jpegls_errc code) { return code == charls::jpegls_errc::success; }

} // namespace

int32_t cdcmtk::decodeJPEGLS(const Codestream &bytes, const cdcmtk_pixels &pixels, uint8_t *values,
                             CodedSamples &coded) {
  const std::unique_ptr<charls_jpegls_decoder, Closer> decoder(charls_jpegls_decoder_create());
  if (decoder == nullptr) return CDCMTK_NO_MEMORY;
  charls_frame_info frame = {};
  charls_interleave_mode mode = charls::interleave_mode::none;
  charls_color_transformation transformation = charls::color_transformation::none;
  if (!succeeds(charls_jpegls_decoder_set_source_buffer(decoder.get(), bytes.data(), bytes.size())) ||
      !succeeds(charls_jpegls_decoder_read_header(decoder.get())) ||
      !succeeds(charls_jpegls_decoder_get_frame_info(decoder.get(), &frame)) ||
      !succeeds(charls_jpegls_decoder_get_interleave_mode(decoder.get(), &mode)) ||
      !succeeds(charls_jpegls_decoder_get_color_transformation(decoder.get(), &transformation))) {
    return CDCMTK_DAMAGED;
  }
  const auto precision = static_cast<unsigned>(frame.bits_per_sample);
  if (frame.width != pixels.columns || frame.height != pixels.rows ||
      static_cast<uint32_t>(frame.component_count) != pixels.samples || precision > pixels.bits_allocated) {
    return CDCMTK_DAMAGED;
  }
  const Layout layout = {static_cast<size_t>(pixels.rows) * pixels.columns, pixels.samples,
                         precision <= 8 ? 1u : 2u,
                         pixels.samples > 1 && mode == charls::interleave_mode::none};
  const bool isInPlace = layout.wordBytes * 8 == pixels.bits_allocated && !layout.isPlanar;
  std::vector<uint8_t> own(isInPlace ? 0 : layout.bytes());
  uint8_t *target = isInPlace ? values : own.data();
  if (!succeeds(charls_jpegls_decoder_decode_to_buffer(decoder.get(), target, layout.bytes(), 0))) {
    const size_t padding = paddingBeforeEnd(bytes);
    if (padding == 0) return CDCMTK_DAMAGED;
    Codestream shortened = bytes;
    shortened.erase(shortened.begin() + static_cast<std::ptrdiff_t>(padding));
    return decodeJPEGLS(shortened, pixels, values, coded);
  }
  if (!isInPlace) arrange(own.data(), layout, pixels.bits_allocated / 8, values);
  coded.precision = precision;
  if (transformation != charls::color_transformation::none) coded.colour = CodedColour::rgb;
  return CDCMTK_OK;
}
