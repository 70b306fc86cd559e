import Foundation
import Imaging
import ImagingIO
import Support

/// An image as planes of whole numbers: the slices of a volume, or the channels of a picture.
public struct PlanarImage: Sendable, Equatable {
  /// What kind of image it is.
  public let kind: CompressedHeader.Kind
  /// Columns of a plane.
  public let width: Int
  /// Rows of a plane.
  public let height: Int
  /// The planes in their order, row by row.
  package var planes: [[Int32]]
  /// The scalar type, such as "int16".
  public let type: String
  /// The grid of a volume; nil for pictures.
  public let geometry: ImageGeometry?
  /// How values became whole numbers; of halves a slice has two planes.
  let numbers: CompressedHeader.Numbers

  /// Slices, or channels.
  public var depth: Int { numbers == .halves ? planes.count / 2 : planes.count }

  /// Bytes of the values as they are held.
  public var plainBytes: Int {
    width * height * depth * (Int(type.drop { !$0.isNumber }) ?? 8) / 8
  }

  init(
    kind: CompressedHeader.Kind,
    width: Int,
    height: Int,
    planes: [[Int32]],
    type: String,
    geometry: ImageGeometry?,
    numbers: CompressedHeader.Numbers = .whole
  ) {
    self.kind = kind
    self.width = width
    self.height = height
    self.planes = planes
    self.type = type
    self.geometry = geometry
    self.numbers = numbers
  }

  /// Reads a picture with all its channels, or a volume.
  /// - Parameters:
  ///   - path: A file, or a folder or zip of DICOM.
  ///   - selection: Which series and volume of it.
  ///   - progress: Told about reading.
  /// - Throws: `CompressionError.unsuitableImage` for values that cannot be kept exactly; what reading throws.
  public init(
    path: String,
    selection: VolumeSelection = VolumeSelection(),
    progress: any ProgressReporter = SilentProgress()
  ) throws {
    if !FileManager.default.isFolder(path), PictureFormat().recognises(path) {
      try self.init(picture: PictureChannels.read(path), path: path)
    } else {
      let volume = try ImageFormats.read(path, selection: selection, progress: progress).volume
      try self.init(volume, path: path)
    }
  }

  private init(picture channels: [AnyVolume], path: String) throws {
    guard let first = channels.first, ["uint8", "uint16"].contains(first.scalarName) else {
      throw CompressionError.unsuitableImage(
        path: path,
        reason:
          "its values are not whole numbers of 8 or 16 bits, as those of pictures are; convert "
          + "it to NIfTI if it is a scan"
      )
    }
    let planes = try channels.map { try Self.whole($0, path: path) }
    self.init(
      kind: .picture,
      width: first.geometry.size.x,
      height: first.geometry.size.y,
      planes: planes,
      type: first.scalarName,
      geometry: nil
    )
  }

  /// Takes a volume.
  /// - Parameters:
  ///   - volume: The volume.
  ///   - path: Its file, for messages.
  /// - Throws: `CompressionError.unsuitableImage` for values that cannot be kept exactly.
  package init(_ volume: AnyVolume, path: String) throws {
    let size = volume.geometry.size
    let area = size.x * size.y
    func planes(_ values: [Int32]) -> [[Int32]] {
      (0..<size.z).map { Array(values[$0 * area..<($0 + 1) * area]) }
    }
    var numbers = CompressedHeader.Numbers.whole
    var slices: [[Int32]]
    do {
      slices = planes(try Self.whole(volume, path: path))
    } catch {
      guard case .float32(let single) = volume else { throw error }
      numbers = .halves
      slices = []
      for z in 0..<size.z {
        let bits = single.voxels[z * area..<(z + 1) * area].map { Self.ordered($0) }
        slices.append(bits.map { Int32($0 >> 16) })
        slices.append(bits.map { Int32($0 & 0xFFFF) })
      }
    }
    self.init(
      kind: .volume,
      width: size.x,
      height: size.y,
      planes: slices,
      type: volume.scalarName,
      geometry: volume.geometry,
      numbers: numbers
    )
  }

  /// The bits of a number of single precision, in the order of the numbers.
  private static func ordered(_ value: Float) -> UInt32 {
    let bits = value.bitPattern
    return bits >> 31 == 1 ? ~bits : bits | 1 << 31
  }

  private static func value(ordered bits: UInt32) -> Float {
    Float(bitPattern: bits >> 31 == 1 ? bits & 0x7FFF_FFFF : ~bits)
  }

