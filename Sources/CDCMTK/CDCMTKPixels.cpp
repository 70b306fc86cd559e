#include "CDCMTKCodecs.h"
#include "CDCMTKFragments.h"
#include "CDCMTKJPEGLS.h"

#include "dcmtk/dcmdata/dcpixel.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace {

// Compressed pixel data may not claim to expand further than this: an empty JPEG-LS slice shrinks to about a
// five-thousandth, but frames that small need no guard.
constexpr uint64_t maximumExpansion = 1000;
constexpr uint64_t unguardedFrameBytes = 16 << 20;

bool canDecode(E_TransferSyntax xfer) {
  switch (xfer) {
  case EXS_LittleEndianImplicit:
  case EXS_LittleEndianExplicit:
  case EXS_BigEndianExplicit:
  case EXS_DeflatedLittleEndianExplicit:
  case EXS_RLELossless:
  case EXS_JPEGProcess1:
  case EXS_JPEGProcess2_4:
  case EXS_JPEGProcess6_8:
  case EXS_JPEGProcess10_12:
  case EXS_JPEGProcess14:
  case EXS_JPEGProcess14SV1:
  case EXS_JPEGLSLossless:
  case EXS_JPEGLSLossy:
  case EXS_JPEG2000LosslessOnly:
  case EXS_JPEG2000:
  case EXS_JPEG2000MulticomponentLosslessOnly:
  case EXS_JPEG2000Multicomponent: return true;
  default: return false;
  }
}

bool isJPEG2000(E_TransferSyntax xfer) {
  return xfer == EXS_JPEG2000LosslessOnly || xfer == EXS_JPEG2000 ||
         xfer == EXS_JPEG2000MulticomponentLosslessOnly || xfer == EXS_JPEG2000Multicomponent;
}

// The top-level pixel data element, or null.
DcmPixelData *pixelData(DcmDataset *dataset) {
  DcmElement *found = nullptr;
  if (dataset->findAndGetElement(DCM_PixelData, found).bad()) return nullptr;
  return dynamic_cast<DcmPixelData *>(found);
}

// The fragments of compressed pixel data, or null for native.
DcmPixelSequence *fragments(DcmPixelData *pixels) {
  E_TransferSyntax xfer = EXS_Unknown;
  const DcmRepresentationParameter *parameter = nullptr;
  pixels->getOriginalRepresentationKey(xfer, parameter);
  DcmPixelSequence *sequence = nullptr;
  if (!DcmXfer(xfer).isEncapsulated()) return nullptr;
  if (pixels->getEncapsulatedRepresentation(xfer, parameter, sequence).bad()) return nullptr;
  return sequence;
}

// Whether parsing broke off within the pixel data, not after it.
bool isTruncated(const cdcmtk_file *file, DcmDataset *dataset, DcmPixelData *data, bool isNative) {
  if (file->complete || dataset->getElement(dataset->card() - 1) != data) return false;
  const uint32_t length = data->getLength();
  if (!isNative || length <= cdcmtk::maximumEagerLength) return true;
  // A long native value was skipped, not read: see whether its end is there.
  uint16_t word = 0;
  return data->getPartialValue(&word, (length - 2) & ~1u, 2).bad();
}

uint32_t unsignedValue(DcmDataset *dataset, const DcmTagKey &key, uint32_t absent) {
  Uint16 value = 0;
  return dataset->findAndGetUint16(key, value).good() ? value : absent;
}

template <typename Word>
void keepStoredBits(Word *values, size_t count, const cdcmtk_pixels &pixels) {
  const unsigned width = sizeof(Word) * 8;
  if (pixels.bits_stored == width) return;
  using Signed = std::make_signed_t<Word>;
  // Shift the stored bits to the top, then down again, which clears the rest or spreads the sign.
  const unsigned up = width - 1 - pixels.high_bit;
  const unsigned down = width - pixels.bits_stored;
  if (pixels.is_signed != 0) {
    for (size_t i = 0; i < count; ++i) {
      values[i] = static_cast<Word>(static_cast<Signed>(static_cast<Word>(values[i] << up)) >> down);
    }
  } else {
    for (size_t i = 0; i < count; ++i) {
      values[i] = static_cast<Word>(static_cast<Word>(values[i] << up) >> down);
    }
  }
}

