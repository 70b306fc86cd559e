#include "CDCMTKJPEGLS.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace {

// The parameters of a scan (T.87 C.2.4.1.1).
struct Parameters {
  int precision = 0;
  int rows = 0;
  int columns = 0;
  int maximum = 0;
  int near = 0;
  int t1 = 0;
  int t2 = 0;
  int t3 = 0;
  int reset = 0;
};

// The entropy-coded bits; a zero bit is stuffed after each byte 0xFF (T.87 9.1).
class Bits {
public:
  Bits(const uint8_t *bytes, size_t count) : bytes(bytes), count(count) {}

  bool isExhausted() const { return exhausted; }

  int bit() {
    if (left == 0) {
      const bool stuffed = last == 0xFF;
      // A marker ends the scan; what is read behind it is not there.
      if (at >= count || (stuffed && bytes[at] >= 0x80)) {
        exhausted = true;
        return 0;
      }
      last = bytes[at++];
      left = stuffed ? 7 : 8;
    }
    left -= 1;
    return last >> left & 1;
  }

  int number(int length) {
    int value = 0;
    for (int i = 0; i < length; ++i) value = value << 1 | bit();
    return value;
  }

private:
  const uint8_t *bytes;
  size_t count;
  size_t at = 0;
  int last = 0;
  int left = 0;
  bool exhausted = false;
};

int ceilLog2(int value) {
  int bits = 0;
  while ((1ll << bits) < value) bits += 1;
  return bits;
}

// One scan of one component, after T.87 annex A; names of variables as there, spelled out.
class Scan {
public:
  Scan(const Parameters &parameters, const uint8_t *bytes, size_t count)
      : p(parameters), bits(bytes, count) {
    range = (p.maximum + 2 * p.near) / (2 * p.near + 1) + 1;
    rangeBits = ceilLog2(range);
    const int depth = std::max(2, ceilLog2(p.maximum + 1));
    limit = 2 * (depth + std::max(8, depth));
    const int a = std::max(2, (range + 32) / 64);
    contexts.fill({a, 0, 0, 1});
    runContexts.fill({a, 1, 0});
  }

  template <typename Word> bool decode(Word *values) {
    // A line has one more pixel on each side: the left one is set as T.87 A.2.1 says.
    std::vector<int> previous(p.columns + 2, 0);
    std::vector<int> current(p.columns + 2, 0);
    for (int row = 0; row < p.rows; ++row) {
      previous[p.columns + 1] = previous[p.columns];
      current[0] = previous[1];
      if (!decodeLine(previous, current)) return false;
      for (int i = 0; i < p.columns; ++i) {
        values[static_cast<size_t>(row) * p.columns + i] = static_cast<Word>(current[i + 1]);
      }
      std::swap(previous, current);
    }
    return true;
  }

private:
  struct Context {
    int magnitude;
    int bias;
    int correction;
    int count;
  };
  struct RunContext {
    int magnitude;
    int count;
    int negatives;
  };

  Parameters p;
  Bits bits;
  int range = 0;
  int rangeBits = 0;
  int limit = 0;
  std::array<Context, 365> contexts;
  std::array<RunContext, 2> runContexts;
  int runIndex = 0;

  // Orders of the run-length code (T.87 A.7.1.1).
  static constexpr int runOrders[32] = {0, 0, 0, 0, 1, 1, 1, 1, 2, 2,  2,  2,  3,  3,  3,  3,
                                        4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15};

  bool decodeLine(const std::vector<int> &previous, std::vector<int> &current) {
    int x = 1;
    while (x <= p.columns) {
      const int a = current[x - 1];
      const int b = previous[x];
      const int c = previous[x - 1];
      const int d = previous[x + 1];
      const int q1 = quantized(d - b);
      const int q2 = quantized(b - c);
      const int q3 = quantized(c - a);
      if (q1 != 0 || q2 != 0 || q3 != 0) {
        current[x] = decodeRegular((q1 * 9 + q2) * 9 + q3, a, b, c);
        x += 1;
      } else if (!decodeRun(previous, current, x)) {
        return false;
      }
      if (bits.isExhausted()) return false;
    }
    return true;
  }

  int quantized(int gradient) const {
    if (gradient <= -p.t3) return -4;
    if (gradient <= -p.t2) return -3;
    if (gradient <= -p.t1) return -2;
    if (gradient < -p.near) return -1;
    if (gradient <= p.near) return 0;
    if (gradient < p.t1) return 1;
    if (gradient < p.t2) return 2;
    if (gradient < p.t3) return 3;
    return 4;
  }