  /// The values as whole numbers of 32 bits, if all of them are.
  private static func whole(_ volume: AnyVolume, path: String) throws -> [Int32] {
    func integers<Scalar: BinaryInteger>(_ voxels: [Scalar]) throws -> [Int32] {
      try voxels.map { value in
        guard let small = Int32(exactly: value), small > Int32.min / 2, small < Int32.max / 2
        else {
          throw CompressionError.unsuitableImage(
            path: path,
            reason: "its value \(value) is beyond 30 bits"
          )
        }
        return small
      }
    }
    func reals<Scalar: BinaryFloatingPoint>(_ voxels: [Scalar]) throws -> [Int32] {
      try voxels.map { value in
        // The sign of a zero would be lost, and beyond 24 bits single precision has no neighbours.
        guard let small = Int32(exactly: value), abs(small) <= 1 << 24,
          small != 0 || value.sign == .plus
        else {
          throw CompressionError.unsuitableImage(
            path: path,
            reason:
              "its value \(value) is no whole number of 24 bits; convert it to single precision"
          )
        }
        return small
      }
    }
    switch volume {
    case .int8(let volume): return volume.voxels.map(Int32.init)
    case .uint8(let volume): return volume.voxels.map(Int32.init)
    case .int16(let volume): return volume.voxels.map(Int32.init)
    case .uint16(let volume): return volume.voxels.map(Int32.init)
    case .int32(let volume): return try integers(volume.voxels)
    case .uint32(let volume): return try integers(volume.voxels)
    case .int64(let volume): return try integers(volume.voxels)
    case .uint64(let volume): return try integers(volume.voxels)
    case .float32(let volume): return try reals(volume.voxels)
    case .float64(let volume): return try reals(volume.voxels)
    }
  }

  /// The volume in its scalar type.
  /// - Parameter path: Its file, for messages.
  /// - Returns: The volume.
  /// - Throws: `CompressionError.damaged` where a value is beyond its type.
  package func volume(path: String) throws -> AnyVolume {
    guard let geometry else {
      throw CompressionError.unsuitableOutput(path: path, reason: "pictures are no volumes")
    }
    if numbers == .halves {
      var voxels: [Float] = []
      voxels.reserveCapacity(geometry.voxelCount)
      for z in 0..<depth {
        for (high, low) in zip(planes[2 * z], planes[2 * z + 1]) {
          voxels.append(
            Self.value(
              ordered: UInt32(truncatingIfNeeded: high) << 16 | UInt32(truncatingIfNeeded: low)
            )
          )
        }
      }
      return .float32(Volume(geometry: geometry, voxels: voxels))
    }
    func made<Scalar: FixedWidthInteger>(_: Scalar.Type) throws -> Volume<Scalar> {
      Volume(
        geometry: geometry,
        voxels: try planes.flatMap { plane in
          try plane.map { value in
            guard let scalar = Scalar(exactly: value) else {
              throw CompressionError.damaged(path: path, reason: "\(value) is no \(type)")
            }
            return scalar
          }
        }
      )
    }
    switch type {
    case "int8": return .int8(try made(Int8.self))
    case "uint8": return .uint8(try made(UInt8.self))
    case "int16": return .int16(try made(Int16.self))
    case "uint16": return .uint16(try made(UInt16.self))
    case "int32": return .int32(try made(Int32.self))
    case "uint32": return .uint32(try made(UInt32.self))
    case "int64": return .int64(try made(Int64.self))
    case "uint64": return .uint64(try made(UInt64.self))
    case "float32":
      return .float32(Volume(geometry: geometry, voxels: planes.flatMap { $0.map { Float($0) } }))
    case "float64":
      return .float64(Volume(geometry: geometry, voxels: planes.flatMap { $0.map { Double($0) } }))
    default: throw CompressionError.damaged(path: path, reason: "its type is \(type)")
    }
  }

  /// Writes the image: pictures as PNG, volumes as NIfTI, NRRD or MetaImage by the ending.
  /// - Parameters:
  ///   - output: The file.
  ///   - outputs: Writes it.
  /// - Throws: `CompressionError.unsuitableOutput`; `SupportError.unwritable`.
  public func write(to output: String, outputs: OutputGuard) throws {
    let name = output.lowercased()
    if kind == .picture {
      guard name.hasSuffix(".png") else {
        throw CompressionError.unsuitableOutput(
          path: output,
          reason: "pictures are written as .png, which keeps every value"
        )
      }
      try outputs.write(try png(), to: output)
      return
    }
    let volume = try volume(path: output)
    try outputs.writeFile(output) { temporary in
      if name.hasSuffix(".nrrd") {
        try NRRDWriter.write(timePoints: [volume], to: temporary)
      } else if name.hasSuffix(".mha") {
        try MetaImageWriter.write(timePoints: [volume], to: temporary)
      } else if name.hasSuffix(".nii") || name.hasSuffix(".nii.gz") {
        try NIfTIWriter.write(timePoints: [volume], secondsApart: 0, to: temporary, shift: nil)
      } else {
        throw CompressionError.unsuitableOutput(
          path: output,
          reason: "volumes are written as .nii, .nii.gz, .nrrd or .mha"
        )
      }
    }
  }

  /// The picture as a PNG file; grey with transparency becomes colours with transparency.
  /// - Returns: The file's bytes.
  /// - Throws: `SupportError.libraryFailure` when it is larger than PNG holds.
  package func png() throws -> Data {
    let channels = planes.count == 2 ? [planes[0], planes[0], planes[0], planes[1]] : planes
    var samples = [UInt16](repeating: 0, count: channels.count * width * height)
    for (channel, plane) in channels.enumerated() {
      for (place, value) in plane.enumerated() {
        samples[place * channels.count + channel] = UInt16(clamping: value)
      }
    }
    return try PNGEncoder.encode(
      PNGImage(
        width: width,
        height: height,
        channels: channels.count,
        samples: type == "uint16"
          ? .sixteenBit(samples) : .eightBit(samples.map { UInt8(clamping: $0) })
      )
    )
  }
}
