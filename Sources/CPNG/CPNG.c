#include "CPNG.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  jmp_buf jump;
  char *message;
} failure;

static void on_error(png_structp png, png_const_charp text) {
  failure *state = png_get_error_ptr(png);
  strncpy(state->message, text, CPNG_MESSAGE - 1);
  state->message[CPNG_MESSAGE - 1] = 0;
  longjmp(state->jump, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

// ---- decoding

typedef struct {
  const uint8_t *bytes;
  size_t count;
  size_t place;
} source;

static void on_read(png_structp png, png_bytep out, size_t length) {
  source *from = png_get_io_ptr(png);
  if (length > from->count - from->place) png_error(png, "the file ends early");
  memcpy(out, from->bytes + from->place, length);
  from->place += length;
}

static int is_little_endian(void) {
  const uint16_t one = 1;
  return *(const uint8_t *)&one == 1;
}

// Reads up to the first pixel and asks for the layout of cpng_info.
static void read_info(png_structp png, png_infop details, cpng_info *info) {
  png_read_info(png, details);
  const int colour = png_get_color_type(png, details);
  const int has_transparency = png_get_valid(png, details, PNG_INFO_tRNS) != 0;
  if (colour == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
  if (colour == PNG_COLOR_TYPE_GRAY && png_get_bit_depth(png, details) < 8)
    png_set_expand_gray_1_2_4_to_8(png);
  // Grey stays grey: its transparent value is a value like others here.
  if (has_transparency && colour != PNG_COLOR_TYPE_GRAY) png_set_tRNS_to_alpha(png);
  if (colour == PNG_COLOR_TYPE_GRAY_ALPHA) png_set_gray_to_rgb(png);
  if (png_get_bit_depth(png, details) == 16 && is_little_endian()) png_set_swap(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, details);

  memset(info, 0, sizeof *info);
  info->width = png_get_image_width(png, details);
  info->height = png_get_image_height(png, details);
  info->channels = png_get_channels(png, details);
  info->bits = png_get_bit_depth(png, details);
  png_uint_32 x = 0, y = 0;
  int unit = PNG_RESOLUTION_UNKNOWN;
  if (png_get_pHYs(png, details, &x, &y, &unit) && unit == PNG_RESOLUTION_METER) {
    info->pixels_per_metre[0] = x;
    info->pixels_per_metre[1] = y;
  }
}

static int32_t decode(const uint8_t *bytes, size_t count, cpng_info *info, uint8_t *pixels,
                      size_t size, char message[CPNG_MESSAGE]) {
  message[0] = 0;
  if (count < 8 || png_sig_cmp(bytes, 0, 8) != 0) return CPNG_NOT_PNG;
  failure state = {.message = message};
  source from = {bytes, count, 0};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
  if (!png) return CPNG_NO_MEMORY;
  png_infop details = png_create_info_struct(png);
  if (!details) {
    png_destroy_read_struct(&png, NULL, NULL);
    return CPNG_NO_MEMORY;
  }
  // Written before setjmp is returned from a second time, hence volatile.
  png_bytep *volatile rows = NULL;
  if (setjmp(state.jump)) {
    free(rows);
    png_destroy_read_struct(&png, &details, NULL);
    return CPNG_DAMAGED;
  }
  png_set_read_fn(png, &from, on_read);
  read_info(png, details, info);
  if (pixels) {
    const size_t stride = png_get_rowbytes(png, details);
    if (stride == 0 || size / stride != info->height || size % stride != 0)
      png_error(png, "the size changed");
    rows = malloc(info->height * sizeof *rows);
    if (!rows) png_error(png, "memory is short");
    for (uint32_t y = 0; y < info->height; y++) rows[y] = pixels + y * stride;
    png_read_image(png, rows);
    png_read_end(png, NULL);
  }
  free(rows);
  png_destroy_read_struct(&png, &details, NULL);
  return CPNG_OK;
}

int32_t cpng_inspect(const uint8_t *bytes, size_t count, cpng_info *info,
                     char message[CPNG_MESSAGE]) {
  return decode(bytes, count, info, NULL, 0, message);
}

int32_t cpng_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t size,
                    char message[CPNG_MESSAGE]) {
  cpng_info info;
  return decode(bytes, count, &info, pixels, size, message);
}

// ---- encoding

typedef struct {
  uint8_t *bytes;
  size_t count;
  size_t capacity;
} target;

static void on_write(png_structp png, png_bytep in, size_t length) {
  target *to = png_get_io_ptr(png);
  if (length > to->capacity - to->count) {
    size_t wanted = to->capacity * 2 > to->count + length ? to->capacity * 2 : to->count + length;
    uint8_t *larger = realloc(to->bytes, wanted);
    if (!larger) png_error(png, "memory is short");
    to->bytes = larger;
    to->capacity = wanted;
  }
  memcpy(to->bytes + to->count, in, length);
  to->count += length;
}

static void on_flush(png_structp png) { (void)png; }

int32_t cpng_encode(const cpng_info *info, const uint8_t *pixels, uint8_t **bytes, size_t *count,
                    char message[CPNG_MESSAGE]) {
  message[0] = 0;
  *bytes = NULL;
  *count = 0;
  failure state = {.message = message};
  target to = {0};
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state, on_error, on_warning);
  if (!png) return CPNG_NO_MEMORY;
  png_infop details = png_create_info_struct(png);
  if (!details) {
    png_destroy_write_struct(&png, NULL);
    return CPNG_NO_MEMORY;
  }
  if (setjmp(state.jump)) {
    free(to.bytes);
    png_destroy_write_struct(&png, &details);
    return CPNG_DAMAGED;
  }
  png_set_write_fn(png, &to, on_write, on_flush);
  const int colour = info->channels == 1   ? PNG_COLOR_TYPE_GRAY
                     : info->channels == 3 ? PNG_COLOR_TYPE_RGB
                                           : PNG_COLOR_TYPE_RGBA;
  png_set_IHDR(png, details, info->width, info->height, (int)info->bits, colour,
               PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (info->pixels_per_metre[0] && info->pixels_per_metre[1])
    png_set_pHYs(png, details, info->pixels_per_metre[0], info->pixels_per_metre[1],
                 PNG_RESOLUTION_METER);
  png_write_info(png, details);
  if (info->bits == 16 && is_little_endian()) png_set_swap(png);
  const size_t stride = (size_t)info->width * info->channels * info->bits / 8;
  for (uint32_t y = 0; y < info->height; y++) png_write_row(png, pixels + y * stride);
  png_write_end(png, details);
  png_destroy_write_struct(&png, &details);
  *bytes = to.bytes;
  *count = to.count;
  return CPNG_OK;
}

void cpng_free(uint8_t *bytes) { free(bytes); }
