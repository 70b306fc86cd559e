import Evaluation
import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

/// Classical methods in `lamina segment` as users run them.
struct ClassicalVerbTests {
  private static let size: SIMD3<Int> = [20, 16, 6]

  /// A box of 100 in the scan's middle on 0, with noise.
  private static func writeBox(to path: String, filledWith value: Float? = nil) throws {
    let geometry = try Samples.geometry(size)
    var random = RandomStream(seed: 4)
    let voxels = (0..<geometry.voxelCount).map { place -> Float in
      if let value { return value }
      return Float(isInside(place) ? 100 : 0) + Float(3 * random.normal())
    }
    try NIfTIWriter.write(.float32(Volume(geometry: geometry, voxels: voxels)), to: path)
  }

  private static func isInside(_ place: Int) -> Bool {
    let (x, y, z) = (place % 20, place / 20 % 16, place / 320)
    return (6..<14).contains(x) && (4..<12).contains(y) && (1..<5).contains(z)
  }

  /// Seeds of 7 within the box and 4 outside.
  private static func writeSeeds(to path: String, size: SIMD3<Int> = size) throws {
    let geometry = try Samples.geometry(size)
    var map = LabelMap(
      geometry: geometry,
      labels: [UInt16](repeating: 0, count: geometry.voxelCount),
      table: []
    )
    map[9, 7, 2] = 7
    for x in 0..<size.x { map[x, 0, 0] = 4 }
    try NIfTIWriter.write(map, to: path)
  }

  private struct Bench {
    let folder: TemporaryFolder
    var scan: String { folder.file("scan.nii.gz") }
    var seeds: String { folder.file("seeds.nii.gz") }

    init() throws {
      folder = try TemporaryFolder()
      try ClassicalVerbTests.writeBox(to: scan)
      try ClassicalVerbTests.writeSeeds(to: seeds)
    }

    func segment(_ model: String, _ output: String, _ further: String...) throws -> Program.Result {
      try Program.start(
        ["segment", scan, "--model", model, "--output", folder.file(output)] + further
      ).wait()
    }

    func labels(_ output: String) throws -> [UInt16] {
      try NIfTIReader.readLabelMap(folder.file(output), table: []).labels
    }
  }

