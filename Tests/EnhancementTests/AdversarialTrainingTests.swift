import Enhancement
import Foundation
import Imaging
import Layers
import Networks
import Pipelines
import Support
import Tensors
import TestSupport
import Testing

/// Trainings in which a discriminator takes part.
@Suite struct AdversarialTrainingTests {
  private func configuration(
    _ images: CleanImages,
    steps: Int,
    _ change: (inout EnhancementRequest) -> Void = { _ in }
  ) throws -> EnhancementConfiguration {
    var request = EnhancementRequest(task: .denoise)
    request.noise = ImageNoise(kind: .gaussian, lowest: 0.1, highest: 0.1)
    (request.network, request.features, request.depth) = ("dncnn", 8, 3)
    (request.patch, request.batchSize) = (16, 4)
    request.adversarial = AdversarialRequest()
    request.adversarial?.kind = .esrgan
    change(&request)
    var values = try EnhancementPlanner.configuration(for: images, request)
    values.steps = steps
    values.averagingDecay = 0.9
    values.adversarial?.discriminator.features = 8
    return values
  }

  private func trainer(
    _ images: CleanImages,
    targets: CleanImages? = nil,
    _ folder: TemporaryFolder,
    progress: any ProgressReporter = SilentProgress(),
    interruption: Interruption = Interruption()
  ) -> EnhancementTrainer {
    EnhancementTrainer(
      images: images,
      targets: targets,
      checkpointFolder: folder.file("checkpoints"),
      progress: progress,
      interruption: interruption
    )
  }

  @Test(arguments: [AdversarialRequest.Kind.srgan, .esrgan, .hinge, .leastSquares])
  func everyGameRunsAndKeepsItsCurves(_ kind: AdversarialRequest.Kind) throws {
    let images = try SampleModel.discs(3)
    let values = try configuration(images, steps: 12) { $0.adversarial?.kind = kind }
    #expect(values.adversarial?.discriminator.isSpectral == true)
    let folder = try TemporaryFolder()
    let outcome = try trainer(images, folder).run(values, budget: .steps, resumes: false)
    let parts = try #require(outcome.games.last?.parts)
    #expect(outcome.games.count == 1 && outcome.games[0].step == 12)
    #expect(parts.pixel.map { $0 > 0 } == true && parts.perceptual.map { $0 > 0 } == true)
    // The first step of the game has the penalty.
    #expect(parts.slope != nil)
    #expect(parts.criticNorm > 0 && parts.generatorNorm > 0)
    #expect(parts.diversity.map { $0 > 0 } == true)

    let model = TrainedEnhancer(
      outcome: outcome,
      origin: ModelOrigin(name: "discs", dataset: "discs", command: "lamina train")
    )
    #expect(model.card.contains("anatomy in it can be invented"))
    let path = folder.file("discs")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try model.write(to: path)
    let data = try #require(FileManager.default.contents(atPath: path + "/training.json"))
    let record = try JSONDecoder().decode(EnhancementTrainingRecord.self, from: data)
    #expect(record.games == outcome.games)
  }

  @Test func beforeTheGameNothingIsDifferent() throws {
    let images = try SampleModel.discs(3)
    var values = try configuration(images, steps: 10)
    values.adversarial?.pixelShare = 0.95
    let games = try trainer(images, TemporaryFolder())
      .run(values, budget: .steps, resumes: false).games
    #expect(games.isEmpty || games[0].parts.slope != nil)
    values.adversarial?.pixelShare = 0
    values.adversarial?.adversarialWeight = 0
    values.adversarial?.perceptualWeight = 0
    values.adversarial?.learningRate = values.learningRate
    var plain = values
    plain.adversarial = nil
    // A game without weight is no game.
    let networks = try [values, plain].map {
      try trainer(images, TemporaryFolder()).run($0, budget: .steps, resumes: false).network
    }
    #expect(try networks[0].weights.encoded() == networks[1].weights.encoded())
  }

