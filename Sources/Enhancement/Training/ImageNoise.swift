import Imaging
import Pipelines
import Support
import Transforms

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
    /// What fewer quanta leave in the reconstruction of a CT scan: noise of its projections, streaky and
    /// correlated, with a standard deviation of s over the body (`LowDoseNoise`).
    case lowDoseCT = "low-dose-ct"
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
  /// Whether a voxel's noise hangs on what lies far from it, so that it is made for whole slices.
  package var isProjected: Bool { kind == .lowDoseCT }
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

  /// Adds noise to any voxels of an image.
  /// - Parameters:
  ///   - parameters: The sample's numbers.
  ///   - values: The clean values, changed in place.
  /// - Precondition: The noise is not made for whole slices.
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
      case .lowDoseCT: preconditionFailure("noise of whole slices for some voxels")
      }
    }
  }

  /// Adds noise to a whole image.
  /// - Parameters:
  ///   - parameters: The sample's numbers.
  ///   - image: The clean image, on a scale on which it is 0 to 1.
  ///   - scale: The way to that scale from Hounsfield units, where noise is made for whole slices.
  /// - Returns: The noisy image.
  package func noisy(
    _ parameters: Parameters,
    _ image: Volume<Float>,
    scale: IntensityRange.Scale?
  ) -> Volume<Float> {
    var values = image.voxels
    if isProjected {
      let field = Self.field(for: image, scale: scale, seed: parameters.seed)
      for place in values.indices { values[place] += parameters.level * field[place] }
    } else {
      apply(parameters, to: &values)
    }
    return Volume(geometry: image.geometry, voxels: values)
  }

  /// Noise of a low dose for a scan of axial slices, with a deviation of 1 over the body.
  /// - Parameters:
  ///   - image: The clean scan.
  ///   - scale: The way to its scale from Hounsfield units; nil where its values are such.
  ///   - seed: The noise's seed.
  /// - Returns: The noise of each voxel.
  package static func field(
    for image: Volume<Float>,
    scale: IntensityRange.Scale?,
    seed: UInt64
  ) -> [Float] {
    let geometry = image.geometry
    let noise = LowDoseNoise(
      width: geometry.size.x,
      height: geometry.size.y,
      spacingMM: (geometry.spacing.x + geometry.spacing.y) / 2
    )
    let values = scale.map { scale in image.voxels.map(scale.restored) } ?? image.voxels
    return noise.noise(for: values, seed: seed)
  }

  /// Why no noise of a low dose can be made for an image.
  /// - Parameter image: The image, its values as files give them.
  /// - Returns: The reason; nil when it can be made.
  package static func projectionRefusal(of image: Volume<Float>) -> String? {
    if image.geometry.isPlanar { return "it is a picture, and low doses are of CT scans" }
    if image.geometry.orientation.axes[2].patientAxis != 2 {
      return "its slices are not axial, and noise of a low dose is made in axial ones"
    }
    return ModalityGuess.contradiction(image.voxels, to: "CT")
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
