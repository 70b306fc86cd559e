import Foundation
import Imaging
import ImagingIO
import Support

/// Makes whole scans with their references out of a study's files.
enum StudyCases {
  /// Makes `NAME.nii.gz` and `reference/NAME.nii.gz`.
  /// - Parameters:
  ///   - item: What to make.
  ///   - folder: Holds the scan and what the reference is made of; the files appear in it.
  /// - Throws: `StudyError.impossibleReference`; `ImagingIOError` and `SupportError` for the files.
  static func make(_ item: StudyDescription.Case, in folder: String) throws {
    guard item.scan.hasSuffix(".nii.gz") else {
      throw StudyError.impossibleReference(
        name: item.name,
        reason: "its scan \(item.scan) is not named .nii.gz"
      )
    }
    let scan = try NIfTIReader.read(folder + "/" + item.scan).volume.asFloat.geometry
    let reference: LabelMap
    switch (item.reference.probabilities, item.reference.atlas) {
    case (let probabilities?, nil):
      reference = try decided(probabilities, on: scan, for: item.name, in: folder)
    case (nil, let atlas?):
      reference = try renumbered(atlas, on: scan, for: item.name, in: folder)
    default:
      throw StudyError.impossibleReference(
        name: item.name,
        reason: "it is made either of probabilities or of an atlas"
      )
    }
    let references = folder + "/reference"
    let copy = "\(folder)/\(item.name).nii.gz"
    do {
      try FileManager.default.createDirectory(
        atPath: references,
        withIntermediateDirectories: true
      )
      try FileManager.default.copyItem(atPath: folder + "/" + item.scan, toPath: copy)
    } catch {
      throw SupportError.unwritable(path: copy, reason: OutputGuard.reason(of: error))
    }
    try NIfTIWriter.write(reference, to: "\(references)/\(item.name).nii.gz")
  }

  /// The label of the most probable map in each voxel, or background.
  private static func decided(
    _ probabilities: StudyDescription.Probabilities,
    on scan: ImageGeometry,
    for name: String,
    in folder: String
  ) throws -> LabelMap {
    guard probabilities.certainty > 0, probabilities.certainty.isFinite else {
      throw StudyError.impossibleReference(
        name: name,
        reason: "the certainty \(probabilities.certainty) is not above 0"
      )
    }
    let threshold = Float(probabilities.above * probabilities.certainty)
    var best = [Float](repeating: threshold, count: scan.voxelCount)
    var labels = [UInt16](repeating: 0, count: scan.voxelCount)
    for map in probabilities.maps {
      let values = try NIfTIReader.read(folder + "/" + map.file).volume.asFloat
      try check(values.geometry, against: scan, file: map.file, for: name)
      let label = try number(map.label, for: name)
      for voxel in labels.indices where values.voxels[voxel] > best[voxel] {
        best[voxel] = values.voxels[voxel]
        labels[voxel] = label
      }
    }
    return LabelMap(geometry: scan, labels: labels, table: [])
  }

  /// The atlas under the reference's numbers.
  private static func renumbered(
    _ atlas: StudyDescription.Atlas,
    on scan: ImageGeometry,
    for name: String,
    in folder: String
  ) throws -> LabelMap {
    let map = try NIfTIReader.readLabelMap(folder + "/" + atlas.file, table: [])
    try check(map.geometry, against: scan, file: atlas.file, for: name)
    var numbers: [UInt16: UInt16] = [:]
    for (key, label) in atlas.labels {
      guard let own = UInt16(key) else {
        throw StudyError.impossibleReference(name: name, reason: "\(key) is no label of an atlas")
      }
      numbers[own] = try number(label, for: name)
    }
    let present = Set(map.labels)
    for own in numbers.keys.sorted() where !present.contains(own) {
      throw StudyError.impossibleReference(
        name: name,
        reason: "the atlas holds no voxel of label \(own)"
      )
    }
    return LabelMap(geometry: scan, labels: map.labels.map { numbers[$0] ?? 0 }, table: [])
  }

  private static func number(_ label: Int, for name: String) throws -> UInt16 {
    guard label > 0, let number = UInt16(exactly: label) else {
      throw StudyError.impossibleReference(
        name: name,
        reason: "the label \(label) is not from 1 to 65535"
      )
    }
    return number
  }

  private static func check(
    _ geometry: ImageGeometry,
    against scan: ImageGeometry,
    file: String,
    for name: String
  ) throws {
    guard let difference = scan.difference(from: geometry) else { return }
    throw StudyError.impossibleReference(
      name: name,
      reason: "\(file) lies on another grid than the scan: \(difference)"
    )
  }
}
