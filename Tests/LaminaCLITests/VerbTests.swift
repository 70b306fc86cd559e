import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

/// What the verbs print and write.
@Suite struct VerbTests {
  @Test func infoPrintsTheKeysOfTheContract() throws {
    let folder = try TemporaryFolder()
    try Samples.writeScan(to: folder.file("scan.nii.gz"))
    let result = try Program.run("info", folder.file("scan.nii.gz"), "--json")
    #expect(result.status == 0)
    let document = try #require(result.json as? [String: Any])
    let series = try #require((document["series"] as? [[String: Any]])?.first)
    #expect(
      Set(series.keys) == [
        "uid", "modality", "description", "slices", "transferSyntax", "problems", "volumes",
      ]
    )
    let volume = try #require((series["volumes"] as? [[String: Any]])?.first)
    #expect(Set(volume.keys) == ["number", "size", "spacingMM", "orientation", "why", "noise"])
    #expect(volume["noise"] is NSNull)
    #expect(volume["size"] as? [Int] == [6, 5, 4])
    #expect(volume["spacingMM"] as? [Double] == [1, 2, 3])
    #expect(volume["orientation"] as? String == "RAS")
    #expect(series["slices"] as? Int == 4)
  }

  @Test func infoTellsTheRangeOfTheValues() throws {
    let folder = try TemporaryFolder()
    try Samples.writeScan(to: folder.file("scan.nii"))
    let result = try Program.run("info", folder.file("scan.nii"))
    #expect(result.output.contains("values -3 to 116 (int16)"))
  }

  @Test func infoTellsTheNoiseOfScansAndNothingOfLabels() throws {
    let folder = try TemporaryFolder()
    let size = SIMD3(40, 40, 6)
    try Samples.writeNoise(deviation: 20, to: folder.file("noisy.nii.gz"), size: size)
    let text = try Program.run("info", folder.file("noisy.nii.gz"))
    #expect(text.output.contains("noise: sigma"))
    let document = try Program.run("info", folder.file("noisy.nii.gz"), "--json").json
    let series = ((document as? [String: Any])?["series"] as? [[String: Any]])?.first
    let volume = (series?["volumes"] as? [[String: Any]])?.first
    let noise = try #require(volume?["noise"] as? [String: Any])
    let sigma = try #require(noise["sigma"] as? Double)
    #expect(abs(sigma / 20 - 1) < 0.1)
    #expect(noise["method"] as? String == "details")
    try Samples.writeLabels([1, 2, 4], to: folder.file("labels.nii.gz"), size: size)
    #expect(!(try Program.run("info", folder.file("labels.nii.gz")).output.contains("noise")))
  }

  @Test func infoOfAFolderListsEachFile() throws {
    let folder = try TemporaryFolder()
    for name in ["a.nii", "b.nii.gz"] { try Samples.writeScan(to: folder.file(name)) }
    let document = try Program.run("info", "--json", folder.path).json as? [String: [Any]]
    #expect(document?["series"]?.count == 2)
  }

  @Test func convertKeepsValuesTypeAndPlace() throws {
    let folder = try TemporaryFolder()
    try Samples.writeLabels([1, 2, 4], to: folder.file("labels.nii.gz"))
    for name in ["out.nii", "out.hdr", "back.nii.gz"] {
      let result = try Program.run(
        "convert",
        folder.file("labels.nii.gz"),
        folder.file(name),
        "--json"
      )
      #expect(result.status == 0)
      #expect((result.json as? [String: Any])?["files"] != nil)
      let before = try NIfTIReader.read(folder.file("labels.nii.gz")).volume
      let after = try NIfTIReader.read(folder.file(name)).volume
      #expect(after.scalarName == before.scalarName)
      #expect(after == before)
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(names == ["back.nii.gz", "labels.nii.gz", "out.hdr", "out.img", "out.nii"])
  }

  @Test func convertWritesOneImagePerSlice() throws {
    let folder = try TemporaryFolder()
    try Samples.writeLabels([1, 2], to: folder.file("labels.nii.gz"))
    #expect(
      try Program.run("convert", folder.file("labels.nii.gz"), folder.file("slices")).status == 0
    )
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("slices")).sorted()
    #expect(names == (1...4).map { "slice_000\($0).png" })
  }

  @Test func convertRefusesUnknownEndings() throws {
    let folder = try TemporaryFolder()
    try Samples.writeScan(to: folder.file("scan.nii"))
    #expect(try Program.run("convert", folder.file("scan.nii"), folder.file("a.xyz")).status == 64)
  }

  @Test func evaluateWritesEveryCaseAndExitsWith2WhenOneFails() throws {
    let folder = try TemporaryFolder()
    for name in ["prediction/done", "reference"] {
      try FileManager.default.createDirectory(
        atPath: folder.file(name),
        withIntermediateDirectories: true
      )
    }
    // `done` is a result folder, `same` a file, `grid` lies on another grid, the last two are alone.
    try Samples.writeLabels([1, 2], to: folder.file("prediction/done/segmentation.nii.gz"))
    try Samples.writeLabels([1, 2], to: folder.file("prediction/same.nii.gz"))
    try Samples.writeLabels([1, 2], to: folder.file("prediction/grid.nii.gz"), size: [6, 5, 5])
    try Samples.writeLabels([1], to: folder.file("prediction/extra.nii.gz"))
    for name in ["done", "same", "grid", "missed"] {
      try Samples.writeLabels([1, 2], to: folder.file("reference/\(name).nii.gz"))
    }
    let output = folder.file("evaluation.json")
    let result = try Program.run(
      "evaluate",
      folder.file("prediction"),
      folder.file("reference"),
      "--output",
      output,
      "--metrics",
      "dice,hd95",
      "--json"
    )
    #expect(result.status == 2)
    #expect(
      result.output
        == FileManager.default.contents(atPath: output).map { String(decoding: $0, as: UTF8.self) }
    )
    let document = try #require(result.json as? [String: Any])
    #expect(document["schema"] as? String == "lamina.evaluation/1")
    let cases = try #require(document["cases"] as? [[String: Any]])
    #expect(
      cases.compactMap { $0["id"] as? String } == ["done", "extra", "grid", "missed", "same"]
    )
    for item in cases {
      let id = try #require(item["id"] as? String)
      let isDone = ["done", "same"].contains(id)
      #expect(((item["labels"] as? [String: Any])?.isEmpty == false) == isDone, "\(id)")
      #expect(((item["problems"] as? [Any])?.isEmpty == true) == isDone, "\(id)")
    }
    let summary = try #require(document["summary"] as? [String: [String: [String: Any]]])
    #expect(summary["1"]?["dice"]?["mean"] as? Double == 1)
    #expect(summary["1"]?["dice"]?["n"] as? Int == 2)
  }

  @Test func evaluateTakesUnionsOnBothSides() throws {
    let folder = try TemporaryFolder()
    try Samples.writeLabels([1, 2], to: folder.file("prediction.nii"))
    // The reference holds all of both boxes under one number, drawn as label 1 twice.
    let prediction = try NIfTIReader.readLabelMap(folder.file("prediction.nii"), table: [])
    try NIfTIWriter.write(
      LabelMap(
        geometry: prediction.geometry,
        labels: prediction.labels.map { min($0, 1) },
        table: []
      ),
      to: folder.file("reference.nii")
    )
    try Data(#"{"both": [1, 2]}"#.utf8).write(to: URL(fileURLWithPath: folder.file("p.json")))
    try Data(#"{"both": 1}"#.utf8).write(to: URL(fileURLWithPath: folder.file("r.json")))
    let result = try Program.run(
      "evaluate",
      folder.file("prediction.nii"),
      folder.file("reference.nii"),
      "--json",
      "--labels",
      folder.file("p.json"),
      "--reference-labels",
      folder.file("r.json")
    )
    #expect(result.status == 0)
    let document = try #require(result.json as? [String: Any])
    #expect((document["foregroundMean"] as? [String: Any])?["dice"] as? Double == 1)
  }

  @Test func evaluateRefusesOtherGridsUnlessResampled() throws {
    let folder = try TemporaryFolder()
    try Samples.writeLabels([1, 2], to: folder.file("prediction.nii"), size: [6, 5, 5])
    try Samples.writeLabels([1, 2], to: folder.file("reference.nii"))
    let arguments = ["evaluate", folder.file("prediction.nii"), folder.file("reference.nii")]
    #expect(try Program.start(arguments).wait().status == 65)
    let result = try Program.start(arguments + ["--resample-prediction", "--json"]).wait()
    #expect(result.status == 0)
    let document = try #require(result.json as? [String: Any])
    #expect((document["foregroundMean"] as? [String: Any])?["dice"] as? Double == 1)
  }

  @Test func evaluateWritesATable() throws {
    let folder = try TemporaryFolder()
    try Samples.writeLabels([1, 2], to: folder.file("a.nii"))
    let result = try Program.run(
      "evaluate",
      folder.file("a.nii"),
      folder.file("a.nii"),
      "--output",
      folder.file("e.csv"),
      "--metrics",
      "dice"
    )
    #expect(result.status == 0)
    let text = FileManager.default.contents(atPath: folder.file("e.csv"))
      .map { String(decoding: $0, as: UTF8.self) }
    #expect(
      text == "case,label,name,dice,state,emptyPolicy,problem\na,1,label 1,1.0,present,lamina,\n"
        + "a,2,label 2,1.0,present,lamina,\n"
    )
  }

  @Test func convertReadsPNGAndSaysThatItHasNoPlace() throws {
    let folder = try TemporaryFolder()
    try Samples.writeLabels([1, 2], to: folder.file("labels.nii.gz"))
    #expect(
      try Program.run("convert", folder.file("labels.nii.gz"), folder.file("slices")).status == 0
    )
    // The first slice with voxels is the second; labels keep their numbers.
    let result = try Program.run(
      "convert",
      folder.file("slices/slice_0002.png"),
      folder.file("back.nii.gz"),
      "--json"
    )
    #expect(result.status == 0, "\(result.error)")
    let problems = (result.json as? [String: Any])?["problems"] as? [[String: Any]]
    #expect(problems?.contains { $0["code"] as? String == "no-patient-geometry" } == true)
    let back = try NIfTIReader.readLabelMap(folder.file("back.nii.gz"), table: [])
    #expect(back.voxelCounts == [0: 27, 1: 1, 2: 2])
  }

  @Test func reportShowsSegmentationsAndEvaluationsOnOnePage() throws {
    let folder = try TemporaryFolder()
    let result = folder.file("results/case")
    try FileManager.default.createDirectory(atPath: result, withIntermediateDirectories: true)
    try Samples.writeScan(to: folder.file("scan.nii"))
    try Samples.writeLabels([1, 2], to: result + "/segmentation.nii.gz")
    var record = RunRecord(
      caseID: "case",
      input: folder.file("scan.nii"),
      model: .init(
        name: "some-model",
        version: "1",
        path: "nowhere",
        weightsSHA256: "00",
        plan: "slices"
      ),
      labels: [
        LabelDefinition(id: 1, name: "front", color: LabelDefinition.defaultColor(0)),
        LabelDefinition(id: 2, name: "back", color: LabelDefinition.defaultColor(1)),
      ],
      threads: 1,
      seconds: 1,
      peakMemoryMB: 1,
      command: "lamina segment"
    )
    try record.json().write(to: URL(fileURLWithPath: result + "/run.json"))
    #expect(RunRecord.read(result + "/run.json") == record)
    try LabelTableFile.json(record.labels).write(
      to: URL(fileURLWithPath: result + "/labels.json")
    )
    #expect(LabelTableFile.read(result + "/labels.json") == record.labels)
    #expect(
      try Program.run(
        "evaluate",
        result,
        result,
        "--labels",
        result + "/labels.json",
        "--output",
        folder.file("evaluation.json")
      ).status == 0
    )
    let page = folder.file("page.html")
    let report = try Program.run(
      "report",
      folder.file("results"),
      folder.file("evaluation.json"),
      "--output",
      page
    )
    #expect(report.status == 0, "\(report.error)")
    let text = FileManager.default.contents(atPath: page).map {
      String(decoding: $0, as: UTF8.self)
    }
    let html = try #require(text)
    for word in ["some-model", "front", "back", "Not for clinical use", "data:image/png"] {
      #expect(html.contains(word), "\(word)")
    }
    // A scan that is gone costs its pictures, which is said.
    record.input = "/nosuch/scan.nii"
    try record.json().write(to: URL(fileURLWithPath: result + "/run.json"))
    #expect(try Program.run("report", result, "--output", page, "--force").status == 0)
    let without = try String(contentsOfFile: page, encoding: .utf8)
    #expect(without.contains("no pictures") && without.contains("scan.nii"))
    #expect(!without.contains("/nosuch"))
  }

  @Test func reportShowsBenchmarks() throws {
    let folder = try TemporaryFolder()
    let record = BenchRecord(
      engine: "lamina-f32",
      network: "<b>net</b>",
      medianMS: 12.5,
      minimumMS: 12,
      runs: 3,
      gflops: 1,
      firstResultS: 1,
      peakMemoryMiB: 10,
      relativeError: nil
    )
    let machine = BenchMachine(
      processor: "Some Processor",
      cores: 2,
      features: [],
      threads: 1,
      versions: [:]
    )
    let file = BenchmarkFile(
      date: Date(),
      machine: machine,
      content: .measurement(record, callsMS: [])
    )
    let (whole, line, cut) = (
      folder.file("whole.json"), folder.file("line.json"), folder.file("cut.json")
    )
    try file.json().write(to: URL(fileURLWithPath: whole))
    try Data(record.line.utf8).write(to: URL(fileURLWithPath: line))
    try file.json().dropLast(20).write(to: URL(fileURLWithPath: cut))
    let page = folder.file("page.html")
    let report = try Program.run("report", whole, line, "--output", page, "--json")
    #expect(report.status == 0, "\(report.error)")
    #expect((report.json as? [String: Any])?["benchmarks"] as? Int == 2)
    let html = String(
      decoding: try Data(contentsOf: URL(fileURLWithPath: page)),
      as: UTF8.self
    )
    for text in ["Some Processor", "machine not recorded", "&lt;b&gt;net&lt;/b&gt;", "12.5"] {
      #expect(html.contains(text), "\(text)")
    }
    #expect(!html.contains("<b>net"))
    #expect(try Program.run("report", cut, "--output", page, "--force").status == 65)
    let damaged = String(decoding: try file.json(), as: UTF8.self)
      .replacingOccurrences(of: "\"runs\" : 3", with: "\"runs\" : -3")
    try Data(damaged.utf8).write(to: URL(fileURLWithPath: cut))
    let refused = try Program.run("report", cut, "--output", page, "--force")
    #expect(refused.status == 65)
    #expect(refused.error.contains("the value of \"runs\" is out of range"))
  }

  @Test func reportRefusesWhatIsNoResult() throws {
    let folder = try TemporaryFolder()
    try Data("{}".utf8).write(to: URL(fileURLWithPath: folder.file("x.json")))
    let page = folder.file("page.html")
    #expect(try Program.run("report", folder.file("x.json"), "--output", page).status == 65)
    #expect(try Program.run("report", folder.path, "--output", page).status == 65)
    #expect(try Program.run("report", folder.file("nosuch"), "--output", page).status == 66)
    #expect(!FileManager.default.fileExists(atPath: page))
  }
}
