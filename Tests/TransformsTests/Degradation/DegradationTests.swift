import Foundation
import Support
import TestSupport
import Testing
import Transforms

@Suite struct DegradationTests {
  private func moments(_ values: [Float]) -> (mean: Double, variance: Double) {
    let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
    let squares = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    return (mean, squares / Double(values.count))
  }

  private let size = SIMD3(50, 40, 20)
  private func constant(_ value: Float) -> [Float] { .init(repeating: value, count: 40_000) }

  @Test func gaussianNoiseHasItsDeviation() throws {
    let noisy = try GaussianNoise(sigma: 3, seed: 1).apply(constant(10), size: size)
    let (mean, variance) = moments(noisy)
    #expect(abs(mean - 10) < 0.06 && abs(variance / 9 - 1) < 0.03)
    // Tails are those of the normal distribution: 0.27 % beyond 3 deviations.
    let far = noisy.filter { abs($0 - 10) > 9 }.count
    #expect(far > 70 && far < 150)
  }

  @Test func darknessBecomesRayleigh() throws {
    let (mean, variance) = moments(
      try RicianNoise(sigma: 2, seed: 1).apply(constant(0), size: size)
    )
    #expect(abs(mean / (2 * (Double.pi / 2).squareRoot()) - 1) < 0.01)
    #expect(abs(variance / (4 * (2 - .pi / 2)) - 1) < 0.03)
  }

  @Test func nonStationaryNoiseGrowsToTheCorners() throws {
    let noise = RicianNoise(sigma: 2, variation: 2, seed: 1)
    let noisy = try noise.apply(constant(1000), size: size)
    func part(_ isWanted: (SIMD3<Int>) -> Bool) -> Double {
      moments(
        noisy.indices.filter { isWanted(SIMD3($0 % 50, $0 / 50 % 40, $0 / 2000)) }.map { noisy[$0] }
      ).variance.squareRoot()
    }
    let middle = part { abs($0.x - 25) < 8 && abs($0.y - 20) < 7 && abs($0.z - 10) < 4 }
    let corner = part { $0.x > 45 && $0.y > 36 && $0.z > 17 }
    #expect(middle > 1.9 && middle < 2.4)
    #expect(corner > 4.5 && corner < 6.5)
  }

  @Test(arguments: [0.5, 4.0, 9.9, 30, 1000, 1e7])
  func countsHaveEqualMeanAndVariance(_ mean: Double) throws {
    let noise = PoissonGaussianNoise(gain: 2, offset: -10, seed: 8)
    let values = try noise.apply(constant(Float(2 * mean - 10)), size: size)
    let found = moments(values)
    #expect(abs((found.mean + 10) / 2 - mean) < 5 * (mean / 40_000).squareRoot())
    #expect(abs(found.variance / 4 / mean - 1) < 0.05)
    if mean < 1e5 {
      #expect(values.allSatisfy { (($0 + 10) / 2) == (($0 + 10) / 2).rounded() && $0 >= -10 })
    }
    if mean == 4 {
      // P(4) = e^−4 4⁴ / 4! = 0.1954.
      #expect(abs(Double(values.filter { $0 == -2 }.count) / 40_000 - 0.1954) < 0.01)
    }
  }

  @Test func blurSpreadsAnImpulseByItsWidth() throws {
    var values = [Float](repeating: 0, count: 41)
    values[20] = 1
    let blurred = try GaussianBlur(widthMM: [8, 0, 0])
      .apply(values, size: [41, 1, 1], spacing: [2, 1, 1])
    #expect(abs(blurred.reduce(0, +) - 1) < 1e-5)
    // Half the maximum 4 mm, two voxels, away.
    #expect(abs(blurred[22] / blurred[20] - 0.5) < 1e-4)
    #expect(abs(blurred[18] - blurred[22]) < 1e-7)
  }

