import Enhancement
import Support
import Testing

@Suite struct ImageNoiseTests {
  private func moments(_ kind: ImageNoise.Kind, of value: Float) -> (mean: Double, sd: Double) {
    var values = [Float](repeating: value, count: 40_000)
    ImageNoise(kind: kind, lowest: 0.1, highest: 0.1)
      .apply(.init(level: 0.1, seed: 3), to: &values)
    let mean = values.reduce(0) { $0 + Double($1) } / 40_000
    let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / 40_000
    return (mean, variance.squareRoot())
  }

  /// Five standard errors of a mean of 40 000 values with a deviation of 0.1.
  private let bound = 2.5e-3

  @Test func gaussianNoiseHasItsMeanAndDeviation() {
    let found = moments(.gaussian, of: 0.4)
    #expect(abs(found.mean - 0.4) < bound && abs(found.sd - 0.1) < bound)
  }

  @Test func ricianNoiseOfNoSignalIsRayleigh() {
    let found = moments(.rician, of: 0)
    // s √(π/2) and s √(2 − π/2).
    #expect(abs(found.mean - 0.125_33) < bound && abs(found.sd - 0.065_51) < bound)
  }

  @Test func poissonGaussianNoiseGrowsWithTheSignal() {
    #expect(abs(moments(.poissonGaussian, of: 1).sd - 0.1) < bound)
    #expect(abs(moments(.poissonGaussian, of: 0).sd - 0.070_71) < bound)
  }

  @Test func strengthsStayInTheirRangeAndFollowTheSeed() {
    let noise = ImageNoise(kind: .gaussian, lowest: 0.02, highest: 0.2)
    var (first, second) = (RandomStream(seed: 7), RandomStream(seed: 7))
    for _ in 0..<50 {
      let drawn = noise.draw(&first)
      #expect((0.02...0.2).contains(drawn.level))
      #expect(noise.draw(&second) == drawn)
    }
  }
}
