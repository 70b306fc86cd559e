// The fragments of compressed pixel data and the frames that they make; shared by the shim's sources.
#ifndef CDCMTK_FRAGMENTS_H
#define CDCMTK_FRAGMENTS_H

#include "CDCMTKCodecs.h"
#include "CDCMTKFile.h"

#include "dcmtk/dcmdata/dcpixseq.h"
#include "dcmtk/dcmdata/dcpxitem.h"

#include <vector>

namespace cdcmtk {

// How the first fragment of a frame can be told from others.
enum class FrameStart {
  // By nothing: each frame is one fragment.
  none,
  // By the start-of-image marker of JPEG and JPEG-LS.
  jpeg,
  // By the start of a JPEG 2000 codestream or of a JP2 file.
  jpeg2000,
};

// The fragments behind the Basic Offset Table.
class Fragments {
public:
  // Takes the fragments of a sequence; null without one.
  explicit Fragments(DcmPixelSequence *sequence);

  // Whether every item could be reached.
  bool isWhole() const { return whole; }

  // The sum of the fragments' lengths.
  uint64_t bytes() const { return total; }

  // The first fragment of each frame (PS3.5 A.4): by the extended offset table, else the basic one, else one
  // fragment for each of the stated frames, else by the codec's start marker. Empty when the frames cannot be
  // told apart.
  //
  // `stated` is Number of Frames, 0 without one. Where it contradicts a table or the markers, those are
  // right: they say where frames begin.
  std::vector<size_t> starts(DcmDataset *dataset, FrameStart kind, uint32_t stated, uint64_t fileSize) const;

  // The bytes of a frame whose starts are known; false when they cannot be read.
  bool read(const std::vector<size_t> &starts, uint32_t frame, Codestream &bytes) const;

private:
  std::vector<DcmPixelItem *> items;
  std::vector<uint32_t> lengths;
  DcmPixelItem *table = nullptr;
  uint64_t total = 0;
  bool whole = true;

  bool begins(size_t fragment, FrameStart kind) const;
  std::vector<size_t> fragmentsAt(const std::vector<uint64_t> &offsets) const;
};

} // namespace cdcmtk

#endif
