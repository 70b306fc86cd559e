import Foundation
import Imaging
import Support

/// The values of a volume as DICOM stores them: 16 bits with a slope and an intercept.
struct StoredSlices: Sendable {
  /// Whether stored values are signed.
  let isSigned: Bool
  /// Rescale Slope.
  let slope: Double
  /// Rescale Intercept.
  let intercept: Double
  /// The largest difference of a value that is read back.
  let largestError: Double
  private let plane: Int
  private let slice: @Sendable (Range<Int>) -> [UInt16]

  /// Finds the storage of a volume.
  /// - Throws: `ImagingIOError.unsupported` when a value is not finite.
  init(_ volume: AnyVolume, path: String) throws(ImagingIOError) {
    switch volume {
    case .int8(let volume): self = try Self(volume, path: path) { Double($0) }
    case .uint8(let volume): self = try Self(volume, path: path) { Double($0) }
    case .int16(let volume): self = try Self(volume, path: path) { Double($0) }
    case .uint16(let volume): self = try Self(volume, path: path) { Double($0) }
    case .int32(let volume): self = try Self(volume, path: path) { Double($0) }
    case .uint32(let volume): self = try Self(volume, path: path) { Double($0) }
    case .int64(let volume): self = try Self(volume, path: path) { Double($0) }
    case .uint64(let volume): self = try Self(volume, path: path) { Double($0) }
    case .float32(let volume): self = try Self(volume, path: path) { Double($0) }
    case .float64(let volume): self = try Self(volume, path: path) { $0 }
    }
  }

  private init<Scalar>(
    _ volume: Volume<Scalar>,
    path: String,
    double: @escaping @Sendable (Scalar) -> Double
  ) throws(ImagingIOError) {
    var low = Double.infinity
    var high = -Double.infinity
    var areWhole = true
    for voxel in volume.voxels {
      let value = double(voxel)
      guard value.isFinite else {
        throw .unsupported(
          path: path,
          what: "values that are not finite numbers",
          remedy: "replace them first"
        )
      }
      low = min(low, value)
      high = max(high, value)
      areWhole = areWhole && value == value.rounded()
    }
    guard (high - low).isFinite else {
      throw .unsupported(
        path: path,
        what: "values from \(low) to \(high)",
        remedy: "scale them to the range of 16 bits first"
      )
    }
    plane = volume.geometry.size.x * volume.geometry.size.y
    if areWhole, low >= -32768, high <= 32767 {
      (isSigned, slope, intercept, largestError) = (true, 1, 0, 0)
    } else if areWhole, low >= 0, high <= 65535 {
      (isSigned, slope, intercept, largestError) = (false, 1, 0, 0)
    } else {
      isSigned = false
      // The header's decimal strings are what a reader computes with.
      let start = Double(DICOMDataSet.decimalString(low)) ?? low
      let width = max(high - start, Double.leastNormalMagnitude)
      var step = Double(DICOMDataSet.decimalString(width / 65535)) ?? 0
      if !(step.isFinite && step > 0) { step = 1 }
      slope = step
      intercept = start
      var worst = 0.0
      for voxel in volume.voxels {
        let value = double(voxel)
        let code = min(max(((value - start) / step).rounded(), 0), 65535)
        worst = max(worst, abs(code * step + start - value))
      }
      largestError = worst
    }
    let (signed, start, step) = (isSigned, intercept, slope)
    slice = { range in
      volume.voxels[range].map { voxel in
        let code = ((double(voxel) - start) / step).rounded()
        return signed
          ? UInt16(bitPattern: Int16(min(max(code, -32768), 32767)))
          : UInt16(min(max(code, 0), 65535))
      }
    }
  }

  /// The stored values of a slice, little endian.
  func bytes(slice index: Int) -> [UInt8] {
    let values = slice(index * plane..<(index + 1) * plane)
    return [UInt8](unsafeUninitializedCapacity: values.count * 2) { buffer, count in
      for (place, value) in values.enumerated() {
        buffer[2 * place] = UInt8(truncatingIfNeeded: value)
        buffer[2 * place + 1] = UInt8(truncatingIfNeeded: value >> 8)
      }
      count = values.count * 2
    }
  }

  /// A digest of all stored values; of the digests of the slices.
  func digest(slices: Int) throws -> String {
    var parts = ["\(slope) \(intercept) \(isSigned)"]
    for index in 0..<slices { parts.append(try SHA256.hexDigest(of: Data(bytes(slice: index)))) }
    return parts.joined(separator: " ")
  }
}
