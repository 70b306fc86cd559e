import Foundation
import Support
import TestSupport
import Testing
import Transforms

@Suite struct NoiseEstimationTests {
  private let size = SIMD3(96, 96, 6)

  /// A bright disc on darkness.
  private func disc(inside: Float = 200, outside: Float = 0) -> [Float] {
    (0..<size.x * size.y * size.z).map { i in
      let (x, y) = (i % size.x - 48, i / size.x % size.y - 48)
      return x * x + y * y < 1200 ? inside : outside
    }
  }

  @Test(arguments: [0.5, 5.0, 40])
  func whiteNoiseIsFound(_ sigma: Double) throws {
    let noisy = try GaussianNoise(sigma: sigma, seed: 1).apply(disc(outside: 50), size: size)
    let found = try #require(NoiseEstimation.gaussian(noisy, size: size))
    // Edges, a tenth of the details here, make the median larger.
    #expect(found > sigma && found < 1.15 * sigma)
    let estimate = try #require(NoiseEstimation.estimate(noisy.map { $0 - 1000 }, size: size))
    #expect(estimate.method == .details && estimate.sigma < 1.15 * sigma)
  }

  @Test func estimateAgreesWithScikitImage() throws {
    let fixture = try RestorationFixture.load()
    let image = try #require(fixture.images["photo"])
    let theirs = try #require(fixture.quality["estimate"])
    let ours = try #require(NoiseEstimation.gaussian(image.values, size: image.extent))
    #expect(abs(ours / theirs - 1) < 0.05)
  }

  @Test(arguments: [2.0, 10, 25])
  func ricianNoiseIsFoundInTheBackground(_ sigma: Double) throws {
    let noisy = try RicianNoise(sigma: sigma, seed: 2).apply(disc(), size: size)
    let estimate = try #require(NoiseEstimation.estimate(noisy, size: size))
    #expect(estimate.method == .background)
    #expect(abs(estimate.sigma / sigma - 1) < 0.03)
  }

  @Test(arguments: [50.0, 100])
  func ricianNoiseIsFoundWithoutABackground(_ sigma: Double) throws {
    let noisy = try RicianNoise(sigma: sigma, seed: 3).apply(disc(), size: size)
    let mask = disc()
    let masked = zip(noisy, mask).map { $1 > 0 ? $0 : 0 }
    let estimate = try #require(NoiseEstimation.rician(masked, size: size))
    #expect(estimate.method == .object)
    // Magnitudes of weak signals lose a part of their deviation, which the correction gives back.
    #expect(abs(estimate.sigma / sigma - 1) < 0.1, "\(estimate.sigma)")
  }

  @Test func varianceFollowsTheSignalOfCounts() throws {
    let ramp = (0..<size.x * size.y * size.z).map { Float($0 % size.x) * 2 + 100 }
    let noisy = try PoissonGaussianNoise(gain: 3, offset: 40, sigma: 4, seed: 4)
      .apply(ramp, size: size)
    let found = try #require(NoiseEstimation.signalDependence(noisy, size: size))
    #expect(abs(found.slope / 3 - 1) < 0.1)
    #expect(abs(found.variance - (16 - 120)) < 60)
  }

  @Test func nothingIsSaidOfConstantsLabelsAndTinyImages() {
    #expect(NoiseEstimation.estimate(disc(inside: 0), size: size) == nil)
    #expect(NoiseEstimation.estimate(disc(), size: size) == nil)
    // A map of 100 labels in blocks.
    let few = (0..<size.x * size.y * size.z).map { Float(($0 % 7) * ($0 / 96 % 5)) }
    #expect(NoiseEstimation.estimate(few, size: size) == nil)
    let labels = (0..<size.x * size.y * size.z).map { i in
      Float(i % size.x / 10 * 10 + i / size.x % size.y / 10)
    }
    #expect(NoiseEstimation.estimate(labels, size: size) == nil)
    #expect(NoiseEstimation.estimate([1, 2, 3, 9], size: [4, 1, 1]) == nil)
    #expect(
      NoiseEstimation.estimate([Float](repeating: .nan, count: 640), size: [8, 8, 10]) == nil
    )
  }
}
