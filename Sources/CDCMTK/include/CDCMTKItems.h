#ifndef CDCMTK_ITEMS_H
#define CDCMTK_ITEMS_H

#include "CDCMTK.h"

// The tree of a data set: items of sequences, values of any element, and writing.
//
// An item is borrowed from its file: it lives until the file is closed or the item is removed, and belongs to the
// file's thread. A null item stands for the main data set. `tag` is group * 65536 + element. What is read is guarded
// as in CDCMTK.h: a length beyond the file's end reads as absent.

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cdcmtk_item cdcmtk_item;

// One element of an item.
typedef struct {
  uint32_t tag;
  // Two letters and a terminating zero.
  char vr[4];
  // Bytes of the value; 0 for sequences.
  uint32_t length;
  // Items of a sequence; 0 for values.
  uint32_t items;
} cdcmtk_element;

// MARK: Reading

// The file meta group as an item; `CDCMTK_ABSENT` without one.
int32_t cdcmtk_meta_item(cdcmtk_file *file, cdcmtk_item **item);

// The number of elements, in the order of their tags.
int32_t cdcmtk_element_count(cdcmtk_file *file, cdcmtk_item *item, size_t *count);

// An element by place.
int32_t cdcmtk_element_at(cdcmtk_file *file, cdcmtk_item *item, size_t index, cdcmtk_element *element);

// An element by tag, `CDCMTK_ABSENT` when it is not there.
int32_t cdcmtk_find(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, cdcmtk_element *element);

// The value as text with its backslashes, without a terminating zero; `length` is the whole length, of which at most
// `capacity` bytes are written. Numbers in binary are written in decimal.
int32_t cdcmtk_item_text(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, char *text, size_t capacity,
                         size_t *length);

// All values of a numeric element, at most `capacity`; `count` is how many there are.
int32_t cdcmtk_item_doubles(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, double *values, size_t capacity,
                            size_t *count);

// The value's bytes in little endian; `length` is the whole length, of which at most `capacity` are written.
int32_t cdcmtk_item_bytes(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, void *bytes, size_t capacity,
                          size_t *length);

// An item of a sequence; `CDCMTK_ABSENT` when it is not there.
int32_t cdcmtk_child(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, uint32_t index, cdcmtk_item **child);

// The value representation that PS3.6 gives an element, "UN" for unknown ones; words of 8 or 16 bits as "OW".
int32_t cdcmtk_dictionary_vr(uint32_t tag, char vr[4]);

// MARK: Writing

// An empty data set.
int32_t cdcmtk_create(cdcmtk_file **file);

// Sets a value from text, values separated by backslashes; replaces the element. `CDCMTK_BAD_ARGUMENT` when DCMTK
// does not take it, as with letters in a decimal string.
int32_t cdcmtk_put_text(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, const char *vr, const char *text,
                        size_t length);

// Sets a numeric value (binary VRs; decimal and integer strings are texts).
int32_t cdcmtk_put_doubles(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, const char *vr,
                           const double *values, size_t count);

// Sets bytes in little endian (OB, OW, UN, OF, OD, OL and binary numbers); native pixel data too.
int32_t cdcmtk_put_bytes(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, const char *vr, const void *bytes,
                         size_t length);

// Adds an item at the end of a sequence, which is made when it is not there.
int32_t cdcmtk_append_item(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag, cdcmtk_item **child);

// Makes a sequence without items; replaces the element.
int32_t cdcmtk_put_empty_sequence(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag);

// Removes an element; `CDCMTK_ABSENT` when it is not there.
int32_t cdcmtk_remove(cdcmtk_file *file, cdcmtk_item *item, uint32_t tag);

// Appends a fragment to compressed pixel data of a transfer syntax; the first call makes it, with an empty offset
// table.
int32_t cdcmtk_append_fragment(cdcmtk_file *file, const char *transfer_syntax, const void *bytes, size_t length);

// Writes a file of PS3.10 with a new meta group; the transfer syntax must fit the pixel data: an uncompressed one for
// native pixels, the fragments' own for compressed ones.
int32_t cdcmtk_save(cdcmtk_file *file, const char *path, const char *transfer_syntax);

// Writes a file of PS3.10 in the transfer syntax that was read, with pixel data as it was and nothing of
// the old file meta group or preamble. `CDCMTK_UNSUPPORTED` for a transfer syntax that DCMTK does not know.
//
// The data set goes into the new file: afterwards the handle holds an empty one and can only be closed.
int32_t cdcmtk_save_as_read(cdcmtk_file *file, const char *path);

// MARK: Names

// The keyword that PS3.6 gives an element, with a terminating zero; `CDCMTK_ABSENT` for others.
int32_t cdcmtk_keyword(uint32_t tag, char *text, size_t capacity);

// `CDCMTK_OK` when PS3.6 lists the UID (classes, transfer syntaxes, well-known instances), else
// `CDCMTK_ABSENT`.
int32_t cdcmtk_is_registered_uid(const char *uid);

#ifdef __cplusplus
}
#endif

#endif
