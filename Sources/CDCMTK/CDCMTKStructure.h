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
  // A deflated data set inflates to far more than the image that it describes.
  bool isBomb = false;
  // The size of the file, or of what a deflated data set inflates to: no value can be longer.
  uint64_t valueLimit = 0;
  // That element: parsing must stop before it.
  uint16_t stopGroup = 0;
  uint16_t stopElement = 0;
  // Where the value of the pixel data begins, and its length, when it has one that the file holds; else 0.
  uint64_t pixelOffset = 0;
  uint32_t pixelLength = 0;
};

// Walks through the element headers up to the pixel data.
//
// DCMTK 3.6.7 allocates what a length field says before it looks whether the bytes are there, and recurses
// into nested sequences without a limit. A deflated data set is inflated on the way, piece by piece: DCMTK
// would hold all of it. It may inflate to the size of the image that it describes and 64 MiB more.
Structure inspectStructure(const char *path, uint64_t size);

} // namespace cdcmtk

#endif
