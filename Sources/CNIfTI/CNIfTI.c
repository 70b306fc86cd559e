#include "CNIfTI.h"

#include <nifti/nifti2_io.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// libnifti speaks on stderr unless it is told not to.
static void silence(void) { nifti_set_debug_level(0); }
static pthread_once_t silenced = PTHREAD_ONCE_INIT;

_Static_assert(sizeof(nifti_1_header) == 348, "a NIfTI-1 header has 348 bytes");
_Static_assert(sizeof(nifti_2_header) == 540, "a NIfTI-2 header has 540 bytes");

enum { HEADER1 = 348, HEADER2 = 540 };

// ---- reading

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

int32_t cnifti_parse_header(const uint8_t *bytes, size_t found, cnifti_header *header) {
  pthread_once(&silenced, silence);
  memset(header, 0, sizeof *header);
  union {
    char bytes[HEADER2];
    nifti_1_header one;
    nifti_2_header two;
  } raw;
  memset(&raw, 0, sizeof raw);
  memcpy(raw.bytes, bytes, found > HEADER2 ? HEADER2 : found);
  if (found < 4) return found == 0 ? CNIFTI_TRUNCATED : CNIFTI_NOT_NIFTI;

  int32_t size = 0;
  memcpy(&size, raw.bytes, sizeof size);
  int32_t swapped_size = (int32_t)__builtin_bswap32((uint32_t)size);
  if (size == HEADER1 || swapped_size == HEADER1) {
    if (found < HEADER1) return CNIFTI_TRUNCATED;
    header->is_swapped = swapped_size == HEADER1;
    const int is_nifti =
        memcmp(raw.one.magic, "n+1", 4) == 0 || memcmp(raw.one.magic, "ni1", 4) == 0;
    if (!is_nifti && nifti_header_version(raw.bytes, found) != 0) return CNIFTI_NOT_NIFTI;
    if (header->is_swapped) nifti_swap_as_nifti1(&raw.one);
    header->version = 1;
    header->is_pair = raw.one.magic[1] == 'i';
    from1(&raw.one, header);
    if (!is_nifti) {
      // Analyze 7.5 has other fields after the spacing and the voxels' place.
      header->is_pair = 1;
      header->qform_code = header->sform_code = header->units = header->intent_code = 0;
      header->slope = header->intercept = 0;
      memset(header->description, 0, sizeof header->description);
      memset(header->intent_name, 0, sizeof header->intent_name);
      return CNIFTI_ANALYZE;
    }
    header->extension_flag = found > HEADER1 && bytes[HEADER1] != 0;
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
    header->extension_flag = found > HEADER2 && bytes[HEADER2] != 0;
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
