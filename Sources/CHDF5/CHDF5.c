#include "CHDF5.h"

#include <hdf5/serial/hdf5.h>
#include <stdlib.h>
#include <string.h>

enum { MAXIMUM_OBJECTS = 100000, MAXIMUM_NAME = 4096 };
// Numbers of one tensor.
static const uint64_t maximum_count = (uint64_t)1 << 31;
static const uint64_t maximum_text = (uint64_t)64 << 20;

struct chdf5_file {
  hid_t handle;
  chdf5_dataset *datasets;
  int64_t count, seen;
  int32_t status;
};

// Whether a tensor's numbers lie in the file itself, packed in a way that is known.
static int is_plain(hid_t dataset) {
  const hid_t creation = H5Dget_create_plist(dataset);
  if (creation < 0) return 0;
  int plain = H5Pget_layout(creation) != H5D_VIRTUAL && H5Pget_external_count(creation) == 0;
  const int filters = H5Pget_nfilters(creation);
  plain = plain && filters >= 0;
  for (int i = 0; plain && i < filters; ++i) {
    unsigned flags = 0, config = 0;
    size_t values = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(creation, (unsigned)i, &flags, &values, NULL, 0, NULL, &config);
    plain = filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE ||
            filter == H5Z_FILTER_FLETCHER32;
  }
  H5Pclose(creation);
  return plain;
}

// Fills in rank and shape; 0 when the object is no tensor of floating numbers.
static int describe(hid_t dataset, chdf5_dataset *result, int32_t *status) {
  const hid_t type = H5Dget_type(dataset);
  const int floating = type >= 0 && H5Tget_class(type) == H5T_FLOAT;
  if (type >= 0) H5Tclose(type);
  if (!floating || !is_plain(dataset)) return 0;
  const hid_t space = H5Dget_space(dataset);
  if (space < 0) return 0;
  hsize_t sizes[CHDF5_MAXIMUM_RANK] = {0};
  const int rank = H5Sget_simple_extent_ndims(space);
  int good = rank >= 0 && rank <= CHDF5_MAXIMUM_RANK;
  if (good && rank > 0) good = H5Sget_simple_extent_dims(space, sizes, NULL) == rank;
  H5Sclose(space);
  if (!good) return 0;
  uint64_t count = 1;
  result->rank = rank;
  for (int i = 0; i < rank; ++i) {
    if (sizes[i] > maximum_count || (sizes[i] > 0 && count > maximum_count / sizes[i])) {
      *status = CHDF5_TOO_LARGE;
      return 0;
    }
    count *= sizes[i];
    result->shape[i] = (int64_t)sizes[i];
  }
  return 1;
}

static herr_t visit(hid_t root, const char *name, const H5O_info_t *info, void *context) {
  chdf5_file *file = context;
  if (++file->seen > MAXIMUM_OBJECTS || strlen(name) > MAXIMUM_NAME) {
    file->status = CHDF5_TOO_LARGE;
    return -1;
  }
  if (info->type != H5O_TYPE_DATASET) return 0;
  const hid_t dataset = H5Dopen2(root, name, H5P_DEFAULT);
  if (dataset < 0) return 0;
  chdf5_dataset found = {0};
  const int wanted = describe(dataset, &found, &file->status);
  H5Dclose(dataset);
  if (file->status != CHDF5_OK) return -1;
  if (!wanted) return 0;
  chdf5_dataset *grown =
      realloc(file->datasets, sizeof *grown * (size_t)(file->count + 1));
  if (!grown) return -1;
  file->datasets = grown;
  found.name = strdup(name);
  if (!found.name) return -1;
  file->datasets[file->count++] = found;
  return 0;
}

int32_t chdf5_open(const char *path, chdf5_file **result) {
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  H5PLset_loading_state(0);
  const hid_t handle = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (handle < 0) return CHDF5_UNREADABLE;
  chdf5_file *file = calloc(1, sizeof *file);
  if (!file) {
    H5Fclose(handle);
    return CHDF5_UNREADABLE;
  }
  file->handle = handle;
  // Soft and external links are not followed, and every object is seen once.
  const herr_t visited =
      H5Ovisit2(handle, H5_INDEX_NAME, H5_ITER_INC, visit, file, H5O_INFO_BASIC);
  if (visited < 0) {
    const int32_t status = file->status != CHDF5_OK ? file->status : CHDF5_UNREADABLE;
    chdf5_close(file);
    return status;
  }
  *result = file;
  return CHDF5_OK;
}

