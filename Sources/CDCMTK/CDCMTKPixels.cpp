#include "CDCMTKPixels.h"
#include "CDCMTKFragments.h"
#include "CDCMTKWords.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace {

// Compressed pixel data may not claim to expand further than this: an empty JPEG-LS slice shrinks to about a
// five-thousandth, but frames that small need no guard.
constexpr uint64_t maximumExpansion = 1000;
constexpr uint64_t unguardedFrameBytes = 16 << 20;

enum class Coding { none, native, rle, jpeg, jpegLS, jpeg2000, deflatedFrames };

Coding codingOf(const cdcmtk_file *file) {
  auto &format = const_cast<DcmFileFormat &>(file->format);
  switch (format.getDataset()->getOriginalXfer()) {
  case EXS_RLELossless: return Coding::rle;
  case EXS_JPEGProcess1:
  case EXS_JPEGProcess2_4:
  case EXS_JPEGProcess6_8:
  case EXS_JPEGProcess10_12:
  case EXS_JPEGProcess14:
  case EXS_JPEGProcess14SV1: return Coding::jpeg;
  case EXS_JPEGLSLossless:
  case EXS_JPEGLSLossy: return Coding::jpegLS;
  case EXS_JPEG2000LosslessOnly:
  case EXS_JPEG2000:
  case EXS_JPEG2000MulticomponentLosslessOnly:
  case EXS_JPEG2000Multicomponent: return Coding::jpeg2000;
  case EXS_LittleEndianImplicit:
  case EXS_LittleEndianExplicit:
  case EXS_BigEndianExplicit:
  case EXS_DeflatedLittleEndianExplicit: break;
  default: return Coding::none;
  }
  // Syntaxes that DCMTK does not know it reads as explicit little endian, which they are.
  OFString uid;
  DcmMetaInfo *meta = format.getMetaInfo();
  if (meta == nullptr || meta->findAndGetOFString(DCM_TransferSyntaxUID, uid).bad()) return Coding::native;
  if (uid == "1.2.840.10008.1.2.8.1") return Coding::deflatedFrames;
  const bool isKnown = uid.empty() || DcmXfer(uid.c_str()).getXfer() != EXS_Unknown;
  return isKnown ? Coding::native : Coding::none;
}

cdcmtk::FrameStart frameStart(Coding coding) {
  switch (coding) {
  case Coding::jpeg:
  case Coding::jpegLS: return cdcmtk::FrameStart::jpeg;
  case Coding::jpeg2000: return cdcmtk::FrameStart::jpeg2000;
  default: return cdcmtk::FrameStart::none;
  }
}

// The top-level pixel data element, or null.
DcmPixelData *pixelData(DcmDataset *dataset) {
  DcmElement *found = nullptr;
  if (dataset->findAndGetElement(DCM_PixelData, found).bad()) return nullptr;
  return dynamic_cast<DcmPixelData *>(found);
}

// The fragments of compressed pixel data, or null for native, which has a length (PS3.5 A.4).
DcmPixelSequence *fragments(DcmPixelData *pixels) {
  E_TransferSyntax xfer = EXS_Unknown;
  const DcmRepresentationParameter *parameter = nullptr;
  pixels->getOriginalRepresentationKey(xfer, parameter);
  DcmPixelSequence *sequence = nullptr;
  const bool isNamed = DcmXfer(xfer).isEncapsulated() || pixels->getLengthField() == DCM_UndefinedLength;
  if (!isNamed || pixels->getEncapsulatedRepresentation(xfer, parameter, sequence).bad()) return nullptr;
  return sequence;
}

// Whether parsing broke off within the pixel data, not after it.
bool isTruncated(const cdcmtk_file *file, DcmDataset *dataset, DcmElement *data, bool isNative) {
  if (file->complete || dataset->getElement(dataset->card() - 1) != data) return false;
  const uint32_t length = data->getLength();
  if (!isNative || length <= cdcmtk::maximumEagerLength) return true;
  // A long native value was skipped, not read: see whether its end is there.
  uint64_t word = 0;
  return data->getPartialValue(&word, (length - 8) & ~7u, 8).bad();
}

