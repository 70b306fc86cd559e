import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Transforms

/// A small labelled study that can be learnt in seconds.
///
/// Bright balls, label 1, with a brighter core, label 2, in noise; made by seed, nothing of it comes
/// from anybody's data.
struct SyntheticStudy {
  let folder: TemporaryFolder
  var path: String { folder.path }

  init(cases: Int = 8, size: SIMD3<Int> = [20, 18, 16], labels: String = #""ball": 1, "core": 2"#)
    throws
  {
    folder = try TemporaryFolder()
    for name in ["imagesTr", "labelsTr"] {
      try FileManager.default.createDirectory(
        atPath: folder.file(name),
        withIntermediateDirectories: true
      )
    }
    try write(
      #"{"channel_names": {"0": "MRI"}, "labels": {"background": 0, \#(labels)}, "#
        + #""numTraining": \#(cases), "file_ending": ".nii.gz", "name": "Balls"}"#,
      to: "dataset.json"
    )
    for index in 0..<cases {
      let (scan, map) = try Self.make(index, size: size)
      try NIfTIWriter.write(.float32(scan), to: image(index))
      try NIfTIWriter.write(map, to: label(index))
    }
  }

  func image(_ index: Int) -> String { folder.file("imagesTr/ball_\(index)_0000.nii.gz") }
  func label(_ index: Int) -> String { folder.file("labelsTr/ball_\(index).nii.gz") }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file(name)))
  }

  static func geometry(_ size: SIMD3<Int>) throws -> ImageGeometry {
    try ImageGeometry(
      size: size,
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: Orientation.ras.direction
    )
  }

  static func make(_ index: Int, size: SIMD3<Int>) throws -> (Volume<Float>, LabelMap) {
    var random = RandomStream(seed: 99).split(index)
    let geometry = try geometry(size)
    let center = SIMD3<Double>(size) / 2 + [random.uniform(in: -2..<2), random.normal() / 2, 0]
    let radius = 4.5 + random.uniform()
    var voxels: [Float] = []
    var labels: [UInt16] = []
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          let offset = SIMD3(Double(x), Double(y), Double(z)) - center
          let distance = dot(offset, offset).squareRoot()
          let label: UInt16 = distance < radius / 2 ? 2 : distance < radius ? 1 : 0
          labels.append(label)
          voxels.append(Float(100 + 60 * Double(label) + 10 * random.normal()))
        }
      }
    }
    return (
      Volume(geometry: geometry, voxels: voxels),
      LabelMap(geometry: geometry, labels: labels, table: [])
    )
  }
}

extension TrainingConfiguration {
  /// A run in three dimensions on scans like the study's.
  static func volumes(of dataset: SegmentationDataset, baseFeatures: Int) -> TrainingConfiguration {
    var planner = VolumePlanner(spacing: [1, 1, 1], patchSize: [20, 18, 16])
    planner.baseFeatures = baseFeatures
    return planner.configuration(
      labels: dataset.labels,
      normalization: .zScore(usesMask: false),
      samples: .patches(VolumeAugmentation())
    )
  }
}
