extension NetworkCatalog {
  /// The architectures that give one vector for an image.
  static let vectorNetworks: [NetworkEntry] = [
    NetworkEntry(
      name: "lenet",
      paper: "LeCun et al. 1998",
      example: .leNet(LeNetConfiguration(inputChannels: 1, outputChannels: 3, imageSize: [16, 16]))
    ),
    NetworkEntry(
      name: "resnet",
      paper: "He et al. 2016",
      example: .resNet(smallResNet)
    ),
  ]

  private static let smallResNet = {
    var values = ResNetConfiguration(
      inputChannels: 1,
      outputChannels: 3,
      blocks: [1, 1],
      block: .bottleneck,
      stem: .small
    )
    values.features = 8
    return values
  }()
}
