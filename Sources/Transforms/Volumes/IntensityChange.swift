import Foundation

/// A change of one channel's intensities with all its numbers fixed.
///
/// The changes follow each other in the order of the properties, which is nnU-Net's; each does what
/// batchgeneratorsv2 0.3 does with the same numbers. Intensities are meant to be normalised (mean 0,
/// deviation 1).
public struct IntensityChange: Codable, Sendable, Equatable {
  /// Standard deviation of white noise.
  public var noise = 0.0
  /// Seed of the noise.
  public var noiseSeed: UInt64 = 0
  /// Standard deviation of a Gaussian blur along x, y and z, voxels; 0 for none.
  public var blur: SIMD3<Double> = [0, 0, 0]
  /// Factor on the intensities.
  public var brightness = 1.0
  /// Factor on the distance from the patch's mean; the patch's extremes are kept as limits.
  public var contrast = 1.0
  /// Share of the resolution that is left along x, y and z, 1 for all of it.
  ///
  /// Voxels are dropped (nearest neighbours), then interpolated linearly.
  public var lowResolution: SIMD3<Double> = [1, 1, 1]
  /// Exponent on the negated intensities, as `gamma`; 1 for none.
  public var invertedGamma = 1.0
  /// Exponent on the intensities rescaled to 0…1 (mean and deviation are kept); 1 for none.
  public var gamma = 1.0

  /// Creates the identity.
  public init() {}

  /// Changes the voxels of one channel, x fastest.
  func apply(to values: UnsafeMutableBufferPointer<Float>, size: SIMD3<Int>) {
    if noise > 0 { addNoise(to: values) }
    AxisFilter.apply(
      (0..<3).map { blur[$0] > 0 ? AxisFilter(blurring: size[$0], deviation: blur[$0]) : nil },
      to: values,
      size: size
    )
    if brightness != 1 {
      let factor = Float(brightness)
      for i in values.indices { values[i] *= factor }
    }
    if contrast != 1 { changeContrast(of: values) }
    AxisFilter.apply(
      (0..<3).map { AxisFilter(losing: size[$0], share: lowResolution[$0]) },
      to: values,
      size: size
    )
    if invertedGamma != 1 {
      for i in values.indices { values[i] = -values[i] }
      Self.raise(values, to: invertedGamma)
      for i in values.indices { values[i] = -values[i] }
    }
    if gamma != 1 { Self.raise(values, to: gamma) }
  }

  private func addNoise(to values: UnsafeMutableBufferPointer<Float>) {
    var stream = NoiseStream(seed: noiseSeed)
    let deviation = Float(noise)
    for i in values.indices { values[i] += deviation * stream.next() }
  }

  private func changeContrast(of values: UnsafeMutableBufferPointer<Float>) {
    let moments = PatchMoments(values)
    let (factor, mean) = (Float(contrast), Float(moments.mean))
    for i in values.indices {
      values[i] = min(max((values[i] - mean) * factor + mean, moments.low), moments.high)
    }
  }

  private static func raise(_ values: UnsafeMutableBufferPointer<Float>, to exponent: Double) {
    let before = PatchMoments(values)
    let (low, range) = (before.low, before.high - before.low)
    guard range > 0, range.isFinite else { return }
    let (scale, power) = (1 / range, Float(exponent))
    for i in values.indices { values[i] = powf((values[i] - low) * scale, power) * range + low }
    let after = PatchMoments(values)
    let factor = Float(before.deviation / max(after.deviation, 1e-7))
    let (from, to) = (Float(after.mean), Float(before.mean))
    for i in values.indices { values[i] = (values[i] - from) * factor + to }
  }
}
