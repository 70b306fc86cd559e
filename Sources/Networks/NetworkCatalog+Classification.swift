extension NetworkCatalog {
  /// The architectures that give one vector for an image: scores of classes, or an embedding.
  static let vectorNetworks: [NetworkEntry] = [
    NetworkEntry(
      name: "lenet",
      paper: "LeCun, Bottou, Bengio and Haffner 1998",
      example: .leNet(LeNetConfiguration(inputChannels: 1, outputChannels: 3, inputSize: 16))
    ),
    NetworkEntry(name: "vgg", paper: "Simonyan and Zisserman 2015", example: .vgg(smallVGG)),
    NetworkEntry(
      name: "resnet",
      paper: "He, Zhang, Ren and Sun 2016",
      example: .resNet(smallResNet)
    ),
    NetworkEntry(
      name: "densenet",
      paper: "Huang, Liu, van der Maaten and Weinberger 2017",
      example: .denseNet(
        DenseNetConfiguration(
          inputChannels: 1,
          outputChannels: 3,
          growth: 4,
          layersPerBlock: [2, 3],
          stem: .small
        )
      )
    ),
    NetworkEntry(
      name: "mobilenetv3",
      paper: "Howard et al. 2019",
      example: .mobileNetV3(smallMobileNet)
    ),
    NetworkEntry(name: "convnext", paper: "Liu et al. 2022", example: .convNeXt(smallConvNeXt)),
  ]

  private static var smallVGG: VGGConfiguration {
    var values = VGGConfiguration(
      inputChannels: 1,
      outputChannels: 3,
      convolutionsPerStage: [1, 2],
      hasNormalization: true
    )
    values.features = [8, 12]
    values.poolings = 2
    values.pooledSize = 2
    values.hiddenFeatures = 16
    values.dropoutProbability = 0
    return values
  }

  private static var smallResNet: ResNetConfiguration {
    var values = ResNetConfiguration(
      inputChannels: 1,
      outputChannels: 3,
      block: .bottleneck,
      blocksPerStage: [1, 2],
      stem: .small
    )
    values.features = 4
    return values
  }

  private static var smallMobileNet: MobileNetV3Configuration {
    var values = MobileNetV3Configuration(
      inputChannels: 1,
      outputChannels: 3,
      size: .small,
      stem: .small
    )
    values.widthFactor = 0.25
    values.dropoutProbability = 0
    return values
  }

  private static var smallConvNeXt: ConvNeXtConfiguration {
    var values = ConvNeXtConfiguration(
      inputChannels: 1,
      outputChannels: 3,
      features: [8, 12],
      blocksPerStage: [1, 2]
    )
    values.layerScale = 0.1
    values.stochasticDepth = 0
    return values
  }
}
