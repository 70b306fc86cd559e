import CDCMTK
import Support
import Synchronization

/// How stored values become values of a volume.
protocol DICOMConversion: Sendable {
  associatedtype Value: BitwiseCopyable & Sendable

  /// Whether stored values of a type are the volume's, as they are.
  func isIdentity<Stored: FixedWidthInteger>(_ type: Stored.Type, _ frame: DICOMFrame) -> Bool

  /// Converts a row of integers.
  func convert<Stored: FixedWidthInteger>(
    _ source: UnsafeBufferPointer<Stored>,
    to target: UnsafeMutableBufferPointer<Value>,
    _ frame: DICOMFrame
  )

  /// Converts a row of floating-point numbers.
  func convert<Stored: BinaryFloatingPoint>(
    _ source: UnsafeBufferPointer<Stored>,
    to target: UnsafeMutableBufferPointer<Value>,
    _ frame: DICOMFrame
  )
}

/// Stored integers plus the intercept, or the entries of the look-up table; the type was chosen to
/// hold them all.
struct IntegerConversion<Value: FixedWidthInteger & BitwiseCopyable & Sendable>: DICOMConversion {
  func isIdentity<Stored: FixedWidthInteger>(_ type: Stored.Type, _ frame: DICOMFrame) -> Bool {
    type == Value.self && frame.intercept == 0 && frame.instance.modalityTable == nil
  }

  @inline(__always)
  func convert<Stored: FixedWidthInteger>(
    _ source: UnsafeBufferPointer<Stored>,
    to target: UnsafeMutableBufferPointer<Value>,
    _ frame: DICOMFrame
  ) {
    if let table = frame.instance.modalityTable {
      for index in 0..<source.count {
        let entry = table[Int(source[index])]
        target.initializeElement(at: index, to: Value(truncatingIfNeeded: entry))
      }
      return
    }
    // What fits in the end may wrap on the way.
    let shift = Value(truncatingIfNeeded: Int(exactly: frame.intercept) ?? 0)
    for index in 0..<source.count {
      target.initializeElement(at: index, to: Value(truncatingIfNeeded: source[index]) &+ shift)
    }
  }

  func convert<Stored: BinaryFloatingPoint>(
    _ source: UnsafeBufferPointer<Stored>,
    to target: UnsafeMutableBufferPointer<Value>,
    _ frame: DICOMFrame
  ) { preconditionFailure("floating-point pixels as integers") }
}

/// Stored integers plus the intercept as int16, as long as they fit.
struct NarrowConversion: DICOMConversion {
  /// Raised by any thread when a value does not fit.
  private final class Flag: Sendable {
    let isRaised = Atomic<Bool>(false)
  }

  private let overflow = Flag()

  /// Whether every value that was converted fits; the others were cut.
  var fits: Bool { !overflow.isRaised.load(ordering: .acquiring) }

  func isIdentity<Stored: FixedWidthInteger>(_ type: Stored.Type, _ frame: DICOMFrame) -> Bool {
    false
  }

  @inline(__always)
  func convert<Stored: FixedWidthInteger>(
    _ source: UnsafeBufferPointer<Stored>,
    to target: UnsafeMutableBufferPointer<Int16>,
    _ frame: DICOMFrame
  ) {
    let shift = Int(exactly: frame.intercept) ?? 0
    let cut = Int16(truncatingIfNeeded: shift)
    var low = Stored.max
    var high = Stored.min
    for index in 0..<source.count {
      let value = source[index]
      low = min(low, value)
      high = max(high, value)
      target.initializeElement(at: index, to: Int16(truncatingIfNeeded: value) &+ cut)
    }
    let range = Int(Int16.min) - shift...Int(Int16.max) - shift
    if !source.isEmpty, !range.contains(Int(low)) || !range.contains(Int(high)) {
      overflow.isRaised.store(true, ordering: .releasing)
    }
  }

  func convert<Stored: BinaryFloatingPoint>(
    _ source: UnsafeBufferPointer<Stored>,
    to target: UnsafeMutableBufferPointer<Int16>,
    _ frame: DICOMFrame
  ) { preconditionFailure("floating-point pixels as integers") }
}

/// Stored values times slope plus intercept, computed in double precision, or the entries of the
/// look-up table.
struct RealConversion<Value: BinaryFloatingPoint & BitwiseCopyable & Sendable>: DICOMConversion {
  func isIdentity<Stored: FixedWidthInteger>(_ type: Stored.Type, _ frame: DICOMFrame) -> Bool {
    false
  }

  @inline(__always)
  func convert<Stored: FixedWidthInteger>(
    _ source: UnsafeBufferPointer<Stored>,
    to target: UnsafeMutableBufferPointer<Value>,
    _ frame: DICOMFrame
  ) {
    if let table = frame.instance.modalityTable {
      for index in 0..<source.count {
        target.initializeElement(at: index, to: Value(table[Int(source[index])]))
      }
      return
    }
    let (slope, intercept) = (frame.slope, frame.intercept)
    for index in 0..<source.count {
      target.initializeElement(at: index, to: Value(Double(source[index]) * slope + intercept))
    }
  }

  @inline(__always)
  func convert<Stored: BinaryFloatingPoint>(
    _ source: UnsafeBufferPointer<Stored>,
    to target: UnsafeMutableBufferPointer<Value>,
    _ frame: DICOMFrame
  ) {
    let (slope, intercept) = (frame.slope, frame.intercept)
    for index in 0..<source.count {
      target.initializeElement(at: index, to: Value(Double(source[index]) * slope + intercept))
    }
  }
}

