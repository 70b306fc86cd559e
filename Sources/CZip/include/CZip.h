#pragma once

#include <stddef.h>
#include <stdint.h>

// Reads zip archives by libzip. Every function returns a CZIP_ status.

enum {
  CZIP_OK = 0,
  /// The file cannot be opened or read.
  CZIP_UNREADABLE = 1,
  /// The file is no zip archive, or its directory contradicts itself.
  CZIP_DAMAGED = 2,
  /// An entry needs a password.
  CZIP_ENCRYPTED = 3,
  /// An entry's way of compression is unknown to the library, or the archive has several parts.
  CZIP_UNSUPPORTED = 4,
  /// An entry holds more bytes than its directory says.
  CZIP_TOO_LONG = 5,
  /// Writing failed; errno says why.
  CZIP_UNWRITABLE = 6,
  CZIP_NO_MEMORY = 7,
};

/// What an entry is, by its name and its attributes.
enum { CZIP_FILE = 0, CZIP_FOLDER = 1, CZIP_OTHER = 2 };

typedef struct czip_archive czip_archive;

typedef struct {
  /// The name as stored in the archive, owned by it; bytes of any kind without a null.
  const char *name;
  /// Bytes as the directory says: expanded, and in the archive.
  uint64_t size;
  uint64_t packed_size;
  /// CZIP_FILE, CZIP_FOLDER or CZIP_OTHER (links, devices).
  int32_t kind;
  int32_t is_encrypted;
} czip_entry;

/// Opens an archive and reads its directory. One thread at a time may use it.
int32_t czip_open(const char *path, czip_archive **archive);
void czip_close(czip_archive *archive);

/// The number of entries.
int64_t czip_count(const czip_archive *archive);

/// What the directory says of an entry; the name lives until the archive is closed.
int32_t czip_describe(const czip_archive *archive, int64_t index, czip_entry *entry);

/// Writes an entry's bytes to a file descriptor and compares their checksum.
///
/// No more than `limit` bytes are written: CZIP_TOO_LONG when there are more. CZIP_DAMAGED when
/// there are fewer, when they cannot be expanded or when the checksum differs.
int32_t czip_extract(const czip_archive *archive, int64_t index, int descriptor, uint64_t limit);

/// Reads an entry's bytes and compares their checksum; CZIP_DAMAGED when there are fewer than `count`, CZIP_TOO_LONG
/// when there are more.
int32_t czip_read(const czip_archive *archive, int64_t index, void *bytes, uint64_t count);
