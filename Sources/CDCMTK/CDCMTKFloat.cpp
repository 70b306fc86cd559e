#include "CDCMTKFile.h"

#include <vector>

namespace {

// Widens a frame of an element's numbers.
template <typename Number>
int32_t readFrame(DcmElement *data, uint64_t offset, double *values, size_t count) {
  const uint64_t length = data->getLength();
  const uint64_t bytes = count * sizeof(Number);
  if (bytes > length || offset > length - bytes) return CDCMTK_DAMAGED;
  std::vector<Number> numbers(count);
  const OFCondition condition =
      data->getPartialValue(numbers.data(), static_cast<Uint32>(offset), static_cast<Uint32>(bytes));
  if (condition.bad()) return CDCMTK_DAMAGED;
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<double>(numbers[i]);
  return CDCMTK_OK;
}

} // namespace

int32_t cdcmtk_float_frame(cdcmtk_file *file, uint32_t frame, double *values, size_t count) {
  return cdcmtk::guarded([&]() -> int32_t {
    DcmDataset *dataset = file->format.getDataset();
    DcmElement *data = nullptr;
    bool isDouble = false;
    if (dataset->findAndGetElement(DCM_FloatPixelData, data).bad()) {
      if (dataset->findAndGetElement(DCM_DoubleFloatPixelData, data).bad()) return CDCMTK_ABSENT;
      isDouble = true;
    }
    const Uint32 length = data->getLengthField();
    if (length == DCM_UndefinedLength || (file->size != 0 && length > file->size)) return CDCMTK_DAMAGED;
    Uint16 rows = 0;
    Uint16 columns = 0;
    Uint16 samples = 1;
    Sint32 frames = 1;
    dataset->findAndGetUint16(DCM_Rows, rows);
    dataset->findAndGetUint16(DCM_Columns, columns);
    if (dataset->findAndGetUint16(DCM_SamplesPerPixel, samples).bad()) samples = 1;
    if (dataset->findAndGetSint32(DCM_NumberOfFrames, frames).bad() || frames == 0) frames = 1;
    const uint64_t pixels = static_cast<uint64_t>(rows) * columns;
    if (samples != 1) return CDCMTK_UNSUPPORTED;
    if (pixels == 0 || frames < 0 || frame >= static_cast<uint32_t>(frames)) return CDCMTK_DAMAGED;
    if (pixels != count) return CDCMTK_BAD_ARGUMENT;
    const uint64_t offset = frame * pixels * (isDouble ? sizeof(double) : sizeof(float));
    return isDouble ? readFrame<double>(data, offset, values, count)
                    : readFrame<float>(data, offset, values, count);
  });
}