/// An open file whose frames are decoded; used by one thread.
final class DICOMPixelReader {
  let instance: DICOMInstance
  /// The open file; nil for native pixels, which are read without parsing the header again.
  private let file: DICOMFile?
  private let layout: DICOMPixelLayout
  /// All floating-point pixels of the file, once they were asked for.
  private var floats: [UInt8]?

  /// Opens the file of an instance.
  init(_ instance: DICOMInstance) throws(DICOMFault) {
    guard let layout = instance.pixels else { throw .damaged }
    self.instance = instance
    self.layout = layout
    file = layout.native == nil ? try DICOMFile(path: instance.path) : nil
  }

  /// Decodes a frame and fills the slices that are cut from it.
  /// - Returns: How many pixels of the slices hold padding.
  func read<Conversion: DICOMConversion>(
    _ index: Int,
    slices: [(DICOMFrame, UnsafeMutableBufferPointer<Conversion.Value>)],
    _ conversion: Conversion
  ) throws(DICOMFault) -> Int {
    switch (layout.kind, layout.bitsAllocated, layout.isSigned) {
    case (.float, _, _): return try reals(Float.self, index, slices, conversion)
    case (.double, _, _): return try reals(Double.self, index, slices, conversion)
    case (_, 8, false): return try integers(UInt8.self, index, slices, conversion)
    case (_, 8, true): return try integers(Int8.self, index, slices, conversion)
    case (_, 16, false): return try integers(UInt16.self, index, slices, conversion)
    case (_, 16, true): return try integers(Int16.self, index, slices, conversion)
    case (_, _, false): return try integers(UInt32.self, index, slices, conversion)
    case (_, _, true): return try integers(Int32.self, index, slices, conversion)
    }
  }

  @inline(__always)
  private func integers<Stored: FixedWidthInteger & BitwiseCopyable, Conversion: DICOMConversion>(
    _ type: Stored.Type,
    _ index: Int,
    _ slices: [(DICOMFrame, UnsafeMutableBufferPointer<Conversion.Value>)],
    _ conversion: Conversion
  ) throws(DICOMFault) -> Int {
    let padding = instance.padding
    if let (frame, target) = slices.first, frame.tile == nil, conversion.isIdentity(type, frame) {
      let bytes = UnsafeMutableRawBufferPointer(target)
      try decodeFrame(index, into: bytes)
      return count(padding, in: UnsafeBufferPointer(bytes.assumingMemoryBound(to: type)))
    }
    let stored = AlignedBuffer<Stored>(uninitializedCount: layout.rows * layout.columns)
    try decodeFrame(index, into: UnsafeMutableRawBufferPointer(stored.mutableElements))
    let picture = UnsafeBufferPointer(stored.mutableElements)
    var found = 0
    for (frame, target) in slices {
      for (source, row) in rows(of: frame, picture, target) {
        conversion.convert(source, to: row, frame)
        found += count(padding, in: source)
      }
    }
    return found
  }

  private func decodeFrame(
    _ index: Int,
    into buffer: UnsafeMutableRawBufferPointer
  ) throws(DICOMFault) {
    if let file { return try file.decodeFrame(index, into: buffer) }
    guard var native = layout.native else { throw .fault }
    let frame = UInt32(clamping: index)
    let status = cdcmtk_read_native(
      instance.path,
      &native,
      frame,
      buffer.baseAddress,
      buffer.count
    )
    guard status == CDCMTK_OK else { throw DICOMFault(status: status) }
  }

  private func reals<Stored: BinaryFloatingPoint & BitwiseCopyable, Conversion: DICOMConversion>(
    _ type: Stored.Type,
    _ index: Int,
    _ slices: [(DICOMFrame, UnsafeMutableBufferPointer<Conversion.Value>)],
    _ conversion: Conversion
  ) throws(DICOMFault) -> Int {
    let tag = layout.kind == .float ? DICOMTag.floatPixels : DICOMTag.doublePixels
    if floats == nil { floats = file?.root.bytes(tag) }
    guard let bytes = floats else { throw .damaged }
    let size = layout.bytesPerFrame
    guard bytes.count / size > index else { throw .damaged }
    let stored = AlignedBuffer<Stored>(uninitializedCount: layout.rows * layout.columns)
    UnsafeMutableRawBufferPointer(stored.mutableElements)
      .copyBytes(from: bytes[index * size..<(index + 1) * size])
    let picture = UnsafeBufferPointer(stored.mutableElements)
    for (frame, target) in slices {
      for (source, row) in rows(of: frame, picture, target) {
        conversion.convert(source, to: row, frame)
      }
    }
    return 0
  }

  /// The rows of a slice in its picture, and where they go; a slice without a tile is one long row.
  private func rows<Stored, Value>(
    of frame: DICOMFrame,
    _ picture: UnsafeBufferPointer<Stored>,
    _ target: UnsafeMutableBufferPointer<Value>
  ) -> [(UnsafeBufferPointer<Stored>, UnsafeMutableBufferPointer<Value>)] {
    guard let tile = frame.tile else { return [(picture, target)] }
    let width = frame.size.x
    return (0..<frame.size.y).map { y in
      let start = tile.x + (tile.y + y) * layout.columns
      return (
        UnsafeBufferPointer(rebasing: picture[start..<start + width]),
        UnsafeMutableBufferPointer(rebasing: target[y * width..<(y + 1) * width])
      )
    }
  }

  private func count<Stored: FixedWidthInteger>(
    _ padding: ClosedRange<Int>?,
    in values: UnsafeBufferPointer<Stored>
  ) -> Int {
    guard let padding, padding.lowerBound <= Int(Stored.max), padding.upperBound >= Int(Stored.min)
    else { return 0 }
    let low = Stored(clamping: padding.lowerBound)
    let high = Stored(clamping: padding.upperBound)
    var found = 0
    for value in values where value >= low && value <= high { found += 1 }
    return found
  }
}
