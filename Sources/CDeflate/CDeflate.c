#define _GNU_SOURCE
#include "CDeflate.h"

#include <errno.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>

// ---- reading

enum { PIECE = 1 << 30, INPUT = 1 << 18, LARGE_PAGE = 2 << 20 };

struct cdeflate_source {
  FILE *file;
  int packing;
  // Whether the member that is being read has passed its checksum.
  int is_complete;
  struct inflate_state inflater;
  unsigned char input[INPUT];
};

static void begin_member(cdeflate_source *source) {
  isal_inflate_reset(&source->inflater);
  source->inflater.crc_flag = source->packing == CDEFLATE_ZLIB ? ISAL_ZLIB : ISAL_GZIP;
  source->is_complete = 0;
}

int32_t cdeflate_open(const char *path, int64_t offset, int32_t packing,
                      cdeflate_source **source) {
  *source = NULL;
  cdeflate_source *made = malloc(sizeof *made);
  if (!made) return CDEFLATE_NO_MEMORY;
  made->file = fopen(path, "rb");
  if (!made->file) {
    free(made);
    return CDEFLATE_SYSTEM;
  }
  int failed = fseeko(made->file, (off_t)offset, SEEK_SET) != 0;
  if (!failed && packing >= CDEFLATE_GZIP_OR_PLAIN) {
    unsigned char magic[2] = {0, 0};
    int is_gzip = fread(magic, 1, 2, made->file) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
    failed = ferror(made->file) || fseeko(made->file, (off_t)offset, SEEK_SET) != 0;
    packing = is_gzip                               ? CDEFLATE_GZIP
              : packing == CDEFLATE_GZIP_OR_ZLIB ? CDEFLATE_ZLIB
                                                    : CDEFLATE_PLAIN;
  }
  if (failed) {
    int reason = errno;
    fclose(made->file);
    free(made);
    errno = reason;
    return CDEFLATE_SYSTEM;
  }
  made->packing = packing;
  isal_inflate_init(&made->inflater);
  made->inflater.avail_in = 0;
  begin_member(made);
  *source = made;
  return CDEFLATE_OK;
}

// Makes sure that compressed input is there. Returns whether there is any.
static int refill(cdeflate_source *source) {
  struct inflate_state *state = &source->inflater;
  if (state->avail_in == 0) {
    state->next_in = source->input;
    state->avail_in = (uint32_t)fread(source->input, 1, INPUT, source->file);
  }
  return state->avail_in > 0;
}

