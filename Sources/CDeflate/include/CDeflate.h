#pragma once
// Plain, gzip and zlib byte streams, and pieces of deflate, by ISA-L and zlib.
// Every function returns a cdeflate_status unless it says otherwise; nothing is ever printed.
#include <stddef.h>
#include <stdint.h>

typedef enum {
  CDEFLATE_OK = 0,
  /// The system refused to open or read; `errno` says why.
  CDEFLATE_SYSTEM = 1,
  /// The compressed stream is damaged or lacks its end.
  CDEFLATE_CORRUPT = 2,
  /// Memory is short.
  CDEFLATE_NO_MEMORY = 3,
} cdeflate_status;

typedef enum {
  CDEFLATE_PLAIN = 0,
  /// gzip (RFC 1952), one or several members.
  CDEFLATE_GZIP = 1,
  /// zlib (RFC 1950).
  CDEFLATE_ZLIB = 2,
  /// gzip when the first two bytes say so, else plain.
  CDEFLATE_GZIP_OR_PLAIN = 3,
  /// gzip when the first two bytes say so, else zlib.
  CDEFLATE_GZIP_OR_ZLIB = 4,
} cdeflate_packing;

typedef struct cdeflate_source cdeflate_source;

/// Opens a file for reading from byte `offset` on.
int32_t cdeflate_open(const char *path, int64_t offset, int32_t packing, cdeflate_source **source);
/// Reads up to `count` bytes; `found` is less only at the end. CDEFLATE_CORRUPT tells of a damaged
/// or unfinished stream, with `found` bytes before the damage. Checksums are compared at the end of
/// a member, which is seen by reading on after its last byte.
int32_t cdeflate_read(cdeflate_source *source, void *bytes, int64_t count, int64_t *found);
/// Skips `count` bytes forwards; `found` is less only at the end (never less in plain files).
int32_t cdeflate_skip(cdeflate_source *source, int64_t count, int64_t *found);
/// Whether the content is compressed.
int32_t cdeflate_is_packed(const cdeflate_source *source);
void cdeflate_close(cdeflate_source *source);

/// Bytes that always hold a packed piece of `count` bytes.
int64_t cdeflate_bound(int64_t count);
/// Packs a piece as raw deflate blocks of its own that end on a byte and are not the last ones.
/// `is_small` takes zlib's level 6, which is slow and suits label maps, else ISA-L's level 3.
int32_t cdeflate_pack(const void *bytes, int64_t count, int32_t is_small, void *packed,
                      int64_t capacity, int64_t *size);
/// CRC-32 of gzip over a piece, starting at 0, and of two joined pieces.
uint32_t cdeflate_crc(const void *bytes, int64_t count);
uint32_t cdeflate_join_crc(uint32_t first, uint32_t second, int64_t second_count);
/// Adler-32 of zlib over a piece, starting at 1, and of two joined pieces.
uint32_t cdeflate_adler(const void *bytes, int64_t count);
uint32_t cdeflate_join_adler(uint32_t first, uint32_t second, int64_t second_count);
