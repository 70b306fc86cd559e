#include "CJPEG.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// After stdio.h, whose types it uses.
#include <jpeglib.h>

/// A progressive file may have this many scans; more only cost time.
enum { MAXIMUM_SCANS = 200 };

typedef struct {
  struct jpeg_error_mgr base;
  jmp_buf jump;
  char *message;
} failure;

static void on_error(j_common_ptr common) {
  failure *state = (failure *)common->err;
  char text[JMSG_LENGTH_MAX];
  (*common->err->format_message)(common, text);
  snprintf(state->message, CJPEG_MESSAGE, "%s", text);
  longjmp(state->jump, 1);
}

static void on_message(j_common_ptr common, int level) {
  // Level -1 is damage that libjpeg would paper over; the first one is kept and told at the end.
  if (level < 0 && common->err->num_warnings++ == 0) {
    failure *state = (failure *)common->err;
    char text[JMSG_LENGTH_MAX];
    (*common->err->format_message)(common, text);
    snprintf(state->message, CJPEG_MESSAGE, "%s", text);
  }
}

static void on_output(j_common_ptr common) { (void)common; }

static void on_progress(j_common_ptr common) {
  if (common->is_decompressor && ((j_decompress_ptr)common)->input_scan_number > MAXIMUM_SCANS) {
    failure *state = (failure *)common->err;
    strncpy(state->message, "too many scans", CJPEG_MESSAGE - 1);
    longjmp(state->jump, 1);
  }
}

static int32_t decode(const uint8_t *bytes, size_t count, cjpeg_info *info, uint8_t *pixels,
                      size_t size, char message[CJPEG_MESSAGE]) {
  memset(message, 0, CJPEG_MESSAGE);
  memset(info, 0, sizeof *info);
  struct jpeg_decompress_struct jpeg;
  failure state;
  struct jpeg_progress_mgr watch;
  memset(&watch, 0, sizeof watch);
  watch.progress_monitor = on_progress;
  jpeg.err = jpeg_std_error(&state.base);
  state.base.error_exit = on_error;
  state.base.emit_message = on_message;
  state.base.output_message = on_output;
  state.message = message;
  if (setjmp(state.jump)) {
    jpeg_destroy_decompress(&jpeg);
    return CJPEG_DAMAGED;
  }
  jpeg_create_decompress(&jpeg);
  jpeg.progress = &watch;
  jpeg_mem_src(&jpeg, bytes, count);
  jpeg_read_header(&jpeg, TRUE);
  if (jpeg.jpeg_color_space == JCS_CMYK || jpeg.jpeg_color_space == JCS_YCCK) {
    jpeg_destroy_decompress(&jpeg);
    return CJPEG_UNSUPPORTED;
  }
  jpeg.out_color_space = jpeg.jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
  jpeg.dct_method = JDCT_ISLOW;
  info->width = jpeg.image_width;
  info->height = jpeg.image_height;
  info->channels = jpeg.out_color_space == JCS_GRAYSCALE ? 1 : 3;
  if (jpeg.saw_JFIF_marker && jpeg.density_unit != 0 && jpeg.X_density && jpeg.Y_density) {
    const double unit = jpeg.density_unit == 1 ? 25.4 : 10;
    info->spacing[0] = unit / jpeg.X_density;
    info->spacing[1] = unit / jpeg.Y_density;
  }
  if (pixels) {
    const size_t stride = (size_t)info->width * info->channels;
    if (stride == 0 || size / stride != info->height || size % stride != 0) {
      strncpy(message, "the size changed", CJPEG_MESSAGE - 1);
      jpeg_destroy_decompress(&jpeg);
      return CJPEG_DAMAGED;
    }
    jpeg_start_decompress(&jpeg);
    while (jpeg.output_scanline < jpeg.output_height) {
      JSAMPROW row = pixels + stride * jpeg.output_scanline;
      jpeg_read_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_decompress(&jpeg);
  }
  const int is_damaged = state.base.num_warnings > 0;
  jpeg_destroy_decompress(&jpeg);
  return is_damaged ? CJPEG_DAMAGED : CJPEG_OK;
}

int32_t cjpeg_inspect(const uint8_t *bytes, size_t count, cjpeg_info *info,
                      char message[CJPEG_MESSAGE]) {
  return decode(bytes, count, info, NULL, 0, message);
}

int32_t cjpeg_decode(const uint8_t *bytes, size_t count, uint8_t *pixels, size_t size,
                     char message[CJPEG_MESSAGE]) {
  cjpeg_info info;
  return decode(bytes, count, &info, pixels, size, message);
}

int32_t cjpeg_encode(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                     int32_t quality, uint8_t **bytes, size_t *count,
                     char message[CJPEG_MESSAGE]) {
  memset(message, 0, CJPEG_MESSAGE);
  *bytes = NULL;
  *count = 0;
  struct jpeg_compress_struct jpeg;
  failure state;
  // Set before the jump returns a second time, and read after it.
  unsigned char *volatile held = NULL;
  unsigned char *buffer = NULL;
  unsigned long length = 0;
  jpeg.err = jpeg_std_error(&state.base);
  state.base.error_exit = on_error;
  state.base.emit_message = on_message;
  state.base.output_message = on_output;
  state.message = message;
  if (setjmp(state.jump)) {
    jpeg_destroy_compress(&jpeg);
    free(held);
    return CJPEG_DAMAGED;
  }
  jpeg_create_compress(&jpeg);
  jpeg_mem_dest(&jpeg, &buffer, &length);
  held = buffer;
  jpeg.image_width = width;
  jpeg.image_height = height;
  jpeg.input_components = (int)channels;
  jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, quality, TRUE);
  jpeg.optimize_coding = TRUE;
  jpeg.dct_method = JDCT_ISLOW;
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    // libjpeg takes rows that are not const, and reads them only.
    JSAMPROW row = (JSAMPROW)(pixels + (size_t)jpeg.next_scanline * width * channels);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  *bytes = buffer;
  *count = length;
  return CJPEG_OK;
}

void cjpeg_free(uint8_t *bytes) { free(bytes); }
