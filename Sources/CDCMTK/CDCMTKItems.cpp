#include "CDCMTKFile.h"

#include "dcmtk/dcmdata/dcpixel.h"
#include "dcmtk/dcmdata/dcpixseq.h"
#include "dcmtk/dcmdata/dcpxitem.h"
#include "dcmtk/dcmdata/dcswap.h"

#include <sys/stat.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace {

DcmTagKey key(uint32_t tag) {
  return DcmTagKey(static_cast<Uint16>(tag >> 16), static_cast<Uint16>(tag & 0xFFFF));
}

DcmItem *target(const cdcmtk_file *file, cdcmtk_item *item) {
  if (item != nullptr) return reinterpret_cast<DcmItem *>(item);
  return const_cast<DcmFileFormat &>(file->format).getDataset();
}

cdcmtk_item *handle(DcmItem *item) { return reinterpret_cast<cdcmtk_item *>(item); }

uint32_t number(const DcmTagKey &tag) {
  return static_cast<uint32_t>(tag.getGroup()) << 16 | tag.getElement();
}

DcmSequenceOfItems *sequence(DcmElement *element) {
  return element->ident() == EVR_SQ ? static_cast<DcmSequenceOfItems *>(element) : nullptr;
}

// The element of a tag in one item, or null.
DcmElement *found(DcmItem *item, uint32_t tag) {
  DcmElement *element = nullptr;
  if (item->findAndGetElement(key(tag), element).bad()) return nullptr;
  return element;
}

// A length beyond the end of the file is a lie that must not become an allocation.
bool isBelievable(const cdcmtk_file *file, DcmElement *element) {
  const auto &dataset = *const_cast<DcmFileFormat &>(file->format).getDataset();
  if (file->size == 0 || dataset.getOriginalXfer() == EXS_DeflatedLittleEndianExplicit) return true;
  const Uint32 length = element->getLengthField();
  return length == DCM_UndefinedLength || length <= file->size;
}

void describe(const cdcmtk_file *file, DcmElement *source, cdcmtk_element *element) {
  *element = {};
  element->tag = number(source->getTag());
  const char *name = DcmVR(source->getTag().getVR().getValidEVR()).getValidVRName();
  std::snprintf(element->vr, sizeof element->vr, "%.2s", name);
  if (DcmSequenceOfItems *items = sequence(source)) {
    element->items = static_cast<uint32_t>(items->card());
  } else if (isBelievable(file, source)) {
    element->length = source->getLengthField() == DCM_UndefinedLength ? 0 : source->getLengthField();
  }
}

bool isText(DcmEVR vr) {
  switch (vr) {
  case EVR_AE:
  case EVR_AS:
  case EVR_CS:
  case EVR_DA:
  case EVR_DS:
  case EVR_DT:
  case EVR_IS:
  case EVR_LO:
  case EVR_LT:
  case EVR_PN:
  case EVR_SH:
  case EVR_ST:
  case EVR_TM:
  case EVR_UC:
  case EVR_UI:
  case EVR_UR:
  case EVR_UT: return true;
  default: return false;
  }
}

int32_t insert(DcmItem *item, std::unique_ptr<DcmElement> element) {
  if (item->insert(element.get(), OFTrue).bad()) return CDCMTK_BAD_ARGUMENT;
  element.release();
  return CDCMTK_OK;
}

// A new element of a tag with a value representation.
std::unique_ptr<DcmElement> makeElement(uint32_t tag, const char *vr) {
  const DcmTag named(key(tag), DcmVR(vr));
  DcmElement *made = nullptr;
  if (DcmItem::newDicomElementWithVR(made, named).bad()) return nullptr;
  return std::unique_ptr<DcmElement>(made);
}

template <typename Word>
OFCondition putWords(DcmElement *element, const double *values, size_t count,
                     OFCondition (DcmElement::*put)(const Word *, unsigned long)) {
  std::vector<Word> words(count);
  for (size_t i = 0; i < count; ++i) words[i] = static_cast<Word>(values[i]);
  return (element->*put)(words.data(), static_cast<unsigned long>(count));
}