  // A Golomb code of order k, or its escape (T.87 A.5.3).
  int golomb(int k, int limit) {
    int zeros = 0;
    while (bits.bit() == 0) {
      zeros += 1;
      if (bits.isExhausted() || zeros > limit) return 0;
    }
    if (zeros < limit - rangeBits - 1) return static_cast<int>(static_cast<unsigned>(zeros) << k) + bits.number(k);
    return bits.number(rangeBits) + 1;
  }

  int clamped(int value) const { return std::min(std::max(value, 0), p.maximum); }

  // The value of a prediction and a quantised error, modulo the range (T.87 A.4.4).
  int reconstructed(int prediction, int error) const {
    const int step = 2 * p.near + 1;
    int value = prediction + error * step;
    if (value < -p.near) {
      value += range * step;
    } else if (value > p.maximum + p.near) {
      value -= range * step;
    }
    return clamped(value);
  }

  int decodeRegular(int code, int a, int b, int c) {
    const int sign = code < 0 ? -1 : 1;
    Context &context = contexts[std::abs(code)];
    int prediction = a + b - c;
    if (c >= std::max(a, b)) prediction = std::min(a, b);
    if (c <= std::min(a, b)) prediction = std::max(a, b);
    prediction = clamped(prediction + sign * context.correction);

    int k = 0;
    while (k < 24 && (static_cast<long long>(context.count) << k) < context.magnitude) k += 1;
    const int mapped = golomb(k, limit);
    int error = mapped % 2 == 0 ? mapped / 2 : -(mapped / 2) - 1;
    if (p.near == 0 && k == 0 && 2 * context.bias <= -context.count) error = -error - 1;
    // A damaged stream may hold any number; the range keeps the statistics small.
    error = std::min(std::max(error, -range), range);
    update(context, error);
    return reconstructed(prediction, sign * error);
  }

  void update(Context &context, int error) const {
    context.bias += error * (2 * p.near + 1);
    context.magnitude += std::abs(error);
    if (context.count == p.reset) {
      context.magnitude >>= 1;
      context.bias >>= 1;
      context.count >>= 1;
    }
    context.count += 1;
    if (context.bias <= -context.count) {
      context.bias = std::max(context.bias + context.count, 1 - context.count);
      context.correction = std::max(context.correction - 1, -128);
    } else if (context.bias > 0) {
      context.bias = std::min(context.bias - context.count, 0);
      context.correction = std::min(context.correction + 1, 127);
    }
  }

  bool decodeRun(const std::vector<int> &previous, std::vector<int> &current, int &x) {
    const int a = current[x - 1];
    while (x <= p.columns) {
      if (bits.bit() == 0) {
        if (bits.isExhausted()) return false;
        int length = bits.number(runOrders[runIndex]);
        if (length > p.columns - x) return false;
        for (; length > 0; --length) current[x++] = a;
        current[x] = decodeInterruption(a, previous[x]);
        x += 1;
        if (runIndex > 0) runIndex -= 1;
        return true;
      }
      const int whole = 1 << runOrders[runIndex];
      const int length = std::min(whole, p.columns - x + 1);
      for (int i = 0; i < length; ++i) current[x++] = a;
      if (length == whole && runIndex < 31) runIndex += 1;
    }
    return true;
  }

  // The pixel that ends a run (T.87 A.7.2).
  int decodeInterruption(int a, int b) {
    const int type = std::abs(a - b) <= p.near ? 1 : 0;
    RunContext &context = runContexts[type];
    const int magnitude = context.magnitude + (type == 1 ? context.count >> 1 : 0);
    int k = 0;
    while (k < 24 && (static_cast<long long>(context.count) << k) < magnitude) k += 1;
    const int mapped = golomb(k, limit - runOrders[runIndex] - 1);

    const int sum = mapped + type;
    const bool map = sum % 2 != 0;
    int error = (sum + (map ? 1 : 0)) / 2;
    const bool negativesLead = k != 0 || 2 * context.negatives >= context.count;
    if (negativesLead == map) error = -error;
    error = std::min(std::max(error, -range), range);

    if (error < 0) context.negatives += 1;
    context.magnitude += (mapped + 1 - type) >> 1;
    context.magnitude = std::min(context.magnitude, 1 << 24);
    if (context.count == p.reset) {
      context.magnitude >>= 1;
      context.count >>= 1;
      context.negatives >>= 1;
    }
    context.count += 1;
    if (type == 1) return reconstructed(a, error);
    return reconstructed(b, a > b ? -error : error);
  }
};

