import Foundation

/// Voxels written as decimal text, separated by white space or commas.
enum TextVoxels {
  /// Files of text are read whole; they may not be larger.
  private static let maximumBytes = 1 << 30

  /// Fills the bytes of one volume in the machine's byte order.
  static func fill(
    _ bytes: UnsafeMutableRawBufferPointer,
    of file: VolumeFile,
    timePoint: Int
  ) throws {
    let count = VolumeFile.fileSize(file.voxelPath) - file.fileOffset
    guard count <= maximumBytes else {
      throw ImagingIOError.unsupported(
        path: file.voxelPath,
        what: "\(count) bytes of text",
        remedy: "store the values as raw or gzip"
      )
    }
    let stream = try PackedSource(
      path: file.voxelPath,
      offset: file.fileOffset,
      packing: file.packing
    )
    let text = try stream.read(upTo: max(0, count))
    let perVolume = bytes.count / file.type.bytes
    let first = file.pointsAreInterleaved ? timePoint : timePoint * perVolume
    let step = file.pointsAreInterleaved ? file.timePoints : 1
    var words = text.split { $0 <= 0x20 || $0 == 0x2C }.makeIterator()
    var place = 0
    var index = 0
    while index < perVolume {
      guard let word = words.next() else {
        throw ImagingIOError.damaged(
          path: file.voxelPath,
          reason: "its text ends after \(place) of \(perVolume * file.timePoints) values"
        )
      }
      if place == first + index * step {
        let text = String(decoding: word, as: UTF8.self)
        guard store(text, file.type, bytes, index) else {
          throw ImagingIOError.damaged(
            path: file.voxelPath,
            reason: "its value \(place + 1) is not a number of the type \(file.type.rawValue)"
          )
        }
        index += 1
      }
      place += 1
    }
  }

  private static func store(
    _ text: String,
    _ type: ScalarType,
    _ bytes: UnsafeMutableRawBufferPointer,
    _ index: Int
  ) -> Bool {
    func put<Value: BitwiseCopyable>(_ value: Value?) -> Bool {
      guard let value else { return false }
      bytes.storeBytes(of: value, toByteOffset: index * type.bytes, as: Value.self)
      return true
    }
    return switch type {
    case .int8: put(Int8(text))
    case .uint8: put(UInt8(text))
    case .int16: put(Int16(text))
    case .uint16: put(UInt16(text))
    case .int32: put(Int32(text))
    case .uint32: put(UInt32(text))
    case .int64: put(Int64(text))
    case .uint64: put(UInt64(text))
    case .float32: put(Float(text))
    case .float64: put(Double(text))
    }
  }
}
