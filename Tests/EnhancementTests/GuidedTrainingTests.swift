import Enhancement
import Foundation
import Imaging
import Networks
import Pipelines
import Support
import TestSupport
import Testing

/// Networks that correct what a classical filter makes of noisy images.
@Suite struct GuidedTrainingTests {
  private func request(_ change: (inout EnhancementRequest) -> Void = { _ in })
    -> EnhancementRequest
  {
    var request = EnhancementRequest(task: .denoise)
    request.noise = ImageNoise(kind: .gaussian, lowest: 0.05, highest: 0.15)
    request.guide = "gaussian:width=2"
    request.network = "ffdnet-blind"
    (request.features, request.depth) = (16, 4)
    (request.patch, request.batchSize) = (24, 4)
    change(&request)
    return request
  }

  private func configuration(
    _ images: CleanImages,
    steps: Int,
    _ change: (inout EnhancementRequest) -> Void = { _ in }
  ) throws -> EnhancementConfiguration {
    var values = try EnhancementPlanner.configuration(for: images, request(change))
    values.steps = steps
    values.averagingDecay = 0.9
    values.learningRate = 3e-3
    return values
  }

  private func outcome(
    _ images: CleanImages,
    _ values: EnhancementConfiguration
  ) throws -> EnhancementTrainer.Outcome {
    try EnhancementTrainer(
      images: images,
      checkpointFolder: TemporaryFolder().file("checkpoints"),
      progress: SilentProgress(),
      interruption: Interruption()
    ).run(values, budget: .steps, resumes: false)
  }

  @Test func aTrainedNetworkCorrectsItsFilter() throws {
    let images = try SampleModel.discs()
    let outcome = try outcome(images, configuration(images, steps: 200))
    let folder = try TemporaryFolder()
    let path = folder.file("guided")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let model = TrainedEnhancer(
      outcome: outcome,
      origin: ModelOrigin(name: "guided", dataset: images.name, command: "lamina train")
    )
    try model.write(to: path)
    #expect(model.card.contains("`gaussian:width=2`"))

    let clean = images.images[0].volume
    var values = clean.voxels.map { $0 / 255 }
    ImageNoise(kind: .gaussian, lowest: 0.1, highest: 0.1)
      .apply(.init(level: 0.1, seed: 99), to: &values)
    let noisy = Volume(geometry: clean.geometry, voxels: values.map { $0 * 255 })
    func quality(_ stage: String) throws -> Double {
      let stage = try StageCatalog.stage(stage)
      let image = try stage.apply(
        noisy,
        progress: SilentProgress(),
        interruption: Interruption()
      )
      return try #require(ImageQuality(of: image, reference: clean, dataRange: 255).psnr)
    }
    // The filter alone blurs edges, which the network puts back.
    let (corrected, filtered) = (try quality(path), try quality("gaussian:width=2"))
    #expect(corrected > filtered + 2)
  }

  @Test func aNetworkThatGivesNothingLeavesTheFilter() throws {
    let plan = SampleModel.plan(halo: 4) { $0.guide = "median" }
    var values = FFDNetConfiguration(depth: 2, features: 4)
    (values.isTold, values.guides) = (false, 1)
    let enhancer = try SampleModel.enhancer(.ffdNet(values), plan)
    let scan = try SampleModel.scan([20, 20, 2])
    let filter = try StageCatalog.stage("median")
    func apply(_ stage: any ScanStage) throws -> [Float] {
      try stage.apply(scan, progress: SilentProgress(), interruption: Interruption()).voxels
    }
    // Random weights give something: that the two differ shows that the network takes part.
    let (guided, filtered) = (try apply(enhancer), try apply(filter))
    #expect(guided != filtered && guided.count == filtered.count)
    let isFinite = guided.allSatisfy { $0.isFinite }
    #expect(isFinite)
  }

  @Test(arguments: ["unet", "ffdnet"]) func networksTakeGuides(_ name: String) throws {
    let images = try SampleModel.discs(3)
    let values = try configuration(images, steps: 2) {
      $0.network = name
      $0.depth = 2
    }
    let channels = name == "ffdnet" ? 3 : 2
    #expect(values.network.inputChannels == channels)
    let loss = try outcome(images, values).epochs.last?.loss
    #expect(loss?.isFinite == true)
  }

  @Test func theNumberOfThreadsChangesNothing() throws {
    let images = try SampleModel.discs(3)
    let values = try configuration(images, steps: 4) { $0.guide = "bm3d" }
    let runs = try [1, 3].map { threads in
      try Parallelism.$threadCount.withValue(threads) { try outcome(images, values) }
    }
    let weights = try runs.map { try $0.network.weights.encoded() }
    #expect(weights[0] == weights[1])
    #expect(runs[0].evaluation == runs[1].evaluation)
  }

  @Test func unsuitableGuidesAreRefused() throws {
    let images = try SampleModel.discs(3)
    for change: (inout EnhancementRequest) -> Void in [
      { $0.guide = "nothing" }, { $0.guide = "median:radius=-1" },
      { $0.network = "dncnn" }, { $0.contextSlices = 1 },
      { $0.selfSupervision = .noise2noise },
      {
        $0.task = .superResolution
        $0.scale = [2, 2, 1]
      },
    ] {
      #expect(throws: (any Error).self) { try configuration(images, steps: 1, change) }
    }
    // A plan from a file.
    #expect(throws: PipelinesError.self) {
      try ModelPlan.enhancement(SampleModel.plan { $0.guide = "nothing" }).check()
    }
  }
}
