import Foundation
import Support
import TestSupport
import Testing
import Transforms

@Suite struct IntensityChangeTests {
  struct File: Decodable {
    struct Change: Decodable {
      let blur: [Double]?
      let brightness: Double?
      let contrast: Double?
      let lowResolution: [Double]?
      let invertedGamma: Double?
      let gamma: Double?

      var change: IntensityChange {
        var result = IntensityChange()
        if let blur { result.blur = SIMD3(blur[0], blur[1], blur[2]) }
        if let brightness { result.brightness = brightness }
        if let contrast { result.contrast = contrast }
        if let low = lowResolution { result.lowResolution = SIMD3(low[0], low[1], low[2]) }
        if let invertedGamma { result.invertedGamma = invertedGamma }
        if let gamma { result.gamma = gamma }
        return result
      }
    }
    struct Case: Decodable {
      let change: Change
      let expected: [Float]
    }
    let size: [Int]
    let image: [Float]
    let cases: [Case]
  }

  private func changed(
    _ values: [Float],
    size: SIMD3<Int>,
    channels: Int = 1,
    _ changes: [IntensityChange]
  ) -> [Float] {
    let source = VolumePatch(
      channels: channels,
      size: size,
      values: values,
      classes: .init(repeating: 0, count: values.count / channels)
    )
    var transform = VolumeTransform()
    transform.intensities = changes
    return transform.apply(to: source, origin: .zero, patchSize: size).values
  }

  @Test func eachChangeIsThatOfNNUNet() throws {
    let url = URL(fileURLWithPath: Fixtures.path("augmentation/changes.json"))
    let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: url))
    #expect(file.cases.count == 11)
    for stored in file.cases {
      let change = stored.change.change
      #expect(change != IntensityChange())
      let size = SIMD3(file.size[0], file.size[1], file.size[2])
      // Both are in single precision; values are below 4.
      expectClose(
        changed(file.image, size: size, [change]),
        stored.expected,
        Tolerance(absolute: 1e-5, relative: 0),
        "\(stored.change)"
      )
    }
  }

  @Test func droppingEveryOtherVoxelOfARowByHand() {
    // Of 0 1 2 3 the voxels 1 and 3 stay; their centres lie at ½ and 2½, the border repeats.
    var change = IntensityChange()
    change.lowResolution = [0.5, 1, 1]
    #expect(changed([0, 1, 2, 3], size: [4, 1, 1], [change]) == [1, 1.5, 2.5, 3])
  }

  @Test func blurringKeepsAConstantAlsoInThinPatches() {
    // The kernel of deviation 1 reaches 3 voxels, further than these sides.
    var change = IntensityChange()
    change.blur = [1, 1, 1]
    for size in [SIMD3(1, 2, 3), SIMD3(9, 1, 2)] {
      let flat = [Float](repeating: 3, count: size.x * size.y * size.z)
      expectClose(
        changed(flat, size: size, [change]),
        flat,
        Tolerance(absolute: 1e-5, relative: 0)
      )
    }
  }

  @Test func aConstantPatchHasNoGammaAndNoContrast() {
    var change = IntensityChange()
    change.gamma = 1.4
    change.invertedGamma = 0.8
    change.contrast = 1.2
    let flat = [Float](repeating: -2.5, count: 24)
    #expect(changed(flat, size: [4, 3, 2], [change]) == flat)
  }

  @Test func brightnessComesBeforeContrast() {
    // 1 2 3 doubled is 2 4 6; half the distance from the mean 4 is 3 4 5.
    var change = IntensityChange()
    change.brightness = 2
    change.contrast = 0.5
    #expect(changed([1, 2, 3], size: [3, 1, 1], [change]) == [3, 4, 5])
  }

  @Test func eachChannelHasItsOwnChangeAndTheLastServesTheRest() {
    var (double, triple) = (IntensityChange(), IntensityChange())
    double.brightness = 2
    triple.brightness = 3
    let result = changed([1, 1, 1], size: [1, 1, 1], channels: 3, [double, triple])
    #expect(result == [2, 3, 3])
  }

  @Test func noiseHasItsMomentsAndFollowsItsSeed() {
    var change = IntensityChange()
    change.noise = 0.5
    change.noiseSeed = 7
    let zero = [Float](repeating: 0, count: 2 * 20 * 20 * 25)
    func noise() -> [Float] { changed(zero, size: [20, 20, 25], channels: 2, [change]) }
    let first = noise()
    #expect(first == noise())
    let count = Double(first.count)
    let mean = first.reduce(0.0) { $0 + Double($1) } / count
    let square = first.reduce(0.0) { $0 + Double($1 * $1) } / count
    let cube = first.reduce(0.0) { $0 + pow(Double($1), 3) } / count
    // 20,000 values: standard errors of 0.0035 (mean), 0.5 % (deviation) and √15 · 0.5³ / √20,000 =
    // 0.0034 (third moment of a normal distribution); five of each.
    #expect(abs(mean) < 0.018)
    #expect(abs(square.squareRoot() - 0.5) < 0.0125)
    #expect(abs(cube) < 0.017)
    // Channels and neighbours are not alike: correlations have a standard error of 1/√10,000.
    let half = first.count / 2
    let across = (0..<half).reduce(0.0) { $0 + Double(first[$1] * first[half + $1]) }
    let along = (1..<half).reduce(0.0) { $0 + Double(first[$1] * first[$1 - 1]) }
    #expect(abs(across / Double(half) / square) < 0.05)
    #expect(abs(along / Double(half) / square) < 0.05)
    change.noiseSeed = 8
    #expect(first != noise())
  }
}
