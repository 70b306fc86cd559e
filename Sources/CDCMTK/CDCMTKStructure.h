// A look at a file's element lengths before DCMTK parses it; shared by the shim's sources.
#ifndef CDCMTK_STRUCTURE_H
#define CDCMTK_STRUCTURE_H

#include <cstdint>

namespace cdcmtk {

// What stands against parsing a whole file.
struct Structure {
  // The file meta group itself is broken; nothing can be parsed.
  bool metaIsBroken = false;
  // An element of the main data set claims more bytes than the file has, or nests too deeply.
  bool mustStop = false;
  // That element: parsing must stop before it.
  uint16_t stopGroup = 0;
  uint16_t stopElement = 0;
  // Where the value of the pixel data begins, and its length, when it has one that the file holds; else 0.
  uint64_t pixelOffset = 0;
  uint32_t pixelLength = 0;
};

// Walks through the element headers up to the pixel data.
//
// DCMTK 3.6.7 allocates what a length field says before it looks whether the bytes are there, and recurses into
// nested sequences without a limit. Deflated data sets are not looked into.
Structure inspectStructure(const char *path, uint64_t size);

} // namespace cdcmtk

#endif