void keepStoredBits(void *values, size_t bytes, const cdcmtk_pixels &pixels) {
  switch (pixels.bits_allocated) {
  case 8: keepStoredBits(static_cast<uint8_t *>(values), bytes, pixels); break;
  case 16: keepStoredBits(static_cast<uint16_t *>(values), bytes / 2, pixels); break;
  default: keepStoredBits(static_cast<uint32_t *>(values), bytes / 4, pixels); break;
  }
}

// Whether a frame can be decoded to that many bytes.
int32_t checkFrame(const cdcmtk_pixels &pixels, uint32_t frame, size_t bytes) {
  const uint32_t width = pixels.bits_allocated;
  if (pixels.can_decode == 0 || pixels.samples != 1) return CDCMTK_UNSUPPORTED;
  if (width != 8 && width != 16 && width != 32) return CDCMTK_UNSUPPORTED;
  if (pixels.bits_stored < 1 || pixels.bits_stored > width || pixels.high_bit >= width ||
      pixels.high_bit + 1 < pixels.bits_stored) {
    return CDCMTK_DAMAGED;
  }
  const uint64_t needed = static_cast<uint64_t>(pixels.rows) * pixels.columns * (width / 8);
  if (pixels.is_truncated != 0 || needed == 0 || frame >= pixels.frames) return CDCMTK_DAMAGED;
  if (needed != bytes) return CDCMTK_BAD_ARGUMENT;
  if (needed > UINT32_MAX - 1) return CDCMTK_UNSUPPORTED;
  if (pixels.is_encapsulated == 0) {
    if (needed * pixels.frames > pixels.data_bytes) return CDCMTK_DAMAGED;
  } else if (needed > unguardedFrameBytes && needed / maximumExpansion > pixels.data_bytes) {
    return CDCMTK_DAMAGED;
  }
  return CDCMTK_OK;
}

// Writes the words of a frame whose description was checked.
int32_t decode(cdcmtk_file *file, const cdcmtk_pixels &pixels, uint32_t frame, void *values, size_t needed) {
  DcmDataset *dataset = file->format.getDataset();
  DcmPixelData *data = pixelData(dataset);
  if (pixels.is_encapsulated != 0) {
    std::vector<uint8_t> bytes;
    if (!cdcmtk::frameBytes(fragments(data), frame, pixels.frames, bytes)) return CDCMTK_DAMAGED;
    if (dataset->getOriginalXfer() == EXS_RLELossless) {
      const size_t width = pixels.bits_allocated / 8;
      const bool whole = cdcmtk::decodeRLE(bytes, needed / width, width, static_cast<uint8_t *>(values));
      return whole ? CDCMTK_OK : CDCMTK_DAMAGED;
    }
    if (isJPEG2000(dataset->getOriginalXfer())) {
      cdcmtk::CodedSamples coded;
      return cdcmtk::decodeJPEG2000(bytes, pixels, static_cast<uint8_t *>(values), coded);
    }
    if (!cdcmtk::jpegMatches(bytes, pixels)) return CDCMTK_DAMAGED;
    if (dataset->getOriginalXfer() == EXS_JPEGLSLossless || dataset->getOriginalXfer() == EXS_JPEGLSLossy) {
      const bool whole = cdcmtk::decodeJPEGLS(bytes, pixels, static_cast<uint8_t *>(values));
      return whole ? CDCMTK_OK : CDCMTK_DAMAGED;
    }
  }
  Uint32 startFragment = 0;
  OFString colorModel;
  // DCMTK wants an even number of bytes.
  std::vector<uint8_t> padded;
  void *target = values;
  if (needed % 2 != 0) {
    padded.resize(needed + 1);
    target = padded.data();
  }
  const OFCondition condition = data->getUncompressedFrame(
      dataset, frame, startFragment, target, static_cast<Uint32>(needed + needed % 2), colorModel);
  if (condition == EC_MemoryExhausted) return CDCMTK_NO_MEMORY;
  if (condition.bad()) return CDCMTK_DAMAGED;
  if (target != values) std::memcpy(values, target, needed);
  // DCMTK swaps the bytes of 16-bit words, which leaves the halves of 32-bit ones exchanged.
  if (dataset->getOriginalXfer() == EXS_BigEndianExplicit && pixels.bits_allocated == 32) {
    auto *words = static_cast<uint32_t *>(values);
    for (size_t i = 0; i < needed / 4; ++i) words[i] = words[i] << 16 | words[i] >> 16;
  }
  return CDCMTK_OK;
}

} // namespace

