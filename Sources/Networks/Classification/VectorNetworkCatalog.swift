/// The networks for whole images by the names that the command line knows.
public enum VectorNetworkCatalog {
  /// Images up to this size have a small stem.
  private static let smallSide = 64

  private static let layouts: [(name: String, blocks: [Int], block: ResNetConfiguration.Block)] = [
    ("resnet18", [2, 2, 2, 2], .basic), ("resnet34", [3, 4, 6, 3], .basic),
    ("resnet50", [3, 4, 6, 3], .bottleneck),
  ]

  /// The names.
  public static var names: [String] {
    ["lenet"] + layouts.map(\.name) + layouts.map { $0.name + narrow }
  }

  /// Networks with a quarter of the paper's channels have this after their name.
  private static let narrow = "-narrow"

  /// The values of a network.
  /// - Parameters:
  ///   - name: One of `names`.
  ///   - inputChannels: Channels of an image.
  ///   - outputChannels: Classes.
  ///   - imageSize: Rows and columns of an image.
  /// - Returns: The values; nil for an unknown name.
  public static func configuration(
    named name: String,
    inputChannels: Int,
    outputChannels: Int,
    imageSize: [Int]
  ) -> NetworkConfiguration? {
    if name == "lenet" {
      var values = LeNetConfiguration(
        inputChannels: inputChannels,
        outputChannels: outputChannels,
        imageSize: imageSize
      )
      // Wider than the paper's, which was small for the machines of its time.
      (values.features, values.dropoutProbability) = ([32, 64], 0.3)
      return .leNet(values)
    }
    guard let layout = layouts.first(where: { name == $0.name || name == $0.name + narrow }) else {
      return nil
    }
    var values = ResNetConfiguration(
      inputChannels: inputChannels,
      outputChannels: outputChannels,
      blocks: layout.blocks,
      block: layout.block,
      stem: (imageSize.max() ?? 0) <= smallSide ? .small : .standard
    )
    if name.hasSuffix(narrow) { values.features /= 4 }
    return .resNet(values)
  }
}
