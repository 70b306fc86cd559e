import Foundation
import Imaging
import ImagingIO
import Support
import Testing

/// Small images that the tests of the program write for it.
enum Samples {
  /// A geometry of distinct axes: 6 x 5 x 4 voxels of 1 x 2 x 3 mm, axes towards R, A and S.
  static func geometry(_ size: SIMD3<Int> = [6, 5, 4]) throws -> ImageGeometry {
    try ImageGeometry(
      size: size,
      spacing: [1, 2, 3],
      origin: [10, 20, 30],
      direction: Matrix3([-1, 0, 0], [0, -1, 0], [0, 0, 1])
    )
  }

  /// Values that count up from -3, as int16.
  static func writeScan(to path: String) throws {
    let geometry = try geometry()
    let voxels = (0..<geometry.voxelCount).map { Int16($0 - 3) }
    try NIfTIWriter.write(.int16(Volume(geometry: geometry, voxels: voxels)), to: path)
  }

  /// A scan of 1000 with Gaussian noise.
  static func writeNoise(deviation: Double, to path: String, size: SIMD3<Int>) throws {
    let geometry = try geometry(size)
    var random = RandomStream(seed: 1)
    let voxels = (0..<geometry.voxelCount).map { _ in
      Int16((1000 + deviation * random.normal()).rounded())
    }
    try NIfTIWriter.write(.int16(Volume(geometry: geometry, voxels: voxels)), to: path)
  }

  /// A label map with one box of each given label, as wide as the label's number.
  static func writeLabels(
    _ labels: [UInt16],
    to path: String,
    size: SIMD3<Int> = [6, 5, 4]
  ) throws {
    let geometry = try geometry(size)
    var map = LabelMap(
      geometry: geometry,
      labels: [UInt16](repeating: 0, count: geometry.voxelCount),
      table: []
    )
    for label in labels {
      for x in 0..<Int(label) { map[x, Int(label), 1] = label }
    }
    try NIfTIWriter.write(map, to: path)
  }

  /// A data set in nnU-Net's layout whose scans are their own label maps: one box.
  static func writeDataset(to path: String, cases: Int = 5) throws {
    let files = FileManager.default
    for name in ["imagesTr", "labelsTr"] {
      try files.createDirectory(atPath: path + "/" + name, withIntermediateDirectories: true)
    }
    try Data(
      #"{"channel_names":{"0":"MRI"},"labels":{"background":0,"box":1},"file_ending":".nii.gz"}"#
        .utf8
    ).write(to: URL(fileURLWithPath: path + "/dataset.json"))
    for index in 0..<cases {
      let label = "\(path)/labelsTr/\(index).nii.gz"
      // Equal scans would count as copies and share a fold.
      try writeLabels([1], to: label, size: [16, 16, 8 + index])
      try files.copyItem(atPath: label, toPath: "\(path)/imagesTr/\(index)_0000.nii.gz")
    }
  }

  /// Trains a small network of slices for a data set of boxes.
  /// - Parameters:
  ///   - path: The model's folder.
  ///   - dataset: Where the data set is written.
  /// - Returns: One of its scans.
  /// - Throws: What writing and starting the program throw.
  static func trainBoxes(to path: String, dataset: String) throws -> String {
    try writeDataset(to: dataset)
    let training = try Program.start(
      ["train", dataset, "--output", path, "--configuration", "2d", "--epochs", "1"]
        + ["--features", "4", "--batch", "2", "--no-progress"]
    ).wait()
    #expect(training.status == 0, "\(training.error)")
    return dataset + "/imagesTr/0_0000.nii.gz"
  }
}
