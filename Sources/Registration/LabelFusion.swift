import Imaging
import Support

/// How the labels of several atlases become one label map.
public enum LabelFusion: String, Sendable, CaseIterable, Codable {
  /// The label of most atlases; of equally many the smallest number.
  case majority
  /// The most probable label given how reliable each atlas turns out to be (`Staple`).
  case staple
  /// The label whose atlases look most like the image at the place.
  case locallyWeighted = "locally-weighted"

  /// Joins label maps.
  /// - Parameters:
  ///   - labelMaps: The atlases' labels on the image's grid.
  ///   - images: The atlases' images on the image's grid, in the same order; for `locallyWeighted`.
  ///   - target: The image.
  /// - Returns: The label map, with the names of all atlases (the first atlas's where they differ).
  /// - Throws: `RegistrationError.unfitAtlases` without atlases, or for other grids or numbers.
  public func fused(
    _ labelMaps: [LabelMap],
    images: [Volume<Float>],
    target: Volume<Float>
  ) throws -> LabelMap {
    guard let first = labelMaps.first else {
      throw RegistrationError.unfitAtlases(reason: "there are none")
    }
    for map in labelMaps where map.geometry != target.geometry {
      throw RegistrationError.unfitAtlases(reason: "labels lie on another grid than the image")
    }
    if self == .locallyWeighted {
      guard images.count == labelMaps.count,
        images.allSatisfy({ $0.geometry == target.geometry })
      else {
        throw RegistrationError.unfitAtlases(reason: "images and labels do not match one by one")
      }
    }
    let labels: [UInt16] =
      switch self {
      case .majority: Self.voted(labelMaps, weights: nil)
      case .staple: try Staple(labelMaps).labels
      case .locallyWeighted:
        Self.voted(
          labelMaps,
          weights: images.map { LocalLikeness().weights(of: $0, beside: target) }
        )
      }
    var names: [Int: LabelDefinition] = [:]
    for map in labelMaps {
      for definition in map.table where names[definition.id] == nil {
        names[definition.id] = definition
      }
    }
    return LabelMap(
      geometry: first.geometry,
      labels: labels,
      table: names.values.sorted { $0.id < $1.id }
    )
  }

  /// The label of the largest sum of weights at each voxel.
  private static func voted(_ maps: [LabelMap], weights: [[Float]]?) -> [UInt16] {
    let count = maps[0].labels.count
    return Pieces(count: count, limit: 256).map { range in
      range.map { voxel in
        let first = maps[0].labels[voxel]
        if maps.allSatisfy({ $0.labels[voxel] == first }) { return first }
        var best = (weight: -Float.infinity, label: UInt16(0))
        for map in maps {
          let label = map.labels[voxel]
          var sum: Float = 0
          for (other, candidate) in maps.enumerated() where candidate.labels[voxel] == label {
            sum += weights?[other][voxel] ?? 1
          }
          if sum > best.weight || (sum == best.weight && label < best.label) { best = (sum, label) }
        }
        return best.label
      }
    }.flatMap(\.self)
  }
}
