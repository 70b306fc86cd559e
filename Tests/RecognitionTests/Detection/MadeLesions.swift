import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport

/// Made volumes in nnU-Net's raw layout: bright boxes ("lesion") in noise, one or two in each.
struct MadeLesions {
  static let size = SIMD3(64, 64, 8)

  let folder: TemporaryFolder
  var root: String { folder.file("set") }

  /// Makes volumes `case0`, `case1`, ...; the same for one seed.
  init(_ count: Int, seed: UInt64 = 1) throws {
    folder = try TemporaryFolder()
    for name in ["imagesTr", "labelsTr"] {
      try FileManager.default.createDirectory(
        atPath: root + "/" + name,
        withIntermediateDirectories: true
      )
    }
    let text = """
      {"name": "lesions", "channel_names": {"0": "MRI"}, "labels": {"background": 0, "lesion": 1}, \
      "numTraining": \(count), "file_ending": ".nii.gz"}
      """
    try Data(text.utf8).write(to: URL(fileURLWithPath: root + "/dataset.json"))
    for index in 0..<count {
      var random = RandomStream(seed: seed).split(index)
      let (scan, labels) = try Self.pair(&random)
      try NIfTIWriter.write(.float32(scan), to: root + "/imagesTr/case\(index)_0000.nii.gz")
      try NIfTIWriter.write(labels, to: root + "/labelsTr/case\(index).nii.gz")
    }
  }

  /// A scan and its label map; the second lesion lies in the other half.
  static func pair(_ random: inout RandomStream) throws -> (Volume<Float>, LabelMap) {
    let geometry = try ImageGeometry(
      size: size,
      spacing: [1, 1, 2],
      origin: [0, 0, 0],
      direction: .identity
    )
    var labels = [UInt16](repeating: 0, count: geometry.voxelCount)
    for half in 0..<(random.chance(0.5) ? 2 : 1) {
      let side = 10 + Int(random.uniform() * 6)
      let x = half * 32 + Int(random.uniform() * Double(32 - side))
      let y = Int(random.uniform() * Double(64 - side))
      let z = 1 + Int(random.uniform() * 3)
      for slice in z..<z + 3 {
        for row in y..<y + side {
          for column in x..<x + side { labels[column + 64 * (row + 64 * slice)] = 1 }
        }
      }
    }
    let voxels = labels.map { Float(100 + 10 * random.normal()) + ($0 == 1 ? 80 : 0) }
    let table = [LabelDefinition(id: 1, name: "lesion", color: LabelDefinition.defaultColor(0))]
    return (
      Volume(geometry: geometry, voxels: voxels),
      LabelMap(geometry: geometry, labels: labels, table: table)
    )
  }
}
