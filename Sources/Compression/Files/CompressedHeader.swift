import Foundation
import Imaging

/// What a compressed file says of itself, before its chunks.
public struct CompressedHeader: Codable, Sendable, Equatable {
  /// What is restored.
  public enum Mode: String, Codable, Sendable {
    /// Every value, without a network.
    case lossless
    /// Every value: a network's image and what was left over.
    case residual
    /// What a network makes of its code.
    case lossy
  }

  /// What kind of image it is.
  public enum Kind: String, Codable, Sendable {
    /// Pixels of one to four channels.
    case picture
    /// Voxels in space.
    case volume
  }

  /// How values became whole numbers.
  public enum Numbers: String, Codable, Sendable {
    /// They are whole numbers.
    case whole
    /// The upper and the lower 16 bits of single precision, two planes for a slice.
    case halves
  }

  /// The model whose weights are needed.
  public struct Model: Codable, Sendable, Equatable {
    /// Its name.
    public let name: String
    /// SHA-256 of its weights.
    public let weights: String
  }

  /// Planes that were coded together.
  struct Chunk: Codable, Equatable {
    let bytes: Int
    /// SHA-256 of the bytes, its first 16 digits.
    let digest: String
  }

  /// Version of this description.
  public private(set) var schema = Self.currentSchema
  /// What kind of image it is.
  public let kind: Kind
  /// What is restored.
  public let mode: Mode
  /// Columns, rows, and slices.
  public let size: [Int]
  /// Channels of a picture; 1 for volumes.
  public let channels: Int
  /// The scalar type, such as "int16".
  public let type: String
  /// Distance of voxel centres, mm; nil for pictures.
  public let spacing: [Double]?
  /// Centre of the first voxel, LPS mm; nil for pictures.
  public let origin: [Double]?
  /// The axes' directions, column by column; nil for pictures.
  public let direction: [Double]?
  /// Whether a volume is 2-D by nature.
  public let isPlanar: Bool
  /// How values became whole numbers.
  let numbers: Numbers
  /// The least and the largest whole number.
  let range: [Int]
  /// Which values were 0 and 1 to the network; nil without one.
  let scale: [Double]?
  /// The rate, 0 to 1 of the model's; nil without a network.
  public let quality: Double?
  /// The model; nil without a network.
  public let model: Model?
  /// Slices or channels in a chunk.
  let planesInChunk: Int
  /// SHA-256 of the values, little-endian; nil where they are not restored exactly.
  let digest: String?
  /// The chunks in their order.
  let chunks: [Chunk]

  private static let types: Set = [
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64",
  ]
  static let currentSchema = "lamina.compressed/1"
  /// A header of more bytes is not believed.
  static let maximumBytes = 1 << 26

  /// Pixels or voxels, all channels.
  public var valueCount: Int { size.reduce(channels, *) }
  /// Bytes of the values as they are held.
  public var plainBytes: Int {
    valueCount * (Int(type.drop { !$0.isNumber }) ?? 8) / 8
  }

  /// Checks values that came from a file.
  /// - Parameter path: The file, for the message.
  /// - Throws: `CompressionError.damaged`.
  func check(path: String) throws(CompressionError) {
    func require(_ condition: Bool, _ reason: String) throws(CompressionError) {
      if !condition { throw .damaged(path: path, reason: reason) }
    }
    try require(
      size.count == 3 && size.allSatisfy { (1...1_000_000).contains($0) },
      "its size is \(size)"
    )
    try require((1...4).contains(channels), "it has \(channels) channels")
    let (area, tooWide) = size[0].multipliedReportingOverflow(by: size[1])
    try require(!tooWide && area <= 1 << 31 && area * size[2] <= 1 << 40, "its size is \(size)")
    // A plane of one value takes at least so many bits; a header that claims more is a trap.
    let stored = chunks.reduce(0) { $0 &+ $1.bytes }
    try require(
      chunks.allSatisfy { (0...1 << 40).contains($0.bytes) }
        && valueCount / (mode == .lossy ? 200_000 : 4000) <= stored + 64,
      "it claims \(valueCount) values in \(stored) bytes"
    )
    try require(Self.types.contains(type), "its type is \(type)")
    try require(
      kind == .volume ? channels == 1 : size[2] == 1 && ["uint8", "uint16"].contains(type),
      "a \(kind.rawValue) of \(channels) channels, \(size[2]) slices and type \(type)"
    )
    try require(
      range.count == 2 && range[0] <= range[1] && range[0] >= Int(Int32.min)
        && range[1] <= Int(Int32.max) && range[1] - range[0] < 1 << 31,
      "its range is \(range)"
    )
    try require(
      (mode == .lossless) == (model == nil)
        && (mode == .lossless)
          == (scale.map { $0.count == 2 && $0[0] < $0[1] && $0.allSatisfy(\.isFinite) } != true)
        && (mode == .lossless) == (quality.map { (0...1).contains($0) } != true)
        && (numbers == .whole || (mode == .lossless && type == "float32"))
        && (mode == .lossy) == (digest == nil),
      "its fields contradict each other"
    )
    let planes = kind == .picture ? channels : size[2]
    try require(
      (1...1 << 31).contains(planesInChunk)
        && chunks.count == (planes + planesInChunk - 1) / planesInChunk,
      "it has \(chunks.count) chunks"
    )
    if kind == .volume { try require((try? geometry()) != nil, "its geometry is none") }
  }

  /// The grid of a volume.
  /// - Returns: The grid.
  /// - Throws: `ImagingError.invalidGeometry`.
  func geometry() throws -> ImageGeometry {
    guard let spacing, let origin, let direction, spacing.count == 3, origin.count == 3,
      direction.count == 9
    else { throw ImagingError.invalidGeometry(reason: "it is not stated") }
    func column(_ index: Int) -> SIMD3<Double> {
      SIMD3(direction[3 * index], direction[3 * index + 1], direction[3 * index + 2])
    }
    return try ImageGeometry(
      size: SIMD3(size[0], size[1], size[2]),
      spacing: SIMD3(spacing[0], spacing[1], spacing[2]),
      origin: SIMD3(origin[0], origin[1], origin[2]),
      direction: Matrix3(column(0), column(1), column(2)),
      isPlanar: isPlanar
    )
  }
}
