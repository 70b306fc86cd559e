import Networks

extension TrainingPlanner {
  /// The networks that can be planned.
  ///
  /// The names are the catalogue's, and those of the paper for the variants of the FCN: "fcn" is FCN-8s.
  public static let networkNames = [
    "unet", "unet++", "resunet", "attention-unet", "segresnet", "deeplabv3+", "fcn", "fcn-16s",
    "fcn-32s",
  ]

  /// All networks that a training may name: `networkNames`, and the one of volumes.
  public static let allNetworkNames = networkNames + [NetworkConfiguration.convLSTMUNetName]

  /// The most levels of a U-Net++, whose maps grow with their square; the paper's number.
  private static let maximumNestedStages = 5
  /// The most levels of a SegResNet, whose channels double at every one; the paper's number.
  private static let maximumResidualStages = 4
  /// Planes of at most so many halvings get DeepLab's finer output stride.
  private static let fineStages = 4

  /// What rows and columns of the patch must be multiples of.
  /// - Parameters:
  ///   - name: One of `networkNames`.
  ///   - stages: Resolutions, full resolution among them.
  /// - Returns: The number of pixels.
  static func sizeMultiple(of name: String, stages: Int) -> Int {
    switch name {
    case "fcn", "fcn-16s", "fcn-32s": 1 << max(3, stages)
    case "deeplabv3+": deepLabStride(stages)
    default: 1 << (stages - 1)
    }
  }

  private static func deepLabStride(_ stages: Int) -> Int { stages <= fineStages ? 8 : 16 }

  /// Puts a network together.
  /// - Parameters:
  ///   - name: One of `networkNames`.
  ///   - inputChannels: Channels of the input.
  ///   - classes: Classes, background included.
  ///   - features: Channels of each resolution, full resolution first.
  /// - Returns: The network's values.
  /// - Throws: `NetworksError.unknownNetwork`.
  package func network(
    _ name: String,
    inputChannels: Int,
    classes: Int,
    features: [Int]
  ) throws -> NetworkConfiguration {
    switch name {
    case "unet":
      return .unet(
        UNetConfiguration(
          inputChannels: inputChannels,
          outputChannels: classes,
          features: features
        )
      )
    case "unet++":
      return .unetPlusPlus(
        UNetPlusPlusConfiguration(
          inputChannels: inputChannels,
          outputChannels: classes,
          features: Array(features.prefix(Self.maximumNestedStages))
        )
      )
    case "resunet":
      return .resUNet(
        ResUNetConfiguration(
          inputChannels: inputChannels,
          outputChannels: classes,
          features: features
        )
      )
    case "attention-unet":
      return .attentionUNet(
        AttentionUNetConfiguration(
          inputChannels: inputChannels,
          outputChannels: classes,
          features: features,
          strides: features.dropLast().map { _ in 2 },
          dimensions: 2
        )
      )
    case "segresnet":
      return .segResNet(segResNet(inputChannels, classes, features))
    case "deeplabv3+":
      var values = DeepLabConfiguration(
        inputChannels: inputChannels,
        outputChannels: classes,
        features: features.first ?? 8
      )
      values.outputStride = Self.deepLabStride(features.count)
      return .deepLab(values)
    case "fcn": return .fcn(fcn(.lastThree, inputChannels, classes, features))
    case "fcn-16s": return .fcn(fcn(.lastTwo, inputChannels, classes, features))
    case "fcn-32s": return .fcn(fcn(.last, inputChannels, classes, features))
    default:
      throw NetworksError.unknownNetwork(name: name, known: Self.networkNames)
    }
  }

  private func fcn(
    _ variant: FCNConfiguration.Variant,
    _ inputChannels: Int,
    _ classes: Int,
    _ features: [Int]
  ) -> FCNConfiguration {
    let stages = features + [Int](repeating: features.last ?? 8, count: max(0, 3 - features.count))
    var values = FCNConfiguration(
      inputChannels: inputChannels,
      outputChannels: classes,
      features: stages,
      classifierFeatures: 2 * (stages.last ?? 8)
    )
    values.variant = variant
    return values
  }

  /// Blocks as in MONAI's network: 1, 2, 2, 4 on the way down and one at each level on the way up.
  private func segResNet(
    _ inputChannels: Int,
    _ classes: Int,
    _ features: [Int]
  ) -> SegResNetConfiguration {
    let levels = max(2, min(features.count, Self.maximumResidualStages))
    let width = features.first ?? 8
    var values = SegResNetConfiguration(
      inputChannels: inputChannels,
      outputChannels: classes,
      initialFeatures: width,
      blocksDown: Array([1, 2, 2, 4].prefix(levels)),
      blocksUp: [Int](repeating: 1, count: levels - 1),
      dimensions: 2
    )
    // Eight groups, or as many as the channels allow.
    let groups = [8, 4, 2, 1].first { width.isMultiple(of: $0) } ?? 1
    values.normalization = .group(groups: groups)
    return values
  }
}
