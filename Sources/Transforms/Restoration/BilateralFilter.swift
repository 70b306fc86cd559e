import Foundation

/// The bilateral filter: a Gaussian mean in which voxels of other values count less.
///
/// Tomasi and Manduchi, 1998, "Bilateral filtering for gray and color images". Weights are
/// exp(−distance² / 2 sigma_s²) · exp(−difference² / 2 range²); the window is a box of 2 sigma_s on
/// either side. Images are mirrored at their outer voxels' centres.
package struct BilateralFilter: VolumeFilter {
  package static let name = "bilateral"
  package static let removesNoise = true
  package static let paper =
    "Tomasi and Manduchi 1998, Bilateral filtering for gray and color images"
  package static let parameters = [
    FilterParameter("space", 1.5, 0.1...20, "standard deviation of distances, mm"),
    FilterParameter(
      "range",
      0,
      0...1e9,
      "standard deviation of differences; 0: 2.5 times the noise"
    ),
    FilterParameter.sigma,
    .dimensions,
  ]

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  /// The window's largest radius, voxels.
  private static let largestRadius = 20.0

  package func filtered(_ image: FilterImage) -> [Float] {
    let axes = image.axes(values)
    let told = Float(values["range"])
    let range = told > 0 ? told : 2.5 * image.noise(values)
    guard range > 0 else { return image.values }
    let space = values["space"]
    var radius = SIMD3<Int>.zero
    for axis in 0..<axes where image.size[axis] > 1 {
      radius[axis] = Int(min(Self.largestRadius, (2 * space / image.spacing[axis]).rounded(.up)))
    }
    var shifts: [(offset: SIMD3<Int>, weight: Float)] = []
    for z in -radius.z...radius.z {
      for y in -radius.y...radius.y {
        for x in -radius.x...radius.x {
          let d = SIMD3<Double>(SIMD3(x, y, z)) * image.spacing
          let weight = exp(-(d * d).sum() / (2 * space * space))
          shifts.append((SIMD3(x, y, z), Float(weight)))
        }
      }
    }
    let padded = PaddedImage(image.values, size: image.size, padding: radius)
    let (size, list, margin, falloff) = (image.size, shifts, radius, 1 / (2 * range * range))
    return .filled(count: image.values.count, pieces: size.y * size.z) { rows, target in
      var total = [Float](repeating: 0, count: size.x)
      padded.values.withUnsafeBufferPointer { source in
        total.withUnsafeMutableBufferPointer { total in
          guard let base = source.baseAddress, let sums = total.baseAddress else { return }
          for row in rows {
            let (y, z) = (row % size.y + margin.y, row / size.y + margin.z)
            let here = base + (z * padded.size.y + y) * padded.size.x + margin.x
            let to = target + row * size.x
            for x in 0..<size.x {
              to[x] = 0
              sums[x] = 0
            }
            for (offset, weight) in list {
              let there =
                here + (offset.z * padded.size.y + offset.y) * padded.size.x + offset.x
              for x in 0..<size.x {
                let difference = there[x] - here[x]
                let w = weight * exponentialDecay(difference * difference * falloff)
                to[x] += w * there[x]
                sums[x] += w
              }
            }
            for x in 0..<size.x { to[x] /= sums[x] }
          }
        }
      }
    }
  }
}
