/// The networks of classes and embeddings by the names under which they are asked for.
public enum VectorNetworkCatalog {
  /// All names; ResNets and DenseNets that end in "-small" take the stem for small images whatever the size.
  public static let names = [
    "lenet", "resnet18", "resnet34", "resnet50", "resnet18-small", "resnet34-small",
    "resnet50-small", "vgg11-bn", "vgg13-bn", "vgg16-bn", "vgg19-bn", "vgg11", "vgg13", "vgg16",
    "vgg19", "densenet121", "densenet121-small", "mobilenetv3-small", "mobilenetv3-large",
    "convnext-tiny",
  ]

  /// Images of at most so many rows or columns get the stem for small images.
  public static let largestSmallSize = 64

  /// The values of a network.
  ///
  /// Images whose smaller side has at most 64 pixels get the small stem; VGG then has fewer poolings
  /// and smaller fully connected layers, and ConvNeXt patches of 1 (up to 32 pixels) or 2.
  /// - Parameters:
  ///   - name: One of `names`.
  ///   - inputChannels: Channels of the image.
  ///   - outputChannels: Classes, or values of an embedding.
  ///   - imageSize: Rows and columns of the image.
  /// - Returns: The values; nil for another name, or an image that is too small for the network: less
  ///   than 12 pixels for LeNet, 8 for others.
  public static func configuration(
    named name: String,
    inputChannels: Int,
    outputChannels: Int,
    imageSize: [Int]
  ) -> NetworkConfiguration? {
    guard let side = imageSize.min(), side >= (name == "lenet" ? 12 : 8) else { return nil }
    let isSmall = side <= largestSmallSize
    let ending = "-small"
    if name == "mobilenetv3-small" || name == "mobilenetv3-large" {
      return .mobileNetV3(
        MobileNetV3Configuration(
          inputChannels: inputChannels,
          outputChannels: outputChannels,
          size: name == "mobilenetv3-small" ? .small : .large,
          stem: isSmall ? .small : .standard
        )
      )
    }
    if name == "lenet" {
      return .leNet(
        LeNetConfiguration(
          inputChannels: inputChannels,
          outputChannels: outputChannels,
          inputSize: side
        )
      )
    }
    if name == "convnext-tiny" {
      return .convNeXt(
        .tiny(
          inputChannels: inputChannels,
          outputChannels: outputChannels,
          patchSize: side <= 32 ? 1 : isSmall ? 2 : 4
        )
      )
    }
    if let values = vgg(name, inputChannels, outputChannels) {
      return .vgg(isSmall ? values.fitted(toSmallImagesOf: side) : values)
    }
    let isNamedSmall = name.hasSuffix(ending)
    return withStem(
      isNamedSmall ? String(name.dropLast(ending.count)) : name,
      inputChannels,
      outputChannels,
      isSmall || isNamedSmall ? .small : .standard
    )
  }

  private static func withStem(
    _ name: String,
    _ inputs: Int,
    _ outputs: Int,
    _ stem: ClassifierStem
  ) -> NetworkConfiguration? {
    switch name {
    case "resnet18":
      .resNet(.resNet18(inputChannels: inputs, outputChannels: outputs, stem: stem))
    case "resnet34":
      .resNet(.resNet34(inputChannels: inputs, outputChannels: outputs, stem: stem))
    case "resnet50":
      .resNet(.resNet50(inputChannels: inputs, outputChannels: outputs, stem: stem))
    case "densenet121":
      .denseNet(.denseNet121(inputChannels: inputs, outputChannels: outputs, stem: stem))
    default: nil
    }
  }

  private static func vgg(_ name: String, _ inputs: Int, _ outputs: Int) -> VGGConfiguration? {
    let parts = name.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 1 || (parts.count == 2 && parts[1] == "bn") else { return nil }
    let make: ((Int, Int, Bool) -> VGGConfiguration)? =
      switch parts[0] {
      case "vgg11": VGGConfiguration.vgg11
      case "vgg13": VGGConfiguration.vgg13
      case "vgg16": VGGConfiguration.vgg16
      case "vgg19": VGGConfiguration.vgg19
      default: nil
      }
    return make?(inputs, outputs, parts.count == 2)
  }
}
