#pragma once
// libhdf5 behind a few calls that list and read tensors of floating numbers.
//
// Messages never reach the terminal. Links to other files, virtual and external data and filters other
// than deflate, shuffle and checksums are refused, plugins are not loaded.
#include <stdint.h>

enum {
  CHDF5_OK = 0,
  /// The file cannot be opened as HDF5.
  CHDF5_UNREADABLE = 1,
  /// It holds more objects, or larger ones, than are believed.
  CHDF5_TOO_LARGE = 2,
  /// Something asked for is not there or cannot be read.
  CHDF5_ABSENT = 3,
};

enum { CHDF5_MAXIMUM_RANK = 8 };

typedef struct chdf5_file chdf5_file;

typedef struct {
  /// The path from the root, without a slash in front; lives as long as the file.
  const char *name;
  int64_t rank;
  int64_t shape[CHDF5_MAXIMUM_RANK];
} chdf5_dataset;

/// Opens a file and lists its tensors of floating numbers.
int32_t chdf5_open(const char *path, chdf5_file **file);
void chdf5_close(chdf5_file *file);
/// How many tensors there are.
int64_t chdf5_count(const chdf5_file *file);
/// What the tensor of a number is.
int32_t chdf5_describe(const chdf5_file *file, int64_t index, chdf5_dataset *dataset);
/// Reads a tensor in row-major order; `count` is the product of its shape.
int32_t chdf5_read(const chdf5_file *file, int64_t index, float *values, uint64_t count);
/// Reads a text attribute of the root: its length, and with a buffer of that capacity the bytes.
int32_t chdf5_text(const chdf5_file *file, const char *name, char *buffer, uint64_t capacity,
                   uint64_t *length);