  @Test func truncationRingsAndKeepsTheMean() throws {
    let edge = (0..<64).map { Float($0 >= 16 && $0 < 48 ? 1 : 0) }
    let cut = try SpectralTruncation(share: [0.5, 1, 1]).apply(edge, size: [64, 1, 1])
    #expect(abs(cut.reduce(0, +) - 32) < 1e-4)
    // Gibbs: 9 % of the step beyond it.
    let overshoot = try #require(cut.max())
    #expect(overshoot > 1.05 && overshoot < 1.15)
    let whole = try SpectralTruncation(share: [1, 1, 1]).apply(edge, size: [64, 1, 1])
    #expect(whole == edge)
    // A wave below the limit stays, one above it goes.
    for (cycles, kept) in [(10, true), (20, false)] {
      let wave = (0..<64).map { Float(cos(2 * .pi * Double(cycles * $0) / 64)) }
      let result = try SpectralTruncation(share: [0.5, 1, 1]).apply(wave, size: [64, 1, 1])
      expectClose(
        result,
        kept ? wave : wave.map { _ in 0 },
        Tolerance(absolute: 1e-5, relative: 0)
      )
    }
  }

  @Test func ringingGoesAgain() throws {
    // A disc on a fine grid, cut and sampled where its k-space ends.
    let fine = (0..<128 * 128).map { i -> Float in
      let (x, y) = (Double(i % 128) - 63.5, Double(i / 128) - 63.5)
      return x * x + y * y < 1600 ? 100 : 10
    }
    let cut = try SpectralTruncation(share: [0.5, 0.5, 1]).apply(fine, size: [128, 128, 1])
    func thinned(_ values: [Float]) -> [Float] {
      (0..<64 * 64).map { values[$0 / 64 * 256 + $0 % 64 * 2] }
    }
    let (ringing, truth) = (thinned(cut), thinned(fine))
    let clean = try GibbsRemoval().apply(ringing, size: [64, 64, 1])
    // Inside the disc, away from its edge.
    func error(_ values: [Float]) -> Double {
      let inside = truth.indices.filter { i in
        let (x, y) = (Double(i % 64 * 2) - 63.5, Double(i / 64 * 2) - 63.5)
        return x * x + y * y < 1000
      }
      return rootMeanSquare(inside.map { values[$0] }, inside.map { truth[$0] })
    }
    #expect(error(clean) < 0.5 * error(ringing), "\(error(ringing)) became \(error(clean))")
  }

  @Test func aPoseFromTheBeginningMovesTheImage() throws {
    var values = [Float](repeating: 0, count: 32 * 32)
    for y in 12..<18 { for x in 8..<20 { values[y * 32 + x] = 100 } }
    let shifted = try MotionArtifact(
      poses: [.init(start: 0, translationMM: [6, -4, 0], rotationDegrees: 0)],
      axis: 1
    ).apply(values, size: [32, 32, 1], spacing: [2, 1, 1])
    var expected = [Float](repeating: 0, count: 32 * 32)
    for y in 8..<14 { for x in 11..<23 { expected[y * 32 + x] = 100 } }
    expectClose(shifted, expected, Tolerance(absolute: 1e-3, relative: 0))
    // A quarter of a turn takes x to y.
    let turned = try MotionArtifact(
      poses: [.init(start: 0, translationMM: .zero, rotationDegrees: 90)],
      axis: 0
    ).apply(values, size: [32, 32, 1])
    for y in 0..<32 {
      for x in 0..<32 {
        #expect(abs(turned[x * 32 + (31 - y)] - values[y * 32 + x]) < 1e-2)
      }
    }
  }

  @Test func motionHalfwayLeavesGhosts() throws {
    var values = [Float](repeating: 0, count: 32 * 32)
    for y in 12..<18 { for x in 8..<20 { values[y * 32 + x] = 100 } }
    let still = try MotionArtifact(
      poses: [.init(start: 0.4, translationMM: .zero, rotationDegrees: 0)],
      axis: 1
    ).apply(values, size: [32, 32, 1])
    expectClose(still, values, Tolerance(absolute: 1e-3, relative: 0))
    let moved = try MotionArtifact(
      poses: [.init(start: 0.4, translationMM: [0, 3, 0], rotationDegrees: 0)],
      axis: 1
    ).apply(values, size: [32, 32, 1])
    // Ghosts spread along the phase encoding alone.
    #expect(moved[2 * 32 + 12] > 0.5)
    #expect(moved[14 * 32 + 2] < 1e-3)
  }

