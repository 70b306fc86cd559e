import Support

/// How far random changes of training slices may go; a value for plans.
///
/// Each property is the largest deviation from the identity, or the probability of a change.
public struct SliceAugmentation: Codable, Sendable, Equatable {
  /// Largest rotation either way, degrees.
  public var rotationDegrees = 15.0
  /// Largest relative magnification and its inverse, for instance 0.2 for 1/1.2 to 1.2.
  public var scaling = 0.2
  /// Largest shear either way.
  public var shear = 0.1
  /// Largest shift either way, pixels.
  public var translationPixels = 4.0
  /// Probability that the geometry changes at all.
  public var spatialProbability = 0.8
  /// Probability that columns are mirrored; 0 where left and right have names.
  public var mirrorProbability = 0.0
  /// Probability of each change of intensity: blur, contrast, brightness, gamma, noise.
  public var intensityProbability = 0.25
  /// Largest relative contrast and its inverse.
  public var contrast = 0.35
  /// Largest brightness either way, in deviations of the image.
  public var brightness = 0.3
  /// Largest relative gamma and its inverse.
  public var gamma = 0.4
  /// Largest standard deviation of the noise.
  public var noise = 0.2
  /// Largest standard deviation of the blur, pixels.
  public var blurPixels = 0.9

  /// Creates the defaults that the properties show.
  public init() {}

  /// No change at all.
  public static let none = {
    var result = SliceAugmentation()
    result.spatialProbability = 0
    result.intensityProbability = 0
    return result
  }()

  /// Draws one transform.
  /// - Parameter random: The stream to draw from.
  /// - Returns: A transform with all its numbers fixed.
  public func draw(_ random: inout RandomStream) -> SliceTransform {
    func ratio(_ largest: Double) -> Double {
      let factor = 1 + random.uniform() * largest
      return random.chance(0.5) ? factor : 1 / factor
    }
    var transform = SliceTransform()
    if random.chance(spatialProbability) {
      transform.rotation =
        random.uniform(in: -1..<1) * rotationDegrees * .pi / 180
      let common = ratio(scaling)
      transform.scale = [common * ratio(scaling / 3), common * ratio(scaling / 3)]
      transform.shear = random.uniform(in: -1..<1) * shear
      transform.translation = [
        random.uniform(in: -1..<1) * translationPixels,
        random.uniform(in: -1..<1) * translationPixels,
      ]
    }
    transform.mirrorsColumns = random.chance(mirrorProbability)
    if random.chance(intensityProbability) {
      transform.blur = 0.3 + random.uniform() * max(0, blurPixels - 0.3)
    }
    if random.chance(intensityProbability) { transform.contrast = ratio(contrast) }
    if random.chance(intensityProbability) {
      transform.brightness = random.uniform(in: -1..<1) * brightness
    }
    if random.chance(intensityProbability) { transform.gamma = ratio(gamma) }
    if random.chance(intensityProbability) {
      transform.noise = random.uniform() * noise
      transform.noiseSeed = random.next()
    }
    return transform
  }
}
