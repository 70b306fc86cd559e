import Evaluation
import Foundation
import Layers
import Networks
import Pipelines
import Recognition
import Support
import TestSupport
import Testing

/// Detectors of two stages that learn to find the made-up squares, and to outline them.
struct RegionTrainingTests {
  private static func configuration(_ steps: Int, hasMasks: Bool) -> DetectionConfiguration {
    var network = RegionNetworkConfiguration(
      inputChannels: 1,
      classes: 2,
      block: .basic,
      blocksPerStage: [1, 1],
      anchorSides: [12, 20, 40]
    )
    (network.features, network.pyramidFeatures, network.hiddenFeatures) = (8, 16, 32)
    network.boxGrid = 5
    network.trainingProposals = .init(candidates: 200, kept: 100)
    network.proposals = .init(candidates: 100, kept: 60)
    if hasMasks {
      var mask = RegionNetworkConfiguration.MaskHead()
      (mask.features, mask.layers, mask.grid) = (8, 1, 7)
      network.mask = mask
    }
    var values = DetectionConfiguration(network: network, imageSize: [64, 96])
    values.learning.steps = steps
    values.learning.batchSize = 4
    values.learning.learningRate = 5e-3
    values.learning.warmupSteps = 20
    values.learning.averagingDecay = 0.95
    // The classes differ by brightness alone.
    values.augmentation.brightness = 0.05
    values.regionSampling?.anchors = 64
    values.regionSampling?.regions = 32
    return values
  }

  private static func trainer(
    _ training: DetectionDataset,
    _ heldOut: DetectionDataset?,
    _ folder: TemporaryFolder,
    progress: any ProgressReporter = SilentProgress(),
    interruption: Interruption = Interruption()
  ) -> DetectionTrainer {
    DetectionTrainer(
      training: training,
      heldOut: heldOut,
      checkpointFolder: folder.file("checkpoints"),
      outputs: OutputGuard(mayReplace: true),
      progress: progress,
      interruption: interruption
    )
  }

