import Support

/// How far random changes of training pictures may go; a value for plans.
///
/// Under a microscope no direction is special, so that pictures are also turned by right angles and
/// mirrored, and objects are of many sizes.
public struct PictureAugmentation: Codable, Sendable, Equatable {
  /// Changes of shape and intensity; its own mirroring comes on top.
  public var slices: SliceAugmentation
  /// Whether the eight symmetries of the square are equally likely; otherwise pictures stand as they are.
  public var turns = true

  /// Creates the defaults: all symmetries, a common magnification of 1/2 to 2, turns by up to 45 degrees.
  public init() {
    slices = SliceAugmentation()
    slices.rotationDegrees = 45
    slices.scaling = 1
    slices.shear = 0.1
    slices.translationPixels = 0
    slices.spatialProbability = 0.7
    slices.intensityProbability = 0.2
  }

  /// No change at all.
  public static let none = {
    var result = PictureAugmentation()
    result.slices = .none
    result.turns = false
    return result
  }()

  /// Draws one of the symmetries.
  /// - Parameter random: The stream to draw from.
  /// - Returns: A symmetry, or the identity where pictures are not turned.
  public func drawSymmetry(_ random: inout RandomStream) -> SquareSymmetry {
    turns ? SquareSymmetry(number: Int.random(in: 0..<8, using: &random)) : .identity
  }
}
