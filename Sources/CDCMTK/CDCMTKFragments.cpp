#include "CDCMTKFragments.h"

#include <algorithm>
#include <cstring>

namespace {

// An item's head in the file: tag and length (PS3.5 A.4).
constexpr uint64_t headBytes = 8;

// Offsets of 4 bytes in the Basic Offset Table.
std::vector<uint64_t> basicOffsets(DcmPixelItem *table, uint64_t fileSize) {
  std::vector<uint64_t> offsets;
  if (table == nullptr || (fileSize != 0 && table->getLength() > fileSize)) return offsets;
  std::vector<uint8_t> bytes(table->getLength() / 4 * 4);
  if (bytes.empty()) return offsets;
  if (table->getPartialValue(bytes.data(), 0, static_cast<Uint32>(bytes.size())).bad()) return offsets;
  for (size_t i = 0; i < bytes.size(); i += 4) {
    offsets.push_back(static_cast<uint64_t>(bytes[i]) | static_cast<uint64_t>(bytes[i + 1]) << 8 |
                      static_cast<uint64_t>(bytes[i + 2]) << 16 | static_cast<uint64_t>(bytes[i + 3]) << 24);
  }
  return offsets;
}

// Offsets of 8 bytes in the Extended Offset Table.
std::vector<uint64_t> extendedOffsets(DcmDataset *dataset, uint64_t fileSize) {
  std::vector<uint64_t> offsets;
  DcmElement *table = nullptr;
  if (dataset->findAndGetElement(DCM_ExtendedOffsetTable, table).bad() || table == nullptr) return offsets;
  const Uint32 length = table->getLengthField();
  if (length == DCM_UndefinedLength || length > fileSize || length < 8) return offsets;
  offsets.resize(length / 8);
  if (table->getPartialValue(offsets.data(), 0, length / 8 * 8).bad()) offsets.clear();
  return offsets;
}

} // namespace

cdcmtk::Fragments::Fragments(DcmPixelSequence *sequence) {
  if (sequence == nullptr) return;
  const unsigned long count = sequence->card();
  DcmObject *object = nullptr;
  for (unsigned long i = 0; i < count; ++i) {
    object = sequence->nextInContainer(object);
    auto *item = dynamic_cast<DcmPixelItem *>(object);
    if (item == nullptr) {
      whole = false;
      return;
    }
    if (i == 0) {
      table = item;
      continue;
    }
    items.push_back(item);
    lengths.push_back(item->getLength());
    total += lengths.back();
  }
}

// The fragments at which offsets point, or nothing when one points elsewhere.
std::vector<size_t> cdcmtk::Fragments::fragmentsAt(const std::vector<uint64_t> &offsets) const {
  std::vector<size_t> found;
  uint64_t position = 0;
  size_t next = 0;
  for (size_t fragment = 0; fragment < items.size() && next < offsets.size(); ++fragment) {
    if (offsets[next] == position) {
      found.push_back(fragment);
      next += 1;
    }
    position += headBytes + lengths[fragment];
  }
  const bool isComplete = next == offsets.size() && !found.empty() && found.front() == 0;
  return isComplete ? found : std::vector<size_t>();
}

bool cdcmtk::Fragments::begins(size_t fragment, FrameStart kind) const {
  uint8_t head[8] = {};
  const auto count = static_cast<Uint32>(std::min<size_t>(lengths[fragment], sizeof head));
  if (count < 4 || items[fragment]->getPartialValue(head, 0, count).bad()) return false;
  static const uint8_t box[8] = {0, 0, 0, 12, 'j', 'P', ' ', ' '};
  static const uint8_t codestream[4] = {0xFF, 0x4F, 0xFF, 0x51};
  static const uint8_t image[3] = {0xFF, 0xD8, 0xFF};
  if (kind == FrameStart::jpeg) return std::memcmp(head, image, sizeof image) == 0;
  return std::memcmp(head, codestream, sizeof codestream) == 0 || std::memcmp(head, box, sizeof box) == 0;
}

std::vector<size_t> cdcmtk::Fragments::starts(DcmDataset *dataset, FrameStart kind, uint32_t stated,
                                              uint64_t fileSize) const {
  const std::vector<size_t> whole = {0};
  if (items.empty()) return {};
  if (items.size() == 1) return whole;
  const auto areFrames = [&](const std::vector<size_t> &found) {
    if (found.empty()) return false;
    if (found.size() == stated || kind == FrameStart::none) return true;
    // A table with an entry for each fragment instead of each frame.
    return std::all_of(found.begin(), found.end(), [&](size_t fragment) { return begins(fragment, kind); });
  };
  for (const auto &offsets : {extendedOffsets(dataset, fileSize), basicOffsets(table, fileSize)}) {
    const std::vector<size_t> found = fragmentsAt(offsets);
    if (areFrames(found)) return found;
  }
  if (stated == items.size()) {
    std::vector<size_t> each(items.size());
    for (size_t i = 0; i < each.size(); ++i) each[i] = i;
    return each;
  }
  if (kind == FrameStart::none) return stated <= 1 ? whole : std::vector<size_t>();
  std::vector<size_t> marked;
  for (size_t i = 0; i < items.size(); ++i) {
    if (begins(i, kind)) marked.push_back(i);
  }
  if (!marked.empty() && marked.front() == 0) return marked;
  return stated <= 1 ? whole : std::vector<size_t>();
}

bool cdcmtk::Fragments::read(const std::vector<size_t> &starts, uint32_t frame, Codestream &bytes) const {
  if (frame >= starts.size()) return false;
  const size_t first = starts[frame];
  const size_t last = frame + 1u < starts.size() ? starts[frame + 1u] : items.size();
  if (first >= last || last > items.size()) return false;
  size_t count = 0;
  for (size_t i = first; i < last; ++i) count += lengths[i];
  bytes.resize(count);
  size_t at = 0;
  for (size_t i = first; i < last; ++i) {
    if (lengths[i] == 0) continue;
    if (items[i]->getPartialValue(bytes.data() + at, 0, lengths[i]).bad()) return false;
    at += lengths[i];
  }
  return true;
}
