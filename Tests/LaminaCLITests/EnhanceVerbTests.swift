import Foundation
import Imaging
import ImagingIO
import Layers
import Networks
import Pipelines
import Support
import TestSupport
import Testing

/// `lamina enhance`, `segment --stage` and `train --enhance` as users run them.
@Suite struct EnhanceVerbTests {
  /// A folder with a model of random weights and images for it.
  private struct Bench {
    let folder = try? TemporaryFolder()

    func file(_ name: String) throws -> String { try #require(folder).file(name) }

    /// A denoiser, or a network that makes planes twice as fine.
    func model(scale: Int = 1, modality: String? = nil) throws -> String {
      var plan = EnhancementPlan(
        task: scale == 1 ? .denoise : .superResolution,
        dimensions: 2,
        intensity: .fixed(low: 0, high: 255),
        patchSize: [24, 24],
        halo: 3
      )
      plan.modality = modality
      if scale > 1 {
        plan.scale = [scale, scale, 1]
        plan.enlargement = .spline
      }
      let network = NetworkConfiguration.dnCNN(
        DnCNNConfiguration(channels: 1, depth: 3, features: 4)
      )
      let path = try file("model\(scale)")
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      var random = RandomStream(seed: 2)
      try ModelPackage.write(
        to: path,
        description: ModelDescription(
          name: "sample",
          version: "1.0.0",
          summary: "Changes images.",
          channels: ["grey"],
          labels: [],
          network: network,
          plan: .enhancement(plan),
          licence: "CC0",
          intendedUse: "Tests.",
          provenance: .init(
            dataset: "none",
            source: "none",
            trainingCases: 0,
            heldOut: [],
            command: "",
            seed: 1,
            steps: 0,
            minutes: 0,
            program: "",
            date: ""
          ),
          results: [],
          files: [:]
        ),
        weights: try network.makeNetwork(random: &random).weights,
        card: "# sample\n"
      )
      return path
    }

    func picture(_ name: String, channels: Int = 1, side: Int = 40) throws -> String {
      var random = RandomStream(seed: 4)
      let samples = (0..<side * side * channels).map { place in
        UInt8(100 + 80 * sin(Double(place / channels % side) / 6) + 10 * random.uniform())
      }
      let image = PNGImage(
        width: side,
        height: side,
        channels: channels,
        samples: .eightBit(samples)
      )
      let path = try file(name)
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent,
        withIntermediateDirectories: true
      )
      try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: path))
      return path
    }
  }

  @Test func aPictureStaysAPictureAndSaysWhatWasDone() throws {
    let bench = Bench()
    let (input, output, page) = (
      try bench.picture("in.png"), try bench.file("out.png"), try bench.file("page.html")
    )
    let result = try Program.run(
      "enhance",
      input,
      "--model",
      try bench.model(),
      "--output",
      output,
      "--reference",
      input,
      "--report",
      page,
      "--json"
    )
    #expect(result.status == 0, "\(result.error)")
    let json = try #require(result.json as? [String: Any])
    #expect(json["sizeAfter"] as? [Int] == [40, 40, 1])
    #expect((json["warning"] as? String)?.contains("invent") == true)
    let quality = try #require(json["quality"] as? [String: Any])
    // The image before is the reference itself.
    #expect((quality["before"] as? [String: Any])?["psnr"] is NSNull)
    #expect((quality["after"] as? [String: Any])?["psnr"] is Double)
    #expect(try PNGDecoder.decode(contentsOf: output).width == 40)
    let html = String(decoding: try Data(contentsOf: URL(fileURLWithPath: page)), as: UTF8.self)
    #expect(html.contains("invent structures") && html.contains("difference"))
  }

  @Test func scansKeepTheirTypeAndChainsTheirOrder() throws {
    let bench = Bench()
    let (input, output) = (try bench.file("scan.nii.gz"), try bench.file("out.nii.gz"))
    try Samples.writeScan(to: input)
    let result = try Program.run(
      "enhance",
      input,
      "--model",
      try bench.model(),
      "--model",
      try bench.model(scale: 2),
      "--output",
      output,
      "--json"
    )
    #expect(result.status == 0, "\(result.error)")
    let volume = try ImageFormats.read(output).volume
    #expect(volume.scalarName == "int16" && volume.geometry.size == SIMD3(12, 10, 4))
    #expect(volume.geometry.spacing == SIMD3(0.5, 1, 3))
    let stages = try #require((result.json as? [String: Any])?["stages"] as? [[String: Any]])
    #expect(stages.count == 2 && (stages[1]["summary"] as? String)?.contains("2 x 2 x 1") == true)
  }

  @Test func thickSlicesBecomeThinnerWithoutAModel() throws {
    let bench = Bench()
    let (input, output) = (try bench.file("scan.nii.gz"), try bench.file("out.nii.gz"))
    var random = RandomStream(seed: 8)
    let geometry = try ImageGeometry(
      size: [20, 18, 6],
      spacing: [1, 1, 2.6],
      origin: .zero,
      direction: .identity
    )
    let values = (0..<geometry.voxelCount).map { Int16(50 * sin(Double($0)) + random.normal()) }
    try NIfTIWriter.write(.int16(Volume(geometry: geometry, voxels: values)), to: input)
    func run(_ input: String, _ model: String, to output: String) throws -> Program.Result {
      try Program.start(["enhance", input, "--model", model, "--output", output, "--json"]).wait()
    }
    let result = try run(input, "smore:steps=2", to: output)
    #expect(result.status == 0, "\(result.error)")
    #expect((result.json as? [String: Any])?["sizeAfter"] as? [Int] == [20, 18, 16])
    // The result's slices are thin already.
    let again = try run(output, "smore:steps=2", to: try bench.file("again.nii.gz"))
    #expect(again.status == 65 && again.error.contains("nothing to make finer"))
    #expect(try run(input, "smore:speed=2", to: try bench.file("x.nii.gz")).status == 64)
  }

  @Test func whatDoesNotSuitIsRefusedWithItsStatus() throws {
    let bench = Bench()
    let (model, input) = (try bench.model(modality: "MR"), try bench.file("ct.nii.gz"))
    let geometry = try Samples.geometry([16, 16, 3])
    let air = Volume(geometry: geometry, voxels: [Int16](repeating: -1000, count: 768))
    try NIfTIWriter.write(.int16(air), to: input)
    let picture = try bench.picture("in.png")
    for (arguments, status) in [
      ([input, "--model", model, "--output", try bench.file("a.nii.gz")], Int32(65)),
      ([picture, "--model", "no-such-model", "--output", try bench.file("a.png")], 69),
      ([picture, "--model", model, "--scale", "4", "--output", try bench.file("a.png")], 64),
      ([picture, "--model", model, "--noise-level", "5", "--output", try bench.file("a.png")], 64),
      ([picture, "--model", model, "--output", try bench.file("a.txt")], 64),
      ([picture, "--model", model, "--output", picture], 73),
      (
        [
          picture, "--model", "nlm", "--reference", picture, "--data-range", "-5", "--output",
          try bench.file("a.png"),
        ], 64
      ),
    ] {
      let result = try Program.start(["enhance"] + arguments).wait()
      #expect(result.status == status, "\(arguments): \(result.error)")
      #expect(result.errorLines.count == 1)
    }
  }

  @Test func aBatchListsWhatFailed() throws {
    let bench = Bench()
    _ = try bench.picture("in/a.png")
    _ = try bench.picture("in/b.png", channels: 3)
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: try bench.file("in/c.png")))
    let output = try bench.file("out")
    let result = try Program.run(
      "enhance",
      try bench.file("in"),
      "--model",
      try bench.model(),
      "--output",
      output
    )
    #expect(result.status == 2, "\(result.error)")
    #expect(try PNGDecoder.decode(contentsOf: output + "/b.png").channels == 3)
    #expect(FileManager.default.fileExists(atPath: output + "/a.png"))
    let manifest = try JSONDecoder().decode(
      SegmentationManifest.self,
      from: Data(contentsOf: URL(fileURLWithPath: output + "/manifest.json"))
    )
    #expect(manifest.cases.map(\.status) == [.done, .done, .failed])
  }

  @Test func framesThatAreNumberedAsChannelsAreImagesOfTheirOwn() throws {
    let bench = Bench()
    for number in 0..<3 { _ = try bench.picture("in/frame_000\(number).png") }
    let output = try bench.file("out")
    let result = try Program.run(
      "enhance",
      try bench.file("in"),
      "--model",
      "gaussian",
      "--output",
      output
    )
    #expect(result.status == 0, "\(result.error)")
    for number in 0..<3 {
      #expect(FileManager.default.fileExists(atPath: output + "/frame_000\(number).png"))
    }
  }

  @Test func aModelThatEnhancesDoesNotSegment() throws {
    let bench = Bench()
    let input = try bench.file("scan.nii.gz")
    try Samples.writeScan(to: input)
    let result = try Program.run(
      "segment",
      input,
      "--model",
      try bench.model(),
      "--output",
      try bench.file("out.nii.gz")
    )
    #expect(result.status == 64)
    #expect(result.errorLines.first?.contains("lamina enhance") == true)
  }

  @Test func aSegmentationAfterAStageLiesOnTheScansGrid() throws {
    let bench = Bench()
    let model = try bench.file("boxes")
    let scan = try Samples.trainBoxes(to: model, dataset: try bench.file("data"))
    let output = try bench.file("out")
    let result = try Program.run(
      "segment",
      scan,
      "--model",
      model,
      "--stage",
      try bench.model(scale: 2),
      "--output",
      output
    )
    #expect(result.status == 0, "\(result.error)")
    let record = try #require(RunRecord.read(output + "/run.json"))
    #expect(record.stages?.map(\.name) == ["sample"])
    let labels = try ImageFormats.read(output + "/segmentation.nii.gz").volume.geometry
    #expect(labels.difference(from: try ImageFormats.read(scan).volume.geometry) == nil)
  }

  @Test func aDenoiserIsTrainedAndUsed() throws {
    let bench = Bench()
    for index in 0..<4 { _ = try bench.picture("pictures/\(index).png", side: 56 + index) }
    let model = try bench.file("cleaner")
    let training = try Program.run(
      "train",
      try bench.file("pictures"),
      "--enhance",
      "denoise",
      "--level",
      "10",
      "10",
      "--network",
      "dncnn",
      "--features",
      "4",
      "--depth",
      "3",
      "--batch",
      "2",
      "--image-loss",
      "l2",
      "--epochs",
      "1",
      "--output",
      model,
      "--json"
    )
    #expect(training.status == 0, "\(training.error)")
    let results = try #require((training.json as? [String: Any])?["results"] as? [[String: Any]])
    #expect(results.contains { $0["metric"] as? String == "psnr" })
    let result = try Program.run(
      "enhance",
      try bench.file("pictures/0.png"),
      "--model",
      model,
      "--output",
      try bench.file("out.png")
    )
    #expect(result.status == 0, "\(result.error)")
    let wrong = try Program.run(
      "train",
      try bench.file("pictures"),
      "--noise",
      "rician",
      "--output",
      try bench.file("x")
    )
    #expect(wrong.status == 64)
    for options in [
      ["--loss", "dice"], ["--patch", "64", "32", "32"], ["--spacing", "1", "1", "1"],
    ] {
      let refused = try Program.start(
        [
          "train", try bench.file("pictures"), "--enhance", "denoise", "--output",
          try bench.file("x"),
        ]
          + options
      ).wait()
      #expect(refused.status == 64, "\(options): \(refused.error)")
    }
  }

  @Test func picturesAreReducedAndTestPicturesLeftOut() throws {
    let bench = Bench()
    for index in 0..<3 { _ = try bench.picture("pictures/\(index).png", side: 96 + 2 * index) }
    let test = try bench.picture("tests/copy.png", side: 96)
    let further = try bench.picture("further.png", side: 60)
    let common = [
      "train", try bench.file("pictures"), "--enhance", "super-resolution", "--scale", "2",
      "--features", "4", "--depth", "1", "--batch", "2", "--patch", "16", "16", "16", "--epochs",
      "1", "--shrink-to", "48", "--also", further,
    ]
    let model = try bench.file("finer")
    let trained = try Program.start(common + ["--output", model, "--json"]).wait()
    #expect(trained.status == 0, "\(trained.error)")
    let description = try ModelPackage(path: model).description
    #expect(description.provenance.trainingCases + description.provenance.heldOut.count == 4)
    #expect(description.provenance.command.contains("--shrink-to 48"))
    #expect(!description.provenance.command.contains(further))
    // All of these pictures resemble one another.
    let refused = try Program.start(
      common + ["--not-like", try bench.file("tests"), "--output", try bench.file("x")]
    ).wait()
    #expect(refused.status == 66, "\(refused.error)")
    #expect(FileManager.default.fileExists(atPath: test))
    let alone = try Program.start(
      ["train", try bench.file("pictures"), "--shrink-to", "48", "--output", try bench.file("y")]
    ).wait()
    #expect(alone.status == 64)
    let scan = try bench.file("scan.nii.gz")
    try Samples.writeScan(to: scan)
    let solid = try Program.start([
      "train", scan, "--enhance", "denoise", "--shrink-to", "48", "--output",
      try bench.file("z"),
    ]).wait()
    #expect(solid.status == 64)
    #expect(solid.error.contains("--shrink-to is for pictures"), "\(solid.error)")
  }
}
