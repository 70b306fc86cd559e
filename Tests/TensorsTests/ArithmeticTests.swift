import Tensors
import Testing

@Suite("Arithmetic")
struct ArithmeticTests {
  private let key = GradientKey()

  @Test("a column and a row make a table, and gradients are sums over it")
  func outerSum() {
    let column = Tensor([10, 20], shape: [2, 1]).tracked(by: key)
    let row = Tensor([1, 2, 3], shape: [3])
    let table = column + row
    #expect(table.shape == [2, 3])
    #expect(table.values == [11, 12, 13, 21, 22, 23])
    let gradient = gradients(of: (table * row).sum)[key]
    #expect(gradient?.shape == [2, 1])
    #expect(gradient?.values == [6, 6])
  }

  @Test("a tensor without axes is broadcast to any shape")
  func scalars() {
    let x = Tensor([1, 2], shape: [2])
    let two = Tensor([2], shape: []).tracked(by: key)
    #expect((x - two).values == [-1, 0])
    #expect(gradients(of: (two / x).sum)[key]?.values == [1.5])
    #expect((1 - x).values == [0, -1])
    #expect((2 / x).values == [2, 1])
    #expect((x / 2 + 3 * x).values == [3.5, 7])
  }

  @Test("an empty axis meets an axis of 1")
  func emptyAxis() {
    let none = Tensor([], shape: [0, 3])
    #expect((none + Tensor([1, 2, 3], shape: [1, 3])).shape == [0, 3])
    let one = Tensor([1, 2, 3], shape: [1, 3]).tracked(by: key)
    #expect(gradients(of: (none * one).sum)[key]?.values == [0, 0, 0])
  }

  @Test("maximum and minimum let not-a-number through and give ties to the left")
  func extremes() {
    let a = Tensor([1, .nan, 2, 5], shape: [4]).tracked(by: key)
    let b = Tensor([1, 3, .nan, 4], shape: [4])
    #expect(maximum(a, b).values.map(\.isNaN) == [false, true, true, false])
    #expect(minimum(a, b).values.map(\.isNaN) == [false, true, true, false])
    #expect(gradients(of: maximum(a, b).sum)[key]?.values == [1, 1, 0, 1])
    #expect(gradients(of: minimum(a, b).sum)[key]?.values == [1, 1, 0, 0])
  }

  @Test("powers at 0 have finite derivatives")
  func powers() {
    let base = Tensor([0, 2, 0, 3], shape: [4]).tracked(by: key)
    #expect(power(base, 2).values == [0, 4, 0, 9])
    #expect(gradients(of: power(base, 2).sum)[key]?.values == [0, 4, 0, 6])
    #expect(gradients(of: power(base, 0).sum)[key]?.values == [0, 0, 0, 0])
    let exponent = Tensor([2, 3], shape: [2]).tracked(by: key)
    #expect(gradients(of: power(Tensor([0, 1], shape: [2]), exponent).sum)[key]?.values == [0, 0])
  }

  @Test("arithmetic keeps a blocked layout where padding lanes stay 0")
  func layouts() {
    let x = Tensor(repeating: 2, shape: [1, 5, 2, 2]).relaid(.blocked(8))
    let full = Tensor(repeating: 2, shape: [1, 8, 2, 2]).relaid(.blocked(8))
    let gates = Tensor(repeating: 3, shape: [1, 5, 1, 1])
    #expect((x + x).layout == .blocked(8))
    #expect((x - x).layout == .blocked(8))
    #expect((x * gates).layout == .blocked(8))
    #expect((x * 3).layout == .blocked(8))
    #expect((x + 1).layout == .plain)
    #expect((full + 1).layout == .blocked(8))
    #expect(x.squared().layout == .blocked(8))
    #expect(x.exp().layout == .plain)
    #expect((x * gates).values == [Float](repeating: 6, count: 20))
    #expect((full + 1).values == [Float](repeating: 3, count: 32))
  }

  @Test("the derivative of a magnitude at 0 is 0, and of a clamp on its limits 1")
  func kinks() {
    let x = Tensor([-2, 0, 1, 3], shape: [4]).tracked(by: key)
    #expect(gradients(of: x.magnitude().sum)[key]?.values == [-1, 0, 1, 1])
    #expect(x.clamped(low: 0, high: 1).values == [0, 0, 1, 1])
    #expect(gradients(of: x.clamped(low: 0, high: 1).sum)[key]?.values == [0, 1, 1, 0])
  }

  @Test("a mask chooses, and comparisons make masks")
  func masks() {
    let x = Tensor([-1, 2, -3], shape: [3]).tracked(by: key)
    let mask = isGreater(x, Tensor([0], shape: []))
    #expect(mask.values == [0, 1, 0])
    #expect(isEqual(x, Tensor([-3], shape: [1])).values == [0, 0, 1])
    let chosen = selection(where: mask, x, Tensor([7], shape: []))
    #expect(chosen.values == [7, 2, 7])
    #expect(gradients(of: chosen.sum)[key]?.values == [0, 1, 0])
  }
}
