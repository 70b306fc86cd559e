import CDCMTK

/// How the pixels of a file are stored.
struct DICOMPixelLayout: Equatable, Sendable {
  /// The kind of numbers.
  enum Kind: Equatable, Sendable { case integer, float, double }

  var kind: Kind
  var rows: Int
  var columns: Int
  var samples: Int
  var bitsAllocated: Int
  var bitsStored: Int
  var highBit: Int
  var isSigned: Bool
  var frames: Int
  var isEncapsulated: Bool
  var canDecode: Bool
  /// Whether the file breaks off within the pixel data, or they are shorter than the header says.
  var isTruncated: Bool
  /// Bytes of pixel data in the file.
  var dataBytes: Int
  /// Where native pixels in the machine's byte order begin in the file, or 0.
  var dataOffset: Int

  /// No file is believed to hold more frames.
  static let maximumFrames = 1 << 16
  /// Compressed pixels do not expand further than this; an empty slice in JPEG-LS reaches 5000.
  static let maximumExpansion = 10_000
  /// Images up to this size need no such guard, bytes.
  static let unguardedBytes = 1 << 26

  /// Integer pixels as the shim describes them.
  init(_ pixels: cdcmtk_pixels) {
    kind = .integer
    rows = Int(pixels.rows)
    columns = Int(pixels.columns)
    samples = Int(pixels.samples)
    bitsAllocated = Int(pixels.bits_allocated)
    bitsStored = Int(pixels.bits_stored)
    highBit = Int(pixels.high_bit)
    isSigned = pixels.is_signed != 0
    frames = Int(pixels.frames)
    isEncapsulated = pixels.is_encapsulated != 0
    canDecode = pixels.can_decode != 0
    isTruncated = pixels.is_truncated != 0
    dataBytes = Int(clamping: pixels.data_bytes)
    dataOffset = Int(clamping: pixels.data_offset)
    // Subsampled YBR needs fewer bytes than that; colour is refused elsewhere.
    if samples == 1, !isEncapsulated, bits.map({ $0 / 8 > dataBytes }) ?? true {
      isTruncated = true
    }
  }

  /// Floating-point pixels (PS3.3 C.7.6.24), or nil when the file has none.
  init?(floatsOf file: DICOMFile) {
    let root = file.root
    let tags: [(UInt32, Kind, Int)] = [
      (DICOMTag.floatPixels, .float, 32), (DICOMTag.doublePixels, .double, 64),
    ]
    guard
      let (element, kind, width) = tags.lazy.compactMap({ tag, kind, width in
        root.element(tag).map { ($0, kind, width) }
      }).first
    else { return nil }
    self.kind = kind
    func count(_ tag: UInt32, absent: Int) -> Int {
      root.number(tag).flatMap { Int(exactly: $0) } ?? absent
    }
    rows = max(0, count(DICOMTag.rows, absent: 0))
    columns = max(0, count(DICOMTag.columns, absent: 0))
    samples = max(0, count(DICOMTag.samplesPerPixel, absent: 1))
    frames = max(0, count(DICOMTag.numberOfFrames, absent: 1))
    bitsAllocated = width
    bitsStored = width
    highBit = width - 1
    isSigned = true
    isEncapsulated = false
    canDecode = true
    dataBytes = element.length
    dataOffset = 0
    isTruncated = false
    isTruncated = bits.map { $0 / 8 > dataBytes } ?? true
  }

  /// Bits of all frames, or nil beyond the range of numbers.
  private var bits: Int? {
    var product = 1
    for factor in [rows, columns, samples, bitsAllocated, frames] {
      let (next, overflow) = product.multipliedReportingOverflow(by: factor)
      guard !overflow else { return nil }
      product = next
    }
    return product
  }

  /// Whether the pixels may be as many as the header says, given the size of the file.
  var isBelievable: Bool {
    guard isEncapsulated, let bits else { return !isEncapsulated }
    return bits / 8 <= Self.unguardedBytes || bits / 8 / Self.maximumExpansion <= dataBytes
  }

  /// The description for reading native pixels straight from the file.
  var native: cdcmtk_pixels? {
    guard kind == .integer, dataOffset > 0, !isEncapsulated else { return nil }
    return cdcmtk_pixels(
      rows: UInt32(clamping: rows),
      columns: UInt32(clamping: columns),
      samples: UInt32(clamping: samples),
      bits_allocated: UInt32(clamping: bitsAllocated),
      bits_stored: UInt32(clamping: bitsStored),
      high_bit: UInt32(clamping: highBit),
      is_signed: isSigned ? 1 : 0,
      frames: UInt32(clamping: frames),
      is_encapsulated: 0,
      can_decode: canDecode ? 1 : 0,
      is_truncated: isTruncated ? 1 : 0,
      data_bytes: UInt64(clamping: dataBytes),
      data_offset: UInt64(clamping: dataOffset)
    )
  }

  /// Bytes of one decoded frame.
  var bytesPerFrame: Int { rows * columns * samples * (bitsAllocated / 8) }
}
