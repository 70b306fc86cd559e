import Support
import Tensors
import TestSupport
import Testing

@Suite("Matrix products, attention and recurrence")
struct ProductsTests {
  private let key = GradientKey()
  private let weightKey = GradientKey()

  @Test("rows times columns")
  func product() {
    let a = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
    let b = Tensor([1, 0, 0, 1, 1, 1], shape: [3, 2])
    #expect(matrixProduct(a, b).values == [4, 5, 10, 11])
    #expect(matrixProduct(a.unsqueezed(0), b).shape == [1, 2, 2])
    #expect(linear(a, weight: b.transposed(0, 1)).values == [4, 5, 10, 11])
  }

  @Test("a product over nothing is 0, and one without rows is empty")
  func emptyProducts() {
    let tall = Tensor([], shape: [2, 0]).tracked(by: key)
    let wide = Tensor([], shape: [0, 3])
    #expect(matrixProduct(tall, wide).values == [Float](repeating: 0, count: 6))
    #expect(gradients(of: matrixProduct(tall, wide).sum)[key]?.shape == [2, 0])
    #expect(matrixProduct(wide, Tensor(repeating: 1, shape: [3, 4])).shape == [0, 4])
    let weight = Tensor(repeating: 1, shape: [3, 2]).tracked(by: key)
    let none = linear(
      Tensor([], shape: [0, 2]),
      weight: weight,
      bias: Tensor([1, 2, 3], shape: [3])
    )
    #expect(none.shape == [0, 3])
    #expect(gradients(of: none.sum)[key]?.values == [Float](repeating: 0, count: 6))
  }

  @Test("large products, which are cut into tiles, equal their definition")
  func tiles() {
    for (rows, columns) in [(300, 20), (20, 600), (257, 24)] {
      let a = Tensor((0..<rows * 44).map { Float($0 % 13) - 6 }, shape: [rows, 44])
      let b = Tensor((0..<44 * columns).map { Float($0 % 11) - 5 }, shape: [44, columns])
      let fast = matrixProduct(a, b)
      let slow = Kernels.$current.withValue(ReferenceKernels()) { matrixProduct(a, b) }
      // Whole numbers far below 2²⁴: every sum is exact.
      #expect(fast.values == slow.values)
    }
  }

  @Test("a query that matches one key by far copies its value")
  func attentionCopies() {
    let keys = Tensor([100, 0, 0, 100], shape: [2, 2])
    let values = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
    let copied = scaledDotProductAttention(
      query: Tensor([0, 100], shape: [1, 2]),
      key: keys,
      value: values
    )
    #expect(copied.values == [4, 5, 6])
  }

  @Test("causal attention of the first query sees the first value alone")
  func causalAttention() {
    let x = Tensor([3, 1, 4, 1, 5, 9], shape: [3, 2])
    let seen = scaledDotProductAttention(query: x, key: x, value: x, isCausal: true)
    #expect(Array(seen.values.prefix(2)) == [3, 1])
  }

  @Test("a query that sees no key gives 0, and its gradient is 0")
  func blindQuery() {
    let x = Tensor([3, 1, 4, 1], shape: [2, 2]).tracked(by: key)
    let mask = Tensor([1, 1, 0, 0], shape: [2, 2])
    let y = scaledDotProductAttention(query: x, key: x.detached, value: x.detached, mask: mask)
    #expect(Array(y.values.suffix(2)) == [0, 0])
    let gradient = gradients(of: y.sum)[key]?.values ?? []
    #expect(gradient.count == 4 && gradient.allSatisfy { $0.isFinite })
    #expect(gradient.suffix(2) == [0, 0])
  }

  private func weights(gates: Int, inputs: Int, width: Int) -> RecurrentWeights {
    var random = RandomStream(seed: 4)
    func values(_ shape: [Int]) -> Tensor {
      Tensor(
        (0..<shape.reduce(1, *)).map { _ in Float(random.normal()) * 0.2 },
        shape: shape
      )
    }
    return RecurrentWeights(
      input: values([gates * width, inputs]).tracked(by: weightKey),
      hidden: values([gates * width, width])
    )
  }

  @Test("a sequence of length 0 hands its states on")
  func noSteps() {
    let x = Tensor([], shape: [0, 2, 3])
    let first = Tensor((0..<8).map { Float($0) }, shape: [1, 2, 4]).tracked(by: key)
    let (output, hidden, cell) = lstm(
      x,
      weights: [weights(gates: 4, inputs: 3, width: 4)],
      hidden: first.detached,
      cell: first
    )
    #expect(output.shape == [0, 2, 4])
    #expect(hidden.values == first.values && cell.values == first.values)
    let found = gradients(of: cell.sum)
    #expect(found[key]?.values == [Float](repeating: 1, count: 8))
    #expect(found[weightKey]?.values == [Float](repeating: 0, count: 48))
    let single = gru(x, weights: [weights(gates: 3, inputs: 3, width: 4)], hidden: first.detached)
    #expect(single.output.shape == [0, 2, 4] && single.hidden.values == first.values)
  }

  @Test("with weights of 0 every gate is 1/2: an LSTM halves its cell, a GRU its state")
  func halves() {
    let zero = { (gates: Int) in
      RecurrentWeights(
        input: Tensor(repeating: 0, shape: [gates, 1]),
        hidden: Tensor(repeating: 0, shape: [gates, 1])
      )
    }
    let (x, one) = (Tensor([5], shape: [1, 1, 1]), Tensor([1], shape: [1, 1, 1]))
    let long = lstm(x, weights: [zero(4)], hidden: one, cell: one)
    #expect(long.cell.values == [0.5])
    expectClose(long.output.values, [0.5 * 0.46211716], Tolerance(absolute: 1e-7, relative: 0))
    #expect(gru(x, weights: [zero(3)], hidden: one).output.values == [0.5])
  }

  @Test("2000 steps forward and back, as one operation and as 2000")
  func longSequence() {
    let own = weights(gates: 4, inputs: 2, width: 3)
    let x = Tensor((0..<2000 * 2).map { Float($0 % 7) - 3 }, shape: [2000, 1, 2])
    let whole = lstm(x, weights: [own])
    let expected = gradients(of: whole.output.sum)[weightKey]
    var (hidden, cell): (Tensor?, Tensor?) = (nil, nil)
    var total = Tensor([0], shape: [])
    for step in 0..<2000 {
      let piece = x.sliced(axis: 0, start: step, end: step + 1)
      let (output, h, c) = lstm(piece, weights: [own], hidden: hidden, cell: cell)
      (hidden, cell) = (h, c)
      total = total + output.sum
    }
    // Sums of 2000 terms around 1, rounded at each step.
    let close = Tolerance(absolute: 2e-2, relative: 1e-4)
    expectClose(total.values, whole.output.sum.values, close)
    let found = gradients(of: total)[weightKey]
    expectClose(found?.values ?? [], expected?.values ?? [.nan], close)
  }
}
