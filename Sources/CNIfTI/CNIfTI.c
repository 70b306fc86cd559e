#include "CNIfTI.h"

#include <errno.h>
#include <nifti/nifti2_io.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

// libnifti speaks on stderr unless it is told not to.
static void silence(void) { nifti_set_debug_level(0); }
static pthread_once_t silenced = PTHREAD_ONCE_INIT;

_Static_assert(sizeof(nifti_1_header) == 348, "a NIfTI-1 header has 348 bytes");
_Static_assert(sizeof(nifti_2_header) == 540, "a NIfTI-2 header has 540 bytes");

enum { HEADER1 = 348, HEADER2 = 540, PIECE = 1 << 30 };

// ---- reading

// zlib's own gzread does not tell when a stream lacks its end, so the members are inflated here.
struct cnifti_stream {
  FILE *file;
  z_stream inflater;
  int is_compressed;
  // Whether the member that is being read has reached its checksum.
  int is_complete;
  unsigned char input[1 << 17];
};

int32_t cnifti_open(const char *path, cnifti_stream **stream) {
  *stream = NULL;
  cnifti_stream *made = malloc(sizeof *made);
  if (!made) return CNIFTI_NO_MEMORY;
  memset(&made->inflater, 0, sizeof made->inflater);
  made->is_compressed = made->is_complete = 0;
  made->file = fopen(path, "rb");
  if (!made->file) {
    free(made);
    return CNIFTI_SYSTEM;
  }
  unsigned char magic[2];
  if (fread(magic, 1, 2, made->file) == 2 && magic[0] == 0x1f && magic[1] == 0x8b)
    made->is_compressed = 1;
  int failed = ferror(made->file) || fseeko(made->file, 0, SEEK_SET) != 0;
  if (failed) {
    int reason = errno;
    fclose(made->file);
    free(made);
    errno = reason;
    return CNIFTI_SYSTEM;
  }
  // 16: expect gzip's header and check its checksum.
  if (made->is_compressed && inflateInit2(&made->inflater, 15 + 16) != Z_OK) {
    fclose(made->file);
    free(made);
    return CNIFTI_NO_MEMORY;
  }
  *stream = made;
  return CNIFTI_OK;
}

// Makes sure that compressed input is there. Returns whether there is any.
static int refill(cnifti_stream *stream) {
  z_stream *z = &stream->inflater;
  if (z->avail_in == 0) {
    z->next_in = stream->input;
    z->avail_in = (unsigned)fread(stream->input, 1, sizeof stream->input, stream->file);
  }
  return z->avail_in > 0;
}

int32_t cnifti_read(cnifti_stream *stream, void *bytes, int64_t count, int64_t *found) {
  *found = 0;
  if (!stream->is_compressed) {
    *found = (int64_t)fread(bytes, 1, (size_t)count, stream->file);
    return ferror(stream->file) ? CNIFTI_SYSTEM : CNIFTI_OK;
  }
  z_stream *z = &stream->inflater;
  while (*found < count) {
    if (!refill(stream)) {
      if (ferror(stream->file)) return CNIFTI_SYSTEM;
      return stream->is_complete ? CNIFTI_OK : CNIFTI_CORRUPT;
    }
    if (stream->is_complete) {
      // Another member may follow; what is not gzip after the last is padding.
      if (z->next_in[0] != 0x1f) return CNIFTI_OK;
      inflateReset(z);
      stream->is_complete = 0;
    }
    int64_t wanted = count - *found;
    unsigned piece = wanted > PIECE ? PIECE : (unsigned)wanted;
    z->next_out = (unsigned char *)bytes + *found;
    z->avail_out = piece;
    int code = inflate(z, Z_NO_FLUSH);
    *found += piece - z->avail_out;
    if (code == Z_STREAM_END)
      stream->is_complete = 1;
    else if (code == Z_MEM_ERROR)
      return CNIFTI_NO_MEMORY;
    else if (code != Z_OK && code != Z_BUF_ERROR)
      return CNIFTI_CORRUPT;
  }
  return CNIFTI_OK;
}

