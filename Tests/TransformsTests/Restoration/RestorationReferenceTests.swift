import Foundation
import Support
import TestSupport
import Testing
import Transforms

/// Filters whose results are compared with other programs' by what they achieve.
@Suite struct RestorationReferenceTests {
  @Test func blockMatchingIsAsGoodAsItsAuthors() throws {
    let fixture = try RestorationFixture.load()
    let noisy = try #require(fixture.images["photo"])
    let clean = try #require(fixture.clean["photo"])
    let theirs = try #require(fixture.quality["bm3d"])
    let filter = try BlockMatching(parameters: ["sigma": fixture.sigma])
    let ours = rootMeanSquare(try filter.apply(noisy.values, size: noisy.extent), clean)
    // 0.5 dB.
    #expect(ours < 1.06 * theirs, "\(ours), the package bm3d \(theirs)")
  }

  @Test func waveletsWithoutSubsamplingBeatThoseWith() throws {
    let fixture = try RestorationFixture.load()
    let noisy = try #require(fixture.images["photo"])
    let clean = try #require(fixture.clean["photo"])
    let theirs = try #require(fixture.quality["wavelet"])
    let filter = try WaveletShrinkage(parameters: ["sigma": fixture.sigma])
    let ours = rootMeanSquare(try filter.apply(noisy.values, size: noisy.extent), clean)
    #expect(ours < theirs, "\(ours), scikit-image \(theirs)")
  }

  @Test func waveletsWithoutStrengthChangeNothing() throws {
    let fixture = try RestorationFixture.load()
    for image in fixture.images.values {
      let filter = try WaveletShrinkage(parameters: ["sigma": 1e-3, "strength": 0])
      expectClose(
        try filter.apply(image.values, size: image.extent),
        image.values,
        Tolerance(absolute: 1e-3, relative: 0)
      )
    }
  }

  @Test func ringingGoesAsInDipy() throws {
    let fixture = try RestorationFixture.load()
    let image = try #require(fixture.images["ringing"])
    let clean = try #require(fixture.clean["ringing"])
    let theirs = try #require(fixture.quality["unring"])
    let result = try GibbsRemoval().apply(image.values, size: image.extent)
    func error(_ values: [Float]) -> Double {
      rootMeanSquare(fixture.interior.map { values[$0] }, fixture.interior.map { clean[$0] })
    }
    #expect(error(result) < 0.4 * error(image.values))
    #expect(error(result) < 1.5 * theirs, "\(error(result)), dipy \(theirs)")
  }

  @Test func biasFieldIsThatOfITK() throws {
    let fixture = try RestorationFixture.load()
    let stored = try #require(fixture.cases.first { $0.filter == "n4" })
    let image = try #require(fixture.images["biased"])
    let corrected = try BiasCorrection(parameters: stored.parameters)
      .apply(image.values, size: image.extent)
    var ours: [Double] = []
    for z in stride(from: 0, to: image.extent.z, by: 2) {
      for y in stride(from: 0, to: image.extent.y, by: 2) {
        for x in stride(from: 0, to: image.extent.x, by: 2) {
          let i = (z * image.extent.y + y) * image.extent.x + x
          ours.append(image.values[i] > 0 ? log(Double(image.values[i] / corrected[i])) : 0)
        }
      }
    }
    let theirs = stored.expected.map { Double($0) }
    let used = ours.indices.filter { ours[$0] != 0 }
    #expect(used.count > 1500)
    // The field's scale is arbitrary.
    let offset = used.reduce(0.0) { $0 + ours[$1] - theirs[$1] } / Double(used.count)
    let squares = used.reduce(0.0) { sum, i in
      let d = ours[i] - theirs[i] - offset
      return sum + d * d
    }
    #expect((squares / Double(used.count)).squareRoot() < 1e-3)
  }

  @Test func lanczosIsThatOfPillow() throws {
    let fixture = try RestorationFixture.load()
    let cases = fixture.cases.filter { $0.filter == "lanczos" }
    #expect(cases.count == 3)
    for stored in cases {
      let image = try #require(fixture.images[stored.image])
      let size = try #require(stored.size)
      let result = SincKernel.lanczos.resampled(
        image.values,
        size: image.extent,
        to: SIMD3(size[0], size[1], size[2])
      )
      expectClose(result, stored.expected, Tolerance(absolute: 2e-3, relative: 1e-5))
    }
  }

  @Test(arguments: SincKernel.allCases)
  func kernelsKeepConstantsAndWaves(_ kernel: SincKernel) {
    let flat = [Float](repeating: 7, count: 5 * 4 * 3)
    let larger = kernel.resampled(flat, size: [5, 4, 3], to: [11, 3, 6])
    #expect(larger.count == 198 && larger.allSatisfy { abs($0 - 7) < 1e-5 })
    // A wave of 16 voxels on a grid of twice as many, away from the ends.
    let wave = (0..<64).map { Float(sin(2 * .pi * Double($0) / 16)) }
    let fine = kernel.resampled(wave, size: [64, 1, 1], to: [128, 1, 1])
    for x in 16..<112 {
      let expected = sin(2 * .pi * ((Double(x) + 0.5) / 2 - 0.5) / 16)
      #expect(abs(Double(fine[x]) - expected) < 0.01)
    }
  }

  @Test func histogramLandmarksAreThoseOfThePaper() throws {
    let fixture = try RestorationFixture.load()
    let scans = try ["flat", "solid"].map { try #require(fixture.images[$0]).values }
    let standard = try #require(HistogramStandard(of: scans))
    expectClose(standard.landmarks, fixture.landmarks, Tolerance(absolute: 1e-3, relative: 1e-4))
    // Another unit makes no difference.
    let scaled = standard.apply(scans[0].map { 3 * $0 + 50 })
    expectClose(scaled, standard.apply(scans[0]), Tolerance(absolute: 1e-2, relative: 1e-3))
    #expect(HistogramStandard(of: [[1, 1, 1], []]) == nil)
    let undefined = standard.apply([5, .nan, 5])
    #expect(undefined[0] == 0 && undefined[1].isNaN)
  }

  @Test func ricianMeansAreFreeOfBias() throws {
    // A dark constant under strong noise: the mean of magnitudes is far above it.
    let size = SIMD3(40, 40, 8)
    let noisy = try RicianNoise(sigma: 10, seed: 5).apply(
      [Float](repeating: 20, count: 12_800),
      size: size
    )
    func mean(_ values: [Float]) -> Double {
      values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
    }
    let settings = ["sigma": 10.0, "h": 10, "search": 5]
    let plain = try NonLocalMeans(parameters: settings).apply(noisy, size: size)
    let corrected = try NonLocalMeans(parameters: settings.merging(["rician": 1]) { a, _ in a })
      .apply(noisy, size: size)
    #expect(mean(plain) > 22)
    #expect(abs(mean(corrected) - 20) < 0.5)
  }
}
