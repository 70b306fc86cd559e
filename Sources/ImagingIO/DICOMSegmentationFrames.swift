import Foundation
import Imaging
import Support
import Synchronization

/// One segment of a segmentation that is written.
struct DICOMSegment: Sendable {
  /// Index of the layer.
  var layer: Int
  /// Name, colour, code and original number.
  var definition: LabelDefinition
  /// Segment Number.
  var number: Int
}

/// The frames of a segmentation that is written, in their order, and their pixels.
struct DICOMSegmentationFrames: Sendable {
  /// Index into the segments (nil in label maps) and slice of each frame.
  var frames: [(segment: Int?, slice: Int)] = []
  /// Bits of a pixel: 1, 8 or 16.
  var bits = 1
  /// The pixels.
  var pixels: DICOMPixelStorage = .none
  /// SHA-256 of what the frames hold.
  var digest = ""

  /// Native pixel data may not be longer (PS3.5: a length of 32 bits, even).
  private static let maximumBytes = Int(UInt32.max) - 1

  // MARK: - Binary

  /// One bit a pixel, frame after frame without gaps between them, by segment and slice.
  static func binary(
    _ object: DICOMSegmentationObject,
    segments: [DICOMSegment],
    path: String
  ) throws -> Self {
    let size = object.grid.size
    let plane = size.x * size.y
    var slicesOfSegments = [[Int]](repeating: [], count: segments.count)
    var segmentOfLabel = object.layers.map { _ in [Int32](repeating: -1, count: 65536) }
    for (index, segment) in segments.enumerated() {
      segmentOfLabel[segment.layer][segment.definition.id] = Int32(index)
    }
    var present: [[[UInt16]]] = []
    for (layer, labels) in object.layers.enumerated() {
      let slices = presence(labels, plane: plane, slices: size.z)
      for (slice, values) in slices.enumerated() {
        for value in values {
          slicesOfSegments[Int(segmentOfLabel[layer][Int(value)])].append(slice)
        }
      }
      present.append(slices)
    }
    anchor(&slicesOfSegments, last: size.z - 1)

    var result = Self()
    var firstFrames = [Int](repeating: 0, count: segments.count)
    for (index, slices) in slicesOfSegments.enumerated() {
      firstFrames[index] = result.frames.count
      result.frames += slices.map { (index, $0) }
    }
    try check(result.frames.count, bytes: (result.frames.count * plane + 7) / 8, path: path)
    var bytes = [UInt8](repeating: 0, count: (result.frames.count * plane + 7) / 8)
    var firstBits = [Int](repeating: 0, count: 65536)
    for (layer, labels) in object.layers.enumerated() {
      for slice in 0..<size.z where !present[layer][slice].isEmpty {
        for value in present[layer][slice] {
          let segment = Int(segmentOfLabel[layer][Int(value)])
          let rank = place(of: slice, in: slicesOfSegments[segment])
          firstBits[Int(value)] = (firstFrames[segment] + rank) * plane
        }
        let start = slice * plane
        for pixel in 0..<plane {
          let label = labels[start + pixel]
          guard label != 0 else { continue }
          let bit = firstBits[Int(label)] + pixel
          bytes[bit >> 3] |= 1 << UInt8(bit & 7)
        }
      }
    }
    result.digest = try digest([bytes])
    result.pixels = .native(bytes, vr: "OB")
    return result
  }

  /// The labels other than 0 of each slice, by number.
  private static func presence(_ labels: [UInt16], plane: Int, slices: Int) -> [[UInt16]] {
    var seen = [Int32](repeating: -1, count: 65536)
    return (0..<slices).map { slice in
      var found: [UInt16] = []
      var previous: UInt16 = 0
      for place in slice * plane..<(slice + 1) * plane {
        let label = labels[place]
        guard label != previous else { continue }
        previous = label
        guard label != 0, seen[Int(label)] != Int32(slice) else { continue }
        seen[Int(label)] = Int32(slice)
        found.append(label)
      }
      return found.sorted()
    }
  }

  /// Has the first segment hold the first and the last slice, empty or not, for the grid's sake.
  private static func anchor(_ slices: inout [[Int]], last: Int) {
    let all = Set(slices.joined())
    for slice in Set([0, last]) where !all.contains(slice) { slices[0].append(slice) }
    slices[0].sort()
  }