  @Test func aMethodWritesWhatAModelWrites() throws {
    let bench = try Bench()
    let result = try bench.segment("otsu:classes=2", "out", "--write", "report")
    #expect(result.status == 0, "\(result.error)")
    let output = bench.folder.file("out")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: output).sorted() == [
        "labels.json", "report.html", "run.json", "segmentation.nii.gz", "statistics.json",
      ]
    )
    let labels = try bench.labels("out/segmentation.nii.gz")
    #expect(labels == labels.indices.map { Self.isInside($0) ? 1 : 0 })
    let record = try #require(RunRecord.read(output + "/run.json"))
    #expect(record.model.name == "otsu" && record.model.plan.hasPrefix("otsu:classes=2 (Otsu 1979"))
    #expect(record.model.weightsSHA256.isEmpty && record.precision == "f32")
    #expect(record.labels.map(\.name) == ["class-1"])
    let statistics = try #require(try StatisticsFile.read(output + "/statistics.json"))
    #expect(statistics.structures.map(\.voxels) == [8 * 8 * 4])
    let page = try String(contentsOfFile: output + "/report.html", encoding: .utf8)
    #expect(page.contains("class-1") && page.contains("otsu:classes=2"))
    #expect(!page.contains("Weights, SHA-256"))
  }

  @Test(arguments: ["region-growing", "random-walker", "graph-cut", "crf", "watershed:smoothing=0"])
  func seedsGiveTheirLabels(_ method: String) throws {
    let bench = try Bench()
    let separator = method.contains(":") ? "," : ":"
    let result = try bench.segment(
      method + separator + "background=4",
      "out",
      "--seeds",
      bench.seeds
    )
    #expect(result.status == 0, "\(result.error)")
    let labels = try bench.labels("out/segmentation.nii.gz")
    let wrong = labels.indices.count { labels[$0] != (Self.isInside($0) ? 7 : 0) }
    // The watershed's border lies within the gradient's width, a voxel on either side.
    #expect(wrong <= (method.hasPrefix("watershed") ? 200 : 0), "\(wrong)")
    let record = try #require(RunRecord.read(bench.folder.file("out/run.json")))
    #expect(record.seeds == bench.seeds && record.seedsSHA256?.count == 64)
    #expect(record.labels.map(\.name) == ["class-7"])
  }

  @Test func whatIsMissingOrWrongIsSaid() throws {
    let bench = try Bench()
    let cases: [(model: String, further: [String], status: Int32, words: String)] = [
      ("graph-cut", [], 64, "--seeds FILE, or graph-cut:auto=2"),
      ("otsu", ["--seeds", bench.seeds], 64, "takes no seeds"),
      ("otsu:classes=9", [], 64, "otsu cannot have classes=9"),
      ("otsu:levels=3", [], 64, "it has classes"),
      ("otsu", ["--folds", "0"], 64, "--folds is for models"),
      ("otsu", ["--write", "probabilities"], 64, "gives no class probabilities"),
      ("otsu", ["--refine", "otsu"], 64, "give one of watershed"),
      ("otsu", ["--model", "slic"], 64, "runs alone"),
      ("otsu", ["--labels", "class-2"], 64, "it has class-1"),
      ("crf:auto=2", ["--memory", "0.00001"], 69, "allow more"),
      ("no-such-method", [], 69, "no-such-method"),
      ("watershed", ["--seeds", bench.folder.file("missing.nii.gz")], 66, "missing.nii.gz"),
    ]
    for (index, item) in cases.enumerated() {
      let result = try Program.start(
        ["segment", bench.scan, "--model", item.model, "--output", bench.folder.file("o\(index)")]
          + item.further
      ).wait()
      #expect(result.status == item.status, "\(item.model) \(item.further): \(result.error)")
      #expect(result.error.contains(item.words), "\(result.error)")
      #expect(!FileManager.default.fileExists(atPath: bench.folder.file("o\(index)")))
    }
  }

  @Test func unsuitableScansAreErrors() throws {
    let folder = try TemporaryFolder()
    for (value, words) in [(Float(5), "is 5.0 everywhere"), (.nan, "not finite")] {
      try Self.writeBox(to: folder.file("scan.nii"), filledWith: value)
      let result = try Program.run(
        "segment",
        folder.file("scan.nii"),
        "--model",
        "otsu",
        "--output",
        folder.file("out")
      )
      #expect(result.status == 65 && result.error.contains(words), "\(result.error)")
    }
    try Self.writeBox(to: folder.file("box.nii"))
    try Self.writeSeeds(to: folder.file("seeds.nii"), size: [19, 16, 6])
    let result = try Program.run(
      "segment",
      folder.file("box.nii"),
      "--model",
      "crf",
      "--seeds",
      folder.file("seeds.nii"),
      "--output",
      folder.file("out")
    )
    #expect(result.status == 65 && result.error.contains("do not lie on the scan's grid"))
  }

  @Test func picturesGiveObjects() throws {
    let folder = try TemporaryFolder()
    let discs = (0..<60 * 30).map { place -> UInt8 in
      let isIn = [15, 44].contains { centre in
        let (x, y) = (place % 60 - centre, place / 60 - 15)
        return x * x + y * y <= 81
      }
      return isIn ? 220 : 15
    }
    let picture = PNGImage(width: 60, height: 30, channels: 1, samples: .eightBit(discs))
    try FileManager.default.createDirectory(
      atPath: folder.file("in"),
      withIntermediateDirectories: true
    )
    try PNGEncoder.encode(picture).write(to: URL(fileURLWithPath: folder.file("in/a.png")))
    let result = try Program.run(
      "segment",
      folder.file("in"),
      "--model",
      "watershed",
      "--output",
      folder.file("out")
    )
    #expect(result.status == 0, "\(result.error)")
    let labels = try GreyPicture.readLabelMap(folder.file("out/a/segmentation.png"), table: [])
    #expect(Set(labels.labels) == [0, 1, 2])
    let statistics = try #require(
      try StatisticsFile.read(folder.file("out/a/statistics.json"))
    )
    #expect(statistics.objects?.name == "object" && statistics.objects?.count == 2)
    // Nothing is left to do; the result of another setting is not taken for this one's.
    for (model, exit, status) in [
      ("watershed", Int32(0), "skipped"), ("watershed:depth=2", 2, "failed"),
    ] {
      let again = try Program.run(
        "segment",
        folder.file("in"),
        "--model",
        model,
        "--output",
        folder.file("out"),
        "--resume"
      )
      #expect(again.status == exit, "\(again.error)")
      let manifest = try String(contentsOfFile: folder.file("out/manifest.json"), encoding: .utf8)
      #expect(manifest.contains(#""status" : "\#(status)""#), "\(manifest)")
    }
  }

  @Test(arguments: ["crf", "random-walker", "graph-cut", "watershed", "geodesic"])
  func refinementsKeepToTheModelsLabels(_ method: String) throws {
    let bench = try Bench()
    try SegmentVerbTests.writeModel(to: bench.folder.file("random"))
    let model = bench.folder.file("random")
    #expect(try bench.segment(model, "plain.nii.gz").status == 0)
    let plain = try bench.labels("plain.nii.gz")
    let result = try bench.segment(model, "out", "--refine", method)
    #expect(result.status == 0, "\(result.error)")
    let refined = try bench.labels("out/segmentation.nii.gz")
    #expect(Set(refined).isSubset(of: Set(plain)))
    #expect(refined != plain)
    let record = try #require(RunRecord.read(bench.folder.file("out/run.json")))
    #expect(record.refinements?.map(\.name) == [method])
    #expect(record.model.weightsSHA256.count == 64)
    #expect(record.labels.map(\.name) == ["one", "two"])
    #expect(try bench.segment(model, "out2", "--seeds", bench.seeds).status == 64)
  }

  @Test func methodsAreShown() throws {
    let result = try Program.run("model", "show", "random-walker")
    #expect(result.status == 0 && result.output.contains("Grady 2006"))
    #expect(result.output.contains("beta=13") && result.output.contains("--refine random-walker"))
    let help = try Program.run("segment", "--help")
    #expect(help.output.contains("random-walker*"))
  }
}