int32_t cnifti_skip(cnifti_stream *stream, int64_t count, int64_t *found) {
  *found = 0;
  if (!stream->is_compressed) {
    if (fseeko(stream->file, (off_t)count, SEEK_CUR) != 0) return CNIFTI_SYSTEM;
    *found = count;
    return CNIFTI_OK;
  }
  char scratch[1 << 15];
  while (*found < count) {
    int64_t wanted = count - *found;
    int64_t piece = wanted > (int64_t)sizeof scratch ? (int64_t)sizeof scratch : wanted;
    int64_t got = 0;
    int32_t status = cnifti_read(stream, scratch, piece, &got);
    *found += got;
    if (status != CNIFTI_OK || got < piece) return status;
  }
  return CNIFTI_OK;
}

int32_t cnifti_is_compressed(const cnifti_stream *stream) { return stream->is_compressed; }

void cnifti_close(cnifti_stream *stream) {
  if (!stream) return;
  if (stream->is_compressed) inflateEnd(&stream->inflater);
  fclose(stream->file);
  free(stream);
}

static void from1(const nifti_1_header *in, cnifti_header *out) {
  for (int i = 0; i < 8; i++) {
    out->dim[i] = in->dim[i];
    out->pixdim[i] = in->pixdim[i];
  }
  out->datatype = in->datatype;
  out->bits_per_voxel = in->bitpix;
  out->qform_code = in->qform_code;
  out->sform_code = in->sform_code;
  out->units = (unsigned char)in->xyzt_units;
  out->intent_code = in->intent_code;
  out->voxel_offset = in->vox_offset;
  out->slope = in->scl_slope;
  out->intercept = in->scl_inter;
  out->quaternion[0] = in->quatern_b;
  out->quaternion[1] = in->quatern_c;
  out->quaternion[2] = in->quatern_d;
  out->quaternion_offset[0] = in->qoffset_x;
  out->quaternion_offset[1] = in->qoffset_y;
  out->quaternion_offset[2] = in->qoffset_z;
  for (int i = 0; i < 4; i++) {
    out->sform[i] = in->srow_x[i];
    out->sform[4 + i] = in->srow_y[i];
    out->sform[8 + i] = in->srow_z[i];
  }
  memcpy(out->description, in->descrip, sizeof out->description - 1);
  memcpy(out->intent_name, in->intent_name, sizeof out->intent_name - 1);
}

static void from2(const nifti_2_header *in, cnifti_header *out) {
  for (int i = 0; i < 8; i++) {
    out->dim[i] = in->dim[i];
    out->pixdim[i] = in->pixdim[i];
  }
  out->datatype = in->datatype;
  out->bits_per_voxel = in->bitpix;
  out->qform_code = in->qform_code;
  out->sform_code = in->sform_code;
  out->units = in->xyzt_units;
  out->intent_code = in->intent_code;
  out->voxel_offset = (double)in->vox_offset;
  out->slope = in->scl_slope;
  out->intercept = in->scl_inter;
  out->quaternion[0] = in->quatern_b;
  out->quaternion[1] = in->quatern_c;
  out->quaternion[2] = in->quatern_d;
  out->quaternion_offset[0] = in->qoffset_x;
  out->quaternion_offset[1] = in->qoffset_y;
  out->quaternion_offset[2] = in->qoffset_z;
  for (int i = 0; i < 4; i++) {
    out->sform[i] = in->srow_x[i];
    out->sform[4 + i] = in->srow_y[i];
    out->sform[8 + i] = in->srow_z[i];
  }
  memcpy(out->description, in->descrip, sizeof out->description - 1);
  memcpy(out->intent_name, in->intent_name, sizeof out->intent_name - 1);
}

