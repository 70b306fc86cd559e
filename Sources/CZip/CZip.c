#include "CZip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

struct czip_archive {
  zip_t *zip;
};

enum { PIECE = 1 << 17 };

static int32_t status_of(int code) {
  switch (code) {
  case ZIP_ER_OPEN:
  case ZIP_ER_SEEK:
  case ZIP_ER_READ: return CZIP_UNREADABLE;
  case ZIP_ER_MEMORY: return CZIP_NO_MEMORY;
  case ZIP_ER_NOPASSWD:
  case ZIP_ER_WRONGPASSWD:
  case ZIP_ER_ENCRNOTSUPP: return CZIP_ENCRYPTED;
  case ZIP_ER_COMPNOTSUPP:
  case ZIP_ER_MULTIDISK: return CZIP_UNSUPPORTED;
  default: return CZIP_DAMAGED;
  }
}

int32_t czip_open(const char *path, czip_archive **archive) {
  *archive = NULL;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return CZIP_UNREADABLE;
  int code = 0;
  zip_t *zip = zip_fdopen(descriptor, 0, &code);
  if (!zip) {
    close(descriptor);
    return status_of(code);
  }
  czip_archive *made = malloc(sizeof *made);
  if (!made) {
    zip_discard(zip);
    return CZIP_NO_MEMORY;
  }
  made->zip = zip;
  *archive = made;
  return CZIP_OK;
}

void czip_close(czip_archive *archive) {
  if (!archive) return;
  zip_discard(archive->zip);
  free(archive);
}

int64_t czip_count(const czip_archive *archive) {
  return zip_get_num_entries(archive->zip, ZIP_FL_UNCHANGED);
}

static int32_t kind_of(zip_t *zip, zip_uint64_t index, const char *name) {
  const size_t length = strlen(name);
  if (length > 0 && name[length - 1] == '/') return CZIP_FOLDER;
  zip_uint8_t system = 0;
  zip_uint32_t attributes = 0;
  if (zip_file_get_external_attributes(zip, index, ZIP_FL_UNCHANGED, &system, &attributes) != 0 ||
      system != ZIP_OPSYS_UNIX)
    return CZIP_FILE;
  // Unix programs keep st_mode in the upper half; some leave the type out.
  const mode_t type = (attributes >> 16) & S_IFMT;
  if (type == S_IFDIR) return CZIP_FOLDER;
  return type == 0 || type == S_IFREG ? CZIP_FILE : CZIP_OTHER;
}

int32_t czip_describe(const czip_archive *archive, int64_t index, czip_entry *entry) {
  memset(entry, 0, sizeof *entry);
  zip_stat_t facts;
  zip_stat_init(&facts);
  if (zip_stat_index(archive->zip, (zip_uint64_t)index, ZIP_FL_UNCHANGED, &facts) != 0)
    return status_of(zip_error_code_zip(zip_get_error(archive->zip)));
  const zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
  if ((facts.valid & needed) != needed || !facts.name) return CZIP_DAMAGED;
  entry->name = facts.name;
  entry->size = facts.size;
  entry->packed_size = facts.comp_size;
  entry->is_encrypted =
      (facts.valid & ZIP_STAT_ENCRYPTION_METHOD) && facts.encryption_method != ZIP_EM_NONE;
  entry->kind = kind_of(archive->zip, (zip_uint64_t)index, facts.name);
  return CZIP_OK;
}

static int32_t write_all(int descriptor, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t done = write(descriptor, bytes, count);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return CZIP_UNWRITABLE;
    bytes += done;
    count -= (size_t)done;
  }
  return CZIP_OK;
}

int32_t czip_extract(const czip_archive *archive, int64_t index, int descriptor, uint64_t limit) {
  zip_file_t *file = zip_fopen_index(archive->zip, (zip_uint64_t)index, ZIP_FL_UNCHANGED);
  if (!file) return status_of(zip_error_code_zip(zip_get_error(archive->zip)));
  char *piece = malloc(PIECE);
  if (!piece) {
    zip_fclose(file);
    return CZIP_NO_MEMORY;
  }
  int32_t status = CZIP_OK;
  uint64_t written = 0;
  while (status == CZIP_OK) {
    // libzip compares the checksum when it reaches the end.
    zip_int64_t count = zip_fread(file, piece, PIECE);
    if (count < 0) {
      status = status_of(zip_error_code_zip(zip_file_get_error(file)));
      break;
    }
    if (count == 0) break;
    if ((uint64_t)count > limit - written) {
      status = CZIP_TOO_LONG;
      break;
    }
    status = write_all(descriptor, piece, (size_t)count);
    written += (uint64_t)count;
  }
  free(piece);
  zip_fclose(file);
  if (status == CZIP_OK && written < limit) status = CZIP_DAMAGED;
  return status;
}

int32_t czip_read(const czip_archive *archive, int64_t index, void *bytes, uint64_t count) {
  zip_file_t *file = zip_fopen_index(archive->zip, (zip_uint64_t)index, ZIP_FL_UNCHANGED);
  if (!file) return status_of(zip_error_code_zip(zip_get_error(archive->zip)));
  int32_t status = CZIP_OK;
  uint64_t filled = 0;
  while (filled < count) {
    zip_int64_t done = zip_fread(file, (char *)bytes + filled, count - filled);
    if (done < 0) status = status_of(zip_error_code_zip(zip_file_get_error(file)));
    if (done <= 0) break;
    filled += (uint64_t)done;
  }
  // libzip compares the checksum when it reaches the end, which one byte more asks for.
  char more;
  if (status == CZIP_OK && filled < count) status = CZIP_DAMAGED;
  if (status == CZIP_OK) {
    zip_int64_t left = zip_fread(file, &more, 1);
    if (left < 0) status = status_of(zip_error_code_zip(zip_file_get_error(file)));
    if (left > 0) status = CZIP_TOO_LONG;
  }
  zip_fclose(file);
  return status;
}
