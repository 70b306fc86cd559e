#pragma once
// NIfTI-1 and NIfTI-2 headers by libnifti, and byte streams, plain or gzip, by zlib.
// Every function returns a cnifti_status; nothing is ever printed.
#include <stddef.h>
#include <stdint.h>

typedef enum {
  CNIFTI_OK = 0,
  /// The system refused to open or read; `errno` says why.
  CNIFTI_SYSTEM = 1,
  /// The content is no NIfTI header.
  CNIFTI_NOT_NIFTI = 2,
  /// The content is an Analyze 7.5 header, which has no orientation.
  CNIFTI_ANALYZE = 3,
  /// The file ends within the header.
  CNIFTI_TRUNCATED = 4,
  /// The compressed stream is damaged.
  CNIFTI_CORRUPT = 5,
  /// Memory is short.
  CNIFTI_NO_MEMORY = 6,
} cnifti_status;

/// The fields of either header version, in the machine's byte order.
typedef struct {
  /// 1 or 2.
  int32_t version;
  /// Whether the voxels are in a file of their own (.hdr and .img).
  int32_t is_pair;
  /// Whether the file's byte order is not this machine's.
  int32_t is_swapped;
  int32_t datatype;
  int32_t bits_per_voxel;
  int32_t qform_code;
  int32_t sform_code;
  int32_t units;
  int32_t intent_code;
  int64_t dim[8];
  double pixdim[8];
  double voxel_offset;
  double slope;
  double intercept;
  double quaternion[3];
  double quaternion_offset[3];
  /// The first three rows of the sform, row by row.
  double sform[12];
  char description[80];
  char intent_name[16];
} cnifti_header;

/// Reads the header of a .nii or .hdr file, plain or gzip.
int32_t cnifti_read_header(const char *path, cnifti_header *header);

/// The qform's matrix (three rows of four, row by row) of the header's quaternion and spacing.
int32_t cnifti_qform(const cnifti_header *header, double rows[12]);

/// The quaternion, its offset and the handedness (pixdim[0]) of a rotation matrix with a spacing.
int32_t cnifti_set_qform(cnifti_header *header, const double rows[12]);

/// The bytes of a header with the four bytes that say "no extensions", 352 or 544 in all.
int32_t cnifti_header_bytes(const cnifti_header *header, uint8_t bytes[544], int32_t *count);

typedef struct cnifti_stream cnifti_stream;

/// Opens a file for reading; gzip content is recognised by its first bytes.
int32_t cnifti_open(const char *path, cnifti_stream **stream);
/// Reads up to `count` bytes; `found` is less only at the end of the file. CNIFTI_CORRUPT tells of
/// a damaged or unfinished gzip stream, with `found` bytes before the damage.
int32_t cnifti_read(cnifti_stream *stream, void *bytes, int64_t count, int64_t *found);
/// Skips `count` bytes forwards; `found` is less only at the end of the file.
int32_t cnifti_skip(cnifti_stream *stream, int64_t count, int64_t *found);
/// Whether the content is gzip.
int32_t cnifti_is_compressed(const cnifti_stream *stream);
void cnifti_close(cnifti_stream *stream);

typedef struct cnifti_sink cnifti_sink;

/// Creates a file for writing; `level` 0 writes plain bytes, 1 to 9 gzip without a time stamp.
int32_t cnifti_create(const char *path, int32_t level, cnifti_sink **sink);
/// Writes all bytes or fails.
int32_t cnifti_write(cnifti_sink *sink, const void *bytes, int64_t count);
/// Writes what is buffered and closes; the sink is gone afterwards, whatever the status.
int32_t cnifti_finish(cnifti_sink *sink);
