import Support
import Tensors
import TestSupport
import Testing

@Suite("Gradients")
struct GradientsTests {
  private let key = GradientKey()

  private func leaf(_ values: [Float]) -> Tensor {
    Tensor(values, shape: [values.count]).tracked(by: key)
  }

  @Test("a chain of 200,000 additions has its gradient and is released without recursion")
  func longChain() {
    var sum = leaf([1, 2])
    let one = Tensor([1, 1], shape: [2])
    for _ in 0..<200_000 { sum = sum + one }
    #expect(sum.values == [200_001, 200_002])
    #expect(gradients(of: sum.sum)[key]?.values == [1, 1])
  }

  @Test("a chain that nobody walks is released without recursion")
  func longChainNotWalked() {
    var sum = leaf([1, 2])
    for _ in 0..<200_000 { sum = sum + sum }
    #expect(sum.isTracked)
  }

  @Test("a value used n times collects n gradients, also through separate leaves of one key")
  func sharedUse() {
    let x = leaf([3, -2])
    #expect(gradients(of: (x * x * x).sum)[key]?.values == [27, 12])
    let other = leaf([3, -2])
    #expect(gradients(of: (x + other + other).sum)[key]?.values == [3, 3])
  }

  @Test("a diamond of unequal depths waits for its longer arm")
  func diamond() {
    let x = leaf([2])
    let long = ((x * 3) * 5) * 7
    let y = x * 11 + long
    #expect(gradients(of: (y * x).sum)[key]?.values == [2 * 116 * 2])
  }

  @Test("what is untracked, detached or elsewhere has no gradient")
  func untracked() {
    let x = leaf([1])
    #expect(!Tensor([1], shape: [1]).isTracked)
    #expect(!x.detached.isTracked)
    #expect(!(x.detached * 2).isTracked)
    #expect(gradients(of: (x.detached * 2).sum)[key] == nil)
    #expect(gradients(of: (x * 2).sum)[GradientKey()] == nil)
  }

  @Test("gradients are plain and of the leaf's shape")
  func plainGradients() {
    let x = Tensor(repeating: 1, shape: [1, 5, 2, 2]).relaid(.blocked(8)).tracked(by: key)
    let gradient = gradients(of: leakyReLU(x, negativeSlope: 0.1).sum)[key]
    #expect(gradient?.layout == .plain)
    #expect(gradient?.shape == [1, 5, 2, 2])
    #expect(gradient?.values == [Float](repeating: 1, count: 20))
  }

  @Test("operands that need no gradient do not get one, and the others still do")
  func partlyTracked() {
    let x = Tensor(repeating: 2, shape: [1, 1, 3, 3])
    let weight = Tensor(repeating: 1, shape: [1, 1, 3, 3]).tracked(by: key)
    let y = convolution(x, weight: weight, bias: nil, shape: ConvolutionShape(rank: 2))
    #expect(gradients(of: y.sum)[key]?.values == [Float](repeating: 2, count: 9))
  }
}
