import Tensors
import TestSupport
import Testing

/// Interpolated values that one can work out by hand.
@Suite("Upsampling")
struct UpsamplingTests {
  /// A few roundings of numbers below 10.
  static let rounding = Tolerance(absolute: 1e-5, relative: 0)

  private func row(_ values: [Float]) -> Tensor { Tensor(values, shape: [1, 1, 1, values.count]) }

  @Test("nearest doubles every cell")
  func nearestDoubles() {
    let x = Tensor([1, 2, 3, 4], shape: [1, 1, 2, 2])
    let y = upsampled(x, to: [4, 4], interpolation: .nearest)
    #expect(y.shape == [1, 1, 4, 4])
    #expect(y.values == [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4])
  }

  @Test("nearest rounds the quotient of sizes as PyTorch does")
  func nearestRoundsQuotient() {
    for (n, m, cell) in Self.rounded {
      let y = upsampled(row((0..<n).map { Float($0) }), to: [1, m], interpolation: .nearest)
      #expect(cell * n / m == 1)
      #expect(y.values[cell] == 0)
      #expect(y.values[cell + 1] == 1)
    }
  }

  /// Input cells, output cells and an output cell whose exact place is 1, where PyTorch takes 0: in
  /// single precision 41 · (2/82) is below 1.
  static let rounded = [(2, 82, 41), (2, 94, 47), (2, 110, 55), (2, 166, 83)]

  @Test("linear keeps the border where corners are not aligned")
  func linear() {
    // Centres lie at −0.25 (moved to 0), 0.25, 0.75 and 1.25 (the border repeated).
    let y = upsampled(row([0, 4]), to: [1, 4], interpolation: .linear)
    expectClose(y.values, [0, 1, 3, 4], Self.rounding)
  }

  @Test("linear divides the way between aligned corners evenly")
  func linearAligned() {
    let y = upsampled(row([0, 3]), to: [1, 4], interpolation: .linear, alignCorners: true)
    expectClose(y.values, [0, 1, 2, 3], Self.rounding)
  }

  @Test("cubic weighs the four neighbours of a midpoint by −3/32, 19/32, 19/32, −3/32")
  func cubic() {
    // Seven cells over four aligned ones: every second is a midpoint.
    let y = upsampled(row([0, 0, 32, 0]), to: [1, 7], interpolation: .cubic, alignCorners: true)
    expectClose(y.values[3], 19)
    expectClose(y.values[1], -3)
    expectClose(y.values[4], 32)
  }

  private func expectClose(_ actual: Float, _ expected: Float) {
    TestSupport.expectClose([actual], [expected], Self.rounding)
  }

  @Test("a constant image stays constant", arguments: FeatureInterpolation.allCases)
  func constants(_ interpolation: FeatureInterpolation) {
    for alignCorners in [false, true] {
      let y = upsampled(
        Tensor(repeating: 2, shape: [1, 3, 3, 4, 5]),
        to: [5, 7, 2],
        interpolation: interpolation,
        alignCorners: alignCorners
      )
      expectClose(y.values, [Float](repeating: 2, count: 210), Self.rounding)
    }
  }

  private func expectClose(_ actual: [Float], _ expected: [Float], _ tolerance: Tolerance) {
    TestSupport.expectClose(actual, expected, tolerance)
  }
}
