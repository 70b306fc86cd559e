import Foundation
import Support

/// A plane that is being damaged; values 0 to 1.
///
/// Sizes are pixels and strengths shares of the range of values. But for the steps of JPEG they come from no
/// paper: they were chosen so that marks look like those of scanned prints and of MR scans with faults.
struct DamagedPlane {
  /// One thing that is done.
  enum Part: Sendable {
    case scratches, blotches, fading, compression, grain, stripes, droppedLines, spikes, zipper
  }

  var values: [Float]
  let width: Int
  let height: Int

  /// Pixels around the plane in which marks may begin, so that pieces are like whole images.
  private static let margin = 48

  /// Does one thing.
  mutating func apply(_ part: Part, level: Double, _ random: inout RandomStream) {
    switch part {
    case .scratches: scratches(level, &random)
    case .blotches: blotches(level, &random)
    case .fading: fading(level, &random)
    case .compression: compression(level, &random)
    case .grain: grain(level, &random)
    case .stripes: stripes(level, &random)
    case .droppedLines: droppedLines(level, &random)
    case .spikes: spikes(level, &random)
    case .zipper: zipper(level, &random)
    }
  }

  /// How many marks there are where one falls on so many pixels in the mean.
  private func count(_ level: Double, pixelsEach: Double, _ random: inout RandomStream) -> Int {
    let area = Double((width + 2 * Self.margin) * (height + 2 * Self.margin))
    let mean = level * area / pixelsEach
    return Int(mean * (0.5 + random.uniform()) + random.uniform())
  }

  private func place(_ random: inout RandomStream) -> SIMD2<Double> {
    let margin = Double(Self.margin)
    return SIMD2(
      random.uniform() * (Double(width) + 2 * margin) - margin,
      random.uniform() * (Double(height) + 2 * margin) - margin
    )
  }

  /// Mixes a pixel with a value.
  private mutating func mix(_ x: Int, _ y: Int, with value: Float, _ share: Float) {
    guard (0..<width).contains(x), (0..<height).contains(y), share > 0 else { return }
    let at = y * width + x
    values[at] += min(1, share) * (value - values[at])
  }

  // MARK: - Photographs

  /// Fine bright or dark lines; at full level one begins on every 5000 pixels.
  private mutating func scratches(_ level: Double, _ random: inout RandomStream) {
    for _ in 0..<count(level, pixelsEach: 5000, &random) {
      var at = place(&random)
      // Most run nearly upright, as dust draws them where film runs; some lie anywhere.
      var angle =
        random.chance(0.7)
        ? .pi / 2 + 0.15 * random.normal() : random.uniform() * 2 * .pi
      let length = 20 + random.uniform() * 100
      let halfWidth = 0.4 + random.uniform() * 0.9
      let value: Float = random.chance(0.7) ? Float(0.85 + 0.15 * random.uniform()) : 0.05
      let share = Float(0.4 + 0.6 * random.uniform())
      for _ in 0..<Int(2 * length) {
        let reach = Int(halfWidth.rounded(.up)) + 1
        let (column, row) = (Int(at.x.rounded(.down)), Int(at.y.rounded(.down)))
        // Across the line alone, so that no pixel is covered many times over.
        for step in -reach...reach {
          let isUpright = abs(sin(angle)) > 0.7
          let (x, y) = isUpright ? (column + step, row) : (column, row + step)
          let distance = isUpright ? abs(Double(x) + 0.5 - at.x) : abs(Double(y) + 0.5 - at.y)
          mix(x, y, with: value, 0.5 * share * Float(min(1, max(0, halfWidth + 0.5 - distance))))
        }
        at += 0.5 * SIMD2(cos(angle), sin(angle))
        angle += 0.02 * random.normal()
      }
    }
  }

  /// Bright or dark spots of 2 to 16 pixels' radius; at full level one on every 14,000 pixels.
  private mutating func blotches(_ level: Double, _ random: inout RandomStream) {
    for _ in 0..<count(level, pixelsEach: 14000, &random) {
      let centre = place(&random)
      let radius = 2 + 14 * random.uniform() * random.uniform()
      let (stretch, turn) = (0.5 + random.uniform(), random.uniform() * .pi)
      let (bump, waves) = (0.3 * random.uniform(), Double(2 + Int(random.uniform() * 4)))
      let value: Float = random.chance(0.6) ? Float(0.8 + 0.2 * random.uniform()) : 0.1
      let share = Float(0.3 + 0.6 * random.uniform())
      let reach = Int(2.5 * radius) + 2
      for y in Int(centre.y) - reach...Int(centre.y) + reach {
        for x in Int(centre.x) - reach...Int(centre.x) + reach {
          let (dx, dy) = (Double(x) + 0.5 - centre.x, Double(y) + 0.5 - centre.y)
          let along = (cos(turn) * dx + sin(turn) * dy) * stretch
          let across = cos(turn) * dy - sin(turn) * dx
          let rim = radius * (1 + bump * sin(waves * atan2(dy, dx)))
          let inside = (rim - (along * along + across * across).squareRoot()) / 1.5
          mix(x, y, with: value, share * Float(min(1, max(0, inside + 0.5))))
        }
      }
    }
  }

  /// Black becomes grey and white too, by up to 0.3, more at one side of the plane.
  private mutating func fading(_ level: Double, _ random: inout RandomStream) {
    let black = 0.3 * level * random.uniform()
    let white = 1 - 0.3 * level * random.uniform()
    let (tilt, angle) = (0.15 * level * random.uniform(), random.uniform() * 2 * .pi)
    let length = Double(max(width, height))
    for y in 0..<height {
      for x in 0..<width {
        let along: Double = (cos(angle) * Double(x) + sin(angle) * Double(y)) / length
        let at = y * width + x
        values[at] = Float(black + tilt * along + (white - black) * Double(values[at]))
      }
    }
  }

