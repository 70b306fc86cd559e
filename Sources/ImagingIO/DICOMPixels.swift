import CDCMTK
import Imaging
import Support
import Synchronization

/// Decodes the slices of a stack, side by side, into one volume of true values.
struct DICOMPixels {
  private let slices: [DICOMInstance]
  private let geometry: ImageGeometry

  /// Slices decoded between two reports of progress.
  private static let block = 64

  /// Prepares reading of slices whose headers were checked.
  init(slices: [DICOMInstance], geometry: ImageGeometry) {
    self.slices = slices
    self.geometry = geometry
  }

  /// The type of the volume's values.
  ///
  /// Integers where each slice has slope 1 and all share one integral intercept: the stored type
  /// when the intercept is 0, else the narrowest of int16, uint16 and int32 that holds every value
  /// the stored bits allow. Otherwise float32, or float64 for more than 24 stored bits.
  enum Scalar: Equatable { case int8, uint8, int16, uint16, int32, uint32, float32, float64 }

  /// The type that the headers ask for.
  static func scalar(_ slices: [DICOMInstance]) -> Scalar {
    let storage = slices.compactMap(\.pixels)
    let isWide = storage.contains { $0.bits_stored > 24 }
    let intercept = slices.first?.intercept ?? 0
    guard slices.allSatisfy({ $0.slope == 1 && $0.intercept == intercept }),
      let shift = Int(exactly: intercept), abs(shift) < 1 << 40
    else { return isWide ? .float64 : .float32 }
    let types = Set(storage.map { [$0.bits_allocated, $0.is_signed] })
    if shift == 0, types.count == 1, let only = storage.first {
      switch (only.bits_allocated, only.is_signed) {
      case (8, 0): return .uint8
      case (8, _): return .int8
      case (16, 0): return .uint16
      case (16, _): return .int16
      case (_, 0): return .uint32
      default: return .int32
      }
    }
    let low = storage.map { $0.is_signed == 0 ? 0 : -(1 << (Int($0.bits_stored) - 1)) }.min() ?? 0
    let high = storage.map { (1 << (Int($0.bits_stored) - Int($0.is_signed))) - 1 }.max() ?? 0
    let range = (low + shift)...(high + shift)
    if range.lowerBound >= Int(Int16.min), range.upperBound <= Int(Int16.max) { return .int16 }
    if range.lowerBound >= 0, range.upperBound <= Int(UInt16.max) { return .uint16 }
    if range.lowerBound >= Int(Int32.min), range.upperBound <= Int(Int32.max) { return .int32 }
    return .float64
  }

  /// Reads all slices.
  func read(progress: any ProgressReporter) throws -> AnyVolume {
    switch Self.scalar(slices) {
    case .int8: .int8(try volume(Int8.self, progress, Self.integers))
    case .uint8: .uint8(try volume(UInt8.self, progress, Self.integers))
    case .int16: .int16(try volume(Int16.self, progress, Self.integers))
    case .uint16: .uint16(try volume(UInt16.self, progress, Self.integers))
    case .int32: .int32(try volume(Int32.self, progress, Self.integers))
    case .uint32: .uint32(try volume(UInt32.self, progress, Self.integers))
    case .float32: .float32(try volume(Float.self, progress, Self.reals))
    case .float64: .float64(try volume(Double.self, progress, Self.reals))
    }
  }

  // MARK: - Slices

  private typealias Target<Value> = UnsafeMutableBufferPointer<Value>
  private typealias Conversion<Value> =
    @Sendable (DICOMInstance, DICOMFile, Target<Value>) throws(DICOMFault) -> Void

