/// Degradations one after the other, all their numbers fixed.
///
/// The order is that of a scan: motion and the point spread while it is taken, truncation, then noise.
package struct DegradationPlan: Codable, Sendable, Equatable {
  /// Motion between lines of k-space.
  package var motion: MotionArtifact?
  /// Blur.
  package var blur: GaussianBlur?
  /// Truncation of k-space.
  package var truncation: SpectralTruncation?
  /// Noise of MR magnitudes.
  package var rician: RicianNoise?
  /// Noise of counts.
  package var poisson: PoissonGaussianNoise?
  /// White noise.
  package var gaussian: GaussianNoise?

  /// Creates the plan that changes nothing.
  package init() {}

  /// The degraded image, on the same grid.
  /// - Parameters:
  ///   - values: The image, x fastest.
  ///   - size: Voxels along x, y and z.
  ///   - spacing: Distance of voxels, mm.
  /// - Returns: As many values.
  /// - Throws: `TransformsError` when a setting has no meaning or a value is not finite.
  package func apply(
    _ values: [Float],
    size: SIMD3<Int>,
    spacing: SIMD3<Double> = .one
  ) throws(TransformsError) -> [Float] {
    let steps: [(any Degradation)?] = [motion, blur, truncation, rician, poisson, gaussian]
    var result = values
    for case let step? in steps {
      result = try step.apply(result, size: size, spacing: spacing)
    }
    return result
  }
}
