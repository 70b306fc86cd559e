import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support

/// Label maps that networks see beside images.
package enum LabelPlanes {
  /// Reads a label map.
  /// - Parameter path: A picture whose values are labels, or a volume.
  /// - Returns: The label map.
  /// - Throws: `SupportError.notFound`; `ImagingIOError` for what is no label map.
  package static func read(_ path: String) throws -> LabelMap {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    return PictureFormat().recognises(path)
      ? try GreyPicture.readLabelMap(path, table: [])
      : try NIfTIReader.labelMap(from: ImageFormats.read(path).volume, table: [], path: path)
  }

  /// The channels for label maps of a data set: one for each structure, or one for objects where there are
  /// more numbers than `LabelChannels.limit`.
  /// - Parameter paths: Label maps; those that cannot be read say nothing here, and are told when their images
  ///   are read.
  /// - Returns: The channels; nil where no label map has a label.
  package static func channels(for paths: [String]) -> LabelChannels? {
    var found: Set<UInt16> = []
    for path in paths {
      guard let map = try? read(path) else { continue }
      found.formUnion(map.labels)
      // The background is one of them.
      if found.count > LabelChannels.limit + 1 { return LabelChannels(structures: nil) }
    }
    found.remove(0)
    return found.isEmpty ? nil : LabelChannels(structures: found.sorted().map(Int.init))
  }

  /// The planes of a picture's label map.
  static func planes(
    _ path: String,
    _ channels: LabelChannels,
    height: Int,
    width: Int
  ) throws -> [Float] {
    let map = try read(path)
    let size = map.geometry.size
    guard size == SIMD3(width, height, 1) else {
      throw RecognitionError.unsuitableImage(
        path: path,
        reason:
          "it has \(size.x) x \(size.y) x \(size.z) labels, and the picture \(width) x \(height) pixels"
      )
    }
    return volumes(map, channels).flatMap(\.voxels)
  }

  /// The planes of a volume's label map, slice by slice for each channel.
  static func planes(
    _ path: String,
    _ channels: LabelChannels,
    _ stack: StackedSlices,
    geometry: ImageGeometry
  ) throws -> [Float] {
    let map = try read(path)
    if let difference = map.geometry.difference(from: geometry) {
      throw RecognitionError.unsuitableImage(
        path: path,
        reason: "it is not on the scan's grid: \(difference)"
      )
    }
    return volumes(map, channels).flatMap { ImageReader.stacked($0, stack).values }
  }

  /// 1 where a channel's structure is, or an object, else 0.
  private static func volumes(_ map: LabelMap, _ channels: LabelChannels) -> [Volume<Float>] {
    let geometry = map.geometry
    if let structures = channels.structures {
      return structures.map { number in
        Volume(geometry: geometry, voxels: map.labels.map { Int($0) == number ? 1 : 0 })
      }
    }
    let size = geometry.size
    let strides = [1, size.x, size.x * size.y]
    var inside = map.labels.map { $0 > 0 ? Float(1) : 0 }
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          let here = geometry.offset(x, y, z)
          for (axis, step) in strides.enumerated() where [x, y, z][axis] + 1 < size[axis] {
            let (own, other) = (map.labels[here], map.labels[here + step])
            if own > 0, other > 0, own != other { (inside[here], inside[here + step]) = (0, 0) }
          }
        }
      }
    }
    return [Volume(geometry: geometry, voxels: inside)]
  }
}
