import Foundation
import Imaging
import ImagingIO
import Layers
import Networks
import Pipelines
import Support
import TestSupport
import Testing

/// `lamina segment`, `train` and `model` as users run them.
@Suite struct SegmentVerbTests {
  /// A model of random weights: what it finds means nothing, where it lies does.
  static func writeModel(to path: String) throws {
    let network = NetworkConfiguration.unet(
      UNetConfiguration(inputChannels: 3, outputChannels: 3, features: [8, 8])
    )
    let description = ModelDescription(
      name: "random",
      version: "1.0.0",
      summary: "Finds two meaningless structures.",
      channels: ["MRI"],
      labels: [
        LabelDefinition(id: 1, name: "one", color: LabelDefinition.defaultColor(0)),
        LabelDefinition(id: 300, name: "two", color: LabelDefinition.defaultColor(1)),
      ],
      network: network,
      plan: .slices(
        SegmentationPlan(
          orientation: .ras,
          spacingMM: [1, 2, 3],
          patchSize: [16, 16],
          contextSlices: 1
        )
      ),
      licence: "CC0",
      intendedUse: "Tests.",
      provenance: .init(
        dataset: "none",
        source: "none",
        trainingCases: 0,
        heldOut: [],
        command: "",
        seed: 3,
        steps: 0,
        minutes: 0,
        program: "",
        date: ""
      ),
      results: [],
      files: [:]
    )
    var random = RandomStream(seed: 3)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try ModelPackage.write(
      to: path,
      description: description,
      weights: try network.makeNetwork(random: &random).weights,
      card: "# random\n"
    )
  }

  private struct Bench {
    let folder: TemporaryFolder
    var scan: String { folder.file("scan.nii.gz") }
    var model: String { folder.file("random") }

    init() throws {
      folder = try TemporaryFolder()
      try Samples.writeScan(to: scan)
      try SegmentVerbTests.writeModel(to: model)
    }

    func segment(_ arguments: String...) throws -> Program.Result {
      try Program.start(["segment"] + arguments + ["--model", model]).wait()
    }

