#ifndef CDCMTK_H
#define CDCMTK_H

#include <stddef.h>
#include <stdint.h>

// DCMTK behind a C header: headers and frames of DICOM files. Status codes, no policy.
//
// Every function may be called from any thread, but one handle belongs to one thread at a time.
// No C++ exception
// and no line of DCMTK's log leaves the shim.

#ifdef __cplusplus
extern "C" {
#endif

// What a call says. Results are written only with `CDCMTK_OK`.
enum {
  CDCMTK_OK = 0,
  // The element is not there, or has no value of that kind.
  CDCMTK_ABSENT = 1,
  // The file cannot be opened or read.
  CDCMTK_UNREADABLE = 2,
  // The content is not a DICOM data set.
  CDCMTK_NOT_DICOM = 3,
  // The content contradicts itself or ends early.
  CDCMTK_DAMAGED = 4,
  // The transfer syntax or pixel layout has no decoder here.
  CDCMTK_UNSUPPORTED = 5,
  // The caller's buffer or index does not fit.
  CDCMTK_BAD_ARGUMENT = 6,
  // Memory ran out.
  CDCMTK_NO_MEMORY = 7,
  // DCMTK's data dictionary is not installed.
  CDCMTK_NO_DICTIONARY = 8,
  // An exception that should not happen.
  CDCMTK_INTERNAL = 9,
};

// An open DICOM file: its data set, with long values left on disk.
typedef struct cdcmtk_file cdcmtk_file;

// How the pixels of a file are stored.
typedef struct {
  uint32_t rows;
  uint32_t columns;
  uint32_t samples;
  uint32_t bits_allocated;
  uint32_t bits_stored;
  uint32_t high_bit;
  uint32_t is_signed;
  // Number of Frames, or what the offset tables and start markers of compressed frames say where that is
  // more.
  uint32_t frames;
  // 1 when the pixel data is compressed fragments, 0 when it is one native value.
  uint32_t is_encapsulated;
  // 1 when this shim can decode the transfer syntax: native, deflated, RLE, JPEG (baseline, extended,
  // lossless), JPEG-LS, JPEG 2000, deflated frames.
  uint32_t can_decode;
  // 1 when the file breaks off within the pixel data.
  uint32_t is_truncated;
  // Bytes of pixel data in the file: the value's length, or the sum of the fragments'.
  uint64_t data_bytes;
  // Where native pixel data in the machine's byte order begins in the file, for `cdcmtk_read_native`; else 0.
  uint64_t data_offset;
} cdcmtk_pixels;

// Opens a file and reads its data set; values over 4 kB stay on disk until they are asked for.
//
// `complete` becomes 0 when the data set ends early or breaks off in an error; what was read before that is
// still there. Close the handle with `cdcmtk_close`.
int32_t cdcmtk_open(const char *path, cdcmtk_file **file, int32_t *complete);

// Closes a file; null is allowed.
void cdcmtk_close(cdcmtk_file *file);

// One value of an element of the main data set (or of the file meta group) as text, with a terminating zero.
//
// `tag` is group * 65536 + element. `length` is the text's length, at most `capacity - 1`; longer text is
// cut.
int32_t cdcmtk_string(const cdcmtk_file *file, uint32_t tag, uint32_t index, char *text, size_t capacity,
                      size_t *length);

// All values of a numeric element (text or binary), at most `capacity` of them.
int32_t cdcmtk_doubles(const cdcmtk_file *file, uint32_t tag, double *values, size_t capacity, size_t *count);

// Whether an element is there and not empty: `CDCMTK_OK` or `CDCMTK_ABSENT`.
int32_t cdcmtk_has_value(const cdcmtk_file *file, uint32_t tag);

// The transfer syntax UID of the data set as read, with a terminating zero.
int32_t cdcmtk_transfer_syntax(const cdcmtk_file *file, char *text, size_t capacity);

// How the pixels are stored; `CDCMTK_ABSENT` without (integer) pixel data or its description.
int32_t cdcmtk_describe_pixels(const cdcmtk_file *file, cdcmtk_pixels *pixels);

// Decodes one frame to stored values.
//
// The values are 8, 16 or 32 bits wide (`bits_allocated`), in the machine's byte order, row by row; bits
// outside the stored ones are cleared, or filled with the sign. A codestream of fewer bits than are stored
// has its sign in its own highest bit, whatever it says itself of signs. Images of 1 bit (`bits_allocated`)
// give one byte a pixel.
//
// `samples` 3 gives red, green and blue side by side, whatever the planar configuration: YBR_FULL,
// YBR_FULL_422 and YBR_PARTIAL_422 are converted (PS3.3 C.7.6.3.1.2), as are the component transforms of JPEG
// 2000. Where the markers of a JPEG stream contradict Photometric Interpretation, the markers count. Palettes
// are not applied.
//
// `bytes` must be rows * columns * samples * the width in bytes. Nothing is written beyond; on failure the
// buffer may hold anything. `CDCMTK_UNSUPPORTED`: 2 or 4 samples, other widths (12 bits packed, 64), frames
// of 4 GB.
int32_t cdcmtk_decode_frame(cdcmtk_file *file, uint32_t frame, void *values, size_t bytes);

// One frame of Float Pixel Data (7FE0,0008) or Double Float Pixel Data (7FE0,0009), row by row, as doubles.
//
// `count` must be rows * columns. `CDCMTK_ABSENT` where the file has neither; `cdcmtk_describe_pixels` knows
// nothing of such pixels.
int32_t cdcmtk_float_frame(cdcmtk_file *file, uint32_t frame, double *values, size_t count);

// Reads one frame as `cdcmtk_decode_frame` does, straight from a file that was described and closed.
//
// `CDCMTK_UNSUPPORTED` when `data_offset` is 0, `CDCMTK_DAMAGED` when the file has become shorter.
int32_t cdcmtk_read_native(const char *path, const cdcmtk_pixels *pixels, uint32_t frame, void *values,
                           size_t bytes);

#ifdef __cplusplus
}
#endif

#include "CDCMTKItems.h"

#endif
