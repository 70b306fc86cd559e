#include "CDCMTKStructure.h"
#include "CDCMTKByteSource.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr uint32_t undefinedLength = 0xFFFFFFFF;
// Values of the file meta group are UIDs and short texts.
constexpr uint32_t maximumMetaLength = 1 << 16;
// Structured reports nest some twenty levels.
constexpr size_t maximumDepth = 128;
// What a deflated data set may hold beside its pixels.
constexpr double inflatedSlack = 64 << 20;
// No element is longer than its length field can say.
constexpr uint64_t inflatedLimit = UINT32_MAX;
// DCMTK loads shorter values as it parses and notices itself when they end early.
constexpr uint32_t harmlessLength = 4096;

struct Coding {
  bool isExplicit = true;
  bool isBigEndian = false;

  uint16_t word(const uint8_t *b) const {
    return static_cast<uint16_t>(isBigEndian ? b[0] << 8 | b[1] : b[1] << 8 | b[0]);
  }
  uint32_t longWord(const uint8_t *b) const {
    const uint32_t first = word(b);
    const uint32_t second = word(b + 2);
    return isBigEndian ? first << 16 | second : second << 16 | first;
  }
};

// A sequence or item that is being walked through.
struct Level {
  // Where it ends, or `open` when a delimiter tells.
  uint64_t end;
  Coding coding;
  // Whether it lies in a value of unknown kind and known length, which may hold anything.
  bool isOpaque;
};

constexpr uint64_t open = UINT64_MAX;

struct Element {
  uint16_t group = 0;
  uint16_t number = 0;
  bool isSequence = false;
  bool isUnknown = false;
  uint32_t length = 0;
  // Where the value starts.
  uint64_t value = 0;
};

bool hasLongLength(const char *vr) {
  static const char *const names[] = {"OB", "OW", "OF", "OD", "OL", "OV", "SQ",
                                      "UC", "UN", "UR", "UT", "SV", "UV"};
  return std::any_of(std::begin(names), std::end(names),
                     [&](const char *name) { return std::memcmp(name, vr, 2) == 0; });
}

bool readElement(cdcmtk::ByteSource &file, uint64_t position, const Coding &coding, Element &element) {
  const uint8_t *head = file.at(position, 8);
  if (head == nullptr) return false;
  element.group = coding.word(head);
  element.number = coding.word(head + 2);
  element.isSequence = false;
  element.isUnknown = false;
  element.value = position + 8;
  if (!coding.isExplicit || element.group == 0xFFFE) {
    element.length = coding.longWord(head + 4);
    return true;
  }
  const char vr[2] = {static_cast<char>(head[4]), static_cast<char>(head[5])};
  if (!hasLongLength(vr)) {
    element.length = coding.word(head + 6);
    return true;
  }
  const uint8_t *length = file.at(position + 8, 4);
  if (length == nullptr) return false;
  element.length = coding.longWord(length);
  element.value = position + 12;
  element.isSequence = std::memcmp(vr, "SQ", 2) == 0;
  element.isUnknown = std::memcmp(vr, "UN", 2) == 0;
  return true;
}

// Whether a value begins with a sequence item.
bool beginsWithItem(cdcmtk::ByteSource &file, const Element &element, const Coding &coding) {
  const uint8_t *head = element.length >= 8 ? file.at(element.value, 8) : nullptr;
  return head != nullptr && coding.word(head) == 0xFFFE && coding.word(head + 2) == 0xE000;
}

// Reads the file meta group; false when it is broken. Leaves the position at the data set.
bool readMeta(cdcmtk::ByteSource &file, uint64_t size, uint64_t &position, std::string &syntax) {
  const Coding coding;
  Element element;
  uint64_t end = 0;
  while (readElement(file, position, coding, element) && (element.group == 2 || position < end)) {
    if (element.length > maximumMetaLength || element.length > size - element.value) return false;
    if (element.number == 0x10 && element.length <= 64) {
      const uint8_t *text = file.at(element.value, element.length);
      if (text != nullptr) syntax.assign(reinterpret_cast<const char *>(text), element.length);
      while (!syntax.empty() && (syntax.back() == 0 || syntax.back() == ' ')) syntax.pop_back();
    }
    position = element.value + element.length;
    // The group's length, when it is there, tells where the data set begins.
    const uint8_t *length = element.number == 0 && element.length == 4 ? file.at(element.value, 4) : nullptr;
    if (length != nullptr) end = position + coding.longWord(length);
  }
  return true;
}

Coding codingOf(cdcmtk::ByteSource &file, uint64_t position, const std::string &syntax) {
  Coding coding;
  if (syntax == "1.2.840.10008.1.2" || syntax == "1.2.840.113619.5.2") {
    coding.isExplicit = false;
  } else if (syntax == "1.2.840.10008.1.2.2") {
    coding.isBigEndian = true;
  } else if (syntax.empty()) {
    const uint8_t *head = file.at(position, 8);
    if (head != nullptr) {
      const auto isLetter = [](uint8_t byte) { return byte >= 'A' && byte <= 'Z'; };
      coding.isExplicit = isLetter(head[4]) && isLetter(head[5]);
      coding.isBigEndian = head[0] == 0 && head[1] != 0;
    }
  }
  return coding;
}

