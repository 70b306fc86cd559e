import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

@Suite struct UnlabelledVerbTests {
  /// Four labelled boxes and two scans without labels.
  private func dataset(in folder: TemporaryFolder) throws -> String {
    let data = folder.file("data")
    for name in ["imagesTr", "labelsTr", "imagesUn"] {
      try FileManager.default.createDirectory(
        atPath: data + "/" + name,
        withIntermediateDirectories: true
      )
    }
    try Data(
      (#"{"name": "Boxes", "channel_names": {"0": "MRI"}, "file_ending": ".nii.gz", "#
        + #""labels": {"background": 0, "box": 1}, "numTraining": 4}"#).utf8
    ).write(to: URL(fileURLWithPath: data + "/dataset.json"))
    let geometry = try ImageGeometry(
      size: [20, 18, 16],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: Orientation.ras.direction
    )
    for index in 0..<6 {
      var random = RandomStream(seed: 5).split(index)
      var (voxels, labels) = ([Float](), [UInt16]())
      for place in 0..<geometry.voxelCount {
        let (x, y, z) = (place % 20, place / 20 % 18, place / 360)
        let isBox =
          (4 + index..<12 + index).contains(x) && (5..<13).contains(y) && (4..<12).contains(z)
        labels.append(isBox ? 1 : 0)
        voxels.append(Float((isBox ? 200 : 100) + 10 * random.normal()))
      }
      let image = index < 4 ? "imagesTr/\(index)_0000.nii.gz" : "imagesUn/\(index)_0000.nii.gz"
      try NIfTIWriter.write(
        .float32(Volume(geometry: geometry, voxels: voxels)),
        to: data + "/" + image
      )
      guard index < 4 else { continue }
      try NIfTIWriter.write(
        LabelMap(geometry: geometry, labels: labels, table: []),
        to: "\(data)/labelsTr/\(index).nii.gz"
      )
    }
    return data
  }

  @Test(arguments: [
    ["--suggest", "2"], ["--output", "m", "--pseudo-labels", "x"],
    ["--suggest", "0", "--from", "m"], ["--output", "m", "--pretrain", "--synthesize"],
    ["--output", "m", "--pseudo-labels", "x", "--from", "m", "--confidence", "1.5"], [],
  ])
  func optionsThatDoNotGoTogetherAreRefused(_ options: [String]) throws {
    let run = try Program.start(["train", "data"] + options).wait()
    #expect(run.status == 64, "\(run.error)")
    #expect(run.errorLines.count == 1)
  }

  @Test func preTrainingTrainingAndSuggestingWorkOneAfterTheOther() throws {
    let folder = try TemporaryFolder()
    let data = try dataset(in: folder)
    let common = ["--epochs", "1", "--features", "8", "--batch", "4", "--configuration", "2d"]
    let (filler, boxes) = (folder.file("filler"), folder.file("boxes"))
    let first = try Program.start(
      ["train", data, "--output", filler, "--pretrain"] + common + ["--json"]
    ).wait()
    #expect(first.status == 0, "\(first.error)")
    // It has no structures, so that it segments nothing.
    let refused = try Program.run(
      "segment",
      data + "/imagesTr/0_0000.nii.gz",
      "--model",
      filler,
      "--output",
      folder.file("out.nii.gz")
    )
    #expect(refused.status == 64 && refused.error.contains("--from"))

    let second = try Program.start(
      ["train", data, "--output", boxes, "--from", filler] + common
    ).wait()
    #expect(second.status == 0, "\(second.error)")
    let page = folder.file("page.html")
    let report = try Program.run("report", boxes, "--output", page)
    #expect(report.status == 0, "\(report.error)")
    let html = try String(contentsOfFile: page, encoding: .utf8)
    #expect(html.contains("Where the time went") && html.contains("The worst held-out scans"))

    let suggested = try Program.start(
      ["train", data, "--suggest", "5", "--from", boxes, "--json"]
    ).wait()
    #expect(suggested.status == 0, "\(suggested.error)")
    let answer = try #require(suggested.json as? [String: Any])
    let list = try #require(answer["suggestions"] as? [[String: Any]])
    #expect(answer["scans"] as? Int == 2)
    #expect(Set(list.compactMap { $0["id"] as? String }) == ["4", "5"])
    #expect(list.compactMap { $0["rank"] as? Int } == [1, 2])

    let pseudo = folder.file("pseudo")
    let third = try Program.start(
      ["train", data, "--output", pseudo, "--from", boxes, "--pseudo-labels", data + "/imagesUn"]
        + common
    ).wait()
    #expect(third.status == 0, "\(third.error)")
    #expect(third.error.contains("labelled surely enough"))
    #expect(!FileManager.default.fileExists(atPath: pseudo + ".training"))
  }
}
