import Layers
import Support

/// A discriminator's kind and values, as plans of adversarial trainings store them.
public enum DiscriminatorConfiguration: Codable, Sendable, Equatable {
  /// Scores of patches.
  case patch(PatchDiscriminatorConfiguration)
  /// One score of the image.
  case vgg(VGGDiscriminatorConfiguration)

  /// Builds the discriminator with random weights.
  /// - Parameter random: The stream to draw weights from.
  /// - Returns: A layer that gives scores, one or more for each sample.
  /// - Throws: `NetworksError.invalidConfiguration` when a value is out of its range.
  public func makeDiscriminator(random: inout RandomStream) throws(NetworksError) -> any Layer {
    switch self {
    case .patch(let values): try PatchDiscriminator(values, random: &random)
    case .vgg(let values): try VGGDiscriminator(values, random: &random)
    }
  }
}
