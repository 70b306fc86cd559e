#include "CDCMTKFile.h"
#include "CDCMTKStructure.h"

#include "dcmtk/dcmjpeg/djdecode.h"
#include "dcmtk/oflog/oflog.h"

#include <sys/stat.h>

#include <cstring>
#include <memory>
#include <mutex>

namespace {

// The element of a tag with a value, in the meta group or at the top of the data set.
DcmElement *element(const cdcmtk_file *file, uint32_t tag) {
  auto &format = const_cast<DcmFileFormat &>(file->format);
  const DcmTagKey key(static_cast<Uint16>(tag >> 16), static_cast<Uint16>(tag & 0xFFFF));
  DcmItem *item = format.getDataset();
  if (key.getGroup() == 2) item = format.getMetaInfo();
  DcmElement *found = nullptr;
  if (item == nullptr || item->findAndGetElement(key, found).bad()) return nullptr;
  // A length beyond the end of the file is a lie that must not become an allocation; to ask for the value's
  // length instead of the field's would load it.
  if (found == nullptr || found->getLengthField() == 0) return nullptr;
  const Uint32 length = found->getLengthField();
  return length != DCM_UndefinedLength && length > file->size ? nullptr : found;
}

} // namespace

bool cdcmtk::readDouble(DcmElement *element, unsigned long index, double &value) {
  switch (element->ident()) {
  case EVR_FL: {
    Float32 number = 0;
    if (element->getFloat32(number, index).bad()) return false;
    value = number;
    return true;
  }
  case EVR_IS:
  case EVR_SL: {
    Sint32 number = 0;
    if (element->getSint32(number, index).bad()) return false;
    value = number;
    return true;
  }
  case EVR_UL: {
    Uint32 number = 0;
    if (element->getUint32(number, index).bad()) return false;
    value = number;
    return true;
  }
  case EVR_US:
  case EVR_xs:
  case EVR_OW: {
    Uint16 number = 0;
    if (element->getUint16(number, index).bad()) return false;
    value = number;
    return true;
  }
  case EVR_SS: {
    Sint16 number = 0;
    if (element->getSint16(number, index).bad()) return false;
    value = number;
    return true;
  }
  default: return element->getFloat64(value, index).good();
  }
}

int32_t cdcmtk::prepare() {
  static std::once_flag once;
  static int32_t status = CDCMTK_INTERNAL;
  std::call_once(once, [] {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    // Archives that did not know an element passed it on as "unknown"; the dictionary knows better.
    dcmEnableUnknownVRConversion.set(OFTrue);
    DJDecoderRegistration::registerCodecs(EDC_never);
    status = dcmDataDict.isDictionaryLoaded() ? CDCMTK_OK : CDCMTK_NO_DICTIONARY;
  });
  return status;
}

int32_t cdcmtk_open(const char *path, cdcmtk_file **file, int32_t *complete) {
  return cdcmtk::guarded([&]() -> int32_t {
    const int32_t prepared = cdcmtk::prepare();
    if (prepared != CDCMTK_OK) return prepared;
    struct stat facts;
    if (stat(path, &facts) != 0) return CDCMTK_UNREADABLE;
    if (!S_ISREG(facts.st_mode)) return CDCMTK_NOT_DICOM;

    auto opened = std::make_unique<cdcmtk_file>();
    opened->size = static_cast<uint64_t>(facts.st_size);
    const cdcmtk::Structure structure = cdcmtk::inspectStructure(path, opened->size);
    if (structure.metaIsBroken || structure.isBomb) return CDCMTK_DAMAGED;
    opened->size = structure.valueLimit;
    const DcmTagKey stop =
        structure.mustStop ? DcmTagKey(structure.stopGroup, structure.stopElement) : DCM_UndefinedTagKey;
    const OFCondition condition = opened->format.loadFileUntilTag(
        OFFilename(path), EXS_Unknown, EGL_noChange, cdcmtk::maximumEagerLength, ERM_autoDetect, stop);
    DcmDataset *dataset = opened->format.getDataset();
    if (dataset == nullptr || dataset->card() == 0) {
      if (condition == EC_InvalidFilename || condition == EC_InvalidStream) return CDCMTK_UNREADABLE;
      return condition.good() && !structure.mustStop ? CDCMTK_NOT_DICOM : CDCMTK_DAMAGED;
    }
    opened->pixelOffset = structure.pixelOffset;
    opened->pixelLength = structure.pixelLength;
    opened->complete = condition.good() && !structure.mustStop;
    *complete = opened->complete ? 1 : 0;
    *file = opened.release();
    return CDCMTK_OK;
  });
}

void cdcmtk_close(cdcmtk_file *file) {
  cdcmtk::guarded([&]() -> int32_t {
    delete file;
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_string(const cdcmtk_file *file, uint32_t tag, uint32_t index, char *text, size_t capacity,
                      size_t *length) {
  return cdcmtk::guarded([&]() -> int32_t {
    if (capacity == 0) return CDCMTK_BAD_ARGUMENT;
    DcmElement *found = element(file, tag);
    OFString value;
    if (found == nullptr) return CDCMTK_ABSENT;
    if (found->getOFString(value, index).bad()) return CDCMTK_ABSENT;
    const size_t count = value.size() < capacity ? value.size() : capacity - 1;
    std::memcpy(text, value.data(), count);
    text[count] = 0;
    *length = count;
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_doubles(const cdcmtk_file *file, uint32_t tag, double *values, size_t capacity,
                       size_t *count) {
  return cdcmtk::guarded([&]() -> int32_t {
    DcmElement *found = element(file, tag);
    if (found == nullptr) return CDCMTK_ABSENT;
    size_t filled = 0;
    const unsigned long available = found->getVM();
    while (filled < capacity && filled < available) {
      if (!cdcmtk::readDouble(found, filled, values[filled])) return CDCMTK_ABSENT;
      filled += 1;
    }
    if (filled == 0) return CDCMTK_ABSENT;
    *count = filled;
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_has_value(const cdcmtk_file *file, uint32_t tag) {
  return cdcmtk::guarded(
      [&]() -> int32_t { return element(file, tag) != nullptr ? CDCMTK_OK : CDCMTK_ABSENT; });
}

int32_t cdcmtk_transfer_syntax(const cdcmtk_file *file, char *text, size_t capacity) {
  return cdcmtk::guarded([&]() -> int32_t {
    auto &format = const_cast<DcmFileFormat &>(file->format);
    // The file meta group names syntaxes that DCMTK does not know; the data set knows the others.
    size_t length = 0;
    if (cdcmtk_string(file, 0x00020010, 0, text, capacity, &length) == CDCMTK_OK) return CDCMTK_OK;
    const char *uid = DcmXfer(format.getDataset()->getOriginalXfer()).getXferID();
    if (uid == nullptr || std::strlen(uid) >= capacity) return CDCMTK_ABSENT;
    std::memcpy(text, uid, std::strlen(uid) + 1);
    return CDCMTK_OK;
  });
}
