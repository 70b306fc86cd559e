// Shared by the shim's sources; not part of its interface.
#ifndef CDCMTK_FILE_H
#define CDCMTK_FILE_H

#include "CDCMTK.h"

#include "dcmtk/config/osconfig.h"
#include "dcmtk/dcmdata/dctk.h"

#include <cstdint>
#include <new>

struct cdcmtk_file {
  DcmFileFormat format;
  // The file's size in bytes when it was opened, or the size of its data set when inflated; no value can be
  // longer. 0: the data set was made in memory.
  uint64_t size = 0;
  // Whether the whole data set was parsed.
  bool complete = false;
  // Where the bytes of pixel data of known length begin in the file, and how many there are; 0 when not known.
  uint64_t pixelOffset = 0;
  uint32_t pixelLength = 0;
};

namespace cdcmtk {

// Longer values stay on disk until they are asked for.
constexpr Uint32 maximumEagerLength = 4096;

// Silences the log, registers the decoders and loads the dictionary, once.
int32_t prepare();

// One number of an element, in text or binary; false when there is none.
bool readDouble(DcmElement *element, unsigned long index, double &value);

// Turns what a body throws into a status.
template <typename Body> int32_t guarded(Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return CDCMTK_NO_MEMORY;
  } catch (...) {
    return CDCMTK_INTERNAL;
  }
}

} // namespace cdcmtk

#endif