int32_t cnifti_read_header(const char *path, cnifti_header *header) {
  pthread_once(&silenced, silence);
  memset(header, 0, sizeof *header);
  union {
    char bytes[HEADER2];
    nifti_1_header one;
    nifti_2_header two;
  } raw;
  memset(&raw, 0, sizeof raw);
  cnifti_stream *stream = NULL;
  int32_t status = cnifti_open(path, &stream);
  if (status != CNIFTI_OK) return status;
  int64_t found = 0;
  status = cnifti_read(stream, raw.bytes, HEADER2, &found);
  cnifti_close(stream);
  // A stream that breaks after the header is found out when the voxels are read.
  if (status == CNIFTI_CORRUPT && found >= HEADER1) status = CNIFTI_OK;
  if (status != CNIFTI_OK) return status;
  if (found < 4) return found == 0 ? CNIFTI_TRUNCATED : CNIFTI_NOT_NIFTI;

  int32_t size = 0;
  memcpy(&size, raw.bytes, sizeof size);
  int32_t swapped_size = (int32_t)__builtin_bswap32((uint32_t)size);
  if (size == HEADER1 || swapped_size == HEADER1) {
    if (found < HEADER1) return CNIFTI_TRUNCATED;
    header->is_swapped = swapped_size == HEADER1;
    if (memcmp(raw.one.magic, "n+1", 4) != 0 && memcmp(raw.one.magic, "ni1", 4) != 0)
      return nifti_header_version(raw.bytes, (size_t)found) == 0 ? CNIFTI_ANALYZE
                                                                  : CNIFTI_NOT_NIFTI;
    if (header->is_swapped) nifti_swap_as_nifti1(&raw.one);
    header->version = 1;
    header->is_pair = raw.one.magic[1] == 'i';
    from1(&raw.one, header);
    return CNIFTI_OK;
  }
  if (size == HEADER2 || swapped_size == HEADER2) {
    if (found < HEADER2) return CNIFTI_TRUNCATED;
    header->is_swapped = swapped_size == HEADER2;
    if (memcmp(raw.two.magic, "n+2", 4) != 0 && memcmp(raw.two.magic, "ni2", 4) != 0)
      return CNIFTI_NOT_NIFTI;
    if (header->is_swapped) nifti_swap_as_nifti2(&raw.two);
    header->version = 2;
    header->is_pair = raw.two.magic[1] == 'i';
    from2(&raw.two, header);
    return CNIFTI_OK;
  }
  return CNIFTI_NOT_NIFTI;
}

// ---- geometry

int32_t cnifti_qform(const cnifti_header *header, double rows[12]) {
  const double *q = header->quaternion, *o = header->quaternion_offset, *d = header->pixdim;
  nifti_dmat44 m =
      nifti_quatern_to_dmat44(q[0], q[1], q[2], o[0], o[1], o[2], d[1], d[2], d[3], d[0]);
  for (int row = 0; row < 3; row++)
    for (int column = 0; column < 4; column++) rows[4 * row + column] = m.m[row][column];
  return CNIFTI_OK;
}

int32_t cnifti_set_qform(cnifti_header *header, const double rows[12]) {
  nifti_dmat44 m;
  memset(&m, 0, sizeof m);
  for (int row = 0; row < 3; row++)
    for (int column = 0; column < 4; column++) m.m[row][column] = rows[4 * row + column];
  m.m[3][3] = 1;
  double *q = header->quaternion, *o = header->quaternion_offset;
  nifti_dmat44_to_quatern(m, &q[0], &q[1], &q[2], &o[0], &o[1], &o[2], NULL, NULL, NULL,
                          &header->pixdim[0]);
  return CNIFTI_OK;
}

// ---- writing