uint32_t unsignedValue(DcmDataset *dataset, const DcmTagKey &key, uint32_t absent) {
  Uint16 value = 0;
  return dataset->findAndGetUint16(key, value).good() ? value : absent;
}

cdcmtk::Photometric photometric(DcmDataset *dataset) {
  OFString name;
  if (dataset->findAndGetOFString(DCM_PhotometricInterpretation, name).bad())
    return cdcmtk::Photometric::other;
  return cdcmtk::photometricOf(std::string(name.c_str()));
}

// What was found out about a file's pixel data.
struct Description {
  cdcmtk_pixels pixels = {};
  Coding coding = Coding::none;
  DcmPixelData *data = nullptr;
  DcmPixelSequence *sequence = nullptr;
  cdcmtk::Fragments fragments = cdcmtk::Fragments(nullptr);
  // Where each compressed frame begins.
  std::vector<size_t> starts;
};

int32_t describe(const cdcmtk_file *file, Description &found) {
  DcmDataset *dataset = const_cast<DcmFileFormat &>(file->format).getDataset();
  found.data = pixelData(dataset);
  if (found.data == nullptr) return CDCMTK_ABSENT;
  cdcmtk_pixels &pixels = found.pixels;
  pixels.rows = unsignedValue(dataset, DCM_Rows, 0);
  pixels.columns = unsignedValue(dataset, DCM_Columns, 0);
  pixels.samples = unsignedValue(dataset, DCM_SamplesPerPixel, 1);
  pixels.bits_allocated = unsignedValue(dataset, DCM_BitsAllocated, 0);
  pixels.bits_stored = unsignedValue(dataset, DCM_BitsStored, pixels.bits_allocated);
  pixels.high_bit = unsignedValue(dataset, DCM_HighBit, pixels.bits_stored - 1);
  pixels.is_signed = unsignedValue(dataset, DCM_PixelRepresentation, 0) == 1 ? 1 : 0;
  Sint32 stated = 0;
  // Absent and empty say nothing; nor does 0, unless there is more than one frame to lose.
  const bool isStated = dataset->findAndGetSint32(DCM_NumberOfFrames, stated).good();
  if (!isStated) stated = 0;
  if (stated < 0) return CDCMTK_DAMAGED;
  pixels.frames = stated == 0 ? 1 : static_cast<uint32_t>(stated);
  found.coding = codingOf(file);
  found.sequence = fragments(found.data);
  if (found.sequence != nullptr) {
    found.fragments = cdcmtk::Fragments(found.sequence);
    if (!found.fragments.isWhole()) return CDCMTK_DAMAGED;
    pixels.is_encapsulated = 1;
    pixels.data_bytes = found.fragments.bytes();
    found.starts =
        found.fragments.starts(dataset, frameStart(found.coding), static_cast<uint32_t>(stated), file->size);
    // What tables and markers say is more certain than a header that was not kept up to date.
    if (found.starts.size() > pixels.frames) pixels.frames = static_cast<uint32_t>(found.starts.size());
  } else {
    pixels.data_bytes = found.data->getLength();
    const uint64_t bits =
        static_cast<uint64_t>(pixels.rows) * pixels.columns * pixels.samples * pixels.bits_allocated;
    if (isStated && stated == 0 && bits > 0 && pixels.data_bytes >= 2 * ((bits + 7) / 8)) return CDCMTK_DAMAGED;
  }
  const bool isNativeSyntax = found.coding == Coding::native;
  pixels.can_decode = found.coding != Coding::none && (found.sequence == nullptr || !isNativeSyntax) ? 1 : 0;
  if (file->size != 0 && pixels.data_bytes > file->size) return CDCMTK_DAMAGED;
  pixels.is_truncated = isTruncated(file, dataset, found.data, found.sequence == nullptr) ? 1 : 0;
  return CDCMTK_OK;
}

