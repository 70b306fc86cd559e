#include "CTIFF.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tiffio.h>

struct ctiff_file {
  TIFF *tiff;
  char message[CTIFF_MESSAGE];
};

static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list values) {
  (void)tiff;
  (void)module;
  ctiff_file *file = user;
  // The first error names the cause.
  if (file->message[0] == 0) vsnprintf(file->message, CTIFF_MESSAGE, format, values);
  return 1;
}

static int on_warning(TIFF *tiff, void *user, const char *module, const char *format,
                      va_list values) {
  (void)tiff;
  (void)user;
  (void)module;
  (void)format;
  (void)values;
  return 1;
}

static int32_t fail(ctiff_file *file, int32_t status, const char *text,
                    char message[CTIFF_MESSAGE]) {
  snprintf(message, CTIFF_MESSAGE, "%s", file->message[0] ? file->message : text);
  return status;
}

int32_t ctiff_open(const char *path, int64_t largest, ctiff_file **file,
                   char message[CTIFF_MESSAGE]) {
  *file = NULL;
  memset(message, 0, CTIFF_MESSAGE);
  ctiff_file *made = calloc(1, sizeof *made);
  TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
  if (!made || !options) {
    if (options) TIFFOpenOptionsFree(options);
    free(made);
    snprintf(message, CTIFF_MESSAGE, "memory is short");
    return CTIFF_DAMAGED;
  }
  TIFFOpenOptionsSetErrorHandlerExtR(options, on_error, made);
  TIFFOpenOptionsSetWarningHandlerExtR(options, on_warning, made);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)largest);
  // m: no memory map, as a file that shrinks meanwhile would end the program.
  made->tiff = TIFFOpenExt(path, "rm", options);
  TIFFOpenOptionsFree(options);
  if (!made->tiff) {
    int32_t status = fail(made, CTIFF_DAMAGED, "it cannot be opened", message);
    free(made);
    return status;
  }
  *file = made;
  return CTIFF_OK;
}

int32_t ctiff_pages(ctiff_file *file, int32_t *pages, char message[CTIFF_MESSAGE]) {
  memset(message, 0, CTIFF_MESSAGE);
  file->message[0] = 0;
  *pages = (int32_t)TIFFNumberOfDirectories(file->tiff);
  // A chain of pages that breaks ends the count, which only the message tells.
  if (file->message[0] || *pages < 1)
    return fail(file, CTIFF_DAMAGED, "its pages cannot be counted", message);
  return CTIFF_OK;
}

int32_t ctiff_inspect(ctiff_file *file, int32_t page, ctiff_info *info,
                      char message[CTIFF_MESSAGE]) {
  memset(message, 0, CTIFF_MESSAGE);
  memset(info, 0, sizeof *info);
  file->message[0] = 0;
  TIFF *tiff = file->tiff;
  if (!TIFFSetDirectory(tiff, (tdir_t)page))
    return fail(file, CTIFF_DAMAGED, "a page cannot be found", message);
  uint16_t samples = 1, bits = 1, format = SAMPLEFORMAT_UINT, unit = RESUNIT_INCH, photometric = 0;
  TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &info->width);
  TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &info->height);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &samples);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &format);
  TIFFGetFieldDefaulted(tiff, TIFFTAG_RESOLUTIONUNIT, &unit);
  if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric)) photometric = PHOTOMETRIC_MINISBLACK;
  if (info->width == 0 || info->height == 0)
    return fail(file, CTIFF_DAMAGED, "it has no pixels", message);
  float x = 0, y = 0;
  if (TIFFGetField(tiff, TIFFTAG_XRESOLUTION, &x) && TIFFGetField(tiff, TIFFTAG_YRESOLUTION, &y) &&
      x > 0 && y > 0 && (unit == RESUNIT_INCH || unit == RESUNIT_CENTIMETER)) {
    const double length = unit == RESUNIT_INCH ? 25.4 : 10;
    info->spacing[0] = length / x;
    info->spacing[1] = length / y;
  }
  const int is_grey = photometric == PHOTOMETRIC_MINISBLACK || photometric == PHOTOMETRIC_MINISWHITE;
  if (is_grey) {
    if (samples != 1)
      return fail(file, CTIFF_UNSUPPORTED, "grey values with further samples", message);
    if (format == SAMPLEFORMAT_VOID) format = SAMPLEFORMAT_UINT;
    const int is_integer = format == SAMPLEFORMAT_UINT || format == SAMPLEFORMAT_INT;
    const int is_known =
        (is_integer && (bits == 8 || bits == 16 || bits == 32 || bits == 64)) ||
        (format == SAMPLEFORMAT_IEEEFP && (bits == 32 || bits == 64)) ||
        (format == SAMPLEFORMAT_UINT && bits == 1);
    if (!is_known) {
      snprintf(message, CTIFF_MESSAGE, "samples of %d bits and format %d", bits, format);
      return CTIFF_UNSUPPORTED;
    }
    info->channels = 1;
    info->bits = bits == 1 ? 8 : bits;
    info->format = format == SAMPLEFORMAT_UINT ? 1 : format == SAMPLEFORMAT_INT ? 2 : 3;
    return CTIFF_OK;
  }
  char reason[1024] = "";
  if (!TIFFRGBAImageOK(tiff, reason)) {
    snprintf(message, CTIFF_MESSAGE, "%s", reason);
    return CTIFF_UNSUPPORTED;
  }
  info->channels = 3;
  info->bits = 8;
  info->format = 1;
  return CTIFF_OK;
}

