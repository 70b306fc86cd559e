import Foundation
import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite("Optimizer")
struct OptimizerTests {
  /// Eight steps in single precision against PyTorch's in double.
  static let close = Tolerance(absolute: 2e-6, relative: 2e-6)

  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let configuration: OptimizerConfiguration
    var clipping = GradientClipping.none
    var testDescription: String { name }
  }

  static let cases = [
    Case(name: "sgd", configuration: .sgd(momentum: 0.9, weightDecay: 0)),
    Case(name: "sgd-decay", configuration: .sgd(momentum: 0.99, weightDecay: 3e-2)),
    Case(name: "sgd-plain", configuration: .sgd(momentum: 0, weightDecay: 0)),
    Case(
      name: "sgd-clipped",
      configuration: .sgd(momentum: 0.9, weightDecay: 0),
      clipping: .norm(1.5)
    ),
    Case(name: "adamw", configuration: .defaultAdamW),
    Case(
      name: "adamw-other",
      configuration: .adamW(beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.2)
    ),
    Case(name: "heavy-ball", configuration: .heavyBall(momentum: 0.9, weightDecay: 0.02)),
    Case(name: "adam", configuration: defaultAdam),
    Case(
      name: "adam-decay",
      configuration: .adam(beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.2)
    ),
    Case(name: "adam-clipped", configuration: defaultAdam, clipping: .norm(1.5)),
    Case(
      name: "sgd-cut",
      configuration: .heavyBall(momentum: 0.9, weightDecay: 0),
      clipping: .value(0.5)
    ),
    Case(
      name: "rmsprop",
      configuration: .rmsprop(smoothing: 0.99, epsilon: 1e-8, momentum: 0, weightDecay: 0)
    ),
    Case(
      name: "rmsprop-momentum",
      configuration: .rmsprop(smoothing: 0.9, epsilon: 1e-4, momentum: 0.8, weightDecay: 0.03)
    ),
    Case(name: "lion", configuration: .defaultLion),
    Case(name: "lion-other", configuration: .lion(beta1: 0.95, beta2: 0.98, weightDecay: 0)),
  ]

  private static let defaultAdam = OptimizerConfiguration.adam(
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0
  )

  /// Both files of trajectories.
  static func stored() throws -> [String: Tensor] {
    let first = try Safetensors(contentsOf: Fixtures.path("tensors/optimizers.safetensors"))
    let more = try Safetensors(contentsOf: Fixtures.path("tensors/optimizers-more.safetensors"))
    return first.tensors.merging(more.tensors) { first, _ in first }
  }

  /// Gradients of given values, through a linear loss.
  static func gradients(_ values: [Float], for parameter: Parameter) -> Gradients {
    let weight = parameter.value(in: Context(.training))
    return Tensors.gradients(of: (weight * Tensor(values, shape: parameter.shape)).sum)
  }

  @Test("the trajectory equals PyTorch's", arguments: cases)
  func equalsPyTorch(_ test: Case) throws {
    let stored = try Self.stored()
    let start = try #require(stored[test.name + "/start"])
    let slopes = try #require(stored[test.name + "/gradients"]).values
    let expected = try #require(stored[test.name + "/values"])
    let weight = Parameter(start)
    var optimizer = Optimizer(test.configuration, parameters: [("w", weight)])
    var actual: [Float] = []
    for step in 0..<expected.shape[0] {
      optimizer.step(
        Self.gradients(Array(slopes[step * start.count..<(step + 1) * start.count]), for: weight),
        learningRate: 0.1 / Double(step + 1),
        clipping: test.clipping
      )
      actual += weight.value.values
    }
    expectClose(actual, expected.values, Self.close)
    #expect(optimizer.stepCount == expected.shape[0])
  }

  @Test("a restored optimiser goes on as if it had never stopped", arguments: cases)
  func restoring(_ test: Case) {
    func run(interrupted: Bool) -> [Float] {
      let weight = Parameter(Tensor([1, -2, 3], shape: [3]))
      var optimizer = Optimizer(test.configuration, parameters: [("w", weight)])
      for step in 0..<6 {
        if interrupted, step == 3 {
          let (count, moments) = (optimizer.stepCount, optimizer.moments)
          optimizer = Optimizer(test.configuration, parameters: [("w", weight)])
          optimizer.restore(stepCount: count, moments: moments)
        }
        optimizer.step(
          Self.gradients([1, Float(step), -0.5], for: weight),
          learningRate: 0.05,
          clipping: test.clipping
        )
      }
      return weight.value.values
    }
    #expect(run(interrupted: true) == run(interrupted: false))
  }

  @Test("the norm runs over all parameters, and clipping keeps the direction")
  func normAndClipping() {
    let (a, b) = (Parameter(Tensor([0, 0], shape: [2])), Parameter(Tensor([0], shape: [1])))
    let context = Context(.training)
    let loss =
      (a.value(in: context) * Tensor([3, 0], shape: [2])).sum
      + (b.value(in: context) * Tensor([-4], shape: [1])).sum
    let found = Tensors.gradients(of: loss)
    var optimizer = Optimizer(
      .sgd(momentum: 0, weightDecay: 0),
      parameters: [("a", a), ("b", b)]
    )
    #expect(optimizer.norm(of: found) == 5)
    optimizer.step(found, learningRate: 1, clipNorm: 1)
    expectClose(a.value.values + b.value.values, [-0.6, 0, 0.8], Self.close)
  }

  @Test("parameters that are not trainable or have no gradient stay as they are")
  func untouchedParameters() {
    let fixed = Parameter(Tensor([1], shape: [1]), isTrainable: false)
    let unused = Parameter(Tensor([2], shape: [1]))
    let used = Parameter(Tensor([3], shape: [1]))
    var optimizer = Optimizer(
      .sgd(momentum: 0.9, weightDecay: 0.5),
      parameters: [("fixed", fixed), ("unused", unused), ("used", used)]
    )
    optimizer.step(Self.gradients([1], for: used), learningRate: 0.1)
    #expect(fixed.value.values == [1])
    #expect(unused.value.values == [2])
    #expect(used.value.values != [3])
  }

  @Test("weights and moments have the same bits for every number of threads", arguments: cases)
  func threadsDoNotMatter(_ test: Case) {
    let count = 70_001
    let slopes = (0..<count).map { Float($0 * 7919 % 1013) / 500 - 1 }
    func run(_ threads: Int) -> [[Float]] {
      Parallelism.$threadCount.withValue(threads) {
        let weight = Parameter(Tensor(slopes.map { $0 * 0.3 }, shape: [count]))
        var optimizer = Optimizer(test.configuration, parameters: [("w", weight)])
        for _ in 0..<2 {
          optimizer.step(
            Self.gradients(slopes, for: weight),
            learningRate: 0.01,
            clipping: test.clipping
          )
        }
        let moments = optimizer.moments
        return [weight.value.values] + moments.keys.sorted().compactMap { moments[$0] }
      }
    }
    let one = run(1)
    #expect(run(2) == one)
    #expect(run(3) == one)
  }

  @Test("a copy of an optimiser goes its own way", arguments: cases)
  func copies(_ test: Case) {
    let weight = Parameter(Tensor([1, -2], shape: [2]))
    var optimizer = Optimizer(test.configuration, parameters: [("w", weight)])
    optimizer.step(Self.gradients([1, 2], for: weight), learningRate: 0.1)
    let copy = optimizer
    let before = copy.moments
    optimizer.step(Self.gradients([5, -7], for: weight), learningRate: 0.1)
    #expect(copy.moments == before)
  }

  @Test("configurations survive JSON", arguments: cases)
  func json(_ test: Case) throws {
    let data = try JSONEncoder().encode(test.configuration)
    #expect(try JSONDecoder().decode(OptimizerConfiguration.self, from: data) == test.configuration)
  }

  @Test("clippings survive JSON", arguments: [GradientClipping.none, .norm(12), .value(0.5)])
  func clippingJSON(_ clipping: GradientClipping) throws {
    let data = try JSONEncoder().encode([clipping])
    #expect(try JSONDecoder().decode([GradientClipping].self, from: data) == [clipping])
  }
}
