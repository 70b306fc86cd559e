import Foundation
import Imaging
import ImagingIO
import Layers
import Networks
import Pipelines
import Recognition
import Support
import TestSupport
import Testing

struct DetectionTrainerTests {
  private static func configuration(steps: Int) -> DetectionConfiguration {
    var values = DetectionConfiguration(
      network: YOLOConfiguration(inputChannels: 1, classes: 2, width: 0.125, bins: 8),
      imageSize: [64, 96]
    )
    values.learning.steps = steps
    values.learning.batchSize = 8
    values.learning.learningRate = 3e-3
    values.learning.warmupSteps = 20
    values.learning.averagingDecay = 0.97
    values.augmentation.mosaic = 0.3
    // The classes differ by brightness alone.
    values.augmentation.brightness = 0.05
    return values
  }

  private static func trainer(
    _ training: DetectionDataset,
    _ heldOut: DetectionDataset?,
    _ folder: TemporaryFolder
  ) -> DetectionTrainer {
    DetectionTrainer(
      training: training,
      heldOut: heldOut,
      checkpointFolder: folder.file("checkpoints"),
      outputs: OutputGuard(mayReplace: true),
      progress: SilentProgress(),
      interruption: Interruption()
    )
  }

  /// Learns to find squares, and the package finds them again in pictures and in volumes.
  @Test func squaresAreFound() throws {
    let made = try MadeSquares(64)
    let training = try DetectionDataset.open(made.root, split: "train")
    let heldOut = try DetectionDataset.open(
      made.root,
      split: "val",
      classes: training.classes
    )
    let trainer = Self.trainer(training, heldOut, made.folder)
    let outcome = try trainer.run(
      Self.configuration(steps: 300),
      budget: .steps,
      resumes: false
    )
    let found = try #require(outcome.heldOut)
    #expect(found.images == 16)
    #expect((found.map50 ?? 0) > 0.8, "\(found.map50 ?? 0)")

    let folder = made.folder.file("model")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try TrainedDetector(
      outcome: outcome,
      origin: ModelOrigin(name: "squares", dataset: "squares", command: "none")
    )
    .write(to: folder)
    let package = try ModelPackage(path: folder)
    #expect(package.description.task == .recognition(.detection))
    #expect(package.description.results.first?.metric == "ap50")
    let detector = try Detector(package)
    let again = try DetectionMeasurement(detector, on: heldOut)
    #expect(again.summary.map50 == found.map50)

    // The threshold of the best F1 tells about as many boxes as there are.
    let told = try heldOut.images.map { try detector.detect($0.path).count }.reduce(0, +)
    let drawn = heldOut.objectCounts.reduce(0, +)
    #expect(abs(told - drawn) <= drawn / 3, "\(told) of \(drawn)")

    try Self.findsASquareInSpace(detector)
  }

  /// A bright square in the slices 2 to 4 of 7.
  private static func findsASquareInSpace(_ detector: Detector) throws {
    let square = (label: 1, x: 40, y: 20, side: 16)
    let voxels = (0..<7).flatMap { slice in
      MadeSquares.pixels((2...4).contains(slice) ? [square] : [], 900 + slice).map { Float($0) }
    }
    let volume = Volume(
      geometry: try ImageGeometry(
        size: [MadeSquares.width, MadeSquares.height, 7],
        spacing: [1, 1, 2],
        origin: [0, 0, 0],
        direction: .identity
      ),
      voxels: voxels
    )
    let found = try detector.detect(volume)
    #expect(found.slices.count == 7)
    let best = try #require(found.findings.first)
    #expect(best.label == 1 && best.slices == 3)
    #expect(best.lower[2] == 2 && best.upper[2] == 5)
    let box = DetectionBox(
      left: best.lower[0],
      top: best.lower[1],
      right: best.upper[0],
      bottom: best.upper[1]
    )
    #expect(box.overlap(DetectionBox(left: 40, top: 20, right: 56, bottom: 36)) > 0.6)
  }

  @Test func whatCannotBeLearnedIsRefused() throws {
    let made = try MadeSquares(3)
    let data = try DetectionDataset.open(made.root)
    let empty = DetectionDataset(name: "none", classes: data.classes, images: [])
    var configuration = Self.configuration(steps: 1)
    #expect(throws: RecognitionError.self) {
      try Self.trainer(empty, nil, made.folder).run(configuration, budget: .steps, resumes: false)
    }
    let other = DetectionDataset(name: "other", classes: ["a", "b"], images: data.images)
    #expect(throws: RecognitionError.self) {
      try Self.trainer(data, other, made.folder).run(configuration, budget: .steps, resumes: false)
    }
    configuration.plan.imageSize = [60, 96]
    #expect(throws: RecognitionError.self) {
      try Self.trainer(data, nil, made.folder).run(configuration, budget: .steps, resumes: false)
    }
    configuration = Self.configuration(steps: 1)
    configuration.network.classes = 3
    #expect(throws: RecognitionError.self) {
      try Self.trainer(data, nil, made.folder).run(configuration, budget: .steps, resumes: false)
    }
  }

  @Test func theInputHasThePicturesShape() {
    func size(_ side: Int, _ width: Int, _ height: Int) -> [Int] {
      DetectionConfiguration.imageSize(longestSide: side, width: width, height: height)
    }
    #expect(size(416, 640, 480) == [320, 416])
    #expect(size(416, 480, 640) == [416, 320])
    #expect(size(320, 100, 100) == [320, 320])
    #expect(size(64, 1000, 10) == [32, 64])
  }
}
