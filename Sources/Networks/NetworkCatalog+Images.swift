extension NetworkCatalog {
  /// The architectures that turn images into images: denoising, super-resolution and translation.
  static let imageNetworks: [NetworkEntry] = [
    NetworkEntry(
      name: "ffdnet",
      paper: "Zhang, Zuo and Zhang 2018",
      example: .ffdNet(FFDNetConfiguration(channels: 2, depth: 4, features: 8))
    ),
    NetworkEntry(
      name: "denoising-autoencoder",
      paper: "Vincent et al. 2010, Gondara 2016",
      example: .denoisingAutoencoder(
        DenoisingAutoencoderConfiguration(channels: 2, features: [8, 8])
      )
    ),
    NetworkEntry(
      name: "srcnn",
      paper: "Dong, Loy, He and Tang 2016",
      example: .srcnn(SRCNNConfiguration(channels: 2, features: [8, 6]))
    ),
    NetworkEntry(
      name: "fsrcnn",
      paper: "Dong, Loy and Tang 2016",
      example: .fsrcnn(
        FSRCNNConfiguration(channels: 2, features: 12, shrunkFeatures: 6, mappings: 2)
      )
    ),
    NetworkEntry(
      name: "espcn",
      paper: "Shi et al. 2016",
      example: .espcn(ESPCNConfiguration(channels: 2, features: [12, 8]))
    ),
    NetworkEntry(
      name: "vdsr",
      paper: "Kim, Lee and Lee 2016",
      example: .vdsr(VDSRConfiguration(channels: 2, depth: 5, features: 8))
    ),
    NetworkEntry(
      name: "edsr",
      paper: "Lim et al. 2017",
      example: .edsr(EDSRConfiguration(channels: 2, blocks: 2, features: 8))
    ),
    NetworkEntry(
      name: "srresnet",
      paper: "Ledig et al. 2017 (SRGAN)",
      example: .srResNet(SRResNetConfiguration(channels: 2, blocks: 2, features: 8, scale: 2))
    ),
    NetworkEntry(
      name: "msrresnet",
      paper: "Ledig et al. 2017, Wang et al. 2018",
      example: .msrResNet(MSRResNetConfiguration(channels: 2, blocks: 2, features: 8, scale: 2))
    ),
    NetworkEntry(
      name: "compact-sr",
      paper: "Wang et al. 2021 (Real-ESRGAN)",
      example: .compactSR(CompactSRConfiguration(channels: 2, depth: 3, features: 8, scale: 2))
    ),
    NetworkEntry(
      name: "pix2pix",
      paper: "Isola et al. 2017",
      example: .pix2Pix(
        Pix2PixConfiguration(inputChannels: 1, outputChannels: 2, features: 8, depth: 3)
      )
    ),
    NetworkEntry(
      name: "cyclegan",
      paper: "Zhu et al. 2017",
      example: .cycleGAN(
        CycleGANConfiguration(inputChannels: 1, outputChannels: 2, features: 4, blocks: 2)
      )
    ),
    NetworkEntry(
      name: "style-transfer",
      paper: "Johnson, Alahi and Fei-Fei 2016, Ulyanov et al. 2017",
      example: .styleTransfer(StyleTransferConfiguration(features: 4, blocks: 2))
    ),
    NetworkEntry(
      name: "adain",
      paper: "Huang and Belongie 2017",
      example: .adaIN(AdaINConfiguration(features: [4, 6, 8], convolutionsPerStage: [1, 2]))
    ),
    NetworkEntry(
      name: "diffusion-unet",
      paper: "Ho, Jain and Abbeel 2020",
      example: .diffusionUNet(
        DiffusionUNetConfiguration(channels: 2, features: [8, 16], groups: 4, steps: 50)
      )
    ),
    NetworkEntry(
      name: "image-codec",
      paper: "Ballé, Laparra and Simoncelli 2017, Cui et al. 2021",
      example: .imageCodec(
        ImageCodecConfiguration(channels: 1, features: 6, codeChannels: 5, blocks: 1, rates: 2)
      )
    ),
  ]
}