void chdf5_close(chdf5_file *file) {
  if (!file) return;
  for (int64_t i = 0; i < file->count; ++i) free((void *)file->datasets[i].name);
  free(file->datasets);
  H5Fclose(file->handle);
  free(file);
}

int64_t chdf5_count(const chdf5_file *file) { return file->count; }

int32_t chdf5_describe(const chdf5_file *file, int64_t index, chdf5_dataset *dataset) {
  if (index < 0 || index >= file->count) return CHDF5_ABSENT;
  *dataset = file->datasets[index];
  return CHDF5_OK;
}

int32_t chdf5_read(const chdf5_file *file, int64_t index, float *values, uint64_t count) {
  if (index < 0 || index >= file->count) return CHDF5_ABSENT;
  const chdf5_dataset *known = &file->datasets[index];
  uint64_t expected = 1;
  for (int64_t i = 0; i < known->rank; ++i) expected *= (uint64_t)known->shape[i];
  if (expected != count) return CHDF5_ABSENT;
  if (count == 0) return CHDF5_OK;
  const hid_t dataset = H5Dopen2(file->handle, known->name, H5P_DEFAULT);
  if (dataset < 0) return CHDF5_ABSENT;
  const herr_t status =
      H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
  H5Dclose(dataset);
  return status < 0 ? CHDF5_ABSENT : CHDF5_OK;
}

// The attribute's text of variable length.
static int32_t variable_text(hid_t attribute, char *buffer, uint64_t capacity, uint64_t *length) {
  char *text = NULL;
  const hid_t type = H5Aget_type(attribute);
  if (type < 0) return CHDF5_ABSENT;
  int32_t result = CHDF5_ABSENT;
  if (H5Aread(attribute, type, &text) >= 0 && text) {
    *length = strlen(text);
    result = *length > maximum_text ? CHDF5_TOO_LARGE : CHDF5_OK;
    if (result == CHDF5_OK && buffer) memcpy(buffer, text, *length < capacity ? *length : capacity);
    H5free_memory(text);
  }
  H5Tclose(type);
  return result;
}

// The attribute's text of fixed length, up to a zero in it.
static int32_t fixed_text(hid_t attribute, char *buffer, uint64_t capacity, uint64_t *length) {
  const hid_t type = H5Aget_type(attribute);
  if (type < 0) return CHDF5_ABSENT;
  const size_t size = H5Tget_size(type);
  int32_t result = size > maximum_text ? CHDF5_TOO_LARGE : CHDF5_ABSENT;
  char *text = size > 0 && size <= maximum_text ? calloc(1, size + 1) : NULL;
  if (text && H5Aread(attribute, type, text) >= 0) {
    *length = strlen(text);
    if (buffer) memcpy(buffer, text, *length < capacity ? *length : capacity);
    result = CHDF5_OK;
  }
  free(text);
  H5Tclose(type);
  return result;
}

int32_t chdf5_text(const chdf5_file *file, const char *name, char *buffer, uint64_t capacity,
                   uint64_t *length) {
  const hid_t attribute = H5Aopen(file->handle, name, H5P_DEFAULT);
  if (attribute < 0) return CHDF5_ABSENT;
  int32_t result = CHDF5_ABSENT;
  const hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
  if (type >= 0 && space >= 0 && H5Tget_class(type) == H5T_STRING &&
      H5Sget_simple_extent_npoints(space) == 1) {
    result = H5Tis_variable_str(type) > 0 ? variable_text(attribute, buffer, capacity, length)
                                          : fixed_text(attribute, buffer, capacity, length);
  }
  if (type >= 0) H5Tclose(type);
  if (space >= 0) H5Sclose(space);
  H5Aclose(attribute);
  return result;
}
