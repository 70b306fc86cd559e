extension NetworkCatalog {
  /// Relatives of the U-Net and dilated networks that score every pixel.
  static let segmentationNetworks: [NetworkEntry] = [
    NetworkEntry(
      name: "unet++",
      paper: "Zhou et al. 2018",
      example: .unetPlusPlus(
        UNetPlusPlusConfiguration(inputChannels: 1, outputChannels: 2, features: [4, 6, 8])
      )
    ),
    NetworkEntry(
      name: "resunet",
      paper: "Zhang, Liu and Wang 2018",
      example: .resUNet(
        ResUNetConfiguration(inputChannels: 1, outputChannels: 2, features: [8, 16])
      )
    ),
    NetworkEntry(
      name: "deeplabv3+",
      paper: "Chen et al. 2018",
      example: .deepLab(smallDeepLab)
    ),
    NetworkEntry(
      name: NetworkConfiguration.convLSTMUNetName,
      paper: "Chen et al. 2016, Novikov et al. 2019",
      example: .convLSTMUNet(
        NNUNetConfiguration(
          inputChannels: 1,
          outputChannels: 2,
          features: [6, 8],
          dimensions: 3,
          unitsPerStage: [1, 1],
          decoderUnitsPerStage: [1]
        ).throughSlices
      )
    ),
  ]

  private static var smallDeepLab: DeepLabConfiguration {
    var values = DeepLabConfiguration(inputChannels: 1, outputChannels: 2, features: 8)
    values.blocksPerStage = [1, 1, 1, 1]
    values.rates = [2, 4]
    values.pyramidFeatures = 16
    return values
  }
}