// The size that the description of an image adds up to.
class DescribedSize {
public:
  void add(cdcmtk::ByteSource &file, const Element &element) {
    if (element.group != 0x0028 || element.length > 16) return;
    const uint8_t *value = file.at(element.value, element.length);
    if (value == nullptr) return;
    const double word = element.length >= 2 ? value[0] | value[1] << 8 : 1;
    switch (element.number) {
    case 0x0002: samples = word; break;
    case 0x0008:
      frames =
          std::strtod(std::string(reinterpret_cast<const char *>(value), element.length).c_str(), nullptr);
      break;
    case 0x0010: rows = word; break;
    case 0x0011: columns = word; break;
    case 0x0100: bits = word; break;
    default: break;
    }
  }

  double bytes() const { return rows * columns * samples * bits / 8 * std::max(frames, 1.0); }

private:
  double rows = 0;
  double columns = 0;
  double samples = 1;
  double bits = 0;
  double frames = 1;
};

// Walks through the elements of a data set, whose bytes end at `size`.
void walk(cdcmtk::ByteSource &file, uint64_t position, uint64_t size, const Coding &outermost,
          bool isDeflated, DescribedSize &described, cdcmtk::Structure &result) {
  // The open sequences and items, outermost first.
  std::vector<Level> levels = {{open, outermost, false}};
  Element top;
  Element element;
  while (true) {
    while (levels.size() > 1 && levels.back().end != open && position >= levels.back().end) {
      levels.pop_back();
    }
    const Coding coding = levels.back().coding;
    if (!readElement(file, position, coding, element)) break;
    if (levels.size() == 1) top = element;
    if (element.group == 0xFFFE && element.number != 0xE000) {
      if (levels.size() > 1 && levels.back().end == open) levels.pop_back();
      position = element.value;
      continue;
    }
    if (levels.size() == 1) described.add(file, element);
    // Pixel data is measured when it is asked for, unless it has to be inflated at once.
    if (levels.size() == 1 && element.group == 0x7FE0 && !isDeflated) {
      const bool isHere = element.length != undefinedLength && element.value <= size &&
                          element.length <= size - element.value;
      if (element.number == 0x10 && isHere) {
        result.pixelOffset = element.value;
        result.pixelLength = element.length;
      }
      break;
    }
    const bool isUndefined = element.length == undefinedLength;
    const bool isTooLong = !isUndefined && element.length > size - std::min(size, element.value);
    const bool descends =
        isUndefined || element.group == 0xFFFE || element.isSequence || beginsWithItem(file, element, coding);
    const bool isTooDeep = descends && levels.size() >= maximumDepth;
    if (isTooLong && levels.back().isOpaque) {
      // What looks like elements need not be any; go on behind the value of unknown kind.
      while (levels.back().isOpaque) {
        position = levels.back().end;
        levels.pop_back();
      }
      continue;
    }
    if (isTooDeep || (isTooLong && element.length > harmlessLength)) {
      result.mustStop = true;
      result.stopGroup = top.group;
      result.stopElement = top.number;
      break;
    }
    if (isTooLong) break;
    const uint64_t end = element.value + element.length;
    position = descends ? element.value : end;
    if (!descends) continue;
    // The items of a value of unknown kind are implicit little endian (PS3.5 6.2.2).
    const Coding inner = element.isUnknown ? Coding{false, false} : coding;
    const bool isOpaque = levels.back().isOpaque || (element.isUnknown && !isUndefined);
    levels.push_back({isUndefined ? open : end, inner, isOpaque});
  }
}

} // namespace

cdcmtk::Structure cdcmtk::inspectStructure(const char *path, uint64_t size) {
  Structure result;
  FileSource file(path, size);
  uint64_t position = 0;
  const uint8_t *magic = file.at(128, 4);
  if (magic != nullptr && std::memcmp(magic, "DICM", 4) == 0) position = 132;
  std::string syntax;
  if (!readMeta(file, size, position, syntax)) {
    result.metaIsBroken = true;
    return result;
  }
  DescribedSize described;
  result.valueLimit = size;
  if (syntax != "1.2.840.10008.1.2.1.99") {
    walk(file, position, size, codingOf(file, position, syntax), false, described, result);
    return result;
  }
  InflatedSource inflated(file, position);
  result.valueLimit = inflated.measure(inflatedLimit);
  walk(inflated, 0, result.valueLimit, Coding(), true, described, result);
  if (static_cast<double>(result.valueLimit) > described.bytes() + inflatedSlack) result.isBomb = true;
  return result;
}
