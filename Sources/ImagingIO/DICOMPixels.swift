import Imaging
import Support
import Synchronization

/// Decodes the slices of a volume, side by side, to true values.
struct DICOMPixels: Sendable {
  private let frames: [DICOMFrame]
  private let pictures: [Picture]

  /// A decoded frame of a file and the slices that are cut from it.
  private struct Picture: Sendable {
    var instance: DICOMInstance
    var index: Int
    /// Places in the volume; several for a mosaic.
    var slices: [Int]
  }

  /// Values of all slices, one after the other, and how many mean "nothing was measured".
  struct Read<Value: Sendable>: Sendable {
    var values: [Value]
    var paddingCount: Int
  }

  /// Values in the type that the headers ask for.
  struct AnyRead: Sendable {
    let volume: @Sendable (ImageGeometry) -> AnyVolume
    let paddingCount: Int
  }

  /// The fewest pictures decoded between two reports of progress.
  private static let block = 64

  /// Prepares reading of frames of one size that were checked, in the order of the volume.
  init(frames: [DICOMFrame]) {
    self.frames = frames
    var pictures: [Picture] = []
    var places: [String: Int] = [:]
    for (slice, frame) in frames.enumerated() {
      // Tiles of one picture are cut from it together.
      if frame.tile != nil, let place = places[frame.instance.path] {
        pictures[place].slices.append(slice)
        continue
      }
      if frame.tile != nil { places[frame.instance.path] = pictures.count }
      pictures.append(Picture(instance: frame.instance, index: frame.index, slices: [slice]))
    }
    self.pictures = pictures
  }

  // MARK: - Types

  /// The type of the volume's values.
  ///
  /// Integers where each slice has slope 1 and all share one integral intercept: the stored type
  /// when the intercept is 0, else the narrowest of int16, uint16 and int32 that holds every value
  /// the stored bits allow; uint16 behind look-up tables. Otherwise float32, or float64 for more
  /// than 24 stored bits. Where 16 stored bits and an intercept ask for int32, as in CT, the volume
  /// is int16 after all when every value fits.
  enum Scalar: Equatable { case int8, uint8, int16, uint16, int32, uint32, float32, float64 }

  /// The type that the headers ask for.
  static func scalar(_ frames: [DICOMFrame]) -> Scalar {
    let storage = frames.compactMap(\.instance.pixels)
    let isWide = storage.contains { $0.kind != .float && $0.bitsStored > 24 }
    let tables = frames.filter { $0.instance.modalityTable != nil }.count
    if tables == frames.count { return .uint16 }
    let intercept = frames.first?.intercept ?? 0
    guard tables == 0, storage.allSatisfy({ $0.kind == .integer }),
      frames.allSatisfy({ $0.slope == 1 && $0.intercept == intercept }),
      let shift = Int(exactly: intercept), abs(shift) < 1 << 40
    else { return isWide ? .float64 : .float32 }
    let types = Set(storage.map { [$0.bitsAllocated, $0.isSigned ? 1 : 0] })
    if shift == 0, types.count == 1, let only = storage.first {
      switch (only.bitsAllocated, only.isSigned) {
      case (8, false): return .uint8
      case (8, true): return .int8
      case (16, false): return .uint16
      case (16, true): return .int16
      case (_, false): return .uint32
      default: return .int32
      }
    }
    let low = storage.map { $0.isSigned ? -(1 << ($0.bitsStored - 1)) : 0 }.min() ?? 0
    let high = storage.map { (1 << ($0.bitsStored - ($0.isSigned ? 1 : 0))) - 1 }.max() ?? 0
    let range = (low + shift)...(high + shift)
    if range.lowerBound >= Int(Int16.min), range.upperBound <= Int(Int16.max) { return .int16 }
    if range.lowerBound >= 0, range.upperBound <= Int(UInt16.max) { return .uint16 }
    if range.lowerBound >= Int(Int32.min), range.upperBound <= Int(Int32.max) { return .int32 }
    return .float64
  }

  /// Reads all slices in the type that the headers ask for.
  func read(progress: any ProgressReporter) throws -> AnyRead {
    switch Self.scalar(frames) {
    case .int8: try integers(progress) { .int8($0) }
    case .uint8: try integers(progress) { .uint8($0) }
    case .int16: try integers(progress) { .int16($0) }
    case .uint16: try integers(progress) { .uint16($0) }
    case .int32: try narrow(progress) ?? integers(progress) { .int32($0) }
    case .uint32: try integers(progress) { .uint32($0) }
    case .float32:
      try any(values(progress, RealConversion<Float>())) { .float32($0) }
    case .float64:
      try any(values(progress, RealConversion<Double>())) { .float64($0) }
    }
  }

