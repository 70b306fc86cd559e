#include "CDCMTKJPEG2000.h"
#include "CDCMTKCodecs.h"

#include <openjpeg-2.5/openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace {

// The bytes that OpenJPEG reads.
struct Source {
  const uint8_t *bytes;
  size_t count;
  size_t at;
};

constexpr auto endOfStream = static_cast<OPJ_SIZE_T>(-1);

OPJ_SIZE_T readBytes(void *buffer, OPJ_SIZE_T wanted, void *context) {
  auto *source = static_cast<Source *>(context);
  const size_t count = std::min<size_t>(wanted, source->count - source->at);
  if (count == 0) return endOfStream;
  std::memcpy(buffer, source->bytes + source->at, count);
  source->at += count;
  return count;
}

OPJ_OFF_T skipBytes(OPJ_OFF_T wanted, void *context) {
  auto *source = static_cast<Source *>(context);
  if (wanted < 0) return -1;
  const size_t left = source->count - source->at;
  if (left == 0 && wanted > 0) return -1;
  const size_t count = static_cast<uint64_t>(wanted) < left ? static_cast<size_t>(wanted) : left;
  source->at += count;
  return static_cast<OPJ_OFF_T>(count);
}

OPJ_BOOL seekTo(OPJ_OFF_T position, void *context) {
  auto *source = static_cast<Source *>(context);
  if (position < 0 || static_cast<uint64_t>(position) > source->count) return OPJ_FALSE;
  source->at = static_cast<size_t>(position);
  return OPJ_TRUE;
}

struct CodecCloser {
  void operator()(opj_codec_t *codec) const { opj_destroy_codec(codec); }
};
struct StreamCloser {
  void operator()(opj_stream_t *stream) const { opj_stream_destroy(stream); }
};
struct ImageCloser {
  void operator()(opj_image_t *image) const { opj_image_destroy(image); }
};

// What one component holds is laid out beside those of the other components.
template <typename Word>
void interleave(const opj_image_comp_t &component, size_t count, size_t stride, unsigned unused, bool keepsSign,
                Word *values) {
  for (size_t i = 0; i < count; ++i) {
    const auto value = static_cast<uint32_t>(component.data[i]);
    // Only the low bits count: they are moved to the top and back, which clears the others or spreads the sign.
    const uint32_t low = keepsSign ? static_cast<uint32_t>(static_cast<int32_t>(value << unused) >> unused)
                                   : value << unused >> unused;
    values[i * stride] = static_cast<Word>(low);
  }
}

} // namespace

int32_t cdcmtk::decodeJPEG2000(const Codestream &bytes, const cdcmtk_pixels &pixels, uint8_t *values,
                               CodedSamples &coded) {
  JPEG2000Header header;
  const int32_t status = inspectJPEG2000(bytes.data(), bytes.size(), pixels, header);
  if (status != CDCMTK_OK) return status;
  // OpenJPEG computes in 32 bits with some to spare.
  if (header.precision > 31) return CDCMTK_UNSUPPORTED;
  if (header.precision > pixels.bits_allocated) return CDCMTK_DAMAGED;

  const std::unique_ptr<opj_codec_t, CodecCloser> codec(opj_create_decompress(OPJ_CODEC_J2K));
  const std::unique_ptr<opj_stream_t, StreamCloser> stream(opj_stream_create(1 << 16, OPJ_TRUE));
  if (codec == nullptr || stream == nullptr) return CDCMTK_NO_MEMORY;
  Source source = {header.start, header.length, 0};
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), header.length);
  opj_stream_set_read_function(stream.get(), readBytes);
  opj_stream_set_skip_function(stream.get(), skipBytes);
  opj_stream_set_seek_function(stream.get(), seekTo);

  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  if (!opj_setup_decoder(codec.get(), &parameters)) return CDCMTK_INTERNAL;
  // The caller decodes frames side by side, so that one needs one thread, whatever the environment says.
  if (!opj_codec_set_threads(codec.get(), 0)) return CDCMTK_INTERNAL;
  // Without strictness, what is missing of a truncated stream would be filled up.
  if (!opj_decoder_set_strict_mode(codec.get(), OPJ_TRUE)) return CDCMTK_INTERNAL;
  opj_image_t *opened = nullptr;
  const bool hasHeader = opj_read_header(stream.get(), codec.get(), &opened) != 0;
  const std::unique_ptr<opj_image_t, ImageCloser> image(opened);
  if (!hasHeader || image == nullptr) return CDCMTK_DAMAGED;
  if (!opj_decode(codec.get(), stream.get(), image.get())) return CDCMTK_DAMAGED;

  if (image->numcomps != pixels.samples) return CDCMTK_DAMAGED;
  const size_t count = static_cast<size_t>(pixels.rows) * pixels.columns;
  for (OPJ_UINT32 i = 0; i < image->numcomps; ++i) {
    const opj_image_comp_t &component = image->comps[i];
    if (component.data == nullptr || component.w != pixels.columns || component.h != pixels.rows) {
      return CDCMTK_DAMAGED;
    }
    const unsigned unused = 32 - header.precision;
    const bool keepsSign = pixels.is_signed != 0;
    const size_t stride = pixels.samples;
    switch (pixels.bits_allocated) {
    case 8: interleave(component, count, stride, unused, keepsSign, values + i); break;
    case 16: interleave(component, count, stride, unused, keepsSign, reinterpret_cast<uint16_t *>(values) + i); break;
    case 32: interleave(component, count, stride, unused, keepsSign, reinterpret_cast<uint32_t *>(values) + i); break;
    default: return CDCMTK_UNSUPPORTED;
    }
  }
  coded.precision = header.precision;
  coded.isRGB = header.isTransformed;
  return CDCMTK_OK;
}
