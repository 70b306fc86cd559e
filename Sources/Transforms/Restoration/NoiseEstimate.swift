/// How strong an image's noise is, and how that was found.
package struct NoiseEstimate: Codable, Sendable, Equatable {
  /// Ways to find it.
  package enum Method: String, Codable, Sendable {
    /// White Gaussian noise, by the median of the finest wavelet details.
    case details
    /// Rician noise of magnitudes, by the dark background, where it has Rayleigh's distribution.
    case background
    /// Rician noise of magnitudes, by wavelet details of what is bright.
    case object
  }

  /// Standard deviation of the noise, of each of the two channels if it is Rician; in the image's unit.
  package let sigma: Double
  /// How it was found.
  package let method: Method
}
