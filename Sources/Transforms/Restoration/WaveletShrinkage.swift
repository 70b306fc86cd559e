import Support

/// Wavelet coefficients made smaller by what noise is expected in them.
///
/// BayesShrink of Chang, Yu and Vetterli, 2000, "Adaptive wavelet thresholding for image denoising and
/// compression": in each band coefficients are drawn towards 0 by σ² / σ_x, where σ_x² is the band's mean
/// square less the noise's. The transform is Haar's without subsampling (Coifman and Donoho, 1995,
/// "Translation-invariant de-noising"), axis by axis, mirrored at the outer voxels' faces. Unlike
/// scikit-image's, which subsamples, it does not depend on where blocks begin.
package struct WaveletShrinkage: VolumeFilter {
  package static let name = "wavelet"
  package static let removesNoise = true
  package static let paper =
    "Chang et al. 2000, Adaptive wavelet thresholding for image denoising and compression"
  package static let parameters = [
    FilterParameter.sigma,
    FilterParameter("levels", 4, 1...8, isWhole: true, "scales, the finest first"),
    FilterParameter("strength", 1, 0...10, "factor on the thresholds"),
    .dimensions,
  ]

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  package func filtered(_ image: FilterImage) -> [Float] {
    let sigma = Double(image.noise(values))
    guard sigma > 0 else { return image.values }
    let axes = (0..<image.axes(values)).filter { image.size[$0] > 1 }
    var result = image.values
    restore(&result, size: image.size, axes: axes, level: 0, sigma: sigma)
    return result
  }

  /// Restores the approximation of a level in place.
  private func restore(
    _ approximation: inout [Float],
    size: SIMD3<Int>,
    axes: [Int],
    level: Int,
    sigma: Double
  ) {
    let step = 1 << level
    let usable = axes.filter { step < size[$0] }
    guard level < values.whole("levels"), !usable.isEmpty else { return }
    let source = approximation
    // A mean of 2^level values along each axis has been taken; one more halves the variance once more.
    var variance = sigma * sigma
    for axis in axes { variance /= Double(min(step, size[axis])) }
    for _ in usable { variance /= 2 }
    var sum: [Float] = []
    for band in 0..<1 << usable.count {
      var part = source
      for (k, axis) in usable.enumerated() {
        part = Self.analysed(part, size, axis, step, isDetail: band >> k & 1 == 1)
      }
      if band == 0 {
        restore(&part, size: size, axes: axes, level: level + 1, sigma: sigma)
      } else {
        shrink(&part, variance: variance)
      }
      for (k, axis) in usable.enumerated() {
        part = Self.synthesised(part, size, axis, step, isDetail: band >> k & 1 == 1)
      }
      if band == 0 {
        sum = part
      } else {
        let addend = part
        sum.change(pieces: size.y * size.z) { rows, target in
          for i in rows.lowerBound * size.x..<rows.upperBound * size.x { target[i] += addend[i] }
        }
      }
    }
    approximation = sum
  }

  private func shrink(_ band: inout [Float], variance: Double) {
    let square = band.parallelSum { Double($0) * Double($0) } / Double(band.count)
    let signal = (max(square - variance, 0)).squareRoot()
    let strength = values["strength"]
    let isNoise = signal * 1e6 < variance.squareRoot()
    let threshold = isNoise ? Float.infinity : Float(strength * variance / signal)
    guard !(isNoise && strength == 0) else { return }
    let count = band.count
    band.change(pieces: (count + 4095) / 4096) { pieces, target in
      for i in pieces.lowerBound * 4096..<min(count, pieces.upperBound * 4096) {
        let value = target[i]
        let rest = abs(value) - threshold
        target[i] = rest > 0 ? (value < 0 ? -rest : rest) : 0
      }
    }
  }

  /// Half the sum, or half the difference, of each voxel and the one a step further.
  private static func analysed(
    _ values: [Float],
    _ size: SIMD3<Int>,
    _ axis: Int,
    _ step: Int,
    isDetail: Bool
  ) -> [Float] {
    let sign: Float = isDetail ? -0.5 : 0.5
    let apart = (0..<size[axis]).map { Mirror.atFaces($0 + step, size[axis]) }
    return combined(values, size, axis) { x in (0.5, sign, apart[x]) }
  }

  /// The voxels from both pairs of which they are part, half each; at the beginning from one alone.
  private static func synthesised(
    _ values: [Float],
    _ size: SIMD3<Int>,
    _ axis: Int,
    _ step: Int,
    isDetail: Bool
  ) -> [Float] {
    let sign: Float = isDetail ? -0.5 : 0.5
    return combined(values, size, axis) { x in x < step ? (1, 0, x) : (0.5, sign, x - step) }
  }

  /// own · value + other · value elsewhere along the axis.
  private static func combined(
    _ values: [Float],
    _ size: SIMD3<Int>,
    _ axis: Int,
    _ weights: @Sendable (Int) -> (own: Float, other: Float, place: Int)
  ) -> [Float] {
    let table = (0..<size[axis]).map(weights)
    let plane = size.x * size.y
    return .filled(count: values.count, pieces: size.y * size.z) { rows, target in
      values.withUnsafeBufferPointer { values in
        for row in rows {
          let start = row * size.x
          let to = target + start
          if axis == 0 {
            for x in 0..<size.x {
              let (own, other, place) = table[x]
              to[x] = own * values[start + x] + other * values[start + place]
            }
          } else {
            let here = axis == 1 ? row % size.y : row / size.y
            let (own, other, place) = table[here]
            let there = start + (place - here) * (axis == 1 ? size.x : plane)
            for x in 0..<size.x { to[x] = own * values[start + x] + other * values[there + x] }
          }
        }
      }
    }
  }
}