  /// Gaussian noise of a deviation up to 0.06.
  private mutating func grain(_ level: Double, _ random: inout RandomStream) {
    let deviation = Float(0.06 * level * random.uniform())
    for at in values.indices { values[at] += deviation * Float(random.normal()) }
  }

  /// Steps of luminance for a quality of 50 (ITU-T T.81, table K.1).
  private static let steps: [Double] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
  ]

  /// `[frequency][place]` of the orthonormal cosine transform of 8 values.
  private static let cosines: [[Double]] = (0..<8).map { (frequency: Int) -> [Double] in
    let factor: Double = frequency == 0 ? 0.125.squareRoot() : 0.5
    return (0..<8).map { (place: Int) -> Double in
      let angle = Double(frequency) * (Double(place) + 0.5) * Double.pi / 8
      return factor * cos(angle)
    }
  }

  /// What JPEG of quality 90 to 25 leaves.
  private mutating func compression(_ level: Double, _ random: inout RandomStream) {
    // A quality of 90 down to 25; steps grow as those of libjpeg.
    let quality = 90 - 65 * level * random.uniform()
    let scale = quality < 50 ? 50 / quality : 2 - quality / 50
    for top in stride(from: 0, to: height, by: 8) {
      for left in stride(from: 0, to: width, by: 8) { quantised(top, left, scale) }
    }
  }

  /// Rounds the cosines of a block of 8 x 8.
  private mutating func quantised(_ top: Int, _ left: Int, _ scale: Double) {
    func turned(_ block: [Double], isInverse: Bool) -> [Double] {
      var result = [Double](repeating: 0, count: 64)
      for row in 0..<8 {
        for to in 0..<8 {
          result[8 * to + row] = (0..<8).reduce(0) { sum, from in
            let factor = isInverse ? Self.cosines[from][to] : Self.cosines[to][from]
            return sum + factor * block[8 * row + from]
          }
        }
      }
      return result
    }
    let block = (0..<64).map { cell -> Double in
      let (y, x) = (min(top + cell / 8, height - 1), min(left + cell % 8, width - 1))
      return 255 * Double(values[y * width + x]) - 128
    }
    // Twice along rows with the axes exchanged: both axes.
    var found = turned(turned(block, isInverse: false), isInverse: false)
    for cell in 0..<64 {
      let step = max(1, Self.steps[cell] * scale)
      found[cell] = (found[cell] / step).rounded() * step
    }
    let back = turned(turned(found, isInverse: true), isInverse: true)
    for cell in 0..<64 {
      let (y, x) = (top + cell / 8, left + cell % 8)
      guard y < height, x < width else { continue }
      values[y * width + x] = Float((back[cell] + 128) / 255)
    }
  }

  // MARK: - Scans

  /// Adds a wave; the frequency is in turns a pixel, the phase in radians.
  private mutating func wave(_ amplitude: Double, _ frequency: SIMD2<Double>, _ phase: Double) {
    for y in 0..<height {
      for x in 0..<width {
        let turns: Double = frequency.x * Double(x) + frequency.y * Double(y)
        let angle: Double = 2 * Double.pi * turns + phase
        values[y * width + x] += Float(amplitude * cos(angle))
      }
    }
  }

  /// A wave along one axis, 3 to 23 pixels long.
  private mutating func stripes(_ level: Double, _ random: inout RandomStream) {
    let amplitude = level * (0.03 + 0.09 * random.uniform())
    let frequency = 1 / (3 + 20 * random.uniform())
    let isUpright = random.chance(0.5)
    wave(
      amplitude,
      isUpright ? SIMD2(frequency, 0) : SIMD2(0, frequency),
      2 * .pi * random.uniform()
    )
  }

  /// One or two waves in any direction, as bright points of k-space leave.
  private mutating func spikes(_ level: Double, _ random: inout RandomStream) {
    for _ in 0..<1 + Int(random.uniform() * 2) {
      let angle = 2 * .pi * random.uniform()
      let frequency = 0.08 + 0.37 * random.uniform()
      wave(
        level * (0.03 + 0.09 * random.uniform()),
        frequency * SIMD2(cos(angle), sin(angle)),
        2 * .pi * random.uniform()
      )
    }
  }

  /// Lines of 0: up to 8 % of them.
  private mutating func droppedLines(_ level: Double, _ random: inout RandomStream) {
    let isColumn = random.chance(0.5)
    let chance = level * (0.02 + 0.06 * random.uniform())
    for line in 0..<(isColumn ? width : height) where random.chance(chance) {
      for place in 0..<(isColumn ? height : width) {
        values[isColumn ? place * width + line : line * width + place] = 0
      }
    }
  }

  /// One or two lines of alternating values, as interference leaves; as many in a piece as in a whole plane.
  private mutating func zipper(_ level: Double, _ random: inout RandomStream) {
    let isColumn = random.chance(0.5)
    let amplitude = level * (0.2 + 0.5 * random.uniform())
    for _ in 0..<1 + Int(random.uniform() * 2) {
      let line = Int(random.uniform() * Double(isColumn ? width : height))
      for place in 0..<(isColumn ? height : width) {
        let sign = place % 2 == 0 ? 1.0 : -1.0
        let value = amplitude * sign * (0.6 + 0.4 * random.uniform())
        values[isColumn ? place * width + line : line * width + place] += Float(value)
      }
    }
  }
}
