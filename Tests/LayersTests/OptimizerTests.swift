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
    var clipNorm: Double?
    var testDescription: String { name }
  }

  static let cases = [
    Case(name: "sgd", configuration: .sgd(momentum: 0.9, weightDecay: 0)),
    Case(name: "sgd-decay", configuration: .sgd(momentum: 0.99, weightDecay: 3e-2)),
    Case(name: "sgd-plain", configuration: .sgd(momentum: 0, weightDecay: 0)),
    Case(name: "sgd-clipped", configuration: .sgd(momentum: 0.9, weightDecay: 0), clipNorm: 1.5),
    Case(name: "adamw", configuration: .defaultAdamW),
    Case(
      name: "adamw-other",
      configuration: .adamW(beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.2)
    ),
  ]

  /// Gradients of given values, through a linear loss.
  static func gradients(_ values: [Float], for parameter: Parameter) -> Gradients {
    let weight = parameter.value(in: Context(.training))
    return Tensors.gradients(of: (weight * Tensor(values, shape: parameter.shape)).sum)
  }

  @Test("the trajectory equals PyTorch's", arguments: cases)
  func equalsPyTorch(_ test: Case) throws {
    let stored = try Safetensors(contentsOf: Fixtures.path("tensors/optimizers.safetensors"))
    let start = try #require(stored.tensors[test.name + "/start"])
    let slopes = try #require(stored.tensors[test.name + "/gradients"]).values
    let expected = try #require(stored.tensors[test.name + "/values"])
    let weight = Parameter(start)
    var optimizer = Optimizer(test.configuration, parameters: [("w", weight)])
    var actual: [Float] = []
    for step in 0..<expected.shape[0] {
      optimizer.step(
        Self.gradients(Array(slopes[step * start.count..<(step + 1) * start.count]), for: weight),
        learningRate: 0.1 / Double(step + 1),
        clipNorm: test.clipNorm
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
          clipNorm: test.clipNorm
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

  @Test("configurations survive JSON", arguments: cases)
  func json(_ test: Case) throws {
    let data = try JSONEncoder().encode(test.configuration)
    #expect(try JSONDecoder().decode(OptimizerConfiguration.self, from: data) == test.configuration)
  }
}
