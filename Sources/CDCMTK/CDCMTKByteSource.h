// The bytes of a file, or of the deflated data set in it; shared by the shim's sources.
#ifndef CDCMTK_BYTE_SOURCE_H
#define CDCMTK_BYTE_SOURCE_H

#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

struct z_stream_s;

namespace cdcmtk {

// Bytes seen through a window.
class ByteSource {
public:
  virtual ~ByteSource() = default;
  // Up to 64 kB at a position, valid until the next call, or null when there are not so many.
  virtual const uint8_t *at(uint64_t position, size_t count) = 0;
};

// A file.
class FileSource : public ByteSource {
public:
  FileSource(const char *path, uint64_t size);
  ~FileSource() override;
  FileSource(const FileSource &) = delete;
  FileSource &operator=(const FileSource &) = delete;
  const uint8_t *at(uint64_t position, size_t count) override;
  uint64_t size() const { return fileSize; }

private:
  std::FILE *file;
  uint64_t fileSize;
  std::vector<uint8_t> bytes;
  uint64_t start = 0;
  size_t filled = 0;
};

// What a raw deflate stream (RFC 1951) in a file inflates to. Going back means to start again.
class InflatedSource : public ByteSource {
public:
  // The stream begins at a position of the file and ends with it.
  InflatedSource(FileSource &file, uint64_t position);
  ~InflatedSource() override;
  InflatedSource(const InflatedSource &) = delete;
  InflatedSource &operator=(const InflatedSource &) = delete;
  const uint8_t *at(uint64_t position, size_t count) override;
  // How many bytes there are, at most `limit` and a window more.
  uint64_t measure(uint64_t limit);

private:
  FileSource &file;
  uint64_t origin;
  uint64_t next;
  std::unique_ptr<z_stream_s> stream;
  std::vector<uint8_t> bytes;
  uint64_t start = 0;
  size_t filled = 0;

  void restart();
  void drop(size_t count);
  bool inflateMore();
};

} // namespace cdcmtk

#endif
