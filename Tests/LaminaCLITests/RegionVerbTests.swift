import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// `lamina plan`, `train`, `segment` and `evaluate` with two channels and regions, as users run them.
@Suite struct RegionVerbTests {
  /// Boxes, 1, with a core, 2: the first channel shows the box, the second the core.
  private func dataset() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for name in ["imagesTr", "labelsTr", "imagesTs"] {
      try FileManager.default.createDirectory(
        atPath: folder.file("Boxes/" + name),
        withIntermediateDirectories: true
      )
    }
    try Data(
      """
      {"channel_names": {"0": "T1", "1": "FLAIR"}, "file_ending": ".nii.gz",
       "labels": {"background": 0, "box": [1, 2], "core": [2]}, "regions_class_order": [1, 2]}
      """.utf8
    ).write(to: URL(fileURLWithPath: folder.file("Boxes/dataset.json")))
    let geometry = try ImageGeometry(
      size: [16, 16, 12],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: Orientation.ras.direction
    )
    for index in 0..<3 {
      var random = RandomStream(seed: 3).split(index)
      var labels: [UInt16] = []
      for z in 0..<12 {
        for y in 0..<16 {
          for x in 0..<16 {
            let distance = max(abs(x - 7 - index), abs(y - 8), abs(z - 6))
            labels.append(distance < 3 ? 2 : distance < 5 ? 1 : 0)
          }
        }
      }
      let scans = [[10, 80, 80], [20, 20, 90]].map { levels in
        Volume(
          geometry: geometry,
          voxels: labels.map { Float(levels[Int($0)]) + 3 * Float(random.normal()) }
        )
      }
      let place = index < 2 ? "imagesTr" : "imagesTs"
      for (number, scan) in scans.enumerated() {
        try NIfTIWriter.write(
          .float32(scan),
          to: folder.file("Boxes/\(place)/case_\(index)_000\(number).nii.gz")
        )
      }
      let map = LabelMap(geometry: geometry, labels: labels, table: [])
      let target = index < 2 ? "Boxes/labelsTr/case_\(index).nii.gz" : "reference.nii.gz"
      try NIfTIWriter.write(map, to: folder.file(target))
    }
    return folder
  }

  @Test func thePlanNamesChannelsAndRegions() throws {
    let folder = try dataset()
    let result = try Program.run("plan", folder.file("Boxes"), "--json", "--loss", "dice-topk")
    #expect(result.status == 0, "\(result.error)")
    let json = try #require(result.json as? [String: Any])
    #expect(json["channels"] as? [String] == ["T1", "FLAIR"])
    let regions = try #require(json["regions"] as? [[String: Any]])
    #expect(regions.map { $0["name"] as? String } == ["box", "core"])
    #expect(regions.map { $0["labels"] as? [Int] } == [[1, 2], [2]])
    let plan = try #require(json["plan"] as? [String: Any])
    let values = try #require(plan["configuration"] as? [String: Any])
    #expect(values["loss"] as? String == "topKAndDice")
    let text = try Program.run("plan", folder.file("Boxes"))
    for words in ["2 channels, 2 regions", "normalisation 1, FLAIR", "binary cross-entropy"] {
      #expect(text.output.contains(words), "\(words)")
    }
  }

  @Test func slicesAreRefusedAndWrongLossesAre64() throws {
    let folder = try dataset()
    let slices = try Program.run("plan", folder.file("Boxes"), "--configuration", "2d")
    #expect(slices.status == 65)
    #expect(slices.error.contains("regions are trained in 3-D"))
    #expect(try Program.run("plan", folder.file("Boxes"), "--loss", "nosuch").status == 64)
    let pretraining = try Program.run(
      "train",
      folder.file("Boxes"),
      "--output",
      folder.file("m"),
      "--pretrain",
      "--loss",
      "dice"
    )
    #expect(pretraining.status == 64)
  }

  @Test func aTrainedModelSegmentsAndIsEvaluatedByRegions() throws {
    let folder = try dataset()
    let model = folder.file("boxes")
    let training = try Program.run(
      "train",
      folder.file("Boxes"),
      "--output",
      model,
      "--fold",
      "all",
      "--epochs",
      "1",
      "--features",
      "8",
      "--loss",
      "dice-focal",
      "--learning-rate",
      "0.005"
    )
    #expect(training.status == 0, "\(training.error)")
    let record = try Data(contentsOf: URL(fileURLWithPath: model + "/training.json"))
    let json = try #require(try JSONSerialization.jsonObject(with: record) as? [String: Any])
    let values = try #require(json["configuration"] as? [String: Any])
    #expect(values["loss"] as? String == "focalAndDice")
    #expect(values["regions"] as? [[Int]] == [[1, 2], [2]])

    let output = folder.file("labels.nii.gz")
    let segmented = try Program.run(
      "segment",
      folder.file("Boxes/imagesTs/case_2_0000.nii.gz"),
      "--model",
      model,
      "--output",
      output
    )
    #expect(segmented.status == 0, "\(segmented.error)")
    try Data(#"{"box": [1, 2], "core": [2]}"#.utf8)
      .write(to: URL(fileURLWithPath: folder.file("regions.json")))
    let evaluated = try Program.run(
      "evaluate",
      output,
      folder.file("reference.nii.gz"),
      "--output",
      folder.file("e.json"),
      "--labels",
      folder.file("regions.json"),
      "--metrics",
      "dice",
      "--json"
    )
    #expect(evaluated.status == 0, "\(evaluated.error)")
    let report = try #require(evaluated.json as? [String: Any])
    let summary = try #require(report["summary"] as? [String: [String: [String: Any]]])
    for key in ["1+2", "2"] {
      let dice = try #require(summary[key]?["dice"]?["mean"] as? Double)
      #expect(dice > 0.8, "\(key): \(dice)")
    }

    // One channel is not enough.
    try FileManager.default.removeItem(
      atPath: folder.file("Boxes/imagesTs/case_2_0001.nii.gz")
    )
    let lacking = try Program.run(
      "segment",
      folder.file("Boxes/imagesTs/case_2_0000.nii.gz"),
      "--model",
      model,
      "--output",
      folder.file("other.nii.gz")
    )
    #expect(lacking.status == 65)
    #expect(lacking.error.contains("1 channel"), "\(lacking.error)")
  }
}
