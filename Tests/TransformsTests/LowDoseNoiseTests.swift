import Foundation
import Testing
import Transforms

@Suite struct LowDoseNoiseTests {
  /// A section of water, an ellipse with given half axes in pixels, in air.
  private func section(_ side: Int, _ halfX: Double, _ halfY: Double) -> [Float] {
    let center = Double(side - 1) / 2
    return (0..<side * side).map { place in
      let (x, y) = (Double(place % side) - center, Double(place / side) - center)
      return x * x / (halfX * halfX) + y * y / (halfY * halfY) < 1 ? 0 : -1000
    }
  }

  private func deviation(_ values: [Float]) -> Double {
    (values.reduce(0.0) { $0 + Double($1 * $1) } / Double(values.count)).squareRoot()
  }

  private let side = 96

  @Test func theBodyHasADeviationOfOneAndSeedsTellNoiseApart() {
    let noise = LowDoseNoise(width: side, height: side, spacingMM: 3)
    // Two slices, and a third of air alone.
    let disc = section(side, 30, 30)
    let scan = disc + disc + [Float](repeating: -1000, count: side * side)
    let made = noise.noise(for: scan, seed: 5)
    #expect(made == noise.noise(for: scan, seed: 5))
    #expect(made != noise.noise(for: scan, seed: 6))
    let body = made.indices.filter { scan[$0] == 0 }.map { made[$0] }
    #expect(abs(deviation(body) - 1) < 1e-4)
    #expect(Array(made[..<(side * side)]) != Array(made[(side * side)..<(2 * side * side)]))
    // Air lets all quanta through.
    #expect(deviation(Array(made[(2 * side * side)...])) < 0.5)
  }

  @Test(arguments: [1e-6, 1e4])
  func absurdPixelsHaveNoiseToo(_ spacingMM: Double) {
    let noise = LowDoseNoise(width: 16, height: 16, spacingMM: spacingMM)
    let made = noise.noise(for: section(16, 6, 6), seed: 1)
    let areFinite = made.allSatisfy(\.isFinite)
    #expect(areFinite)
  }

  @Test func theMiddleOfADiscIsNoisierThanItsRim() {
    // 180 mm of water: rays through the middle keep e^(−3.5) of their quanta.
    let disc = section(side, 30, 30)
    let noise = LowDoseNoise(width: side, height: side, spacingMM: 3)
    var (middle, rim) = ([Float](), [Float]())
    for seed in 0..<4 {
      let made = noise.noise(for: disc, seed: UInt64(seed))
      for place in made.indices {
        let (x, y) = (Double(place % side) - 47.5, Double(place / side) - 47.5)
        let radius = (x * x + y * y).squareRoot()
        if radius < 8 { middle.append(made[place]) }
        if radius > 24, radius < 29 { rim.append(made[place]) }
      }
    }
    // An independent reconstruction (numpy, FFT) has 1.33 to 1.40, by the smoothing; white noise 1.
    #expect(deviation(middle) > 1.2 * deviation(rim))
  }

  @Test func neighboursAlongTheLongWayAreAlike() {
    // Rays along the long axis are the noisy ones: streaks run that way.
    let body = section(side, 42, 18)
    let noise = LowDoseNoise(width: side, height: side, spacingMM: 4)
    var (along, across, count) = (0.0, 0.0, 0.0)
    for seed in 0..<4 {
      let made = noise.noise(for: body, seed: UInt64(seed))
      for y in 42..<54 {
        for x in 30..<66 {
          let value = Double(made[x + side * y])
          along += value * Double(made[x + 3 + side * y])
          across += value * Double(made[x + side * (y + 3)])
          count += 1
        }
      }
    }
    #expect(along / count > 0 && (along - across) / count > 0.2)
  }

  @Test func powerRisesWithTheFrequency() {
    // The filter is a ramp; the power of white noise is the same everywhere, and falls if it is smoothed.
    let disc = section(side, 40, 40)
    let noise = LowDoseNoise(width: side, height: side, spacingMM: 2)
    var (slow, fast) = (0.0, 0.0)
    for seed in 0..<16 {
      let made = noise.noise(for: disc, seed: UInt64(seed))
      slow += power(of: made, waves: 2)
      fast += power(of: made, waves: 6)
    }
    // An independent reconstruction (numpy, FFT) has 0.56 to 0.69, by the smoothing; white noise 1.
    #expect(slow < 0.8 * fast)
  }

  /// Power at so many waves over 32 pixels in the middle of a slice, along rows and along columns.
  private func power(of values: [Float], waves: Int) -> Double {
    var sum = 0.0
    for (along, across) in [(waves, -1), (waves, 0), (waves, 1)] {
      for isTurned in [false, true] {
        var (real, imaginary) = (0.0, 0.0)
        for y in 0..<32 {
          for x in 0..<32 {
            let phase = 2 * Double.pi * Double(along * x + across * y) / 32
            let place = isTurned ? y + 32 + side * (x + 32) : x + 32 + side * (y + 32)
            real += Double(values[place]) * cos(phase)
            imaginary += Double(values[place]) * sin(phase)
          }
        }
        sum += real * real + imaginary * imaginary
      }
    }
    return sum
  }
}
