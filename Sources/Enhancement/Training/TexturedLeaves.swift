import Foundation
import Imaging
import Support

/// Pictures of overlapping leaves with textures, to train on where there are few photographs.
///
/// Leaves of a size r whose number falls as r⁻³ hide each other, which gives edges, flat parts and the
/// statistics of photographs at every scale (Matheron 1968; Lee, Mumford and Huang 2001, "Occlusion Models
/// for Natural Images"); networks that are trained on them denoise photographs nearly as well as others
/// (Achddou, Gousseau and Ladjal 2021). We fill a share of the leaves with stripes, weaves and noise of
/// several octaves, which photographs of landscapes hardly have. Pictures are drawn at twice their size
/// and averaged, so that edges are as soft as a camera's.
struct TexturedLeaves: Sendable {
  /// Rows and columns.
  var side = 384
  /// The smallest and the largest half width of a leaf, in pixels.
  var sizes = 3.0...140.0
  /// The shortest and the longest period of stripes, in pixels.
  var periods = 2.5...24.0

  /// Leaves after which what is still bare stays the last leaf's grey.
  private static let mostLeaves = 40_000

  /// Draws a picture.
  /// - Parameter random: The stream to draw from.
  /// - Returns: Values 0 to 255, one slice.
  /// - Throws: `ImagingError` never: the grid is sound.
  func picture(_ random: inout RandomStream) throws -> Volume<Float> {
    let fine = 2 * side
    var values = [Float](repeating: -1, count: fine * fine)
    var bare = values.count
    var count = 0
    while bare > 0, count < Self.mostLeaves {
      var leaf = Leaf(sizes: sizes, periods: periods, side: fine, &random)
      // The last one covers what is left.
      if count == Self.mostLeaves - 1 { leaf.covers = true }
      for y in leaf.rows(within: fine) {
        for x in leaf.columns(within: fine) where values[y * fine + x] < 0 && leaf.holds(x, y) {
          values[y * fine + x] = leaf.grey(x, y)
          bare -= 1
        }
      }
      count += 1
    }
    var voxels = [Float](repeating: 0, count: side * side)
    for y in 0..<side {
      for x in 0..<side {
        let first = 2 * y * fine + 2 * x
        voxels[y * side + x] =
          (values[first] + values[first + 1] + values[first + fine] + values[first + fine + 1]) / 4
      }
    }
    let geometry = try ImageGeometry(
      size: [side, side, 1],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity,
      isPlanar: true
    )
    return Volume(geometry: geometry, voxels: voxels)
  }
}

/// One leaf, in pixels of the fine grid.
private struct Leaf {
  /// What is drawn on it.
  enum Texture {
    case shade(slope: SIMD2<Float>)
    /// Stripes, or two sorts of them across each other.
    case stripes(wave: SIMD2<Float>, cross: SIMD2<Float>?, phase: Float, sharpness: Float)
    case clouds(Lattice)
  }

  /// Whether it covers everything.
  var covers = false
  private let center: SIMD2<Float>
  private let axes: (along: SIMD2<Float>, across: SIMD2<Float>)
  private let halfWidths: SIMD2<Float>
  private let isRound: Bool
  private let mean: Float
  private let contrast: Float
  private let texture: Texture

