import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport

/// A small study of two channels and nested regions that can be learnt in seconds.
///
/// Balls, 1, with a core, 2, and a centre, 3, in noise, made by seed. The first channel shows where a ball
/// is and nothing within it; the second shows core and centre alone, so that no channel suffices.
struct ChannelStudy {
  let folder: TemporaryFolder
  var path: String { folder.path }

  /// The description: the whole, the core and the centre lie within each other.
  static let description = """
    {"name": "Nested", "channel_names": {"0": "T1", "1": "CT"}, "file_ending": ".nii.gz",
     "labels": {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "centre": [3]},
     "regions_class_order": [1, 2, 3], "numTraining": 5}
    """

  init(cases: Int = 5, size: SIMD3<Int> = [20, 18, 16], description: String = description) throws {
    folder = try TemporaryFolder()
    for name in ["imagesTr", "labelsTr"] {
      try FileManager.default.createDirectory(
        atPath: folder.file(name),
        withIntermediateDirectories: true
      )
    }
    try write(description, to: "dataset.json")
    for index in 0..<cases {
      let (channels, map) = try Self.make(index, size: size)
      for (number, channel) in channels.enumerated() {
        try NIfTIWriter.write(.float32(channel), to: image(index, number))
      }
      try NIfTIWriter.write(map, to: label(index))
    }
  }

  func image(_ index: Int, _ channel: Int) -> String {
    folder.file("imagesTr/ball_\(index)_000\(channel).nii.gz")
  }
  func label(_ index: Int) -> String { folder.file("labelsTr/ball_\(index).nii.gz") }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file(name)))
  }

  static func make(_ index: Int, size: SIMD3<Int>) throws -> ([Volume<Float>], LabelMap) {
    var random = RandomStream(seed: 77).split(index)
    let geometry = try SyntheticStudy.geometry(size)
    let center = SIMD3<Double>(size) / 2 + [random.uniform(in: -2..<2), random.normal() / 2, 0]
    let radius = 5.5 + random.uniform()
    var channels: [[Float]] = [[], []]
    var labels: [UInt16] = []
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          let offset = SIMD3(Double(x), Double(y), Double(z)) - center
          let share = dot(offset, offset).squareRoot() / radius
          let label: UInt16 = share < 0.5 ? 3 : share < 0.75 ? 2 : share < 1 ? 1 : 0
          labels.append(label)
          channels[0].append(Float((label > 0 ? 160 : 100) + 8 * random.normal()))
          channels[1].append(Float([-50, -50, 20, 90][Int(label)] + 10 * random.normal()))
        }
      }
    }
    return (
      channels.map { Volume(geometry: geometry, voxels: $0) },
      LabelMap(geometry: geometry, labels: labels, table: [])
    )
  }
}
