import Support
import TestSupport
import Testing
import Transforms

@Suite struct RobustScaleTests {
  /// Intensities of two tissues, about 1000 and 2000, and as much darkness.
  private func tissues() -> [Float] {
    var stream = RandomStream(seed: 4)
    return (0..<8000).map { i in
      i % 2 == 0 ? 0 : Float(i % 4 == 1 ? 1000 + 50 * stream.normal() : 2000 + 80 * stream.normal())
    }
  }

  @Test func tissueBecomesOneOnAverageAndDarknessZero() {
    var values = tissues()
    IntensityNormalization.robust.apply(to: &values)
    let bright = values.indices.filter { $0 % 2 == 1 }.map { Double(values[$0]) }
    #expect(abs(bright.reduce(0, +) / 4000 - 1) < 1e-3)
    #expect(values.indices.filter { $0 % 2 == 0 }.allSatisfy { values[$0] == 0 })
  }

  @Test func unitAndOffsetDoNotMatter() {
    var values = tissues()
    var other = tissues().map { 0.25 * $0 - 300 }
    RobustScale.apply(to: &values)
    RobustScale.apply(to: &other)
    expectClose(other, values, Tolerance(absolute: 1e-4, relative: 1e-4))
  }

  @Test func paddingChangesLittle() {
    var values = tissues()
    var padded = tissues() + [Float](repeating: 0, count: 40_000)
    RobustScale.apply(to: &values)
    RobustScale.apply(to: &padded)
    expectClose(Array(padded[..<8000]), values, Tolerance(absolute: 0.02, relative: 0.02))
    // A plain z-score changes a lot.
    var (plain, plainPadded) = (tissues(), tissues() + [Float](repeating: 0, count: 40_000))
    IntensityNormalization.zScore.apply(to: &plain)
    IntensityNormalization.zScore.apply(to: &plainPadded)
    #expect(abs(plain[1] - plainPadded[1]) > 0.5)
  }

  @Test func outliersAreCutOffAndUndefinedValuesAreZero() {
    var values = tissues()
    var spiked = tissues()
    spiked[1] = 60_000
    spiked[3] = .nan
    spiked[5] = -.infinity
    RobustScale.apply(to: &values)
    RobustScale.apply(to: &spiked)
    expectClose(Array(spiked[6...]), Array(values[6...]), Tolerance(absolute: 0.01, relative: 0.01))
    #expect(spiked[1] == spiked.max() && spiked[1] < 2)
    #expect(spiked[3] == 0 && spiked[5] == 0)
  }

  @Test func constantsBecomeZero() {
    for constant: Float in [0, -1024, 1234.567] {
      var values = [Float](repeating: constant, count: 100)
      RobustScale.apply(to: &values)
      #expect(values == [Float](repeating: 0, count: 100))
    }
    var undefined: [Float] = [.nan, .infinity]
    RobustScale.apply(to: &undefined)
    #expect(undefined == [0, 0])
    var empty: [Float] = []
    RobustScale.apply(to: &empty)
    #expect(empty.isEmpty)
  }

  @Test func aFewBrightVoxelsInDarknessKeepTheirContrast() {
    var values = [Float](repeating: 5, count: 10_000)
    values[17] = 25
    RobustScale.apply(to: &values)
    #expect(values[17] == 1)
    #expect(values[16] == 0)
  }
}