int32_t cnifti_header_bytes(const cnifti_header *in, uint8_t bytes[544], int32_t *count) {
  pthread_once(&silenced, silence);
  memset(bytes, 0, 544);
  if (in->version == 1) {
    nifti_1_header out;
    memset(&out, 0, sizeof out);
    out.sizeof_hdr = HEADER1;
    out.regular = 'r';
    for (int i = 0; i < 8; i++) {
      out.dim[i] = (short)in->dim[i];
      out.pixdim[i] = (float)in->pixdim[i];
    }
    out.datatype = (short)in->datatype;
    out.bitpix = (short)in->bits_per_voxel;
    out.qform_code = (short)in->qform_code;
    out.sform_code = (short)in->sform_code;
    out.xyzt_units = (char)in->units;
    out.intent_code = (short)in->intent_code;
    out.vox_offset = (float)in->voxel_offset;
    out.scl_slope = (float)in->slope;
    out.scl_inter = (float)in->intercept;
    out.quatern_b = (float)in->quaternion[0];
    out.quatern_c = (float)in->quaternion[1];
    out.quatern_d = (float)in->quaternion[2];
    out.qoffset_x = (float)in->quaternion_offset[0];
    out.qoffset_y = (float)in->quaternion_offset[1];
    out.qoffset_z = (float)in->quaternion_offset[2];
    for (int i = 0; i < 4; i++) {
      out.srow_x[i] = (float)in->sform[i];
      out.srow_y[i] = (float)in->sform[4 + i];
      out.srow_z[i] = (float)in->sform[8 + i];
    }
    memcpy(out.descrip, in->description, sizeof out.descrip);
    memcpy(out.intent_name, in->intent_name, sizeof out.intent_name);
    memcpy(out.magic, in->is_pair ? "ni1" : "n+1", 4);
    if (!nifti_hdr1_looks_good(&out)) return CNIFTI_NOT_NIFTI;
    memcpy(bytes, &out, sizeof out);
    *count = HEADER1 + 4;
    return CNIFTI_OK;
  }
  nifti_2_header out;
  memset(&out, 0, sizeof out);
  out.sizeof_hdr = HEADER2;
  for (int i = 0; i < 8; i++) {
    out.dim[i] = in->dim[i];
    out.pixdim[i] = in->pixdim[i];
  }
  out.datatype = (int16_t)in->datatype;
  out.bitpix = (int16_t)in->bits_per_voxel;
  out.qform_code = in->qform_code;
  out.sform_code = in->sform_code;
  out.xyzt_units = in->units;
  out.intent_code = in->intent_code;
  out.vox_offset = (int64_t)in->voxel_offset;
  out.scl_slope = in->slope;
  out.scl_inter = in->intercept;
  out.quatern_b = in->quaternion[0];
  out.quatern_c = in->quaternion[1];
  out.quatern_d = in->quaternion[2];
  out.qoffset_x = in->quaternion_offset[0];
  out.qoffset_y = in->quaternion_offset[1];
  out.qoffset_z = in->quaternion_offset[2];
  for (int i = 0; i < 4; i++) {
    out.srow_x[i] = in->sform[i];
    out.srow_y[i] = in->sform[4 + i];
    out.srow_z[i] = in->sform[8 + i];
  }
  memcpy(out.descrip, in->description, sizeof out.descrip);
  memcpy(out.intent_name, in->intent_name, sizeof out.intent_name);
  // The four bytes after the name tell a file apart whose line ends were changed in transfer.
  memcpy(out.magic, in->is_pair ? "ni2\0\r\n\032\n" : "n+2\0\r\n\032\n", 8);
  if (!nifti_hdr2_looks_good(&out)) return CNIFTI_NOT_NIFTI;
  memcpy(bytes, &out, sizeof out);
  *count = HEADER2 + 4;
  return CNIFTI_OK;
}

struct cnifti_sink {
  FILE *plain;
  gzFile packed;
};

int32_t cnifti_create(const char *path, int32_t level, cnifti_sink **sink) {
  *sink = NULL;
  cnifti_sink *made = calloc(1, sizeof *made);
  if (!made) return CNIFTI_NO_MEMORY;
  errno = 0;
  if (level == 0) {
    made->plain = fopen(path, "wb");
  } else {
    char mode[4] = {'w', 'b', (char)('0' + level), 0};
    made->packed = gzopen(path, mode);
    if (made->packed) gzbuffer(made->packed, 1 << 18);
  }
  if (!made->plain && !made->packed) {
    free(made);
    return errno == 0 || errno == ENOMEM ? CNIFTI_NO_MEMORY : CNIFTI_SYSTEM;
  }
  *sink = made;
  return CNIFTI_OK;
}

int32_t cnifti_write(cnifti_sink *sink, const void *bytes, int64_t count) {
  const char *place = bytes;
  while (count > 0) {
    unsigned piece = count > PIECE ? PIECE : (unsigned)count;
    errno = 0;
    size_t done = sink->plain ? fwrite(place, 1, piece, sink->plain)
                              : (size_t)(gzwrite(sink->packed, place, piece) > 0 ? piece : 0);
    if (done != piece) return CNIFTI_SYSTEM;
    place += piece;
    count -= piece;
  }
  return CNIFTI_OK;
}

int32_t cnifti_finish(cnifti_sink *sink) {
  errno = 0;
  int failed = sink->plain ? fclose(sink->plain) != 0 : gzclose(sink->packed) != Z_OK;
  free(sink);
  return failed ? CNIFTI_SYSTEM : CNIFTI_OK;
}