  @Test(arguments: [1, 3])
  func aKilledGameResumesToTheSameEnd(_ threads: Int) throws {
    let images = try SampleModel.discs(3)
    let values = try configuration(images, steps: 104) { $0.batchSize = 2 }
    let whole = try trainer(images, TemporaryFolder()).run(values, budget: .steps, resumes: false)
    let folder = try TemporaryFolder()
    let stop = Interruption()
    #expect(throws: SupportError.interrupted) {
      try trainer(images, folder, progress: StopAfterNote(stop), interruption: stop)
        .run(values, budget: .steps, resumes: false)
    }
    let resumed = try Parallelism.$threadCount.withValue(threads) {
      try trainer(images, folder).run(values, budget: .steps, resumes: true)
    }
    #expect(try resumed.network.weights.encoded() == whole.network.weights.encoded())
    #expect(resumed.games == whole.games)
  }

  @Test func whatDoesNotGoTogetherIsRefused() throws {
    let images = try SampleModel.discs(3)
    for change: (inout EnhancementRequest) -> Void in [
      { $0.selfSupervision = .noise2void }, { $0.patch = 8 }, { $0.network = "diffusion" },
      { $0.network = "pix2pix" }, { $0.adversarial?.weight = -1 },
      { $0.task = .translation },
    ] {
      #expect(throws: EnhancementError.self) { try configuration(images, steps: 1, change) }
    }
  }

  @Test func curvesOfATroubledGameWarn() throws {
    let images = try SampleModel.discs(3)
    let outcome = try trainer(images, TemporaryFolder()).run(
      configuration(images, steps: 12) { $0.adversarial?.isTrained = true },
      budget: .steps,
      resumes: false
    )
    var parts = try #require(outcome.games.first?.parts)
    func warnings(_ change: (inout AdversarialParts) -> Void) -> [String] {
      change(&parts)
      return AdversarialWatch.warnings(
        (1...3).map { AdversarialEpoch(step: 100 * $0, parts: parts) },
        game: .relativistic,
        isOver: true
      )
    }
    #expect(warnings { ($0.critic, $0.diversity) = (1, 0.9) }.isEmpty)
    #expect(warnings { $0.critic = 0.01 }.contains { $0.contains("told all images apart") })
    let collapsed = warnings { ($0.critic, $0.diversity) = (1, 0.05) }
    #expect(collapsed.contains { $0.contains("collapsed") })
    #expect(warnings { ($0.critic, $0.diversity) = (1.386, 0.9) }.count == 1)
  }

  /// Targets of one value, 0.2 or 0.8, that have nothing to do with the inputs: only the discriminator
  /// can tell that there are two kinds.
  @Test func aNetworkThatIsOnlyJudgedCoversBothModes() throws {
    var values = EnhancementConfiguration(
      network: .unet(Self.smallNetwork),
      plan: SampleModel.plan(patch: 8),
      patchSize: [8, 8]
    )
    var adversarial = AdversarialConfiguration(
      .standard,
      discriminator: PatchDiscriminatorConfiguration(
        inputChannels: 1,
        features: 16,
        layers: 1,
        normalization: .none,
        isSpectral: true
      )
    )
    (adversarial.pixelWeight, adversarial.perceptualWeight) = (0, 0)
    adversarial.adversarialWeight = 1
    values.adversarial = adversarial
    values.optimizer = .adam(beta1: 0.5, beta2: 0.999, epsilon: 1e-8, weightDecay: 0)
    var weights = TrainedWeights(
      try TrainedWeights.network(values.network, seed: 1),
      optimizer: values.optimizer,
      averagingDecay: 0.95
    )
    var opponent = try ImageOpponent(values, adversarial)
    var random = RandomStream(seed: 5)
    func batch(_ count: Int) -> EnhancementSampler.Batch {
      func images(_ value: (inout RandomStream) -> Double) -> Tensor {
        Tensor(
          (0..<count).flatMap { _ in [Float](repeating: Float(value(&random)), count: 64) },
          shape: [count, 1, 8, 8]
        )
      }
      return EnhancementSampler.Batch(
        input: images { ($0.uniform() < 0.5 ? -1 : 1) + 0.2 * $0.normal() },
        target: images { $0.uniform() < 0.5 ? 0.2 : 0.8 },
        weights: nil
      )
    }
    for number in 0..<400 {
      let turn = Turn(
        number: number,
        rate: 2e-3,
        clipNorm: 5,
        random: RandomStream(seed: 1).split(number)
      )
      _ = try opponent.play(against: &weights, batch(16), turn)
    }
    let network = try weights.averagedNetwork(values.network)
    let means = network(batch(64).input, in: .inference).mean(axes: [1, 2, 3]).values
    // A collapsed network gives one value; so short a game leaves some between the two.
    let (low, high) = (means.count { $0 < 0.4 }, means.count { $0 > 0.6 })
    #expect(low >= 6 && high >= 6, "\(means.sorted())")
    #expect(means.allSatisfy { -0.3 < $0 && $0 < 1.3 }, "\(means.sorted())")
  }

  private static let smallNetwork: UNetConfiguration = {
    var values = UNetConfiguration(
      inputChannels: 1,
      outputChannels: 1,
      features: [16],
      dimensions: 2
    )
    values.normalization = .none
    return values
  }()
}