    /// Everything in the folder but what the test put there.
    func outputs() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: folder.path)
        .filter { !["scan.nii.gz", "random"].contains($0) }.sorted()
    }
  }

  @Test func oneFileIsOneLabelMapOnTheScansGrid() throws {
    let bench = try Bench()
    let output = bench.folder.file("labels.nii.gz")
    let result = try bench.segment(bench.scan, "--output", output)
    #expect(result.status == 0, "\(result.error)")
    let labelMap = try NIfTIReader.readLabelMap(output, table: [])
    #expect(labelMap.geometry == (try NIfTIReader.read(bench.scan).volume.geometry))
    #expect(Set(labelMap.labels).isSubset(of: [0, 1, 300]))
    #expect(try bench.outputs() == ["labels.nii.gz"])
  }

  @Test func explanationsStandBesideTheLabelsAndOnThePage() throws {
    let bench = try Bench()
    let output = bench.folder.file("out")
    let result = try bench.segment(
      bench.scan,
      "--output",
      output,
      "--explain",
      "gradcam",
      "--explain",
      "occlusion",
      "--write",
      "report"
    )
    #expect(result.status == 0, "\(result.error)")
    let labels = try NIfTIReader.readLabelMap(output + "/segmentation.nii.gz", table: [])
    let names = try FileManager.default.contentsOfDirectory(atPath: output)
    let maps = names.filter { $0.hasPrefix("explanation-") && $0.hasSuffix(".nii.gz") }
    let found = Set(labels.labels).subtracting([0])
    #expect(!found.isEmpty && maps.count == 2 * found.count, "\(names)")
    for map in maps {
      let volume = try NIfTIReader.read(output + "/" + map).volume
      #expect(volume.geometry == labels.geometry)
      #expect(volume.asFloat.voxels.allSatisfy { (0...1).contains($0) })
      #expect(names.contains(map.replacingOccurrences(of: ".nii.gz", with: ".png")))
    }
    let page = try String(contentsOfFile: output + "/report.html", encoding: .utf8)
    #expect(page.contains("What moved the scores") && page.contains("not causes"))
    #expect(page.contains("scores over the region"))
    // A file has no room for them, and methods without a network nothing to explain.
    #expect(
      try bench.segment(bench.scan, "--output", output + ".nii.gz", "--explain", "rise").status
        == 64
    )
    let classical = try Program.start(
      ["segment", bench.scan, "--model", "otsu", "--output", output + "2", "--explain", "rise"]
    ).wait()
    #expect(classical.status == 64)
  }

  @Test func aFolderHoldsWhatTheContractNames() throws {
    let bench = try Bench()
    let output = bench.folder.file("out")
    let result = try bench.segment(
      bench.scan,
      "--output",
      output,
      "--write",
      "preview",
      "--write",
      "report",
      "--unit",
      "furlongs",
      "--json"
    )
    #expect(result.status == 0, "\(result.error)")
    #expect(result.json is [String: Any])
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: output).sorted() == [
        "labels.json", "preview-axial.png", "preview-coronal.png", "preview-sagittal.png",
        "report.html", "run.json", "segmentation.nii.gz", "statistics.json",
      ]
    )
    let record = try #require(RunRecord.read(output + "/run.json"))
    #expect(record.model.weightsSHA256.count == 64)
    #expect(record.inputSHA256 == (try SHA256.hexDigest(ofFile: bench.scan)))
    let names = try JSONDecoder().decode(
      [String: Int].self,
      from: Data(contentsOf: URL(fileURLWithPath: output + "/labels.json"))
    )
    #expect(names == ["one": 1, "two": 300])
    let page = try String(contentsOfFile: output + "/report.html", encoding: .utf8)
    #expect(page.contains("Not for clinical use"))
    #expect(page.contains("furlongs"))
    #expect(try bench.segment(bench.scan, "--output", output + "2", "--unit", "HU").status == 64)
  }

  @Test func equalRunsGiveEqualBytesForAnyThreadCount() throws {
    let bench = try Bench()
    var bytes: [Data?] = []
    for threads in ["1", "2", "3"] {
      let output = bench.folder.file("labels-\(threads).nii.gz")
      #expect(
        try bench.segment(bench.scan, "--output", output, "--threads", threads).status == 0
      )
      bytes.append(FileManager.default.contents(atPath: output))
    }
    #expect(bytes[0] != nil && bytes[0] == bytes[1] && bytes[1] == bytes[2])
  }

  @Test func aBatchListsEveryCaseAndGoesOnAfterAFailure() throws {
    let bench = try Bench()
    let cases = bench.folder.file("cases")
    try FileManager.default.createDirectory(atPath: cases, withIntermediateDirectories: true)
    try Samples.writeScan(to: cases + "/a_0000.nii.gz")
    try Data("no image".utf8).write(to: URL(fileURLWithPath: cases + "/b_0000.nii.gz"))
    try Samples.writeScan(to: cases + "/c_0000.nii.gz")
    let output = bench.folder.file("results")
    let first = try bench.segment(cases, "--output", output)
    #expect(first.status == 2, "\(first.error)")
    func manifest() throws -> [(String, String, String?)] {
      let data = try Data(contentsOf: URL(fileURLWithPath: output + "/manifest.json"))
      let object = try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
      return try #require(object["cases"] as? [[String: Any]]).map {
        ($0["id"] as? String ?? "", $0["status"] as? String ?? "", $0["error"] as? String)
      }
    }
    #expect(try manifest().map(\.0) == ["a", "b", "c"])
    #expect(try manifest().map(\.1) == ["done", "failed", "done"])
    #expect(try manifest()[1].2?.contains("b_0000.nii.gz") == true)
    #expect(!FileManager.default.fileExists(atPath: output + "/b"))

    try Samples.writeScan(to: cases + "/b_0000.nii.gz")
    #expect(try bench.segment(cases, "--output", output, "--resume").status == 0)
    #expect(try manifest().map(\.1) == ["skipped", "done", "skipped"])
    #expect(try bench.segment(cases, "--output", output).status == 73)
  }

  @Test func labelsKeepsOnlyTheNamedStructures() throws {
    let bench = try Bench()
    let output = bench.folder.file("two.nii.gz")
    #expect(try bench.segment(bench.scan, "--output", output, "--labels", "two").status == 0)
    let labels = try NIfTIReader.readLabelMap(output, table: []).labels
    #expect(Set(labels).isSubset(of: [0, 300]))
    let wrong = try bench.segment(
      bench.scan,
      "--output",
      bench.folder.file("x.nii.gz"),
      "--labels",
      "three"
    )
    #expect(wrong.status == 64)
  }

  @Test func thePrecisionIsRecordedWithItsReason() throws {
    let bench = try Bench()
    for (choice, precision, reason) in [
      (nil, "f32", "the default"), ("f32", "f32", "the default"), ("bf16", "bf16", "asked for"),
      // The model of this test has no self-test.
      ("auto", "f32", "auto: not int8: the model has no scales for it; not bf16: "),
    ] {
      let output = bench.folder.file("result-\(choice ?? "default")")
      let options = choice.map { ["--precision", $0] } ?? []
      let result = try Program.start(
        ["segment", bench.scan, "--output", output, "--model", bench.model] + options
      ).wait()
      #expect(result.status == 0, "\(result.error)")
      let record = try #require(RunRecord.read(output + "/run.json"))
      #expect(record.precision == precision)
      #expect(record.precisionReason?.hasPrefix(reason) == true)
    }
  }

  @Test func precisionsThatDoNotExistOrAreNotThereAreRefused() throws {
    let bench = try Bench()
    let output = bench.folder.file("out.nii.gz")
    let unknown = try bench.segment(bench.scan, "--output", output, "--precision", "fp16")
    #expect(unknown.status == 64)
    #expect(unknown.error.contains("fp16") && unknown.error.contains("f32"))
    let absent = try bench.segment(bench.scan, "--output", output, "--precision", "int8")
    #expect(absent.status == 69)
    #expect(
      absent.errorLines.count == 1 && absent.error.contains("no scales for the precision int8")
    )
    #expect(!FileManager.default.fileExists(atPath: output))
  }

  /// The second start must leave arguments, streams, exit status and the environment as they were.
  @Test(arguments: ["", "1"])
  func labelsDoNotDependOnTheSecondStart(_ optOut: String) throws {
    let bench = try Bench()
    let expected = bench.folder.file("expected.nii.gz")
    #expect(try bench.segment(bench.scan, "--output", expected).status == 0)
    let output = bench.folder.file("a name with blanks ä.nii.gz")
    let result = try Program.start(
      ["segment", bench.scan, "--output", output, "--model", bench.model, "--json"],
      environment: ["LAMINA_KEEP_ENVIRONMENT": optOut]
    ).wait()
    #expect(result.status == 0, "\(result.error)")
    #expect(result.json != nil)
    #expect(
      try NIfTIReader.readLabelMap(output, table: []).labels
        == NIfTIReader.readLabelMap(expected, table: []).labels
    )
  }

  @Test func badInputsGetTheirExitCodesAndLeaveNothing() throws {
    let bench = try Bench()
    let output = bench.folder.file("out.nii.gz")
    let text = bench.folder.file("random/text.nii.gz")
    try Data("no image at all".utf8).write(to: URL(fileURLWithPath: text))
    #expect(try bench.segment(text, "--output", output).status == 65)
    #expect(try bench.segment("/nowhere.nii", "--output", output).status == 66)

    let cut = bench.folder.file("random/cut.nii.gz")
    let whole = try Data(contentsOf: URL(fileURLWithPath: bench.scan))
    try whole.prefix(whole.count / 2).write(to: URL(fileURLWithPath: cut))
    let damaged = try bench.segment(cut, "--output", output)
    #expect(damaged.status == 65)
    #expect(damaged.errorLines.count == 1)

    let missing = try Program.run(
      "segment",
      bench.scan,
      "--model",
      "no-such-model",
      "--output",
      output
    )
    #expect(missing.status == 69)

    let weights = bench.model + "/weights.safetensors"
    var bytes = try Data(contentsOf: URL(fileURLWithPath: weights))
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: weights))
    #expect(try bench.segment(bench.scan, "--output", output).status == 65)
    #expect(try bench.outputs().isEmpty)
  }

  @Test func aScanWithoutAPlaceInThePatientIsRefused() throws {
    let bench = try Bench()
    let picture = bench.folder.file("random/picture.png")
    let image = PNGImage(
      width: 8,
      height: 8,
      channels: 1,
      samples: .eightBit([UInt8](repeating: 5, count: 64)),
      spacingMM: nil
    )
    try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: picture))
    let result = try bench.segment(picture, "--output", bench.folder.file("out.nii.gz"))
    #expect(result.status == 65)
    #expect(result.error.contains("no orientation in the patient"))
  }

  @Test func aDICOMFolderIsSegmentedOnItsGrid() throws {
    let bench = try Bench()
    let series = Fixtures.path("dicom/oblique-mr")
    let output = bench.folder.file("out.nii.gz")
    let result = try bench.segment(series, "--output", output)
    #expect(result.status == 0, "\(result.error)")
    let scan = try ImageFormats.read(series).volume.geometry
    let labelMap = try NIfTIReader.readLabelMap(output, table: [])
    #expect(labelMap.geometry.difference(from: scan) == nil)
  }

  @Test func modelsAreListedShownAndVerified() throws {
    let bench = try Bench()
    #expect(try Program.run("model", "verify", bench.model).status == 0)
    #expect(try Program.run("model", "verify", bench.model).output.contains("no self-test"))
    let shown = try Program.run("model", "show", bench.model, "--json")
    #expect((shown.json as? [String: Any])?["name"] as? String == "random")
    let listed = try Program.run("model", "list", "--json", in: bench.folder.path)
    #expect(listed.status == 0 && listed.json != nil)
    #expect(try Program.run("model", "show", "no-such-model").status == 69)
  }

  @Test func trainingWritesAModelThatSegments() throws {
    let folder = try TemporaryFolder()
    let data = folder.file("Dataset")
    for name in ["imagesTr", "labelsTr"] {
      try FileManager.default.createDirectory(
        atPath: data + "/" + name,
        withIntermediateDirectories: true
      )
    }
    try Data(
      #"{"channel_names":{"0":"MRI"},"labels":{"background":0,"box":1},"file_ending":".nii.gz"}"#
        .utf8
    ).write(to: URL(fileURLWithPath: data + "/dataset.json"))
    for index in 0..<5 {
      try Samples.writeLabels(
        [1],
        to: data + "/labelsTr/\(index).nii.gz",
        // Equal scans would count as copies and share a fold.
        size: [16, 16, 8 + index]
      )
      try FileManager.default.copyItem(
        atPath: data + "/labelsTr/\(index).nii.gz",
        toPath: data + "/imagesTr/\(index)_0000.nii.gz"
      )
    }
    let model = folder.file("box")
    let arguments = [
      "train", data, "--output", model, "--epochs", "1", "--features", "8", "--batch", "4",
    ]
    let trained = try Program.start(arguments + ["--json"]).wait()
    #expect(trained.status == 0, "\(trained.error)")
    #expect((trained.json as? [String: Any])?["steps"] as? Int == 100)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: model).sorted() == [
        "README.md", "heldout.json", "model.json", "training-pictures.json", "training.json",
        "weights.safetensors",
      ]
    )
    #expect(!FileManager.default.fileExists(atPath: model + ".training"))
    let segmented = try Program.run(
      "segment",
      data + "/imagesTr/0_0000.nii.gz",
      "--model",
      model,
      "--output",
      folder.file("out.nii.gz")
    )
    #expect(segmented.status == 0, "\(segmented.error)")
    let verified = try Program.run("model", "verify", model, "--json")
    #expect(verified.status == 0, "\(verified.error)")
    let selfTest = (verified.json as? [String: Any])?["selfTest"] as? [String: Any]
    #expect((selfTest?["scoreError"] as? Double).map { $0 < 1e-2 } == true)
    #expect(try Program.start(arguments).wait().status == 73)
    try FileManager.default.removeItem(atPath: data + "/labelsTr/3.nii.gz")
    let faulty = try Program.start(arguments + ["--force"]).wait()
    #expect(faulty.status == 65 && faulty.error.contains("3 has no label map"))
  }
}
