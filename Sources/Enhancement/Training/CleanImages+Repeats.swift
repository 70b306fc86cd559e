import Imaging
import ImagingIO
import Pipelines
import Support

extension CleanImages {
  /// A file's volume; of a 4-D file the first time point, with the others as its repeats.
  static func timePoints(of path: String, id: String) throws -> Image {
    let sizes = try ImageFormats.inspect(path).flatMap(\.volumes).map(\.size)
    guard sizes.count == 1, sizes[0].count == 4, sizes[0][3] > 1 else {
      let loaded = try ImageFormats.read(path)
      return Image(id: id, volume: loaded.volume.asFloat, modality: loaded.summary.modality)
    }
    var selection = VolumeSelection()
    var points: [LoadedVolume] = []
    for point in 1...sizes[0][3] {
      selection.timePoint = point
      points.append(try ImageFormats.read(path, selection: selection))
    }
    return Image(
      id: id,
      volume: points[0].volume.asFloat,
      modality: points[0].summary.modality,
      repeats: points.dropFirst().map(\.volume.asFloat)
    )
  }

  /// The images, with those that show the same thing as one: `CASE_0000`, `CASE_0001` and so on.
  /// - Returns: One image for each thing, in the order of the first ones; time points stay with it.
  /// - Throws: `EnhancementError.noImages` when two of a thing do not lie on one grid.
  public func joiningRepeats() throws -> CleanImages {
    var order: [String] = []
    var found: [String: Image] = [:]
    for image in images {
      let id = Self.thing(of: image.id)
      guard var first = found[id] else {
        order.append(id)
        found[id] = Image(
          id: id,
          volume: image.volume,
          modality: image.modality,
          repeats: image.repeats
        )
        continue
      }
      for volume in [image.volume] + image.repeats {
        let (one, other) = (first.volume.geometry, volume.geometry)
        guard one.size == other.size, one.difference(from: other) == nil else {
          throw EnhancementError.noImages(
            path: name,
            reason: "\(image.id) lies on another grid than the first image of \(id), and repeats "
              + "must be aligned voxel by voxel"
          )
        }
        first.repeats.append(volume)
      }
      found[id] = first
    }
    return CleanImages(
      order.compactMap { found[$0] },
      arePictures: arePictures,
      name: name,
      notes: notes
    )
  }

  /// The name without the number of a repeat.
  private static func thing(of id: String) -> String {
    let parts = id.split(separator: "_", omittingEmptySubsequences: false)
    guard let number = parts.last, parts.count > 1, number.count == 4, Int(number) != nil else {
      return id
    }
    return parts.dropLast().joined(separator: "_")
  }
}
