import Tensors
import TestSupport
import Testing

@Suite("Reductions")
struct ReductionsTests {
  private let key = GradientKey()
  private let x = Tensor([1, 5, 2, 7, 7, 0], shape: [2, 3])

  @Test("axes are dropped or kept with size 1, and count from the back too")
  func axes() {
    #expect(x.sum(axes: [0]).values == [8, 12, 2])
    #expect(x.sum(axes: [-1]).values == [8, 14])
    #expect(x.sum(axes: [-1], keepingAxes: true).shape == [2, 1])
    #expect(x.sum(axes: nil).shape == [])
    #expect(x.sum(axes: nil, keepingAxes: true).shape == [1, 1])
    #expect(x.sum(axes: []).values == x.values)
    #expect(x.mean(axes: [0, 1]).scalar == Float(22) / 6)
  }

  @Test("of equal largest values the first gets the gradient")
  func ties() {
    let tracked = x.tracked(by: key)
    #expect(tracked.maximum(axes: [1]).values == [5, 7])
    #expect(gradients(of: tracked.maximum(axes: [1]).sum)[key]?.values == [0, 1, 0, 1, 0, 0])
    #expect(gradients(of: tracked.maximum())[key]?.values == [0, 0, 0, 1, 0, 0])
    #expect(tracked.minimum(axes: [0]).values == [1, 5, 0])
    #expect(x.argMaximum(axis: 1) == IndexTensor([1, 0], shape: [2]))
    #expect(x.argMinimum(axis: 0) == IndexTensor([0, 0, 1], shape: [3]))
  }

  @Test("not-a-number is the extremum, and its place is found")
  func notANumber() {
    let broken = Tensor([1, .nan, 3, .nan], shape: [4])
    #expect(broken.maximum().scalar.isNaN && broken.minimum().scalar.isNaN)
    #expect(broken.argMaximum(axis: 0).indices == [1])
  }

  @Test("the variance of 1, 2, 3, 4 is 5/3, biased 5/4; of one value it is not a number")
  func variance() {
    let y = Tensor([1, 2, 3, 4], shape: [4])
    let close = Tolerance(absolute: 1e-6, relative: 0)
    expectClose(y.variance().values, [5.0 / 3], close)
    expectClose(y.variance(correction: 0).values, [1.25], close)
    expectClose(y.standardDeviation(correction: 0).values, [Float(1.25).squareRoot()], close)
    #expect(Tensor([3], shape: [1]).variance().scalar.isNaN)
    #expect(Tensor([3], shape: [1]).variance(correction: 0).scalar == 0)
  }

  @Test("no values: the sum is 0, the mean not a number, log Σ eˣ −∞")
  func noValues() {
    let none = Tensor([], shape: [2, 0, 3])
    #expect(none.sum(axes: [1]).values == [Float](repeating: 0, count: 6))
    #expect(none.sum.scalar == 0)
    #expect(none.mean(axes: [1]).values.allSatisfy { $0.isNaN })
    #expect(none.logSumExp(axes: [1]).values.allSatisfy { $0 == -.infinity })
    #expect(none.maximum(axes: [0]).shape == [0, 3])
    #expect(none.sum(axes: [0]).shape == [0, 3])
    #expect(none.cumulativeSum(axis: 1).shape == [2, 0, 3])
    let tracked = none.tracked(by: key)
    #expect(gradients(of: tracked.sum)[key]?.shape == [2, 0, 3])
  }

  @Test("log Σ eˣ neither overflows nor breaks on −∞")
  func logSumExp() {
    #expect(Tensor([1000, 1000], shape: [2]).logSumExp().scalar == 1000 + Float(0.6931472))
    let lowest = Tensor([-.infinity, -.infinity], shape: [2]).tracked(by: key)
    #expect(lowest.logSumExp().scalar == -.infinity)
    #expect(gradients(of: lowest.logSumExp())[key]?.values == [0, 0])
    let half = Tensor([-.infinity, 2], shape: [2]).tracked(by: key)
    #expect(half.logSumExp().scalar == 2)
    #expect(gradients(of: half.logSumExp())[key]?.values == [0, 1])
  }

  @Test("running sums")
  func cumulativeSum() {
    let tracked = x.tracked(by: key)
    #expect(tracked.cumulativeSum(axis: 1).values == [1, 6, 8, 7, 14, 14])
    #expect(tracked.cumulativeSum(axis: 0).values == [1, 5, 2, 8, 12, 2])
    #expect(
      gradients(of: tracked.cumulativeSum(axis: 1).sum)[key]?.values == [3, 2, 1, 3, 2, 1]
    )
  }

  @Test("small numbers beside a large one are not lost in a long sum")
  func longSum() {
    var values = [Float](repeating: 1, count: 1 << 20)
    values[0] = Float(1 << 26)
    // In single precision 2²⁶ + 1 is 2²⁶.
    #expect(Tensor(values, shape: [1 << 20]).sum.scalar == Float(1 << 26) + Float(1 << 20))
  }
}
