import Layers
import Tensors
import TestSupport
import Testing

@Suite("WeightAverage")
struct WeightAverageTests {
  /// Eight averages in single precision against double.
  private static let close = Tolerance(absolute: 1e-6, relative: 1e-6)

  private static func weights() throws -> (all: [[Float]], stored: [String: Tensor]) {
    let stored = try OptimizerTests.stored()
    let weights = try #require(stored["average/weights"])
    let count = weights.shape[1]
    return (
      (0..<weights.shape[0]).map { Array(weights.values[$0 * count..<($0 + 1) * count]) }, stored
    )
  }

  @Test(
    "averages equal their definition, also when restored",
    arguments: WeightAverage.WarmUp.allCases
  )
  func equalsDefinition(_ warmUp: WeightAverage.WarmUp) throws {
    let (weights, stored) = try Self.weights()
    let expected = try #require(stored["average/" + warmUp.rawValue]).values
    let parameter = Parameter(Tensor(weights[0], shape: [weights[0].count]))
    func fresh() -> WeightAverage {
      WeightAverage(decay: 0.7, warmUp: warmUp, parameters: [("w", parameter)])
    }
    var (average, restored) = (fresh(), fresh())
    #expect(average.values["w"]?.values == weights[0])
    var actual: [Float] = []
    for value in weights {
      parameter.value = Tensor(value, shape: parameter.shape)
      average.update()
      actual += average.values["w"]?.values ?? []
      var next = fresh()
      next.restore(updateCount: restored.updateCount, stored: restored.stored)
      next.update()
      restored = next
      #expect(restored.values["w"]?.values == average.values["w"]?.values)
    }
    expectClose(actual, expected, Self.close)
  }

  @Test("the averaged weights are in place inside the body alone, also when it throws")
  func swapping() throws {
    struct Stop: Error {}
    let parameter = Parameter(Tensor([1, 2], shape: [2]))
    var average = WeightAverage(decay: 0.5, warmUp: .none, parameters: [("w", parameter)])
    average.update()
    parameter.value = Tensor([3, 6], shape: [2])
    average.update()
    #expect(average.withAveragedWeights { parameter.value.values } == [2, 4])
    #expect(parameter.value.values == [3, 6])
    #expect(throws: Stop.self) { try average.withAveragedWeights { throw Stop() } }
    #expect(parameter.value.values == [3, 6])
  }
}