  init(
    sizes: ClosedRange<Double>,
    periods: ClosedRange<Double>,
    side: Int,
    _ random: inout RandomStream
  ) {
    // The inverse of the distribution function of a density that falls as r⁻³.
    let (smallest, largest) = (sizes.lowerBound, sizes.upperBound)
    let (a, b) = (1 / (smallest * smallest), 1 / (largest * largest))
    let radius = 2 / (a - random.uniform() * (a - b)).squareRoot()
    let angle = random.uniform() * .pi
    let elongation = random.uniform(in: 0.35..<1)
    center = [
      Float(random.uniform() * Double(side)), Float(random.uniform() * Double(side)),
    ]
    axes = ([Float(cos(angle)), Float(sin(angle))], [Float(-sin(angle)), Float(cos(angle))])
    halfWidths = [Float(radius), Float(radius * elongation)]
    isRound = random.chance(0.6)
    mean = Float(random.uniform(in: 8..<248))
    let choice = random.uniform()
    if choice < 0.4 {
      contrast = Float(random.uniform(in: 0..<40)) / Float(radius)
      let towards = random.uniform() * 2 * .pi
      texture = .shade(slope: [Float(cos(towards)), Float(sin(towards))])
    } else if choice < 0.75 {
      contrast = Float(random.uniform(in: 8..<100))
      func wave(_ random: inout RandomStream) -> SIMD2<Float> {
        let ratio = periods.upperBound / periods.lowerBound
        let period = 2 * periods.lowerBound * pow(ratio, random.uniform())
        let towards = random.uniform() * .pi
        return [Float(2 * .pi / period * cos(towards)), Float(2 * .pi / period * sin(towards))]
      }
      let first = wave(&random)
      let second = random.chance(0.3) ? wave(&random) : nil
      texture = .stripes(
        wave: first,
        cross: second,
        phase: Float(random.uniform() * 2 * .pi),
        sharpness: Float(random.uniform(in: 0.5..<4))
      )
    } else {
      contrast = Float(random.uniform(in: 8..<70))
      texture = .clouds(Lattice(seed: random.next(), octaves: 3 + Int(random.uniform() * 3)))
    }
  }

  func rows(within side: Int) -> Range<Int> { range(center.y, side) }
  func columns(within side: Int) -> Range<Int> { range(center.x, side) }

  private func range(_ middle: Float, _ side: Int) -> Range<Int> {
    if covers { return 0..<side }
    // The corners of a rectangle are farther away than its half widths.
    let reach = halfWidths.x + halfWidths.y
    let low = min(side, max(0, Int(middle - reach)))
    return low..<min(side, max(low, Int(middle + reach) + 1))
  }

  func holds(_ x: Int, _ y: Int) -> Bool {
    if covers { return true }
    let place = SIMD2(Float(x), Float(y)) - center
    let u = (place * axes.along).sum() / halfWidths.x
    let v = (place * axes.across).sum() / halfWidths.y
    return isRound ? u * u + v * v <= 1 : abs(u) <= 1 && abs(v) <= 1
  }

  func grey(_ x: Int, _ y: Int) -> Float {
    let place = SIMD2(Float(x), Float(y)) - center
    let value: Float
    switch texture {
    case .shade(let slope): value = (place * slope).sum()
    case .stripes(let wave, let cross, let phase, let sharpness):
      var s = sin((place * wave).sum() + phase)
      if let cross { s *= sin((place * cross).sum()) }
      value = 0.5 * s * (1 + sharpness) / (1 + sharpness * abs(s))
    case .clouds(let lattice): value = lattice.value(SIMD2(Float(x), Float(y)))
    }
    return min(max(mean + contrast * value, 0), 255)
  }
}

/// Value noise of several octaves: random numbers at the crossings of grids, interpolated in between.
private struct Lattice {
  let seed: UInt64
  let octaves: Int

  /// About -1 to 1.
  func value(_ place: SIMD2<Float>) -> Float {
    var (sum, spacing): (Float, Float) = (0, 3)
    for octave in 0..<octaves {
      let (x, y) = (place.x / spacing, place.y / spacing)
      let (column, row) = (Int(x.rounded(.down)), Int(y.rounded(.down)))
      let (u, v) = (smooth(x - Float(column)), smooth(y - Float(row)))
      let top = mix(number(column, row, octave), number(column + 1, row, octave), u)
      let bottom = mix(number(column, row + 1, octave), number(column + 1, row + 1, octave), u)
      sum += mix(top, bottom, v)
      spacing *= 2
    }
    return sum / Float(octaves).squareRoot()
  }

  private func smooth(_ t: Float) -> Float { t * t * (3 - 2 * t) }
  private func mix(_ a: Float, _ b: Float, _ share: Float) -> Float { a + (b - a) * share }

  private func number(_ x: Int, _ y: Int, _ octave: Int) -> Float {
    var z = seed &+ UInt64(bitPattern: Int64(x)) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ UInt64(bitPattern: Int64(y)) &* 0xC2B2_AE3D_27D4_EB4F) &+ UInt64(octave) << 40
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Float((z ^ (z >> 31)) >> 40) / Float(1 << 23) - 1
  }
}