int32_t cdcmtk_describe_pixels(const cdcmtk_file *file, cdcmtk_pixels *pixels) {
  return cdcmtk::guarded([&]() -> int32_t {
    DcmDataset *dataset = const_cast<DcmFileFormat &>(file->format).getDataset();
    DcmPixelData *data = pixelData(dataset);
    if (data == nullptr) return CDCMTK_ABSENT;
    cdcmtk_pixels found = {};
    found.rows = unsignedValue(dataset, DCM_Rows, 0);
    found.columns = unsignedValue(dataset, DCM_Columns, 0);
    found.samples = unsignedValue(dataset, DCM_SamplesPerPixel, 1);
    found.bits_allocated = unsignedValue(dataset, DCM_BitsAllocated, 0);
    found.bits_stored = unsignedValue(dataset, DCM_BitsStored, found.bits_allocated);
    found.high_bit = unsignedValue(dataset, DCM_HighBit, found.bits_stored - 1);
    found.is_signed = unsignedValue(dataset, DCM_PixelRepresentation, 0) == 1 ? 1 : 0;
    Sint32 frames = 1;
    if (dataset->findAndGetSint32(DCM_NumberOfFrames, frames).bad()) frames = 1;
    if (frames < 1) return CDCMTK_DAMAGED;
    found.frames = static_cast<uint32_t>(frames);
    found.can_decode = canDecode(dataset->getOriginalXfer()) ? 1 : 0;

    DcmPixelSequence *sequence = fragments(data);
    if (sequence != nullptr) {
      found.is_encapsulated = 1;
      for (unsigned long i = 1; i < sequence->card(); ++i) {
        DcmPixelItem *item = nullptr;
        if (sequence->getItem(item, i).bad() || item == nullptr) return CDCMTK_DAMAGED;
        found.data_bytes += item->getLength();
      }
    } else {
      found.data_bytes = data->getLength();
    }
    const bool deflated = dataset->getOriginalXfer() == EXS_DeflatedLittleEndianExplicit;
    if (!deflated && found.data_bytes > file->size) return CDCMTK_DAMAGED;
    found.is_truncated = isTruncated(file, dataset, data, sequence == nullptr) ? 1 : 0;
    const auto xfer = dataset->getOriginalXfer();
    const bool isLittle = xfer == EXS_LittleEndianImplicit || xfer == EXS_LittleEndianExplicit;
    if (isLittle && gLocalByteOrder == EBO_LittleEndian && found.data_bytes == file->pixelLength) {
      found.data_offset = file->pixelOffset;
    }
    *pixels = found;
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_decode_frame(cdcmtk_file *file, uint32_t frame, void *values, size_t bytes) {
  return cdcmtk::guarded([&]() -> int32_t {
    cdcmtk_pixels pixels = {};
    const int32_t status = cdcmtk_describe_pixels(file, &pixels);
    if (status != CDCMTK_OK) return status;
    const int32_t checked = checkFrame(pixels, frame, bytes);
    if (checked != CDCMTK_OK) return checked;
    const int32_t decoded = decode(file, pixels, frame, values, bytes);
    if (decoded != CDCMTK_OK) return decoded;
    keepStoredBits(values, bytes, pixels);
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_read_native(const char *path, const cdcmtk_pixels *pixels, uint32_t frame, void *values,
                           size_t bytes) {
  if (pixels->data_offset == 0 || pixels->is_encapsulated != 0) return CDCMTK_UNSUPPORTED;
  const int32_t checked = checkFrame(*pixels, frame, bytes);
  if (checked != CDCMTK_OK) return checked;
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
  keepStoredBits(values, bytes, *pixels);
  return CDCMTK_OK;
}
