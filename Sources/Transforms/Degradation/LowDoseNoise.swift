import Foundation
import Support

/// The noise that a CT scan would have had with fewer quanta: made in its projections, and reconstructed.
///
/// Each slice is projected along parallel rays; a ray of line integral p arrives with a share of e^(−p)
/// of its quanta, and the noise of its logarithm has a variance in proportion to e^p (Zeng et al.
/// 2015, "A simple low-dose x-ray CT simulation from high-dose scan"; the electronics' part is left out). Filtered back projection is linear, so the noise alone
/// goes through it and is added to the slice, which stays as sharp as it was. Such noise is streaky along
/// long ways through bone, strongest in the middle, and has little power at low frequencies, as that of
/// scanners has and white noise has not. Beams in fans, bow-tie filters and modulated currents are not
/// modelled.
package struct LowDoseNoise: Sendable, Equatable {
  /// Columns of a slice.
  package let width: Int
  /// Rows of a slice.
  package let height: Int
  /// Distance of pixels, mm, the mean of both axes.
  package let spacingMM: Double

  /// Attenuation of water at the energies of CT, 1/mm (70 keV; NIST).
  private static let waterAttenuation = 0.0193
  /// Hounsfield units above which a voxel counts as body.
  private static let bodyThreshold: Float = -500
  /// A ray that loses more arrives with no quanta that could be counted.
  private static let largestIntegral: Float = 12
  /// Slices are projected at no more than so many pixels a side: only the noise's strength follows from it.
  private static let projectedSide = 192
  /// Deviations of the smoothing along the detector, mm: the noise's power is greatest at 0.11 / deviation
  /// cycles per mm, 0.15 to 0.37, as that of soft to medium kernels.
  private static let smoothingMM = 0.3...0.75

  private let detectors: Int
  private let directions: [SIMD2<Float>]

  /// Prepares the rays of a grid.
  /// - Parameters:
  ///   - width: Columns of a slice.
  ///   - height: Rows of a slice.
  ///   - spacingMM: Distance of pixels, mm.
  package init(width: Int, height: Int, spacingMM: Double) {
    precondition(width > 0 && height > 0 && spacingMM > 0, "a grid of \(width) x \(height)")
    (self.width, self.height, self.spacingMM) = (width, height, spacingMM)
    let diagonal = Double(width * width + height * height).squareRoot()
    detectors = Int(diagonal.rounded(.up)) + 3
    // Near the rim fewer angles than these leave streaks that no scanner has.
    let count = max(90, Int(0.8 * Double(max(width, height))))
    directions = (0..<count).map {
      let angle = .pi * Double($0) / Double(count)
      return [Float(cos(angle)), Float(sin(angle))]
    }
  }

  /// Noise for a volume, of slices side by side.
  ///
  /// All slices have the same quanta: those with longer ways through the body are noisier.
  /// - Parameters:
  ///   - hounsfield: The clean values, HU, x fastest, then y; whole slices.
  ///   - seed: Seed of the noise.
  /// - Returns: Noise with a mean square of 1 over the body, or over everything where there is no body.
  package func noise(for hounsfield: [Float], seed: UInt64) -> [Float] {
    let plane = width * height
    precondition(hounsfield.count % plane == 0, "no whole slices of \(width) x \(height)")
    let stream = RandomStream(seed: seed)
    var choice = stream.split(-1)
    let range = Self.smoothingMM
    let deviation = range.lowerBound + choice.uniform() * (range.upperBound - range.lowerBound)
    let kernel = Self.kernel(reach: detectors, deviation: deviation / spacingMM)
    let slices = Parallelism.collected(hounsfield.count / plane) { slice -> [Float] in
      let values = Array(hounsfield[slice * plane..<(slice + 1) * plane])
      return backProjection(
        of: filtered(rayNoise(of: values, stream.split(slice)), kernel)
      )
    }
    var noise = slices.flatMap(\.self)
    var (sum, count) = (0.0, 0)
    for place in noise.indices where hounsfield[place] > Self.bodyThreshold {
      sum += Double(noise[place] * noise[place])
      count += 1
    }
    if count == 0 {
      sum = noise.reduce(0) { $0 + Double($1 * $1) }
      count = noise.count
    }
    let factor = Float(1 / max((sum / Double(count)).squareRoot(), 1e-20))
    for place in noise.indices { noise[place] *= factor }
    return noise
  }

  /// Shepp and Logan's filter (1974, "The Fourier reconstruction of a head section") smoothed
  /// by a Gaussian; the value at a distance of n detectors at place reach + n.
  private static func kernel(reach: Int, deviation: Double) -> [Float] {
    let sharp = { (n: Int) in -2 / (Double.pi * Double.pi * Double(4 * n * n - 1)) }
    // Wider than the detector it would be flat: pixels of microscopes are that small.
    let side = Int(min(4 * deviation, Double(reach)).rounded(.up))
    let weights = (-side...side).map { exp(-0.5 * Double($0 * $0) / (deviation * deviation)) }
    let sum = weights.reduce(0, +)
    return (-reach...reach).map { n in
      var value = 0.0
      for (index, weight) in weights.enumerated() {
        value += weight / sum * sharp(n + index - side)
      }
      return Float(value)
    }
  }

  /// Noise of each ray, angle by angle.
  private func rayNoise(of hounsfield: [Float], _ stream: RandomStream) -> [Float] {
    let integrals = lineIntegrals(of: hounsfield)
    var random = stream
    return integrals.map { integral in
      exp(min(integral, Self.largestIntegral) / 2) * Float(random.normal())
    }
  }

  /// Line integrals of the attenuation, angle by angle, detector fastest.
  private func lineIntegrals(of hounsfield: [Float]) -> [Float] {
    // Means over blocks.
    let block = max(1, (max(width, height) + Self.projectedSide - 1) / Self.projectedSide)
    let (columns, rows) = ((width + block - 1) / block, (height + block - 1) / block)
    let step = Float(block)
    let scale = Float(Self.waterAttenuation * spacingMM) / (step * step)
    var attenuation = [Float](repeating: 0, count: columns * rows)
    for y in 0..<height {
      for x in 0..<width {
        let value = hounsfield[x + width * y]
        let share = value.isFinite ? max(0, 1 + value / 1000) : 0
        attenuation[x / block + columns * (y / block)] += share * scale
      }
    }
    let coarse = detectors / block + 2
    let center = SIMD2(Float(columns - 1), Float(rows - 1)) / 2
    let half = Float(coarse - 1) / 2
    var result = [Float](repeating: 0, count: directions.count * detectors)
    var line = [Float](repeating: 0, count: coarse)
    for (angle, direction) in directions.enumerated() {
      for detector in 0..<coarse {
        let offset = direction * (Float(detector) - half)
        var sum: Float = 0
        for place in 0..<coarse {
          let along = Float(place) - half
          let point = center + offset + SIMD2(-direction.y, direction.x) * along
          let (x, y) = (point.x.rounded(.down), point.y.rounded(.down))
          guard x >= 0, y >= 0, x < Float(columns - 1), y < Float(rows - 1) else { continue }
          let (fx, fy, at) = (point.x - x, point.y - y, Int(x) + columns * Int(y))
          let upper = attenuation[at] * (1 - fx) + attenuation[at + 1] * fx
          let lower = attenuation[at + columns] * (1 - fx) + attenuation[at + columns + 1] * fx
          sum += upper * (1 - fy) + lower * fy
        }
        line[detector] = sum * step
      }
      for detector in 0..<detectors {
        let place = (Float(detector) - Float(detectors - 1) / 2) / step + half
        let first = min(max(0, Int(place)), coarse - 2)
        let share = min(max(0, place - Float(first)), 1)
        result[angle * detectors + detector] = line[first] * (1 - share) + line[first + 1] * share
      }
    }
    return result
  }

  /// The rays convolved along the detector.
  private func filtered(_ rays: [Float], _ kernel: [Float]) -> [Float] {
    var result = [Float](repeating: 0, count: rays.count)
    let detectors = detectors
    rays.withUnsafeBufferPointer { rays in
      kernel.withUnsafeBufferPointer { kernel in
        result.withUnsafeMutableBufferPointer { result in
          for angle in directions.indices {
            let start = angle * detectors
            // One ray after the other, so that the inner loop has no sum to carry.
            for source in 0..<detectors {
              let value = rays[start + source]
              let first = detectors - source
              for target in 0..<detectors {
                result[start + target] += value * kernel[first + target]
              }
            }
          }
        }
      }
    }
    return result
  }

  /// The slice whose filtered projections these are, up to a factor.
  private func backProjection(of rays: [Float]) -> [Float] {
    var slice = [Float](repeating: 0, count: width * height)
    let center = SIMD2(Float(width - 1), Float(height - 1)) / 2
    let middle = Float(detectors - 1) / 2
    let (width, height, detectors) = (width, height, detectors)
    slice.withUnsafeMutableBufferPointer { slice in
      rays.withUnsafeBufferPointer { rays in
        for (angle, direction) in directions.enumerated() {
          let line = angle * detectors
          for y in 0..<height {
            var place = (Float(y) - center.y) * direction.y - center.x * direction.x + middle
            for x in 0..<width {
              // The detector is as wide as the diagonal: every place is on it.
              let first = Int(place)
              let share = place - Float(first)
              let left = rays[line + first]
              slice[x + width * y] += left + share * (rays[line + first + 1] - left)
              place += direction.x
            }
          }
        }
      }
    }
    return slice
  }
}
