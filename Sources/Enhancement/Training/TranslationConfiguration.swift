import Pipelines

/// What images become that are translated to another kind.
public struct TranslationConfiguration: Codable, Sendable, Equatable {
  /// Whether each image has a partner of the other kind, which shows the same.
  public var isPaired: Bool
  /// How intensities of the other kind are brought to the network's scale.
  public var targetIntensity: IntensityRange
  /// The other images' name.
  public var targetName: String

  /// Creates a configuration.
  /// - Parameters:
  ///   - isPaired: Whether each image has a partner of the other kind.
  ///   - targetIntensity: How intensities of the other kind are brought to the network's scale.
  ///   - targetName: The other images' name.
  public init(isPaired: Bool, targetIntensity: IntensityRange, targetName: String) {
    self.isPaired = isPaired
    self.targetIntensity = targetIntensity
    self.targetName = targetName
  }
}