  @Test func thickSlicesAreMeansOfThinOnes() throws {
    // A ramp along z of 12 slices of 1 mm: three boxes of 4 mm.
    let ramp = (0..<2 * 3 * 12).map { Float($0 / 6) }
    let result = try SliceThickening(axis: 2, thicknessMM: 4, profile: .box)
      .apply(ramp, size: [2, 3, 12], spacing: [1, 1, 1])
    #expect(result.size == [2, 3, 3] && result.spacing == [1, 1, 4] && result.firstCenter == 1.5)
    expectClose(
      result.values,
      (0..<18).map { [1.5, 5.5, 9.5][$0 / 6] },
      Tolerance(absolute: 1e-5, relative: 0)
    )
    let soft = try SliceThickening(axis: 2, thicknessMM: 3, gapMM: 1)
      .apply(ramp, size: [2, 3, 12], spacing: [1, 1, 1])
    #expect(soft.size == [2, 3, 3])
    #expect(abs(soft.values[6] - 5.5) < 1e-4)
    #expect(throws: TransformsError.degradationOutOfRange(setting: "thickness", value: 0)) {
      try SliceThickening(axis: 2, thicknessMM: 0).apply(ramp, size: [2, 3, 12], spacing: .one)
    }
  }

  @Test func plansAreDrawnFromSeedsAndSurviveCoding() throws {
    var ranges = DegradationRanges()
    #expect(ranges.draw(from: RandomStream(seed: 1)) == DegradationPlan())
    ranges.gaussianSigma = 1...2
    ranges.ricianSigma = 1...5
    ranges.poissonGain = 0.1...0.2
    ranges.blurMM = 0...2
    ranges.truncation = 0.6...0.9
    ranges.mostPoses = 3
    let plan = ranges.draw(from: RandomStream(seed: 1))
    #expect(plan == ranges.draw(from: RandomStream(seed: 1)))
    #expect(plan != ranges.draw(from: RandomStream(seed: 2)))
    let sigma = try #require(plan.gaussian?.sigma)
    #expect(sigma >= 1 && sigma <= 2)
    let decoded = try JSONDecoder().decode(
      DegradationPlan.self,
      from: JSONEncoder().encode(plan)
    )
    #expect(decoded == plan)
    // What is left out leaves the rest as it was.
    ranges.blurMM = nil
    let other = ranges.draw(from: RandomStream(seed: 1))
    #expect(other.blur == nil && other.motion == plan.motion && other.rician == plan.rician)
    let image = (0..<20 * 18 * 7).map { Float($0 % 20 * 10) }
    let one = try Parallelism.$threadCount.withValue(1) {
      try plan.apply(image, size: [20, 18, 7])
    }
    let six = try Parallelism.$threadCount.withValue(6) {
      try plan.apply(image, size: [20, 18, 7])
    }
    #expect(one == six && one != image && one.allSatisfy(\.isFinite))
  }

  @Test func settingsWithoutMeaningAndUndefinedValuesAreErrors() {
    let image: [Float] = [1, 2, 3, 4]
    let wrong: [any Degradation] = [
      GaussianNoise(sigma: -1, seed: 0), GaussianNoise(sigma: .nan, seed: 0),
      RicianNoise(sigma: 1, variation: -1, seed: 0), PoissonGaussianNoise(gain: 0, seed: 0),
      GaussianBlur(widthMM: [-1, 0, 0]), SpectralTruncation(share: [2, 1, 1]),
      MotionArtifact(poses: [], axis: 3),
    ]
    for degradation in wrong {
      #expect(throws: TransformsError.self) { try degradation.apply(image, size: [4, 1, 1]) }
    }
    #expect(throws: TransformsError.undefinedValues(count: 1)) {
      try GaussianNoise(sigma: 1, seed: 0).apply([1, .nan], size: [2, 1, 1])
    }
  }
}