// Sets the values of a width from bytes of this machine's order.
template <typename Word>
OFCondition putCopies(DcmElement *element, const std::vector<uint8_t> &bytes,
                      OFCondition (DcmElement::*put)(const Word *, unsigned long)) {
  std::vector<Word> words(bytes.size() / sizeof(Word));
  std::memcpy(words.data(), bytes.data(), words.size() * sizeof(Word));
  return (element->*put)(words.data(), static_cast<unsigned long>(words.size()));
}

} // namespace

// MARK: - Reading

int32_t cdcmtk_meta_item(cdcmtk_file *file, cdcmtk_item **item) {
  return cdcmtk::guarded([&]() -> int32_t {
    DcmMetaInfo *meta = file->format.getMetaInfo();
    if (meta == nullptr || meta->card() == 0) return CDCMTK_ABSENT;
    *item = handle(meta);
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_element_count(cdcmtk_file *file, cdcmtk_item *item, size_t *count) {
  return cdcmtk::guarded([&]() -> int32_t {
    *count = target(file, item)->card();
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_element_at(cdcmtk_file *file, cdcmtk_item *item, size_t index, cdcmtk_element *element) {
  return cdcmtk::guarded([&]() -> int32_t {
    DcmItem *source = target(file, item);
    if (index >= source->card()) return CDCMTK_BAD_ARGUMENT;
    describe(file, source->getElement(static_cast<unsigned long>(index)), element);
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_find(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, cdcmtk_element *element) {
  return cdcmtk::guarded([&]() -> int32_t {
    DcmElement *source = found(target(file, item), tag);
    if (source == nullptr) return CDCMTK_ABSENT;
    describe(file, source, element);
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_item_text(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, char *text, size_t capacity,
                         size_t *length) {
  return cdcmtk::guarded([&]() -> int32_t {
    DcmElement *source = found(target(file, item), tag);
    if (source == nullptr || sequence(source) != nullptr || !isBelievable(file, source)) {
      return CDCMTK_ABSENT;
    }
    if (source->getLengthField() == 0) return CDCMTK_ABSENT;
    OFString value;
    if (source->getOFStringArray(value, OFFalse).bad()) return CDCMTK_ABSENT;
    *length = value.size();
    std::memcpy(text, value.data(), value.size() < capacity ? value.size() : capacity);
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_item_doubles(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, double *values, size_t capacity,
                            size_t *count) {
  return cdcmtk::guarded([&]() -> int32_t {
    DcmElement *source = found(target(file, item), tag);
    if (source == nullptr || sequence(source) != nullptr || !isBelievable(file, source)) {
      return CDCMTK_ABSENT;
    }
    if (source->getLengthField() == 0) return CDCMTK_ABSENT;
    const unsigned long available = source->getVM();
    if (available == 0) return CDCMTK_ABSENT;
    for (unsigned long i = 0; i < available && i < capacity; ++i) {
      if (!cdcmtk::readDouble(source, i, values[i])) return CDCMTK_ABSENT;
    }
    *count = available;
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_item_bytes(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, void *bytes, size_t capacity,
                          size_t *length) {
  return cdcmtk::guarded([&]() -> int32_t {
    DcmElement *source = found(target(file, item), tag);
    if (source == nullptr || sequence(source) != nullptr || !isBelievable(file, source)) {
      return CDCMTK_ABSENT;
    }
    const uint32_t size = source->getLengthField();
    if (size == DCM_UndefinedLength) return CDCMTK_ABSENT;
    *length = size;
    const size_t wanted = size < capacity ? size : capacity;
    if (wanted == 0) return CDCMTK_OK;
    // DCMTK reads partial values in whole words, and may give fewer bytes than asked.
    const size_t whole = (wanted + 7) / 8 * 8 < size ? (wanted + 7) / 8 * 8 : size;
    std::vector<uint8_t> buffer(whole);
    const OFCondition condition = source->getPartialValue(
        buffer.data(), 0, static_cast<Uint32>(whole), nullptr, EBO_LittleEndian);
    if (condition.bad()) return CDCMTK_ABSENT;
    std::memcpy(bytes, buffer.data(), wanted);
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_child(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, uint32_t index, cdcmtk_item **child) {
  return cdcmtk::guarded([&]() -> int32_t {
    DcmElement *source = found(target(file, item), tag);
    DcmSequenceOfItems *items = source == nullptr ? nullptr : sequence(source);
    if (items == nullptr || index >= items->card()) return CDCMTK_ABSENT;
    *child = handle(items->getItem(index));
    return *child == nullptr ? CDCMTK_ABSENT : CDCMTK_OK;
  });
}

int32_t cdcmtk_dictionary_vr(uint32_t tag, char vr[4]) {
  return cdcmtk::guarded([&]() -> int32_t {
    const int32_t prepared = cdcmtk::prepare();
    if (prepared != CDCMTK_OK) return prepared;
    const DcmEVR known = DcmTag(key(tag)).getEVR();
    const char *name = known == EVR_UNKNOWN ? "UN" : DcmVR(DcmVR(known).getValidEVR()).getValidVRName();
    // Words that may be signed or not are given as unsigned; pixel data as words.
    if (known == EVR_xs) name = "US";
    if (known == EVR_ox || known == EVR_px || known == EVR_lt) name = "OW";
    std::snprintf(vr, 4, "%.2s", name);
    return CDCMTK_OK;
  });
}

// MARK: - Writing

int32_t cdcmtk_create(cdcmtk_file **file) {
  return cdcmtk::guarded([&]() -> int32_t {
    const int32_t prepared = cdcmtk::prepare();
    if (prepared != CDCMTK_OK) return prepared;
    auto created = std::make_unique<cdcmtk_file>();
    created->complete = true;
    *file = created.release();
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_put_text(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, const char *vr, const char *text,
                        size_t length) {
  return cdcmtk::guarded([&]() -> int32_t {
    auto element = makeElement(tag, vr);
    if (element == nullptr) return CDCMTK_BAD_ARGUMENT;
    if (element->putOFStringArray(OFString(text, length)).bad()) return CDCMTK_BAD_ARGUMENT;
    return insert(target(file, item), std::move(element));
  });
}

int32_t cdcmtk_put_doubles(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, const char *vr,
                           const double *values, size_t count) {
  return cdcmtk::guarded([&]() -> int32_t {
    auto element = makeElement(tag, vr);
    if (element == nullptr) return CDCMTK_BAD_ARGUMENT;
    DcmElement *made = element.get();
    OFCondition condition = EC_IllegalCall;
    switch (made->ident()) {
    case EVR_US: condition = putWords<Uint16>(made, values, count, &DcmElement::putUint16Array); break;
    case EVR_SS: condition = putWords<Sint16>(made, values, count, &DcmElement::putSint16Array); break;
    case EVR_UL: condition = putWords<Uint32>(made, values, count, &DcmElement::putUint32Array); break;
    case EVR_SL: condition = putWords<Sint32>(made, values, count, &DcmElement::putSint32Array); break;
    case EVR_FL: condition = putWords<Float32>(made, values, count, &DcmElement::putFloat32Array); break;
    case EVR_FD: condition = putWords<Float64>(made, values, count, &DcmElement::putFloat64Array); break;
    case EVR_AT: {
      std::vector<Uint16> words(2 * count);
      for (size_t i = 0; i < count; ++i) {
        const uint32_t value = static_cast<uint32_t>(values[i]);
        words[2 * i] = static_cast<Uint16>(value >> 16);
        words[2 * i + 1] = static_cast<Uint16>(value & 0xFFFF);
      }
      condition = made->putUint16Array(words.data(), static_cast<unsigned long>(count));
      break;
    }
    default: break;
    }
    if (condition.bad()) return CDCMTK_BAD_ARGUMENT;
    return insert(target(file, item), std::move(element));
  });
}

int32_t cdcmtk_put_bytes(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, const char *vr, const void *bytes,
                         size_t length) {
  return cdcmtk::guarded([&]() -> int32_t {
    if (length > UINT32_MAX - 1) return CDCMTK_BAD_ARGUMENT;
    auto element = makeElement(tag, vr);
    if (element == nullptr || isText(element->ident())) return CDCMTK_BAD_ARGUMENT;
    // An odd number of bytes is filled up with a zero (PS3.5 6.2).
    std::vector<uint8_t> padded(length + length % 2);
    std::memcpy(padded.data(), bytes, length);
    const auto count = static_cast<Uint32>(padded.size());
    OFCondition condition;
    // DCMTK takes values of each width by its own type only.
    DcmElement *made = element.get();
    switch (DcmVR(vr).getEVR()) {
    case EVR_US:
    case EVR_OW: condition = putCopies<Uint16>(made, padded, &DcmElement::putUint16Array); break;
    case EVR_SS: condition = putCopies<Sint16>(made, padded, &DcmElement::putSint16Array); break;
    case EVR_OF:
    case EVR_FL: condition = putCopies<Float32>(made, padded, &DcmElement::putFloat32Array); break;
    case EVR_OD:
    case EVR_FD: condition = putCopies<Float64>(made, padded, &DcmElement::putFloat64Array); break;
    case EVR_SL: condition = putCopies<Sint32>(made, padded, &DcmElement::putSint32Array); break;
    case EVR_UL:
    case EVR_OL: condition = putCopies<Uint32>(made, padded, &DcmElement::putUint32Array); break;
    case EVR_AT: {
      std::vector<Uint16> words(count / 2);
      std::memcpy(words.data(), padded.data(), words.size() * 2);
      condition = made->putUint16Array(words.data(), count / 4);
      break;
    }
    default: condition = made->putUint8Array(padded.data(), count); break;
    }
    if (condition.bad()) return CDCMTK_BAD_ARGUMENT;
    return insert(target(file, item), std::move(element));
  });
}

int32_t cdcmtk_append_item(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, cdcmtk_item **child) {
  return cdcmtk::guarded([&]() -> int32_t {
    DcmItem *parent = target(file, item);
    DcmElement *element = found(parent, tag);
    DcmSequenceOfItems *items = element == nullptr ? nullptr : sequence(element);
    if (items == nullptr) {
      auto made = std::make_unique<DcmSequenceOfItems>(DcmTag(key(tag), EVR_SQ));
      items = made.get();
      if (parent->insert(items, OFTrue).bad()) return CDCMTK_BAD_ARGUMENT;
      made.release();
    }
    auto added = std::make_unique<DcmItem>(DCM_Item);
    if (items->append(added.get()).bad()) return CDCMTK_BAD_ARGUMENT;
    *child = handle(added.release());
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_put_empty_sequence(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag) {
  return cdcmtk::guarded([&]() -> int32_t {
    return insert(target(file, item), std::make_unique<DcmSequenceOfItems>(DcmTag(key(tag), EVR_SQ)));
  });
}

int32_t cdcmtk_remove(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag) {
  return cdcmtk::guarded([&]() -> int32_t {
    return target(file, item)->findAndDeleteElement(key(tag)).good() ? CDCMTK_OK : CDCMTK_ABSENT;
  });
}

int32_t cdcmtk_append_fragment(cdcmtk_file *file, const char *transfer_syntax, const void *bytes,
                               size_t length) {
  return cdcmtk::guarded([&]() -> int32_t {
    const E_TransferSyntax xfer = DcmXfer(transfer_syntax).getXfer();
    if (xfer == EXS_Unknown || !DcmXfer(xfer).isEncapsulated() || length > UINT32_MAX - 1) {
      return CDCMTK_BAD_ARGUMENT;
    }
    DcmDataset *dataset = file->format.getDataset();
    DcmElement *element = found(dataset, 0x7FE00010);
    DcmPixelSequence *sequence = nullptr;
    if (element == nullptr) {
      auto data = std::make_unique<DcmPixelData>(DCM_PixelData);
      auto made = std::make_unique<DcmPixelSequence>(DcmTag(DCM_PixelData, EVR_OB));
      auto table = std::make_unique<DcmPixelItem>(DcmTag(DCM_Item, EVR_OB));
      if (made->insert(table.get()).bad()) return CDCMTK_INTERNAL;
      table.release();
      sequence = made.get();
      data->putOriginalRepresentation(xfer, nullptr, made.release());
      if (dataset->insert(data.get(), OFTrue).bad()) return CDCMTK_BAD_ARGUMENT;
      data.release();
    } else {
      auto *data = dynamic_cast<DcmPixelData *>(element);
      if (data == nullptr || data->getEncapsulatedRepresentation(xfer, nullptr, sequence).bad()) {
        return CDCMTK_BAD_ARGUMENT;
      }
    }
    std::vector<uint8_t> padded(length + length % 2);
    std::memcpy(padded.data(), bytes, length);
    auto fragment = std::make_unique<DcmPixelItem>(DcmTag(DCM_Item, EVR_OB));
    if (fragment->putUint8Array(padded.data(), static_cast<unsigned long>(padded.size())).bad()) {
      return CDCMTK_NO_MEMORY;
    }
    if (sequence->insert(fragment.get()).bad()) return CDCMTK_INTERNAL;
    fragment.release();
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_save(cdcmtk_file *file, const char *path, const char *transfer_syntax) {
  return cdcmtk::guarded([&]() -> int32_t {
    const E_TransferSyntax xfer = DcmXfer(transfer_syntax).getXfer();
    if (xfer == EXS_Unknown) return CDCMTK_BAD_ARGUMENT;
    DcmDataset *dataset = file->format.getDataset();
    if (!dataset->canWriteXfer(xfer, dataset->getOriginalXfer())) return CDCMTK_UNSUPPORTED;
    const OFCondition condition = file->format.saveFile(
        OFFilename(path), xfer, EET_ExplicitLength, EGL_recalcGL, EPD_withoutPadding, 0, 0, EWM_createNewMeta);
    if (condition == EC_MemoryExhausted) return CDCMTK_NO_MEMORY;
    return condition.good() ? CDCMTK_OK : CDCMTK_UNREADABLE;
  });
}

int32_t cdcmtk_save_as_read(cdcmtk_file *file, const char *path) {
  return cdcmtk::guarded([&]() -> int32_t {
    // The meta group may name a syntax that DCMTK does not know; the data set was then read as another one.
    OFString named;
    DcmMetaInfo *meta = file->format.getMetaInfo();
    if (meta != nullptr && meta->findAndGetOFString(DCM_TransferSyntaxUID, named).good()) {
      if (!named.empty() && DcmXfer(named.c_str()).getXfer() == EXS_Unknown) return CDCMTK_UNSUPPORTED;
    }
    DcmDataset *dataset = file->format.getDataset();
    const E_TransferSyntax xfer = dataset->getOriginalXfer();
    if (xfer == EXS_Unknown || !dataset->canWriteXfer(xfer, xfer)) return CDCMTK_UNSUPPORTED;
    DcmFileFormat fresh(file->format.getAndRemoveDataset(), OFFalse);
    const OFCondition condition =
        fresh.saveFile(OFFilename(path), xfer, EET_ExplicitLength, EGL_withoutGL, EPD_withoutPadding, 0, 0,
                       EWM_createNewMeta);
    if (condition == EC_MemoryExhausted) return CDCMTK_NO_MEMORY;
    return condition.good() ? CDCMTK_OK : CDCMTK_UNREADABLE;
  });
}

// MARK: - Names

int32_t cdcmtk_keyword(uint32_t tag, char *text, size_t capacity) {
  return cdcmtk::guarded([&]() -> int32_t {
    const int32_t prepared = cdcmtk::prepare();
    if (prepared != CDCMTK_OK) return prepared;
    DcmTag named(key(tag));
    if (named.getGroup() % 2 != 0 || named.isUnknownVR()) return CDCMTK_ABSENT;
    const char *name = named.getTagName();
    const size_t length = std::strlen(name);
    if (length >= capacity) return CDCMTK_BAD_ARGUMENT;
    std::memcpy(text, name, length + 1);
    return CDCMTK_OK;
  });
}

int32_t cdcmtk_is_registered_uid(const char *uid) {
  return cdcmtk::guarded([&]() -> int32_t {
    return dcmFindNameOfUID(uid) == nullptr ? CDCMTK_ABSENT : CDCMTK_OK;
  });
}
