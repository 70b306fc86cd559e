import Foundation
import Imaging
import ImagingIO
import Support

/// Cuts regions out of a scan around a label of an atlas.
enum StudyRegions {
  /// Makes `NAME.nii.gz` and `reference/NAME.nii.gz`.
  /// - Parameters:
  ///   - region: What to cut out.
  ///   - folder: Holds the scan and the atlas; the files appear in it.
  /// - Throws: `StudyError.impossibleRegion`; `ImagingIOError` and `SupportError` for the files.
  static func cut(_ region: StudyDescription.Region, in folder: String) throws {
    let orientation = try Orientation(code: region.orientation)
    let scan = try NIfTIReader.read(folder + "/" + region.scan).volume.asFloat
      .reoriented(to: orientation)
    let atlas = try NIfTIReader.readLabelMap(folder + "/" + region.atlas, table: [])
      .reoriented(to: orientation)
    if let difference = scan.geometry.difference(from: atlas.geometry) {
      throw StudyError.impossibleRegion(
        name: region.name,
        reason: "the atlas lies on another grid than the scan: \(difference)"
      )
    }
    let label = UInt16(clamping: region.atlasLabel)
    guard let box = boundingBox(of: label, in: atlas) else {
      throw StudyError.impossibleRegion(
        name: region.name,
        reason: "the atlas holds no voxel of label \(region.atlasLabel)"
      )
    }
    let (low, high) = try widened(box, by: region, geometry: atlas.geometry)
    let reference = LabelMap(
      geometry: atlas.geometry,
      labels: atlas.labels.map { $0 == label ? 1 : 0 },
      table: []
    )
    let references = folder + "/reference"
    do {
      try FileManager.default.createDirectory(
        atPath: references,
        withIntermediateDirectories: true
      )
    } catch {
      throw SupportError.unwritable(path: references, reason: OutputGuard.reason(of: error))
    }
    try NIfTIWriter.write(
      .float32(try scan.cropped(low: low, high: high)),
      to: "\(folder)/\(region.name).nii.gz"
    )
    try NIfTIWriter.write(
      try reference.cropped(low: low, high: high),
      to: "\(references)/\(region.name).nii.gz"
    )
  }

  private static func boundingBox(
    of label: UInt16,
    in map: LabelMap
  ) -> (low: SIMD3<Int>, high: SIMD3<Int>)? {
    let size = map.geometry.size
    var low = size
    var high = SIMD3(repeating: -1)
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x where map[x, y, z] == label {
          low = pointwiseMin(low, [x, y, z])
          high = pointwiseMax(high, [x, y, z])
        }
      }
    }
    return high.x < 0 ? nil : (low, high)
  }

  /// The box with its margins, cut at the grid's border.
  private static func widened(
    _ box: (low: SIMD3<Int>, high: SIMD3<Int>),
    by region: StudyDescription.Region,
    geometry: ImageGeometry
  ) throws -> (low: SIMD3<Int>, high: SIMD3<Int>) {
    var (low, high) = box
    for axis in 0..<3 {
      let side = geometry.orientation.axes[axis]
      let opposite = AxisCode(patientAxis: side.patientAxis, isPositive: !side.isPositive)
      let spacing = geometry.spacing[axis]
      low[axis] -= try voxels(of: opposite, in: region, spacing: spacing)
      high[axis] += try voxels(of: side, in: region, spacing: spacing)
    }
    return (pointwiseMax(low, .zero), pointwiseMin(high, geometry.size &- 1))
  }

  private static func voxels(
    of side: AxisCode,
    in region: StudyDescription.Region,
    spacing: Double
  ) throws -> Int {
    guard let margin = region.marginsMM[String(side.rawValue)], (0...1000).contains(margin) else {
      throw StudyError.impossibleRegion(
        name: region.name,
        reason: "marginsMM gives no distance from 0 to 1000 mm for the side \(side.rawValue)"
      )
    }
    return Int((margin / spacing).rounded())
  }
}

extension Volume {
  /// The voxels of a box, both corners included.
  fileprivate func cropped(low: SIMD3<Int>, high: SIMD3<Int>) throws -> Volume {
    Volume(
      geometry: try geometry.cropped(low: low, high: high),
      voxels: geometry.offsets(low: low, high: high).map { voxels[$0] }
    )
  }
}

extension LabelMap {
  /// The labels of a box, both corners included.
  fileprivate func cropped(low: SIMD3<Int>, high: SIMD3<Int>) throws -> LabelMap {
    LabelMap(
      geometry: try geometry.cropped(low: low, high: high),
      labels: geometry.offsets(low: low, high: high).map { labels[$0] },
      table: table
    )
  }
}

extension ImageGeometry {
  fileprivate func cropped(low: SIMD3<Int>, high: SIMD3<Int>) throws -> ImageGeometry {
    try ImageGeometry(
      size: high &- low &+ 1,
      spacing: spacing,
      origin: position(ofIndex: SIMD3<Double>(low)),
      direction: direction
    )
  }

  fileprivate func offsets(low: SIMD3<Int>, high: SIMD3<Int>) -> [Int] {
    (low.z...high.z).flatMap { z in
      (low.y...high.y).flatMap { y in (low.x...high.x).map { x in offset(x, y, z) } }
    }
  }
}