// Large results are touched for the first time here: fewer page faults with large pages.
static void advise(void *bytes, int64_t count) {
  if (count < 4 * LARGE_PAGE) return;
  uintptr_t start = ((uintptr_t)bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
  uintptr_t end = ((uintptr_t)bytes + (uintptr_t)count) / LARGE_PAGE * LARGE_PAGE;
  if (end > start) {
    int kept = errno;
    (void)madvise((void *)start, end - start, MADV_HUGEPAGE);
    errno = kept;
  }
}

int32_t cdeflate_read(cdeflate_source *source, void *bytes, int64_t count, int64_t *found) {
  *found = 0;
  advise(bytes, count);
  if (source->packing == CDEFLATE_PLAIN) {
    *found = (int64_t)fread(bytes, 1, (size_t)count, source->file);
    return ferror(source->file) ? CDEFLATE_SYSTEM : CDEFLATE_OK;
  }
  struct inflate_state *state = &source->inflater;
  while (*found < count) {
    if (source->is_complete) {
      // Another member may follow; what is not gzip after the last is padding.
      if (source->packing == CDEFLATE_ZLIB) return CDEFLATE_OK;
      if (!refill(source)) return ferror(source->file) ? CDEFLATE_SYSTEM : CDEFLATE_OK;
      if (state->next_in[0] != 0x1f) return CDEFLATE_OK;
      begin_member(source);
    }
    // The inflater may hold output back for which there was no room, so an empty input alone is not
    // the end.
    int is_dry = !refill(source);
    if (ferror(source->file)) return CDEFLATE_SYSTEM;
    int64_t wanted = count - *found;
    uint32_t piece = wanted > PIECE ? PIECE : (uint32_t)wanted;
    state->next_out = (unsigned char *)bytes + *found;
    state->avail_out = piece;
    int code = isal_inflate(state);
    uint32_t made = piece - state->avail_out;
    *found += made;
    if (code < 0 || code == ISAL_NEED_DICT) return CDEFLATE_CORRUPT;
    if (state->block_state == ISAL_BLOCK_FINISH)
      source->is_complete = 1;
    else if (is_dry && made == 0)
      return CDEFLATE_CORRUPT;
  }
  return CDEFLATE_OK;
}

int32_t cdeflate_skip(cdeflate_source *source, int64_t count, int64_t *found) {
  *found = 0;
  if (source->packing == CDEFLATE_PLAIN) {
    if (fseeko(source->file, (off_t)count, SEEK_CUR) != 0) return CDEFLATE_SYSTEM;
    *found = count;
    return CDEFLATE_OK;
  }
  char scratch[1 << 15];
  while (*found < count) {
    int64_t wanted = count - *found;
    int64_t piece = wanted > (int64_t)sizeof scratch ? (int64_t)sizeof scratch : wanted;
    int64_t got = 0;
    int32_t status = cdeflate_read(source, scratch, piece, &got);
    *found += got;
    if (status != CDEFLATE_OK || got < piece) return status;
  }
  return CDEFLATE_OK;
}

int32_t cdeflate_is_packed(const cdeflate_source *source) {
  return source->packing != CDEFLATE_PLAIN;
}

void cdeflate_close(cdeflate_source *source) {
  if (!source) return;
  fclose(source->file);
  free(source);
}

// ---- writing

int64_t cdeflate_bound(int64_t count) { return count + count / 1000 + 1024; }

static int32_t pack_small(const void *bytes, int64_t count, void *packed, int64_t capacity,
                          int64_t *size) {
  z_stream z;
  memset(&z, 0, sizeof z);
  // Negative: raw deflate.
  if (deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return CDEFLATE_NO_MEMORY;
  z.next_in = (Bytef *)bytes;
  z.avail_in = (unsigned)count;
  z.next_out = packed;
  z.avail_out = (unsigned)capacity;
  int code = deflate(&z, Z_FULL_FLUSH);
  *size = capacity - z.avail_out;
  int is_whole = code == Z_OK && z.avail_in == 0 && z.avail_out > 0;
  deflateEnd(&z);
  return is_whole ? CDEFLATE_OK : CDEFLATE_NO_MEMORY;
}

int32_t cdeflate_pack(const void *bytes, int64_t count, int32_t is_small, void *packed,
                      int64_t capacity, int64_t *size) {
  *size = 0;
  if (count > PIECE || capacity > 2 * (int64_t)PIECE) return CDEFLATE_NO_MEMORY;
  if (is_small) return pack_small(bytes, count, packed, capacity, size);
  struct isal_zstream z;
  isal_deflate_stateless_init(&z);
  uint8_t *level_buffer = malloc(ISAL_DEF_LVL3_DEFAULT);
  if (!level_buffer) return CDEFLATE_NO_MEMORY;
  z.level = 3;
  z.level_buf = level_buffer;
  z.level_buf_size = ISAL_DEF_LVL3_DEFAULT;
  z.flush = FULL_FLUSH;
  z.end_of_stream = 0;
  z.next_in = (uint8_t *)bytes;
  z.avail_in = (uint32_t)count;
  z.next_out = packed;
  z.avail_out = (uint32_t)capacity;
  int code = isal_deflate_stateless(&z);
  free(level_buffer);
  *size = z.total_out;
  return code == COMP_OK && z.avail_in == 0 ? CDEFLATE_OK : CDEFLATE_NO_MEMORY;
}

uint32_t cdeflate_crc(const void *bytes, int64_t count) {
  return crc32_gzip_refl(0, bytes, (uint64_t)count);
}

uint32_t cdeflate_join_crc(uint32_t first, uint32_t second, int64_t second_count) {
  return (uint32_t)crc32_combine(first, second, second_count);
}

uint32_t cdeflate_adler(const void *bytes, int64_t count) {
  return isal_adler32(1, bytes, (uint64_t)count);
}

uint32_t cdeflate_join_adler(uint32_t first, uint32_t second, int64_t second_count) {
  return (uint32_t)adler32_combine(first, second, second_count);
}
