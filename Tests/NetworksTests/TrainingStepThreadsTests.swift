import Layers
import Networks
import Support
import Tensors
import Testing

@Suite("Training steps")
struct TrainingStepThreadsTests {
  /// Weights and losses of two steps; sizes for which Winograd's filtering is used.
  private static func steps(_ type: ElementType, threads: Int) throws -> [String: [Float]] {
    try Parallelism.$threadCount.withValue(threads) {
      var random = RandomStream(seed: 7)
      let network = try NetworkConfiguration.unet(
        UNetConfiguration(inputChannels: 1, outputChannels: 2, features: [16, 32])
      ).makeNetwork(random: &random)
      let x = Tensor(
        (0..<2 * 48 * 40).map { _ in Float(random.normal()) },
        shape: [2, 1, 48, 40]
      )
      let labels = LabelTensor((0..<2 * 48 * 40).map { Int32($0 / 7 % 2) }, shape: [2, 48, 40])
      var optimizer = Optimizer(
        .sgd(momentum: 0.9, weightDecay: 1e-4),
        parameters: network.namedParameters
      )
      var found: [String: [Float]] = [:]
      for step in 0..<2 {
        let scores = network(x.cast(to: type), in: Context(.training)).cast(to: .float32)
        let loss = SegmentationLoss.crossEntropyAndDice(scores, labels: labels)
        found["loss \(step)"] = [loss.scalar]
        optimizer.step(gradients(of: loss), learningRate: 0.05)
      }
      for (name, parameter) in network.namedParameters { found[name] = parameter.value.values }
      return found
    }
  }

  @Test(
    "not one bit of a step's weights depends on the number of threads",
    arguments: [ElementType.float32, .bfloat16]
  )
  func threadsDoNotMatter(_ type: ElementType) throws {
    let one = try Self.steps(type, threads: 1)
    let two = try Self.steps(type, threads: 2)
    #expect(one.count > 20)
    #expect(one["loss 0"] != one["loss 1"])
    #expect(one == two)
  }
}
