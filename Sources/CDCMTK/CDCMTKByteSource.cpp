#include "CDCMTKByteSource.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace {

constexpr size_t windowBytes = 1 << 16;
constexpr size_t blockBytes = 1 << 14;

} // namespace

cdcmtk::FileSource::FileSource(const char *path, uint64_t size)
    : file(std::fopen(path, "rb")), fileSize(size), bytes(windowBytes) {}

cdcmtk::FileSource::~FileSource() {
  if (file != nullptr) std::fclose(file);
}

const uint8_t *cdcmtk::FileSource::at(uint64_t position, size_t count) {
  if (file == nullptr || position > fileSize || count > fileSize - position) return nullptr;
  if (position < start || position + count > start + filled) {
    if (fseeko(file, static_cast<off_t>(position), SEEK_SET) != 0) return nullptr;
    start = position;
    filled = std::fread(bytes.data(), 1, bytes.size(), file);
    if (count > filled) return nullptr;
  }
  return bytes.data() + (position - start);
}

cdcmtk::InflatedSource::InflatedSource(FileSource &file, uint64_t position)
    : file(file), origin(position), next(position), stream(std::make_unique<z_stream_s>()),
      bytes(2 * windowBytes) {
  if (inflateInit2(stream.get(), -MAX_WBITS) != Z_OK) throw std::bad_alloc();
}

cdcmtk::InflatedSource::~InflatedSource() { inflateEnd(stream.get()); }

void cdcmtk::InflatedSource::restart() {
  inflateReset(stream.get());
  next = origin;
  start = 0;
  filled = 0;
}

void cdcmtk::InflatedSource::drop(size_t count) {
  std::memmove(bytes.data(), bytes.data() + count, filled - count);
  start += count;
  filled -= count;
}

// Inflates behind what is in the window; false when nothing more comes.
bool cdcmtk::InflatedSource::inflateMore() {
  const size_t free = bytes.size() - filled;
  const uint64_t left = file.size() - std::min(file.size(), next);
  const auto count = static_cast<size_t>(std::min<uint64_t>(left, blockBytes));
  const uint8_t *block = count > 0 ? file.at(next, count) : nullptr;
  if (free == 0) return false;
  // Without further input there may still be output that had no room before.
  stream->next_in = const_cast<Bytef *>(block);
  stream->avail_in = block != nullptr ? static_cast<uInt>(count) : 0;
  stream->next_out = bytes.data() + filled;
  stream->avail_out = static_cast<uInt>(free);
  const int result = inflate(stream.get(), Z_NO_FLUSH);
  const size_t made = free - stream->avail_out;
  const size_t taken = block != nullptr ? count - stream->avail_in : 0;
  next += taken;
  filled += made;
  return (result == Z_OK || result == Z_STREAM_END) && (made > 0 || taken > 0);
}

const uint8_t *cdcmtk::InflatedSource::at(uint64_t position, size_t count) {
  if (count > windowBytes) return nullptr;
  if (position < start) restart();
  while (position + count > start + filled) {
    if (position > start) drop(static_cast<size_t>(std::min<uint64_t>(position - start, filled)));
    if (!inflateMore()) return nullptr;
  }
  return bytes.data() + (position - start);
}

uint64_t cdcmtk::InflatedSource::measure(uint64_t limit) {
  do {
    drop(filled);
  } while (start <= limit && inflateMore());
  const uint64_t total = start + filled;
  restart();
  return total;
}
