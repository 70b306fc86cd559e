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
    guard let box = atlas.boundingBox(ofLabel: label) else {
      throw StudyError.impossibleRegion(
        name: region.name,
        reason: "the atlas holds no voxel of label \(region.atlasLabel)"
      )
    }
    let part = try widened(box, by: region, geometry: atlas.geometry)
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
      .float32(scan.cropped(to: part)),
      to: "\(folder)/\(region.name).nii.gz"
    )
    try NIfTIWriter.write(
      reference.cropped(to: part),
      to: "\(references)/\(region.name).nii.gz"
    )
  }

  /// The box with its margins, cut at the grid's border.
  private static func widened(
    _ box: VoxelBox,
    by region: StudyDescription.Region,
    geometry: ImageGeometry
  ) throws -> VoxelBox {
    var lower = box.lower
    var upper = box.upper
    for axis in 0..<3 {
      let side = geometry.orientation.axes[axis]
      let opposite = AxisCode(patientAxis: side.patientAxis, isPositive: !side.isPositive)
      let spacing = geometry.spacing[axis]
      lower[axis] -= try voxels(of: opposite, in: region, spacing: spacing)
      upper[axis] += try voxels(of: side, in: region, spacing: spacing)
    }
    return VoxelBox(lower: lower, upper: upper).intersection(geometry.box) ?? box
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