// Whether the bits that the header states fit into each other, and the pixels into memory.
int32_t check(const cdcmtk_pixels &pixels, uint64_t &needed) {
  const uint32_t width = pixels.bits_allocated;
  if (pixels.can_decode == 0 || (pixels.samples != 1 && pixels.samples != 3)) return CDCMTK_UNSUPPORTED;
  if (width != 1 && width != 8 && width != 16 && width != 32) return CDCMTK_UNSUPPORTED;
  if (width == 1 && pixels.samples != 1) return CDCMTK_UNSUPPORTED;
  if (pixels.bits_stored < 1 || pixels.bits_stored > width || pixels.high_bit >= width ||
      pixels.high_bit + 1 < pixels.bits_stored) {
    return CDCMTK_DAMAGED;
  }
  needed =
      static_cast<uint64_t>(pixels.rows) * pixels.columns * pixels.samples * (width == 1 ? 1 : width / 8);
  if (pixels.is_truncated != 0 || needed == 0) return CDCMTK_DAMAGED;
  return needed > UINT32_MAX - 1 ? CDCMTK_UNSUPPORTED : CDCMTK_OK;
}

// Decodes the bytes of a compressed frame.
int32_t decodeCompressed(const Description &found, const cdcmtk::Codestream &bytes,
                         cdcmtk::Photometric photometric, bool isPlanar, uint8_t *values,
                         cdcmtk::CodedSamples &coded) {
  cdcmtk_pixels pixels = found.pixels;
  const bool isBit = pixels.bits_allocated == 1;
  if (found.coding == Coding::deflatedFrames) {
    std::vector<uint8_t> native(
        static_cast<size_t>((cdcmtk::nativeFrame(pixels, photometric, 0).bits + 7) / 8));
    const int32_t status = cdcmtk::inflateFrame(bytes, native.data(), native.size());
    if (status == CDCMTK_OK) cdcmtk::arrangeNative(native.data(), 0, pixels, photometric, isPlanar, values);
    return status;
  }
  // The other codings have no packed bits: one byte comes out for each pixel.
  if (isBit) pixels.bits_allocated = 8;
  switch (found.coding) {
  case Coding::rle: return isBit ? CDCMTK_UNSUPPORTED : cdcmtk::decodeRLE(bytes, pixels, values);
  case Coding::jpeg: return cdcmtk::decodeJPEG(bytes, pixels, values, coded);
  case Coding::jpegLS: return cdcmtk::decodeJPEGLS(bytes, pixels, values, coded);
  case Coding::jpeg2000: return cdcmtk::decodeJPEG2000(bytes, pixels, values, coded);
  default: return CDCMTK_UNSUPPORTED;
  }
}

// Turns what is not red, green and blue into it.
int32_t makeRGB(const Description &found, cdcmtk::Photometric photometric, cdcmtk::CodedColour coded,
                uint8_t *values) {
  using cdcmtk::CodedColour;
  using cdcmtk::Photometric;
  if (coded == CodedColour::rgb) return CDCMTK_OK;
  // Cameras and converters label JPEG streams as RGB whose markers say otherwise; the markers are right.
  const bool isUnlabelled = photometric == Photometric::other && coded == CodedColour::ybr;
  if (photometric == Photometric::other && !isUnlabelled) return CDCMTK_OK;
  if (photometric == Photometric::ybrJPEG2000) {
    return found.coding == Coding::jpeg2000 ? CDCMTK_OK : CDCMTK_UNSUPPORTED;
  }
  if (photometric == Photometric::unknownYBR || found.pixels.is_signed != 0) return CDCMTK_UNSUPPORTED;
  cdcmtk::convertToRGB(values, found.pixels, photometric == Photometric::ybrPartial422);
  return CDCMTK_OK;
}

} // namespace