static int32_t read_colours(ctiff_file *file, const ctiff_info *info, uint8_t *pixels,
                            char message[CTIFF_MESSAGE]) {
  const size_t count = (size_t)info->width * info->height;
  uint32_t *raster = malloc(count * sizeof *raster);
  if (!raster) return fail(file, CTIFF_DAMAGED, "memory is short", message);
  if (!TIFFReadRGBAImageOriented(file->tiff, info->width, info->height, raster,
                                 ORIENTATION_TOPLEFT, 1)) {
    free(raster);
    return fail(file, CTIFF_DAMAGED, "its pixels cannot be decoded", message);
  }
  for (size_t i = 0; i < count; i++) {
    pixels[3 * i] = (uint8_t)TIFFGetR(raster[i]);
    pixels[3 * i + 1] = (uint8_t)TIFFGetG(raster[i]);
    pixels[3 * i + 2] = (uint8_t)TIFFGetB(raster[i]);
  }
  free(raster);
  return CTIFF_OK;
}

// Copies `columns` pixels of a row that was decoded to column `x` of row `y`.
static void place(const ctiff_info *info, int is_packed, uint8_t *pixels, const uint8_t *from,
                  uint32_t x, uint32_t y, uint32_t columns) {
  const size_t bytes = info->bits / 8;
  uint8_t *to = pixels + ((size_t)y * info->width + x) * bytes;
  if (!is_packed) {
    memcpy(to, from, columns * bytes);
    return;
  }
  for (uint32_t i = 0; i < columns; i++) to[i] = from[i / 8] >> (7 - i % 8) & 1 ? 255 : 0;
}

static int32_t read_values(ctiff_file *file, const ctiff_info *info, uint8_t *pixels,
                           char message[CTIFF_MESSAGE]) {
  TIFF *tiff = file->tiff;
  uint16_t bits = 1;
  TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &bits);
  const int is_packed = bits == 1;
  uint32_t tile_width = info->width, tile_height = 0;
  const int is_tiled = TIFFIsTiled(tiff);
  if (is_tiled) {
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height);
  } else {
    TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &tile_height);
    if (tile_height > info->height) tile_height = info->height;
  }
  const tmsize_t row = is_tiled ? TIFFTileRowSize(tiff) : TIFFScanlineSize(tiff);
  const tmsize_t size = is_tiled ? TIFFTileSize(tiff) : TIFFStripSize(tiff);
  const size_t needed = ((size_t)tile_width * bits + 7) / 8;
  // A tile may be larger than the page, but not without measure.
  if (tile_width == 0 || tile_height == 0 || row <= 0 || size <= 0 || (size_t)row < needed ||
      (size_t)size / (size_t)row < tile_height || (size_t)size > ((size_t)1 << 31))
    return fail(file, CTIFF_DAMAGED, "its strips or tiles have no sound size", message);
  uint8_t *block = malloc((size_t)size);
  if (!block) return fail(file, CTIFF_DAMAGED, "memory is short", message);
  int32_t status = CTIFF_OK;
  for (uint32_t y = 0; y < info->height && status == CTIFF_OK;) {
    const uint32_t rows = info->height - y < tile_height ? info->height - y : tile_height;
    for (uint32_t x = 0; x < info->width && status == CTIFF_OK;) {
      const uint32_t columns = info->width - x < tile_width ? info->width - x : tile_width;
      const tmsize_t found =
          is_tiled ? TIFFReadEncodedTile(tiff, TIFFComputeTile(tiff, x, y, 0, 0), block, size)
                   : TIFFReadEncodedStrip(tiff, TIFFComputeStrip(tiff, y, 0), block, size);
      if (found < 0 || (size_t)found < (size_t)row * (rows - 1) + ((size_t)columns * bits + 7) / 8) {
        status = fail(file, CTIFF_DAMAGED, "its pixels end early", message);
        break;
      }
      for (uint32_t r = 0; r < rows; r++)
        place(info, is_packed, pixels, block + (size_t)row * r, x, y + r, columns);
      x += columns;
    }
    y += rows;
  }
  free(block);
  return status;
}

// White-is-zero values are counted from the other end. Floating-point values are not touched.
static void turn(const ctiff_info *info, uint8_t *pixels) {
  if (info->format != 1) return;
  const size_t bytes = (size_t)info->width * info->height * (info->bits / 8);
  for (size_t i = 0; i < bytes; i++) pixels[i] = (uint8_t)~pixels[i];
}

int32_t ctiff_read(ctiff_file *file, int32_t page, void *pixels, size_t size,
                   char message[CTIFF_MESSAGE]) {
  ctiff_info info;
  int32_t status = ctiff_inspect(file, page, &info, message);
  if (status != CTIFF_OK) return status;
  const size_t row = (size_t)info.width * info.channels * (info.bits / 8);
  if (size % row != 0 || size / row != info.height)
    return fail(file, CTIFF_DAMAGED, "the size changed", message);
  if (info.channels == 3) return read_colours(file, &info, pixels, message);
  status = read_values(file, &info, pixels, message);
  uint16_t photometric = PHOTOMETRIC_MINISBLACK;
  TIFFGetField(file->tiff, TIFFTAG_PHOTOMETRIC, &photometric);
  if (status == CTIFF_OK && photometric == PHOTOMETRIC_MINISWHITE) turn(&info, pixels);
  return status;
}

void ctiff_close(ctiff_file *file) {
  if (!file) return;
  TIFFClose(file->tiff);
  free(file);
}