  /// The squares in COCO's layout, outlined by polygons, runs as numbers or runs in letters by turns.
  private static func outlined(_ made: MadeSquares) throws -> DetectionDataset {
    var (images, annotations): ([String], [String]) = ([], [])
    for (index, squares) in made.squares.enumerated() {
      images.append(#"{"id": \#(index), "file_name": "\#(made.name(index)).png"}"#)
      for square in squares {
        let (x, y, side) = (square.x, square.y, square.side)
        let mask = RunLengthMask(width: MadeSquares.width, height: MadeSquares.height) {
          (x..<x + side).contains($0) ? [y..<y + side] : []
        }
        let letters = mask.letters.replacingOccurrences(of: "\\", with: "\\\\")
        let size = #""size": [\#(MadeSquares.height), \#(MadeSquares.width)]"#
        let outline =
          switch annotations.count % 3 {
          case 0: "[[\(x), \(y), \(x + side), \(y), \(x + side), \(y + side), \(x), \(y + side)]]"
          case 1: #"{"counts": \#(mask.runs), \#(size)}"#
          default: #"{"counts": "\#(letters)", \#(size)}"#
          }
        annotations.append(
          #"{"image_id": \#(index), "category_id": \#(square.label), "#
            + #""bbox": [\#(x), \#(y), \#(side), \#(side)], "segmentation": \#(outline)}"#
        )
      }
    }
    let categories = MadeSquares.classes.enumerated().map {
      #"{"id": \#($0.offset), "name": "\#($0.element)"}"#
    }
    try made.text(
      #"{"images": [\#(images.joined(separator: ","))], "categories": "#
        + #"[\#(categories.joined(separator: ","))], "#
        + #""annotations": [\#(annotations.joined(separator: ","))]}"#,
      to: "JPEGImages/instances_all.json"
    )
    return try DetectionDataset.open(made.path("JPEGImages/instances_all.json"))
  }

  @Test func outlinesOfEveryFormAreTheSquares() throws {
    let made = try MadeSquares(6)
    let data = try Self.outlined(made)
    #expect(data.problems.isEmpty && data.objectCounts.reduce(0, +) >= 6)
    for (image, squares) in zip(data.images, made.squares) {
      for (object, square) in zip(image.objects, squares) {
        let mask = try #require(object.mask)
        #expect(mask.area == square.side * square.side)
        let inside = mask.pixels.enumerated().filter(\.element).map(\.offset)
        #expect(inside.first == square.y * MadeSquares.width + square.x)
      }
    }
  }

  /// Learns to find and outline squares; the package does so again.
  @Test func squaresAreFoundAndOutlined() throws {
    let made = try MadeSquares(64)
    let (training, heldOut) = try Self.outlined(made).split(heldOut: 0.25, seed: 1)
    let trainer = Self.trainer(training, heldOut, made.folder)
    let outcome = try trainer.run(
      Self.configuration(250, hasMasks: true),
      budget: .steps,
      resumes: false
    )
    let found = try #require(outcome.heldOut)
    #expect((found.map50 ?? 0) > 0.8, "\(found.map50 ?? 0)")
    #expect((found.maskMap50 ?? 0) > 0.8, "\(found.maskMap50 ?? 0)")
    #expect(outcome.looks.last?.metrics.contains { $0.key == "mask-map" } == true)

    let folder = made.folder.file("model")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try TrainedDetector(
      outcome: outcome,
      origin: ModelOrigin(name: "squares", dataset: "squares", command: "none")
    )
    .write(to: folder)
    let package = try ModelPackage(path: folder)
    #expect(package.description.network.name == "mask-rcnn")
    #expect(package.description.results.contains { $0.metric == "mask-ap" })
    let detector = try Detector(package)
    #expect(detector.hasMasks)
    #expect(try DetectionMeasurement(detector, on: heldOut).summary.maskMap == found.maskMap)

    // A data set without masks is measured by boxes alone.
    let boxes = DetectionDataset(
      name: "boxes",
      classes: heldOut.classes,
      images: heldOut.images.map { image in
        .init(
          id: image.id,
          path: image.path,
          width: image.width,
          height: image.height,
          objects: image.objects.map { .init(label: $0.label, box: $0.box) }
        )
      }
    )
    let plain = try DetectionMeasurement(detector, on: boxes).summary
    #expect(plain.map == found.map && plain.maskMap == nil)
  }

  /// Stops a run at its first note, which comes after 100 steps.
  private struct StoppingProgress: ProgressReporter {
    let interruption: Interruption
    func begin(_ stage: String, total: Int?) {}
    func update(_ completed: Int, detail: String?) {}
    func end() {}
    func note(_ message: String) { interruption.raise() }
    func warn(_ message: String) {}
  }

  @Test func aFasterRCNNResumesToTheSameBitsWithAnyNumberOfThreads() throws {
    let made = try MadeSquares(8)
    let data = try DetectionDataset.open(made.root)
    let configuration = Self.configuration(110, hasMasks: false)
    func weights(_ outcome: DetectionTrainer.Outcome) throws -> Data {
      try outcome.network.weights.encoded()
    }
    let trainer = Self.trainer(data, nil, made.folder)
    let whole = try Parallelism.$threadCount.withValue(1) {
      try trainer.run(configuration, budget: .steps, resumes: false)
    }
    #expect(whole.epochs.count == 2 && whole.epochs[1].loss < whole.epochs[0].loss)
    trainer.discardCheckpoints()
    let interruption = Interruption()
    let stopping = Self.trainer(
      data,
      nil,
      made.folder,
      progress: StoppingProgress(interruption: interruption),
      interruption: interruption
    )
    #expect(throws: SupportError.interrupted) {
      try Parallelism.$threadCount.withValue(2) {
        try stopping.run(configuration, budget: .steps, resumes: false)
      }
    }
    let resumed = try Parallelism.$threadCount.withValue(2) {
      try trainer.run(configuration, budget: .steps, resumes: true)
    }
    #expect(try weights(resumed) == weights(whole))
    var other = configuration
    other.regionSampling?.regions = 16
    #expect(throws: PipelinesError.self) {
      try trainer.run(other, budget: .steps, resumes: true)
    }
  }

  @Test func whatCannotBeLearnedIsRefused() throws {
    let made = try MadeSquares(3)
    let data = try DetectionDataset.open(made.root)
    let trainer = Self.trainer(data, nil, made.folder)
    let error = #expect(throws: RecognitionError.self) {
      try trainer.run(Self.configuration(1, hasMasks: true), budget: .steps, resumes: false)
    }
    #expect(error?.failure == .missingInput)
    #expect(error?.description.contains("have no outline") == true)
    var configuration = Self.configuration(1, hasMasks: false)
    configuration.plan.imageSize = [60, 96]
    #expect(throws: RecognitionError.self) {
      try trainer.run(configuration, budget: .steps, resumes: false)
    }
    configuration = Self.configuration(1, hasMasks: false)
    configuration.regionSampling?.regionShare = 2
    #expect(throws: RecognitionError.self) {
      try trainer.run(configuration, budget: .steps, resumes: false)
    }
  }

  @Test func picturesWithoutObjectsAreLearnedFrom() throws {
    let made = try MadeSquares(4)
    let data = try DetectionDataset.open(made.root)
    let images = data.images.enumerated().map { index, image in
      DetectionDataset.Image(
        id: image.id,
        path: image.path,
        width: image.width,
        height: image.height,
        objects: index == 0 ? image.objects : []
      )
    }
    let sparse = DetectionDataset(name: "sparse", classes: data.classes, images: images)
    var configuration = Self.configuration(4, hasMasks: false)
    configuration.learning.batchSize = 1
    let outcome = try Self.trainer(sparse, nil, made.folder)
      .run(configuration, budget: .steps, resumes: false)
    #expect(outcome.epochs.last?.loss.isFinite == true)
  }

  @Test func theInputHasThePicturesShape() {
    func size(_ side: Int, _ width: Int, _ height: Int) -> [Int] {
      DetectionConfiguration.imageSize(
        shorterSide: side,
        width: width,
        height: height,
        multiple: 32
      )
    }
    #expect(size(320, 640, 480) == [320, 448])
    #expect(size(320, 480, 640) == [448, 320])
    // Smaller pictures are not enlarged.
    #expect(size(320, 96, 64) == [64, 96])
    #expect(size(320, 1, 1) == [32, 32])
  }

  @Test func networksOfOlderRecordsAreYOLOs() throws {
    let yolo = YOLOConfiguration(inputChannels: 1, classes: 3)
    let old = try JSONEncoder().encode(yolo)
    #expect(try JSONDecoder().decode(DetectorNetwork.self, from: old) == .yolo(yolo))
    for network in [
      DetectorNetwork.yolo(yolo), Self.configuration(1, hasMasks: false).network,
      Self.configuration(1, hasMasks: true).network,
    ] {
      let data = try JSONEncoder().encode(network)
      #expect(try JSONDecoder().decode(DetectorNetwork.self, from: data) == network)
    }
    let other = try JSONEncoder().encode(
      NetworkConfiguration.unet(
        UNetConfiguration(inputChannels: 1, outputChannels: 2, features: [8])
      )
    )
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(DetectorNetwork.self, from: other)
    }
  }
}