int word(const uint8_t *bytes) { return bytes[0] << 8 | bytes[1]; }

// The default thresholds (T.87 C.2.4.1.1.1).
void setDefaults(Parameters &p) {
  const auto bounded = [&](int value, int low) { return value > p.maximum || value < low ? low : value; };
  if (p.maximum >= 128) {
    const int factor = (std::min(p.maximum, 4095) + 128) / 256;
    p.t1 = bounded(factor * (3 - 2) + 2 + 3 * p.near, p.near + 1);
    p.t2 = bounded(factor * (7 - 3) + 3 + 5 * p.near, p.t1);
    p.t3 = bounded(factor * (21 - 4) + 4 + 7 * p.near, p.t2);
  } else {
    const int factor = 256 / (p.maximum + 1);
    p.t1 = bounded(std::max(2, 3 / factor + 3 * p.near), p.near + 1);
    p.t2 = bounded(std::max(3, 7 / factor + 5 * p.near), p.t1);
    p.t3 = bounded(std::max(4, 21 / factor + 7 * p.near), p.t2);
  }
  p.reset = 64;
}

// Reads the markers up to the scan's data; 0 when they are damaged or of another kind.
size_t readMarkers(const std::vector<uint8_t> &bytes, Parameters &p) {
  size_t at = 2;
  std::array<int, 5> preset = {};
  while (at + 4 <= bytes.size()) {
    const uint8_t marker = bytes[at + 1];
    if (bytes[at] != 0xFF) return 0;
    if (marker == 0xFF) {
      at += 1;
      continue;
    }
    const size_t length = static_cast<size_t>(word(&bytes[at + 2]));
    const uint8_t *body = bytes.data() + at + 4;
    if (length < 2 || length > bytes.size() - at - 2) return 0;
    if (marker == 0xF7) {
      if (length < 11) return 0;
      p.precision = body[0];
      p.rows = word(body + 1);
      p.columns = word(body + 3);
    } else if (marker == 0xF8) {
      if (length < 13 || body[0] != 1) return 0;
      for (size_t i = 0; i < preset.size(); ++i) preset[i] = word(body + 1 + 2 * i);
    } else if (marker == 0xDD) {
      // Restart intervals do not occur in DICOM.
      return 0;
    } else if (marker == 0xDA) {
      if (length != 8 || body[0] != 1 || p.precision < 2 || p.precision > 16) return 0;
      p.near = body[3];
      const bool isInterleaved = body[4] != 0;
      const bool isShifted = body[5] != 0;
      if (isInterleaved || isShifted) return 0;
      p.maximum = preset[0] != 0 ? preset[0] : (1 << p.precision) - 1;
      if (p.maximum >= 1 << p.precision || p.near > std::min(255, p.maximum / 2)) return 0;
      setDefaults(p);
      if (preset[1] != 0) p.t1 = preset[1];
      if (preset[2] != 0) p.t2 = preset[2];
      if (preset[3] != 0) p.t3 = preset[3];
      if (preset[4] != 0) p.reset = preset[4];
      if (p.t1 <= p.near || p.t2 < p.t1 || p.t3 < p.t2 || p.t3 > p.maximum || p.reset < 3) return 0;
      return at + 2 + length;
    }
    at += 2 + length;
  }
  return 0;
}

} // namespace

bool cdcmtk::decodeJPEGLS(const std::vector<uint8_t> &bytes, const cdcmtk_pixels &pixels, uint8_t *values) {
  Parameters p;
  const size_t start = readMarkers(bytes, p);
  if (start == 0 || static_cast<uint32_t>(p.rows) != pixels.rows ||
      static_cast<uint32_t>(p.columns) != pixels.columns) {
    return false;
  }
  Scan scan(p, bytes.data() + start, bytes.size() - start);
  if (pixels.bits_allocated == 8) return p.precision <= 8 && scan.decode(values);
  if (pixels.bits_allocated == 16) return scan.decode(reinterpret_cast<uint16_t *>(values));
  return false;
}
