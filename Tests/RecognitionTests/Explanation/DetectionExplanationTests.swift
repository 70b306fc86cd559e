import Foundation
import ImagingIO
import Networks
import Pipelines
import Recognition
import Support
import TestSupport
import Testing

struct DetectionExplanationTests {
  /// A detector that was taught squares shows that the square moved its score, not the noise around.
  @Test func everyMethodFindsTheSquareOfABox() throws {
    let made = try MadeSquares(48)
    let training = try DetectionDataset.open(made.root, split: "train")
    var values = DetectionConfiguration(
      network: YOLOConfiguration(inputChannels: 1, classes: 2, width: 0.125, bins: 8),
      imageSize: [64, 96]
    )
    values.learning.steps = 200
    values.learning.batchSize = 8
    values.learning.learningRate = 3e-3
    values.learning.warmupSteps = 20
    values.learning.averagingDecay = 0.97
    values.augmentation.mosaic = 0.3
    values.augmentation.brightness = 0.05
    try Self.expectEvidenceInTheSquare(values, training, made)
  }

  /// The same of a detector of two stages.
  @Test func everyMethodFindsTheSquareOfARegion() throws {
    let made = try MadeSquares(48)
    let training = try DetectionDataset.open(made.root, split: "train")
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
    var values = DetectionConfiguration(network: network, imageSize: [64, 96])
    values.learning.steps = 160
    values.learning.batchSize = 4
    values.learning.learningRate = 5e-3
    values.learning.warmupSteps = 20
    values.learning.averagingDecay = 0.95
    values.augmentation.brightness = 0.05
    values.regionSampling?.anchors = 64
    values.regionSampling?.regions = 32
    try Self.expectEvidenceInTheSquare(values, training, made)
  }

  /// Trains, finds a made-up square, and looks for the evidence by every method.
  private static func expectEvidenceInTheSquare(
    _ values: DetectionConfiguration,
    _ training: DetectionDataset,
    _ made: MadeSquares
  ) throws {
    let outcome = try DetectionTrainer(
      training: training,
      heldOut: nil,
      checkpointFolder: made.folder.file("checkpoints"),
      outputs: OutputGuard(mayReplace: true),
      progress: SilentProgress(),
      interruption: Interruption()
    ).run(values, budget: .steps, resumes: false)
    let detector = try Detector(
      outcome.network,
      configuration: values.network,
      plan: outcome.configuration.plan,
      classes: outcome.classes,
      name: "squares"
    )
    let square = (label: 1, x: 56, y: 30, side: 18)
    let pixels = MadeSquares.pixels([square], 777).flatMap { [$0, $0, $0] }
    let picture = ColorImage(
      width: MadeSquares.width,
      height: MadeSquares.height,
      pixels: pixels
    )
    var options = Detector.Options()
    options.leastScores = [0.05]
    let box = try #require(try detector.detect(picture, options).first { $0.label == 1 })
    let truth = DetectionBox(left: 56, top: 30, right: 74, bottom: 48)
    #expect(box.box.overlap(truth) > 0.5, "\(box)")
    let share = truth.area / Double(MadeSquares.width * MadeSquares.height)
    for method in ExplanationMethod.allCases {
      let shown = try detector.explain(
        picture,
        box,
        method: method,
        interruption: Interruption()
      )
      #expect(shown.className == "square" && shown.evidence.count == 96 * 64)
      #expect(shown.evidence.max() ?? 0 > 0, "\(method)")
      let inside = try #require(shown.shareInside)
      // Twice as much as evidence that is spread evenly.
      #expect(inside > 2 * share, "\(method): \(inside)")
    }
  }

  @Test func aRaisedFlagStopsTheWork() throws {
    var random = RandomStream(seed: 1)
    let values = YOLOConfiguration(inputChannels: 1, classes: 1, width: 0.125, bins: 8)
    var plan = RecognitionPlan(task: .detection, imageSize: [32, 32], channels: 1)
    plan.fitting = .letterbox
    let detector = try Detector(
      NetworkConfiguration.yolo(values).makeNetwork(random: &random),
      configuration: .yolo(values),
      plan: plan,
      classes: ["a"],
      name: "random"
    )
    let interruption = Interruption()
    interruption.raise()
    #expect(throws: SupportError.self) {
      try detector.explain(
        ColorImage(width: 32, height: 32, pixels: [UInt8](repeating: 90, count: 3 * 1024)),
        Detection(
          label: 0,
          score: 0.5,
          box: DetectionBox(left: 4, top: 4, right: 20, bottom: 20)
        ),
        method: .rise,
        interruption: interruption
      )
    }
  }
}
