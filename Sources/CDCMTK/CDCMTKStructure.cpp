#include "CDCMTKStructure.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr uint32_t undefinedLength = 0xFFFFFFFF;
// Values of the file meta group are UIDs and short texts.
constexpr uint32_t maximumMetaLength = 1 << 16;
// Structured reports nest some twenty levels.
constexpr size_t maximumDepth = 128;
// DCMTK loads shorter values as it parses and notices itself when they end early.
constexpr uint32_t harmlessLength = 4096;

// A file seen through a window of its bytes.
class Window {
public:
  Window(const char *path, uint64_t size) : file(std::fopen(path, "rb")), size(size), bytes(1 << 13) {}
  ~Window() {
    if (file != nullptr) std::fclose(file);
  }
  Window(const Window &) = delete;
  Window &operator=(const Window &) = delete;

  // Bytes at a position, or null when the file has not so many.
  const uint8_t *at(uint64_t position, size_t count) {
    if (file == nullptr || position > size || count > size - position) return nullptr;
    if (position < start || position + count > start + filled) {
      if (fseeko(file, static_cast<off_t>(position), SEEK_SET) != 0) return nullptr;
      start = position;
      filled = std::fread(bytes.data(), 1, bytes.size(), file);
      if (count > filled) return nullptr;
    }
    return bytes.data() + (position - start);
  }

private:
  std::FILE *file;
  uint64_t size;
  std::vector<uint8_t> bytes;
  uint64_t start = 0;
  size_t filled = 0;
};

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
  static const char *const names[] = {"OB", "OW", "OF", "OD", "OL", "OV", "SQ", "UC", "UN", "UR", "UT", "SV", "UV"};
  return std::any_of(std::begin(names), std::end(names), [&](const char *name) {
    return std::memcmp(name, vr, 2) == 0;
  });
}

bool readElement(Window &file, uint64_t position, const Coding &coding, Element &element) {
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
bool beginsWithItem(Window &file, const Element &element, const Coding &coding) {
  const uint8_t *head = element.length >= 8 ? file.at(element.value, 8) : nullptr;
  return head != nullptr && coding.word(head) == 0xFFFE && coding.word(head + 2) == 0xE000;
}

// Reads the file meta group; false when it is broken. Leaves the position at the data set.
bool readMeta(Window &file, uint64_t size, uint64_t &position, std::string &syntax) {
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

Coding codingOf(Window &file, uint64_t position, const std::string &syntax) {
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

} // namespace

cdcmtk::Structure cdcmtk::inspectStructure(const char *path, uint64_t size) {
  Structure result;
  Window file(path, size);
  uint64_t position = 0;
  const uint8_t *magic = file.at(128, 4);
  if (magic != nullptr && std::memcmp(magic, "DICM", 4) == 0) position = 132;
  std::string syntax;
  if (!readMeta(file, size, position, syntax)) {
    result.metaIsBroken = true;
    return result;
  }
  if (syntax == "1.2.840.10008.1.2.1.99") return result;

  // The open sequences and items, outermost first.
  std::vector<Level> levels = {{open, codingOf(file, position, syntax), false}};
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
    // Pixel data is measured when it is asked for.
    if (levels.size() == 1 && element.group == 0x7FE0) {
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
    const bool descends = isUndefined || element.group == 0xFFFE || element.isSequence ||
                          beginsWithItem(file, element, coding);
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
  return result;
}
