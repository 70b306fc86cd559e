import Enhancement
import Foundation
import Imaging
import Pipelines
import Support
import Tensors
import TestSupport
import Testing

/// Images that become those of another kind.
@Suite struct TranslationTests {
  private func configuration(
    _ images: CleanImages,
    _ targets: CleanImages,
    isPaired: Bool,
    steps: Int
  ) throws -> EnhancementConfiguration {
    var request = EnhancementRequest(task: .translation)
    request.features = 4
    request.depth = isPaired ? 2 : 1
    (request.patch, request.batchSize) = (16, 2)
    request.adversarial = AdversarialRequest()
    request.adversarial?.isPaired = isPaired
    var values = try EnhancementPlanner.configuration(for: images, targets: targets, request)
    values.steps = steps
    values.averagingDecay = 0.9
    values.adversarial?.discriminator.features = 4
    if !isPaired { values.heldOutShare = 0 }
    return values
  }

  private func trainer(
    _ images: CleanImages,
    _ targets: CleanImages,
    _ folder: TemporaryFolder
  ) -> EnhancementTrainer {
    EnhancementTrainer(
      images: images,
      targets: targets,
      checkpointFolder: folder.file("checkpoints"),
      progress: SilentProgress(),
      interruption: Interruption()
    )
  }

  /// Negatives of discs.
  private func negatives(_ images: CleanImages, skipping: Int = 0) -> CleanImages {
    CleanImages(
      images.images.dropFirst(skipping).map {
        CleanImages.Image(id: $0.id, volume: $0.volume.map { 255 - $0 })
      },
      arePictures: true,
      name: "negatives"
    )
  }

  @Test func pairsTeachANegative() throws {
    let images = try SampleModel.discs(6)
    let targets = negatives(images, skipping: 1)
    var values = try configuration(images, targets, isPaired: true, steps: 300)
    values.adversarial?.learningRate = 4e-3
    values.batchSize = 4
    #expect(values.adversarial?.isConditional == true && values.adversarial?.cycle == nil)
    #expect(values.plan.outputRange == .fixed(low: 0, high: 255))
    let folder = try TemporaryFolder()
    let outcome = try trainer(images, targets, folder).run(values, budget: .steps, resumes: false)
    // The first has no partner.
    #expect(outcome.notes.contains { $0.contains("no partner") })
    let psnr = try #require(outcome.evaluation?.summary["psnr"])
    let gain = try #require(psnr["gain"]?.mean)
    #expect(gain > 6)

    let path = folder.file("negative")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let model = TrainedEnhancer(
      outcome: outcome,
      origin: ModelOrigin(name: "negative", dataset: images.name, command: "lamina train")
    )
    try model.write(to: path)
    #expect(model.description.summary.contains("negatives"))
    #expect(model.card.contains("guess at another one"))
    let enhancer = try Enhancer(ModelPackage(path: path))
    let made = try enhancer.improved(images.images[2].volume)
    let correlation = zip(made.voxels, images.images[2].volume.voxels)
      .reduce(0.0) { $0 + Double(($1.0 - 128) * ($1.1 - 128)) }
    #expect(correlation < 0)
  }

  @Test func imagesWithoutPairsAreTrainedBothWays() throws {
    let images = try SampleModel.discs(3)
    let targets = negatives(images)
    let values = try configuration(images, targets, isPaired: false, steps: 4)
    let outcome = try trainer(images, targets, TemporaryFolder())
      .run(values, budget: .steps, resumes: false)
    #expect(outcome.evaluation == nil)
    let parts = try #require(outcome.games.last?.parts)
    #expect(parts.cycle.map { $0 > 0 } == true && parts.identity.map { $0 > 0 } == true)
    #expect(parts.pixel == nil)
  }

