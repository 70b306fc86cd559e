import Support

/// Noise that is added to clean images, on a scale on which they are 0 to 1.
///
/// The numbers of a sample are drawn first; what is added follows from them alone.
public struct ImageNoise: Codable, Sendable, Equatable {
  /// The law of the noise.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// v + s n, n of the standard normal distribution.
    case gaussian
    /// The magnitude of a complex signal with noise in both parts, √((v + s n₁)² + (s n₂)²): magnitude
    /// images of MR (Gudbjartsson and Patz 1995, "The Rician distribution of noisy MRI data").
    case rician
    /// A variance of s² (v + 1) / 2: quanta and electronics, as in CT and photographs (Foi et al. 2008,
    /// "Practical Poissonian-Gaussian noise modeling and fitting", equation 2).
    case poissonGaussian = "poisson-gaussian"
  }

  /// The numbers of one sample.
  package struct Parameters: Sendable, Equatable {
    /// s.
    package let level: Float
    /// Seed of the sample's noise.
    package let seed: UInt64

    package init(level: Float, seed: UInt64) {
      self.level = level
      self.seed = seed
    }
  }

  /// The law.
  public var kind: Kind
  /// The weakest noise, s.
  public var lowest: Double
  /// The strongest noise.
  public var highest: Double

  /// Creates a range of noise.
  /// - Parameters:
  ///   - kind: The law.
  ///   - lowest: The weakest noise, in units of the range of intensities.
  ///   - highest: The strongest noise.
  public init(kind: Kind, lowest: Double, highest: Double) {
    self.kind = kind
    self.lowest = lowest
    self.highest = highest
  }

  /// Draws the numbers of a sample; strengths are uniform over the range.
  /// - Parameter random: The stream to draw from.
  /// - Returns: The numbers.
  package func draw(_ random: inout RandomStream) -> Parameters {
    let share = random.uniform()
    return Parameters(
      level: Float(lowest + share * (highest - lowest)),
      seed: random.next()
    )
  }

  /// The numbers of noise in the middle of the range.
  /// - Parameter seed: The noise's seed.
  /// - Returns: The numbers.
  package func middle(seed: UInt64) -> Parameters {
    Parameters(level: Float((lowest + highest) / 2), seed: seed)
  }

  /// Adds noise.
  /// - Parameters:
  ///   - parameters: The sample's numbers.
  ///   - values: The clean values, changed in place.
  package func apply(_ parameters: Parameters, to values: inout [Float]) {
    var random = RandomStream(seed: parameters.seed)
    let level = parameters.level
    for place in values.indices {
      let value = values[place]
      switch kind {
      case .gaussian: values[place] = value + level * Float(random.normal())
      case .rician:
        let real = value + level * Float(random.normal())
        let imaginary = level * Float(random.normal())
        values[place] = (real * real + imaginary * imaginary).squareRoot()
      case .poissonGaussian:
        let variance = max(0, value + 1) / 2
        values[place] = value + level * variance.squareRoot() * Float(random.normal())
      }
    }
  }

  /// Checks values that came from arguments or a file.
  /// - Throws: `EnhancementError.unfitTraining`.
  func check() throws(EnhancementError) {
    guard 0 <= lowest, lowest <= highest, highest > 0, highest <= 2 else {
      throw .unfitTraining(
        reason: "noise of \(100 * lowest) to \(100 * highest) % of the range is none, or too strong"
      )
    }
  }
}