  /// The place of a value in a rising list that holds it.
  private static func place(of value: Int, in list: [Int]) -> Int {
    var low = 0
    var high = list.count - 1
    while low < high {
      let middle = (low + high) / 2
      if list[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private static func check(_ frames: Int, bytes: Int, path: String) throws(ImagingIOError) {
    guard bytes <= maximumBytes, frames <= Int(Int32.max) else {
      throw .unsupported(
        path: path,
        what: "\(frames) frames, more than 4 GB of pixels",
        remedy: "write a label map, or fewer structures"
      )
    }
  }

  /// What names the pixels: the digest of the digests of their pieces.
  private static func digest(_ parts: [[UInt8]]) throws -> String {
    var text = ""
    for part in parts {
      // In pieces, as each is copied.
      for start in stride(from: 0, to: part.count, by: 1 << 24) {
        let piece = part[start..<min(start + (1 << 24), part.count)]
        text += try SHA256.hexDigest(of: Data(piece))
      }
    }
    return try SHA256.hexDigest(of: Data(text.utf8))
  }

  // MARK: - Fractional

  /// Probabilities in 255 steps, by segment and slice.
  static func fractional(
    _ object: DICOMSegmentationObject,
    probabilities: [Int: Volume<Float>],
    segments: [DICOMSegment],
    path: String
  ) throws -> Self {
    let size = object.grid.size
    let plane = size.x * size.y
    var slicesOfSegments = [[Int]](repeating: [], count: segments.count)
    for (index, segment) in segments.enumerated() {
      guard let values = probabilities[segment.definition.id]?.voxels else { continue }
      guard values.count == plane * size.z else {
        throw ImagingIOError.unsupported(
          path: path,
          what: "probabilities of \(values.count) voxels for a grid of \(plane * size.z)",
          remedy: "give them on the segmentation's grid"
        )
      }
      guard values.allSatisfy(\.isFinite) else {
        throw ImagingIOError.unsupported(
          path: path,
          what: "probabilities that are no finite numbers",
          remedy: "repeat the segmentation"
        )
      }
      slicesOfSegments[index] = (0..<size.z).filter { slice in
        values[slice * plane..<(slice + 1) * plane].contains { step($0) > 0 }
      }
    }
    anchor(&slicesOfSegments, last: size.z - 1)
    var result = Self()
    result.bits = 8
    result.frames = slicesOfSegments.enumerated().flatMap { index, slices in
      slices.map { (index, $0) }
    }
    try result.fill(object, path: path) { frame in
      let (segment, slice) = (segments[frame.segment ?? 0], frame.slice)
      guard let values = probabilities[segment.definition.id]?.voxels else {
        return [UInt8](repeating: 0, count: plane)
      }
      return values[slice * plane..<(slice + 1) * plane].map(step)
    }
    return result
  }

  /// A probability as a whole number of 255ths.
  private static func step(_ probability: Float) -> UInt8 {
    UInt8((min(max(probability, 0), 1) * 255).rounded())
  }

  // MARK: - Label maps

  /// Label numbers, by slice.
  static func labelMap(_ object: DICOMSegmentationObject, path: String) throws -> Self {
    guard object.layers.count == 1 else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "\(object.layers.count) layers of structures that overlap",
        remedy: "write a binary segmentation"
      )
    }
    let labels = object.layers[0]
    let size = object.grid.size
    let plane = size.x * size.y
    var result = Self()
    result.bits = (object.tables[0].last?.id ?? 0) > 255 ? 16 : 8
    result.frames = (0..<size.z).filter { slice in
      slice == 0 || slice == size.z - 1
        || labels[slice * plane..<(slice + 1) * plane].contains { $0 != 0 }
    }
    .map { (nil, $0) }
    let isWide = result.bits == 16
    try result.fill(object, path: path) { frame in
      let values = labels[frame.slice * plane..<(frame.slice + 1) * plane]
      guard isWide else { return values.map { UInt8(truncatingIfNeeded: $0) } }
      var bytes: [UInt8] = []
      bytes.reserveCapacity(2 * plane)
      for value in values {
        bytes.append(UInt8(truncatingIfNeeded: value))
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
      }
      return bytes
    }
    return result
  }

  // MARK: - Pixels of whole bytes

  /// Makes the pixels of all frames, side by side, compressed or not.
  private mutating func fill(
    _ object: DICOMSegmentationObject,
    path: String,
    _ values: @Sendable ((segment: Int?, slice: Int)) -> [UInt8]
  ) throws {
    let columns = object.grid.size.x
    let bytesPerFrame = columns * object.grid.size.y * bits / 8
    let width = bits / 8
    let frames = frames
    let isCompressed: Bool
    if case .rle = object.encoding { isCompressed = true } else { isCompressed = false }
    if !isCompressed {
      try Self.check(frames.count, bytes: frames.count * bytesPerFrame, path: path)
    }
    let made = Mutex([[UInt8]](repeating: [], count: frames.count))
    Parallelism.forEach(frames.count) { index in
      var bytes = values(frames[index])
      if isCompressed {
        bytes = DICOMRunLengths.compressed(bytes, width: width, columns: columns)
      }
      made.withLock { $0[index] = bytes }
    }
    let all = made.withLock { frames in
      defer { frames = [] }
      return frames
    }
    if isCompressed {
      digest = try Self.digest(all)
      pixels = .frames(all)
    } else {
      let joined = Array(all.joined())
      digest = try Self.digest([joined])
      pixels = .native(joined, vr: bits == 16 ? "OW" : "OB")
    }
  }
}