  private func volume<Value: BitwiseCopyable & Sendable>(
    _ type: Value.Type,
    _ progress: any ProgressReporter,
    _ convert: Conversion<Value>
  ) throws -> Volume<Value> {
    let plane = geometry.size.x * geometry.size.y
    progress.begin("reading \(DICOMSeries.words(slices.count, "slice"))", total: slices.count)
    defer { progress.end() }
    let faults = Mutex<[(index: Int, fault: DICOMFault)]>([])
    let voxels = [Value](unsafeUninitializedCapacity: geometry.voxelCount) { buffer, count in
      // Each slice writes only its own plane of the buffer.
      nonisolated(unsafe) let buffer = buffer
      for start in stride(from: 0, to: slices.count, by: Self.block) {
        let end = min(start + Self.block, slices.count)
        Parallelism.forEach(end - start) { offset in
          let index = start + offset
          do throws(DICOMFault) {
            let file = try DICOMFile(path: slices[index].path)
            let target = Target(rebasing: buffer[index * plane..<(index + 1) * plane])
            try convert(slices[index], file, target)
          } catch {
            faults.withLock { $0.append((index, error)) }
          }
        }
        progress.update(end, detail: nil)
        if faults.withLock({ !$0.isEmpty }) { break }
      }
      count = faults.withLock { $0.isEmpty } ? geometry.voxelCount : 0
    }
    if let first = faults.withLock({ $0.min { $0.index < $1.index } }) {
      throw error(first.fault, of: slices[first.index].path)
    }
    return Volume(geometry: geometry, voxels: voxels)
  }

  private func error(_ fault: DICOMFault, of path: String) -> any ClassifiedError {
    switch fault {
    case .unreadable: SupportError.unreadable(path: path, reason: "it could not be opened")
    case .unsupported:
      ImagingIOError.unsupported(
        path: path,
        what: "pixels that have no decoder here",
        remedy: "export it uncompressed"
      )
    case .damaged, .notDICOM:
      ImagingIOError.damaged(path: path, reason: "its pixel data ends early or cannot be decoded")
    case .outOfMemory, .noDictionary, .fault: SupportError.libraryFailure(library: "DCMTK")
    }
  }

  /// Stored values plus the intercept; the type was chosen to hold them all.
  private static func integers<Value: FixedWidthInteger>(
    _ instance: DICOMInstance,
    _ file: DICOMFile,
    _ target: UnsafeMutableBufferPointer<Value>
  ) throws(DICOMFault) {
    let shift = Int(instance.intercept)
    if shift == 0, let pixels = instance.pixels, pixels.bits_allocated == Value.bitWidth,
      (pixels.is_signed != 0) == Value.isSigned
    {
      try file.decodeFrame(0, into: UnsafeMutableRawBufferPointer(target))
      return
    }
    try decode(instance, file, into: target, integer: { Value(truncatingIfNeeded: $0 + shift) })
  }

  /// Stored values times slope plus intercept, computed in double precision.
  private static func reals<Value: BinaryFloatingPoint>(
    _ instance: DICOMInstance,
    _ file: DICOMFile,
    _ target: UnsafeMutableBufferPointer<Value>
  ) throws(DICOMFault) {
    let slope = instance.slope
    let intercept = instance.intercept
    try decode(
      instance,
      file,
      into: target,
      integer: { Value(Double($0) * slope + intercept) }
    )
  }

  private static func decode<Value>(
    _ instance: DICOMInstance,
    _ file: DICOMFile,
    into target: UnsafeMutableBufferPointer<Value>,
    integer convert: (Int) -> Value
  ) throws(DICOMFault) {
    guard let pixels = instance.pixels else { throw .damaged }
    switch (pixels.bits_allocated, pixels.is_signed) {
    case (8, 0): try decode(UInt8.self, file, into: target, convert)
    case (8, _): try decode(Int8.self, file, into: target, convert)
    case (16, 0): try decode(UInt16.self, file, into: target, convert)
    case (16, _): try decode(Int16.self, file, into: target, convert)
    case (_, 0): try decode(UInt32.self, file, into: target, convert)
    default: try decode(Int32.self, file, into: target, convert)
    }
  }

  @inline(__always)
  private static func decode<Stored: FixedWidthInteger & BitwiseCopyable, Value>(
    _ type: Stored.Type,
    _ file: DICOMFile,
    into target: UnsafeMutableBufferPointer<Value>,
    _ convert: (Int) -> Value
  ) throws(DICOMFault) {
    let stored = AlignedBuffer<Stored>(uninitializedCount: target.count)
    try file.decodeFrame(0, into: UnsafeMutableRawBufferPointer(stored.mutableElements))
    for index in 0..<target.count {
      target.initializeElement(at: index, to: convert(Int(stored.pointer[index])))
    }
  }
}
