import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite("Parameter and context")
struct ParameterTests {
  @Test("a parameter is tracked in training only, and only when trainable")
  func tracking() {
    let weight = Parameter(Tensor([1], shape: [1]))
    let statistic = Parameter(Tensor([1], shape: [1]), isTrainable: false)
    #expect(weight.value(in: Context(.training)).isTracked)
    #expect(!weight.value(in: .inference).isTracked)
    #expect(!statistic.value(in: Context(.training)).isTracked)
    #expect(!weight.value.isTracked)
  }

  @Test("a new value loses layout and past")
  func assignment() {
    let parameter = Parameter(Tensor(repeating: 0, shape: [1, 3, 2]))
    let values = (0..<6).map { Float($0) }
    parameter.value = Tensor(values, shape: [1, 3, 2]).relaid(.blocked(8)).tracked(
      by: GradientKey()
    )
    #expect(parameter.value.layout == .plain)
    #expect(!parameter.value.isTracked)
    #expect(parameter.value.values == values)
  }

  @Test("copies of a value do not change with the parameter")
  func valueSemantics() {
    let parameter = Parameter(Tensor([1, 2], shape: [2]))
    let before = parameter.value
    parameter.value = Tensor([3, 4], shape: [2])
    #expect(before.values == [1, 2])
  }

  @Test("He weights have mean 0 and variance 2 / ((1 + a²) fanIn)", arguments: [0, 0.01, 1])
  func heStatistics(_ slope: Double) {
    var random = RandomStream(seed: 12)
    let values = Parameter.heNormal(
      [64, 32, 3, 3],
      fanIn: 288,
      negativeSlope: slope,
      random: &random
    )
    .value.values.map { Double($0) }
    let count = Double(values.count)
    let mean = values.reduce(0, +) / count
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
    let expected = 2 / ((1 + slope * slope) * 288)
    // Four standard errors of the mean, and of the variance of normal numbers.
    #expect(abs(mean) < 4 * (expected / count).squareRoot())
    #expect(abs(variance / expected - 1) < 4 * (2 / count).squareRoot())
    // The share within one deviation tells a normal distribution from others: 68.27 %.
    let inside = Double(values.count { $0 * $0 < expected }) / count
    #expect(abs(inside - 0.6827) < 4 * (0.6827 * 0.3173 / count).squareRoot())
  }

  @Test("the same seed gives the same weights, another one gives others")
  func heSeeds() {
    func weights(_ seed: UInt64) -> [Float] {
      var random = RandomStream(seed: seed)
      return Convolution(
        inputChannels: 2,
        outputChannels: 3,
        kernelSize: [3, 3],
        random: &random
      ).weight.value.values
    }
    #expect(weights(1) == weights(1))
    #expect(weights(1) != weights(2))
  }

  @Test("a context hands its random numbers out one after another")
  func contextRandom() {
    let context = Context(.training, random: RandomStream(seed: 4))
    var stream = RandomStream(seed: 4)
    #expect(context.withRandom { $0.next() } == stream.next())
    #expect(context.withRandom { $0.next() } == stream.next())
  }
}
