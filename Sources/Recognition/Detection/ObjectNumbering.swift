import Evaluation
import Imaging

/// Masks of found objects as one label map, in which each object has its number.
///
/// Numbers follow the findings, from 1. Where masks overlap a voxel belongs to the surest: findings come
/// by falling score, so that this is the lowest number. Objects that others cover wholly have no voxel;
/// beyond 65535, the most that a label map holds, the least sure are left out.
package enum ObjectNumbering {
  private static let limit = Int(UInt16.max)

  /// The objects of a picture.
  /// - Parameters:
  ///   - detections: The findings by falling score; those without a mask of the grid's size get a number but
  ///     no pixel.
  ///   - geometry: The picture's grid.
  ///   - classes: The classes' names.
  /// - Returns: The label map.
  package static func labelMap(
    of detections: [Detection],
    geometry: ImageGeometry,
    classes: [String]
  ) -> LabelMap {
    labelMap(
      detections.map { (label: $0.label, boxes: [(slice: 0, detection: $0)]) },
      geometry,
      classes
    )
  }

  /// The objects of a volume: each has the masks of the slices that it was joined of.
  /// - Parameters:
  ///   - found: What was found.
  ///   - geometry: The volume's grid.
  ///   - classes: The classes' names.
  /// - Returns: The label map.
  package static func labelMap(
    of found: Detector.VolumeFindings,
    geometry: ImageGeometry,
    classes: [String]
  ) -> LabelMap {
    labelMap(
      zip(found.findings, found.boxes).map { (label: $0.label, boxes: $1) },
      geometry,
      classes
    )
  }

  private static func labelMap(
    _ objects: [(label: Int, boxes: [(slice: Int, detection: Detection)])],
    _ geometry: ImageGeometry,
    _ classes: [String]
  ) -> LabelMap {
    let size = geometry.size
    var labels = [UInt16](repeating: 0, count: geometry.voxelCount)
    let told = objects.prefix(limit)
    for (index, object) in told.enumerated() {
      for (slice, detection) in object.boxes {
        guard let mask = detection.mask, mask.width == size.x, mask.height == size.y else {
          continue
        }
        let start = slice * size.x * size.y
        for (place, isInside) in mask.pixels.enumerated()
        where isInside && labels[start + place] == 0 {
          labels[start + place] = UInt16(index + 1)
        }
      }
    }
    let table = told.enumerated().map { index, object in
      LabelDefinition(
        id: index + 1,
        name: "\(classes[object.label]) \(index + 1)",
        color: LabelDefinition.defaultColor(index)
      )
    }
    return LabelMap(geometry: geometry, labels: labels, table: table)
  }
}
