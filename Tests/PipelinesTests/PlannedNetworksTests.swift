import Layers
import Networks
import Pipelines
import Support
import Tensors
import TestSupport
import Testing

/// What holds for every network that can be planned by name.
@Suite struct PlannedNetworksTests {
  /// Images of noise with a bright square somewhere, and where it is.
  private static func squares(_ count: Int, seed: UInt64) -> (images: Tensor, labels: LabelTensor) {
    let side = 32
    var random = RandomStream(seed: seed)
    var images: [Float] = []
    var labels: [Int32] = []
    for _ in 0..<count {
      let size = Int.random(in: 10...15, using: &random)
      let top = Int.random(in: 0...side - size, using: &random)
      let left = Int.random(in: 0...side - size, using: &random)
      for row in 0..<side {
        for column in 0..<side {
          let isInside =
            (top..<top + size).contains(row) && (left..<left + size).contains(column)
          labels.append(isInside ? 1 : 0)
          images.append((isInside ? 1.5 : 0) + Float(random.normal()) * 0.5)
        }
      }
    }
    return (
      Tensor(images, shape: [count, 1, side, side]),
      LabelTensor(labels, shape: [count, side, side])
    )
  }

  /// Of the square.
  private static func dice(_ scores: Tensor, _ labels: LabelTensor) -> Double {
    let cells = scores.shape[2] * scores.shape[3]
    let values = scores.values
    var (both, sum) = (0, 0)
    for (index, label) in labels.labels.enumerated() {
      let place = index / cells * 2 * cells + index % cells
      let isFound = values[place + cells] > values[place]
      both += isFound && label == 1 ? 2 : 0
      sum += (isFound ? 1 : 0) + Int(label)
    }
    return sum == 0 ? 0 : Double(both) / Double(sum)
  }

  @Test(arguments: TrainingPlanner.networkNames)
  func everyNetworkLearnsBrightSquares(_ name: String) throws {
    let configuration = try TrainingPlanner().network(
      name,
      inputChannels: 1,
      classes: 2,
      features: [8, 16, 24]
    )
    var random = RandomStream(seed: 1)
    let network = try configuration.makeNetwork(random: &random)
    let test = Self.squares(8, seed: 99)
    // Squares fill a tenth to a fifth of the image: who takes all of it for one reaches about 0.3.
    #expect(Self.dice(network(test.images, in: .inference), test.labels) < 0.5)
    let context = Context(.training, random: RandomStream(seed: 3))
    var optimizer = Optimizer(.defaultAdamW, parameters: network.namedParameters)
    for step in 0..<80 {
      let batch = Self.squares(8, seed: UInt64(step) + 1000)
      let scores =
        (network as? any DeeplySupervisedNetwork)?.allScores(batch.images, in: context)
        ?? [network(batch.images, in: context)]
      let loss = DeepSupervision.loss(of: scores, labels: batch.labels) {
        SegmentationLoss.crossEntropyAndDice($0, labels: $1)
      }
      optimizer.step(gradients(of: loss), learningRate: 0.005, clipNorm: 12)
    }
    // FCN-32s draws its squares with cells of 8 pixels, others with cells of 4 or less.
    let bound = name == "fcn-32s" ? 0.75 : 0.85
    let found = Self.dice(network(test.images, in: .inference), test.labels)
    #expect(found > bound, "\(name): \(found)")
  }

  @Test(arguments: TrainingPlanner.networkNames)
  func everyNetworkIsPlannedAndTrained(_ name: String) throws {
    let study = try SyntheticStudy(cases: 5)
    let dataset = try SegmentationDataset(path: study.path)
    var values = try TrainingPlanner().configuration(
      for: dataset,
      networkName: name,
      baseFeatures: 4
    )
    var random = RandomStream(seed: 1)
    let network = try values.network.makeNetwork(random: &random)
    let plan = try #require(values.slicePlan)
    #expect(plan.patchSize.allSatisfy { $0 % network.sizeMultiple == 0 }, "\(plan.patchSize)")
    values.steps = 6
    values.batchSize = 4
    values.warmupSteps = 1
    let folder = try TemporaryFolder()
    let outcome = try SegmentationTrainer(
      dataset: dataset,
      checkpointFolder: folder.file("checkpoints"),
      progress: SilentProgress(),
      interruption: Interruption()
    ).run(values, budget: .steps, resumes: false)
    #expect(outcome.epochs.allSatisfy { $0.loss.isFinite })
    #expect(outcome.evaluation?.cases.isEmpty == false)
  }

  @Test func anUnknownNetworkIsNamedWithTheKnownOnes() throws {
    let error = #expect(throws: NetworksError.self) {
      try TrainingPlanner().network("unet+", inputChannels: 1, classes: 2, features: [8, 16])
    }
    #expect(error == .unknownNetwork(name: "unet+", known: TrainingPlanner.networkNames))
  }
}
