extension NetworkCatalog {
  /// The architectures that pass images through a narrow middle, or fill their holes.
  static let autoencoders: [NetworkEntry] = [
    NetworkEntry(
      name: "autoencoder",
      paper: "Masci, Meier, Ciresan and Schmidhuber 2011",
      example: .convolutionalAutoencoder(ConvolutionalAutoencoderConfiguration(small))
    ),
    NetworkEntry(
      name: "vae",
      paper: "Kingma and Welling 2014",
      example: .variationalAutoencoder(VariationalAutoencoderConfiguration(small))
    ),
    NetworkEntry(
      name: "vq-vae",
      paper: "van den Oord, Vinyals and Kavukcuoglu 2017",
      example: .vectorQuantizedAutoencoder(
        VectorQuantizedAutoencoderConfiguration(small, codes: 12)
      )
    ),
    NetworkEntry(
      name: "linear-autoencoder",
      paper: "Bourlard and Kamp 1988",
      example: .linearAutoencoder(
        LinearAutoencoderConfiguration(channels: 2, patch: [8, 8], components: 6)
      )
    ),
    NetworkEntry(
      name: "partial-conv-unet",
      paper: "Liu et al. 2018",
      example: .partialConvolutionUNet(
        PartialConvolutionUNetConfiguration(channels: 2, features: [8, 12])
      )
    ),
  ]

  private static let small = AutoencoderShape(channels: 2, features: [8, 12], latentChannels: 8)
}