int32_t cdcmtk_describe_pixels(const cdcmtk_file *file, cdcmtk_pixels *pixels) {
  return cdcmtk::guarded([&]() -> int32_t {
    Description found;
    const int32_t status = describe(file, found);
    if (status != CDCMTK_OK) return status;
    *pixels = found.pixels;
    const auto xfer = const_cast<DcmFileFormat &>(file->format).getDataset()->getOriginalXfer();
    const bool isLittle = xfer == EXS_LittleEndianImplicit || xfer == EXS_LittleEndianExplicit;
    if (isLittle && gLocalByteOrder == EBO_LittleEndian && pixels->is_encapsulated == 0 && pixels->samples == 1 &&
        pixels->bits_allocated >= 8 && pixels->data_bytes == file->pixelLength) {
      pixels->data_offset = file->pixelOffset;
    }
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_decode_frame(cdcmtk_file *file, uint32_t frame, void *values, size_t bytes) {
  return cdcmtk::guarded([&]() -> int32_t {
    Description found;
    int32_t status = describe(file, found);
    if (status != CDCMTK_OK) return status;
    const cdcmtk_pixels &pixels = found.pixels;
    uint64_t needed = 0;
    status = check(pixels, needed);
    if (status != CDCMTK_OK) return status;
    if (frame >= pixels.frames) return CDCMTK_DAMAGED;
    if (needed != bytes) return CDCMTK_BAD_ARGUMENT;

    DcmDataset *dataset = file->format.getDataset();
    const cdcmtk::Photometric colours = photometric(dataset);
    const bool isPlanar = pixels.samples == 3 && unsignedValue(dataset, DCM_PlanarConfiguration, 0) == 1;
    const bool isPaired = pixels.samples == 3 && cdcmtk::isSubsampled(colours);
    auto *words = static_cast<uint8_t *>(values);
    cdcmtk::CodedSamples coded;
    if (pixels.is_encapsulated != 0) {
      cdcmtk::Codestream stream;
      if (!found.fragments.read(found.starts, frame, stream)) return CDCMTK_DAMAGED;
      if (needed > unguardedFrameBytes && needed / maximumExpansion > stream.size()) return CDCMTK_DAMAGED;
      status = decodeCompressed(found, stream, colours, isPlanar, words, coded);
    } else {
      const cdcmtk::NativeFrame last = cdcmtk::nativeFrame(pixels, colours, pixels.frames - 1);
      const uint64_t stated = (last.firstBit + last.bits + 7) / 8;
      if (stated > pixels.data_bytes) return CDCMTK_DAMAGED;
      // Pixels of a compressed syntax may be native if they have a length; a codestream that has one is not.
      const bool isExact = pixels.data_bytes - stated < 2;
      if (found.coding != Coding::native && !isExact) return CDCMTK_DAMAGED;
      if (isPaired && (pixels.columns % 2 != 0 || pixels.bits_allocated > 16)) return CDCMTK_UNSUPPORTED;
      const bool isBigEndian = dataset->getOriginalXfer() == EXS_BigEndianExplicit;
      status = cdcmtk::decodeNative(found.data, isBigEndian, pixels, colours, isPlanar, frame, words);
    }
    if (status != CDCMTK_OK || pixels.bits_allocated == 1) return status;
    cdcmtk::keepStoredBits(words, pixels, coded.precision);
    return pixels.samples == 3 ? makeRGB(found, colours, coded.colour, words) : CDCMTK_OK;
  });
}

int32_t cdcmtk_read_native(const char *path, const cdcmtk_pixels *pixels, uint32_t frame, void *values,
                           size_t bytes) {
  if (pixels->data_offset == 0 || pixels->is_encapsulated != 0) return CDCMTK_UNSUPPORTED;
  uint64_t needed = 0;
  const int32_t checked = check(*pixels, needed);
  if (checked != CDCMTK_OK) return checked;
  if (frame >= pixels->frames || needed * pixels->frames > pixels->data_bytes) return CDCMTK_DAMAGED;
  if (needed != bytes) return CDCMTK_BAD_ARGUMENT;
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return CDCMTK_UNREADABLE;
  auto position = static_cast<off_t>(pixels->data_offset + static_cast<uint64_t>(frame) * bytes);
  auto *target = static_cast<char *>(values);
  size_t rest = bytes;
  while (rest > 0) {
    const ssize_t count = pread(descriptor, target, rest, position);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    target += count;
    position += count;
    rest -= static_cast<size_t>(count);
  }
  close(descriptor);
  if (rest > 0) return CDCMTK_DAMAGED;
  cdcmtk::keepStoredBits(static_cast<uint8_t *>(values), *pixels, 0);
  return CDCMTK_OK;
}
