extension NetworkCatalog {
  /// The architectures that find boxes.
  static let detectors: [NetworkEntry] = [
    NetworkEntry(
      name: "yolo",
      paper: "Redmon et al. 2016, Jocher et al. 2023 (YOLOv8)",
      example: .yolo(
        YOLOConfiguration(
          inputChannels: 1,
          classes: 2,
          width: 0.0625,
          bins: 4,
          strides: [4, 8, 16]
        )
      )
    ),
    NetworkEntry(
      name: "faster-rcnn",
      paper: "Ren et al. 2015, Lin et al. 2017",
      example: .fasterRCNN(smallRegions)
    ),
    NetworkEntry(
      name: "mask-rcnn",
      paper: "He et al. 2017",
      example: .maskRCNN(smallMasks)
    ),
  ]

  private static var smallRegions: RegionNetworkConfiguration {
    var values = RegionNetworkConfiguration(
      inputChannels: 1,
      classes: 2,
      block: .basic,
      blocksPerStage: [1, 1],
      anchorSides: [8, 16, 32]
    )
    (values.features, values.pyramidFeatures, values.hiddenFeatures) = (4, 8, 16)
    values.boxGrid = 3
    return values
  }

  private static var smallMasks: RegionNetworkConfiguration {
    var values = smallRegions
    var mask = RegionNetworkConfiguration.MaskHead()
    (mask.features, mask.layers, mask.grid) = (8, 2, 4)
    values.mask = mask
    return values
  }
}
