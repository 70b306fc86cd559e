import OperationCases
import Support
import Tensors
import TestSupport
import Testing

/// Group and layer normalisation on numbers worked out by hand.
@Suite("Group and layer normalisation")
struct GroupNormalizationTests {
  static let rounding = Tolerance(absolute: 2e-6, relative: 2e-6)

  @Test("two channels in one group share mean and variance")
  func oneGroup() {
    // Mean 2, variance (9 + 1 + 1 + 9) / 4 = 5.
    let x = Tensor([-1, 1, 3, 5], shape: [1, 2, 1, 2])
    let y = groupNormalization(
      x,
      groups: 1,
      scale: Tensor([1, 2], shape: [2]),
      shift: Tensor([0, 10], shape: [2]),
      epsilon: 0
    )
    let s = Float(5).squareRoot()
    expectClose(y.values, [-3 / s, -1 / s, 10 + 2 / s, 10 + 6 / s], Self.rounding)
  }

  @Test("as many groups as channels are an instance normalisation")
  func asInstance() {
    let x = OperationCase("random", [[2, 24, 5, 7]]) { $0[0] }.operands[0]
    let expected = normalization(x, extent: .instance, scale: nil, shift: nil).output
    expectClose(groupNormalization(x, groups: 24), expected, Self.rounding)
  }

  @Test("rows of a layer normalisation are independent")
  func layerRows() {
    let x = Tensor([1, 3, 100, 300], shape: [2, 2])
    let y = layerNormalization(
      x,
      dimensions: 1,
      scale: Tensor([1, 3], shape: [2]),
      shift: Tensor([5, 0], shape: [2]),
      epsilon: 0
    )
    expectClose(y.values, [4, 3, 4, 3], Self.rounding)
  }

  @Test("a large offset does not swallow the variance")
  func offset() {
    let x = Tensor((0..<64).map { 4096 + Float($0 % 2) }, shape: [1, 2, 4, 8])
    let expected = (0..<64).map { Float($0 % 2) * 2 - 1 }
    // One unit of 4096 in single precision is 5e-4 of the deviation, 1/2.
    let coarse = Tolerance(absolute: 2e-3, relative: 0)
    expectClose(groupNormalization(x, groups: 1, epsilon: 0).values, expected, coarse)
    expectClose(layerNormalization(x, dimensions: 3, epsilon: 0).values, expected, coarse)
  }
}