  @Test func aStoredGameWithoutPairsGoesOnAsIfItHadNotStopped() throws {
    let images = try SampleModel.discs(3)
    var values = try configuration(images, negatives(images), isPaired: false, steps: 10)
    values.adversarial?.cycle?.poolSize = 3
    let adversarial = try #require(values.adversarial)
    let cycle = try #require(adversarial.cycle)
    func sides() throws -> (TrainedWeights, CycleOpponent) {
      (
        TrainedWeights(
          try TrainedWeights.network(values.network, seed: 1),
          optimizer: values.optimizer,
          averagingDecay: 0.9
        ),
        try CycleOpponent(values, adversarial, cycle)
      )
    }
    func play(_ sides: inout (TrainedWeights, CycleOpponent), _ numbers: Range<Int>) throws {
      for number in numbers {
        let random = RandomStream(seed: 3).split(number)
        var drawn = random.split(7)
        func image() -> Tensor {
          Tensor((0..<512).map { _ in Float(drawn.uniform()) }, shape: [2, 1, 16, 16])
        }
        let batch = EnhancementSampler.Batch(input: image(), target: image(), weights: nil)
        let turn = Turn(number: number, rate: 1e-3, clipNorm: 5, random: random)
        _ = try sides.1.play(against: &sides.0, batch, turn)
      }
    }
    var whole = try sides()
    try play(&whole, 0..<3)
    var resumed = try sides()
    try resumed.0.restore(whole.0.tensors, stepCount: 3, from: "memory")
    try resumed.1.restore(whole.1.tensors, stepCount: 3, from: "memory")
    #expect(whole.1.tensors["pool.a"]?.shape == [3, 1, 16, 16])
    try play(&whole, 3..<6)
    try play(&resumed, 3..<6)
    for (found, wanted) in [
      (resumed.0.tensors, whole.0.tensors), (resumed.1.tensors, whole.1.tensors),
    ] {
      #expect(Set(found.keys) == Set(wanted.keys))
      for (name, tensor) in wanted { #expect(found[name]?.values == tensor.values, "\(name)") }
    }
  }

  @Test func partnersOnOtherGridsAreLeftOut() throws {
    let images = try SampleModel.discs(3)
    var targets = negatives(images).images
    let cut = try SampleModel.scan([40, 40, 1], isPlanar: true)
    targets[1] = CleanImages.Image(id: targets[1].id, volume: cut)
    let others = CleanImages(targets, arePictures: true, name: "negatives")
    let values = try configuration(images, others, isPaired: true, steps: 1)
    let outcome = try trainer(images, others, TemporaryFolder())
      .run(values, budget: .steps, resumes: false)
    #expect(outcome.notes.contains { $0.contains("another grid") })
  }

  @Test func resultsOfMagnitudesHaveTheMiddleRange() throws {
    let scan = try SampleModel.scan([32, 32, 4])
    func scans(_ factors: [Float]) -> CleanImages {
      CleanImages(
        factors.enumerated().map { index, factor in
          CleanImages.Image(id: "\(index)", volume: scan.map { $0 * factor }, modality: "MR")
        },
        arePictures: false,
        name: "scans"
      )
    }
    let values = try configuration(
      scans([1]),
      scans([1, 2, 40]),
      isPaired: false,
      steps: 1
    )
    guard case .fixed(_, let high) = values.plan.outputRange else {
      Issue.record("\(String(describing: values.plan.outputRange))")
      return
    }
    let sorted = scan.voxels.sorted()
    let percentile = Double(sorted[Int((0.995 * Double(sorted.count - 1)).rounded())])
    #expect(abs(high - 2 * percentile) < 1e-3 * percentile)
  }

  @Test func aPoolShowsEarlierImagesOnceItIsFull() {
    var pool = ImagePool(capacity: 2)
    var random = RandomStream(seed: 1)
    func image(_ value: Float) -> Tensor { Tensor(repeating: value, shape: [1, 1, 1, 1]) }
    #expect(pool.exchanged(image(1), random: &random).values == [1])
    #expect(pool.exchanged(image(2), random: &random).values == [2])
    var shown: [Float] = []
    for value in 3..<43 { shown += pool.exchanged(image(Float(value)), random: &random).values }
    let new = zip(3..<43, shown).count { Float($0) == $1 }
    #expect((10...30).contains(new))
    // What went in came out, or is still there.
    let left = pool.stored?.values ?? []
    #expect(Set(shown + left) == Set((1..<43).map { Float($0) }))
    #expect(ImagePool(capacity: 2, stored: pool.stored).stored?.values == left)
  }
}
