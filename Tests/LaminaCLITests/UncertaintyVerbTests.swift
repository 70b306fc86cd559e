import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

/// `--write uncertainty`, `--uncertainty-samples`, `train --dropout` and `evaluate --uncertainty`.
@Suite struct UncertaintyVerbTests {
  private static func json(_ path: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path))
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  private static func names(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func dropoutIsDrawnAgainWithTheSeedAndComparedWithTheReference() throws {
    let folder = try TemporaryFolder()
    let (model, dataset) = (folder.file("model"), folder.file("data"))
    try Samples.writeDataset(to: dataset)
    let training = try Program.start(
      ["train", dataset, "--output", model, "--configuration", "2d", "--epochs", "1"]
        + ["--features", "4", "--batch", "2", "--dropout", "0.5", "--no-progress"]
    ).wait()
    #expect(training.status == 0, "\(training.error)")
    let scan = dataset + "/imagesTr/0_0000.nii.gz"
    func segment(_ name: String, _ arguments: [String]) throws -> (Program.Result, String) {
      let output = folder.file(name)
      let result = try Program.start(
        ["segment", scan, "--model", model, "--output", output, "--write", "uncertainty"]
          + arguments
      ).wait()
      return (result, output)
    }
    let samples = ["--uncertainty-samples", "3"]
    let (first, one) = try segment("one", samples + ["--write", "report", "--json"])
    #expect(first.status == 0, "\(first.error)")
    #expect(
      try Self.names(one) == [
        "labels.json", "report.html", "run.json", "segmentation.nii.gz", "statistics.json",
        "uncertainty-aleatoric.nii.gz", "uncertainty-epistemic.nii.gz", "uncertainty.nii.gz",
      ]
    )
    let maps = try ["", "-aleatoric", "-epistemic"].map {
      try NIfTIReader.read(one + "/uncertainty\($0).nii.gz").volume
    }
    #expect(
      maps.allSatisfy { map in
        if case .float32 = map { true } else { false }
      }
    )
    #expect(maps[0].geometry == (try NIfTIReader.read(scan).volume.geometry))
    let values = maps.map { $0.asFloat.voxels }
    #expect(values[0].allSatisfy { (0...1).contains($0) })
    #expect(values[2].contains { $0 > 0 }, "three draws of the network never disagree")
    for voxel in values[0].indices {
      // One rounding of the difference.
      #expect(abs(values[0][voxel] - values[1][voxel] - values[2][voxel]) < 1e-6)
    }
    let statistics = try #require(
      try Self.json(one + "/statistics.json")["uncertainty"] as? [String: Any]
    )
    #expect((statistics["members"] as? [String])?.count == 3)
    #expect((first.json as? [String: Any])?["uncertainty"] is [String: Any])
    let page = try String(contentsOfFile: one + "/report.html", encoding: .utf8)
    #expect(page.contains("Uncertainty by structure"))
    let (_, again) = try segment("again", samples + ["--threads", "1"])
    let (_, other) = try segment("other", samples + ["--seed", "2"])
    func bytes(_ folder: String) -> Data? {
      FileManager.default.contents(atPath: folder + "/uncertainty.nii.gz")
    }
    #expect(bytes(one) != nil && bytes(one) == bytes(again))
    #expect(bytes(one) != bytes(other))
    let (refused, _) = try segment("refused", ["--uncertainty-samples", "1"])
    #expect(refused.status == 64)

    // The reference: its box.
    let evaluation = try Program.start(
      ["evaluate", one, dataset + "/labelsTr/0.nii.gz", "--uncertainty"]
        + ["--output", folder.file("e.json"), "--report", folder.file("e.html")]
    ).wait()
    #expect(evaluation.status == 0, "\(evaluation.error)")
    let found = try #require(
      try Self.json(folder.file("e.json"))["uncertainty"] as? [String: Any]
    )
    #expect((found["voxels"] as? Int).map { $0 > 0 } == true)
    let report = try String(contentsOfFile: folder.file("e.html"), encoding: .utf8)
    #expect(report.contains("Uncertainty against errors"))
  }

  @Test func whatCannotServeIsRefused() throws {
    let folder = try TemporaryFolder()
    let scan = folder.file("scan.nii.gz")
    try Samples.writeScan(to: scan)
    try SegmentVerbTests.writeModel(to: folder.file("random"))
    func segment(_ model: String, _ arguments: String...) throws -> Program.Result {
      try Program.start(
        ["segment", scan, "--model", model, "--output", folder.file("out")] + arguments
      ).wait()
    }
    let random = folder.file("random")
    let plain = try segment(random, "--write", "uncertainty", "--uncertainty-samples", "4")
    #expect(plain.status == 64)
    #expect(plain.error.contains("dropout"))
    #expect(try segment(random, "--uncertainty-samples", "4").status == 64)
    #expect(try segment(random, "--write", "uncertainty", "--seed", "4").status == 64)
    #expect(try segment("otsu", "--write", "uncertainty").status == 64)
    #expect(!FileManager.default.fileExists(atPath: folder.file("out")))

    // One network without mirror images has an entropy and nothing to compare.
    #expect(try segment(random, "--write", "uncertainty").status == 0)
    #expect(
      try Self.names(folder.file("out")) == [
        "labels.json", "run.json", "segmentation.nii.gz", "statistics.json", "uncertainty.nii.gz",
      ]
    )
    // A label map without the files beside it.
    let labels = folder.file("labels.nii.gz")
    try FileManager.default.copyItem(
      atPath: folder.file("out") + "/segmentation.nii.gz",
      toPath: labels
    )
    let missing = try Program.start(
      ["evaluate", labels, labels, "--uncertainty", "--output", folder.file("e.json")]
    ).wait()
    #expect(missing.status == 66, "\(missing.error)")
    #expect(missing.error.contains("--write uncertainty"))
  }

  @Test func volumesGetIntervalsOfAnEvaluation() throws {
    let folder = try TemporaryFolder()
    let (scan, model) = (folder.file("scan.nii.gz"), folder.file("random"))
    try Samples.writeScan(to: scan)
    try SegmentVerbTests.writeModel(to: model)
    // Twelve cases whose true volume is a quarter more than what was found.
    func evaluation(_ cases: Int, _ names: [String]) throws -> String {
      let entries = (0..<cases).map { index in
        let labels = names.enumerated().map {
          #""\#($0.offset)": {"name": "\#($0.element)", "volumePredictionML": 4, "volumeReferenceML": 5}"#
        }
        return #"{"id": "\#(index)", "prediction": "p", "reference": "r", "problems": [], "#
          + #""labels": {\#(labels.joined(separator: ", "))}}"#
      }
      let path = folder.file("\(cases)\(names.joined()).json")
      try Data(
        (#"{"schema": "lamina.evaluation/1", "emptyPolicy": "lamina", "summary": {}, "#
          + #""foregroundMean": {}, "cases": [\#(entries.joined(separator: ", "))]}"#).utf8
      ).write(to: URL(fileURLWithPath: path))
      return path
    }
    func segment(_ output: String, _ arguments: [String]) throws -> Program.Result {
      try Program.start(
        ["segment", scan, "--model", model, "--output", folder.file(output)] + arguments
      ).wait()
    }
    let file = try evaluation(12, ["one", "two"])
    let done = try segment("done", ["--volume-intervals", file, "--write", "report"])
    #expect(done.status == 0, "\(done.error)")
    let structures = try #require(
      try Self.json(folder.file("done/statistics.json"))["structures"] as? [[String: Any]]
    )
    let found = structures.filter { ($0["voxels"] as? Int ?? 0) > 0 }
    #expect(!found.isEmpty)
    for structure in found {
      let interval = try #require(structure["volumeInterval"] as? [String: Any])
      let volume = try #require(structure["volumeML"] as? Double)
      let ends = try [
        #require(interval["lowML"] as? Double), #require(interval["highML"] as? Double),
      ]
      #expect(abs(ends[0] - 0.75 * volume) < 1e-9 && abs(ends[1] - 1.25 * volume) < 1e-9)
      #expect(interval["cases"] as? Int == 12 && interval["level"] as? Double == 0.9)
    }
    let page = try String(contentsOfFile: folder.file("done/report.html"), encoding: .utf8)
    #expect(page.contains("12 calibration cases") && page.contains("split conformal prediction"))

    let few = try segment("few", ["--volume-intervals", file, "--coverage", "0.95"])
    #expect(few.status == 65 && few.error.contains("takes 19 or more"), "\(few.error)")
    let other = try segment("other", ["--volume-intervals", evaluation(12, ["one", "three"])])
    #expect(other.status == 65 && other.error.contains("\"two\""), "\(other.error)")
    let scaled = try segment(
      "scaled",
      ["--volume-intervals", file, "--interval-scale", "uncertainty", "--write", "uncertainty"]
    )
    #expect(scaled.status == 65 && scaled.error.contains("--uncertainty"), "\(scaled.error)")
    #expect(try segment("none", ["--volume-intervals", folder.file("none.json")]).status == 66)
    #expect(try segment("damaged", ["--volume-intervals", scan]).status == 65)
    #expect(try segment("alone", ["--coverage", "0.9"]).status == 64)
    #expect(try segment("file.nii.gz", ["--volume-intervals", file]).status == 64)
    #expect(!FileManager.default.fileExists(atPath: folder.file("few")))
  }
}
