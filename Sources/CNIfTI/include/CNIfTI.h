#pragma once
// NIfTI-1 and NIfTI-2 headers by libnifti.
// Every function returns a cnifti_status; nothing is ever printed.
#include <stddef.h>
#include <stdint.h>

typedef enum {
  CNIFTI_OK = 0,
  /// The system refused to open or read; `errno` says why.
  CNIFTI_SYSTEM = 1,
  /// The content is no NIfTI header.
  CNIFTI_NOT_NIFTI = 2,
  /// The content is an Analyze 7.5 header, which has no orientation; its fields are filled in.
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
  /// Whether the header says that extensions follow it.
  int32_t extension_flag;
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

/// Parses the first bytes of a .nii or .hdr file, 544 or as many as there are.
int32_t cnifti_parse_header(const uint8_t *bytes, size_t count, cnifti_header *header);

/// The qform's matrix (three rows of four, row by row) of the header's quaternion and spacing.
int32_t cnifti_qform(const cnifti_header *header, double rows[12]);

/// The quaternion, its offset and the handedness (pixdim[0]) of a rotation matrix with a spacing.
int32_t cnifti_set_qform(cnifti_header *header, const double rows[12]);

/// The bytes of a header with the four bytes that say "no extensions", 352 or 544 in all.
int32_t cnifti_header_bytes(const cnifti_header *header, uint8_t bytes[544], int32_t *count);
