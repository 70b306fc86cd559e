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
    )
  ]
}