  /// Reads all slices in single precision.
  func readSingles(progress: any ProgressReporter) throws -> Read<Float> {
    try values(progress, RealConversion<Float>())
  }

  /// Says how many voxels hold padding.
  func paddingProblems(_ count: Int) -> [InputProblem] {
    guard count > 0, let padding = frames.lazy.compactMap(\.instance.padding).first else {
      return []
    }
    let values =
      padding.count == 1
      ? "\(padding.lowerBound)" : "\(padding.lowerBound) to \(padding.upperBound)"
    return [
      InputProblem(
        code: "pixel-padding",
        message: "\(count) voxels hold the padding value (stored as \(values)), "
          + "which means that nothing was measured there.",
        remedy: "Mask them where values outside the field of view matter; they are kept."
      )
    ]
  }

  private func integers<Value: FixedWidthInteger & BitwiseCopyable & Sendable>(
    _ progress: any ProgressReporter,
    _ wrap: @escaping @Sendable (Volume<Value>) -> AnyVolume
  ) throws -> AnyRead {
    try any(values(progress, IntegerConversion<Value>()), wrap)
  }

  /// The values as int16, or nil when one of them does not fit.
  private func narrow(_ progress: any ProgressReporter) throws -> AnyRead? {
    guard frames.allSatisfy({ ($0.instance.pixels?.bitsAllocated ?? 32) <= 16 }) else { return nil }
    let conversion = NarrowConversion()
    let read = try values(progress, conversion)
    return conversion.fits ? any(read) { .int16($0) } : nil
  }

  private func any<Value>(
    _ read: Read<Value>,
    _ wrap: @escaping @Sendable (Volume<Value>) -> AnyVolume
  ) -> AnyRead {
    AnyRead(
      volume: { wrap(Volume(geometry: $0, voxels: read.values)) },
      paddingCount: read.paddingCount
    )
  }

  // MARK: - Pictures

  private func values<Conversion: DICOMConversion>(
    _ progress: any ProgressReporter,
    _ conversion: Conversion
  ) throws -> Read<Conversion.Value> {
    guard let size = frames.first?.size else { return Read(values: [], paddingCount: 0) }
    let plane = size.x * size.y
    progress.begin("reading \(DICOMSeries.words(frames.count, "slice"))", total: pictures.count)
    defer { progress.end() }
    let faults = Mutex<[(index: Int, fault: DICOMFault)]>([])
    let padded = Mutex(0)
    let block = max(Self.block, pictures.count / 16)
    let whole = plane * frames.count
    let voxels = [Conversion.Value](unsafeUninitializedCapacity: whole) { buffer, count in
      LargePages.advise(UnsafeMutableRawBufferPointer(buffer))
      // Each slice writes only its own plane of the buffer.
      nonisolated(unsafe) let buffer = buffer
      for start in stride(from: 0, to: pictures.count, by: block) {
        let end = min(start + block, pictures.count)
        Parallelism.forEachRange(end - start) { range in
          // Frames of one file follow each other, so it is opened once.
          var open: DICOMPixelReader?
          var found = 0
          for index in range {
            let picture = pictures[start + index]
            do throws(DICOMFault) {
              let reader: DICOMPixelReader
              if let open, open.instance === picture.instance {
                reader = open
              } else {
                reader = try DICOMPixelReader(picture.instance)
                open = reader
              }
              found += try reader.read(
                picture.index,
                slices: picture.slices.map { slice in
                  (
                    frames[slice],
                    UnsafeMutableBufferPointer(
                      rebasing: buffer[slice * plane..<(slice + 1) * plane]
                    )
                  )
                },
                conversion
              )
            } catch {
              faults.withLock { $0.append((start + index, error)) }
            }
          }
          padded.withLock { $0 += found }
        }
        progress.update(end, detail: nil)
        if faults.withLock({ !$0.isEmpty }) { break }
      }
      count = faults.withLock { $0.isEmpty } ? whole : 0
    }
    if let first = faults.withLock({ $0.min { $0.index < $1.index } }) {
      throw Self.error(first.fault, of: pictures[first.index].instance.path)
    }
    return Read(values: voxels, paddingCount: padded.withLock { $0 })
  }

  /// The error of a file whose pixels could not be read.
  static func error(_ fault: DICOMFault, of path: String) -> any ClassifiedError {
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
}
