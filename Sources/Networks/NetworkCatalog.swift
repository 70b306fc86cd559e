import Layers
import Support

/// What the catalogue knows of one architecture.
public struct NetworkEntry: Sendable {
  /// The name in plans and on the command line.
  public let name: String
  /// Authors and year.
  public let paper: String
  /// A small instance for tests and benchmarks.
  public let example: NetworkConfiguration
}

/// The architectures: one file each, and one line here.
public enum NetworkCatalog {
  /// All entries, in the order of `lamina` listings.
  public static let all: [NetworkEntry] =
    [
      NetworkEntry(
        name: "unet",
        paper: "Ronneberger, Fischer and Brox 2015",
        example: .unet(UNetConfiguration(inputChannels: 1, outputChannels: 2, features: [8, 16]))
      ),
      NetworkEntry(
        name: "fcn",
        paper: "Long, Shelhamer and Darrell 2015",
        example: .fcn(
          FCNConfiguration(
            inputChannels: 1,
            outputChannels: 2,
            features: [8, 8, 16],
            classifierFeatures: 16
          )
        )
      ),
      NetworkEntry(
        name: "plain-conv-unet",
        paper: "Isensee et al. 2021 (nnU-Net)",
        example: .plainConvUNet(
          NNUNetConfiguration(
            inputChannels: 1,
            outputChannels: 2,
            features: [8, 16],
            dimensions: 2,
            unitsPerStage: [2, 2],
            decoderUnitsPerStage: [2]
          )
        )
      ),
      NetworkEntry(
        name: "residual-encoder-unet",
        paper: "Isensee et al. 2024 (nnU-Net, ResEnc)",
        example: .residualEncoderUNet(
          NNUNetConfiguration(
            inputChannels: 1,
            outputChannels: 2,
            features: [8, 16],
            dimensions: 2,
            unitsPerStage: [1, 2],
            decoderUnitsPerStage: [1]
          )
        )
      ),
      NetworkEntry(
        name: "classic-unet",
        paper: "Ronneberger, Fischer and Brox 2015, with batch normalisation",
        example: .classicUNet(
          ClassicUNetConfiguration(
            inputChannels: 1,
            outputChannels: 2,
            features: [8, 16],
            outputsProbabilities: false
          )
        )
      ),
      NetworkEntry(
        name: "rrdb",
        paper: "Wang et al. 2018 (ESRGAN)",
        example: .rrdb(RRDBConfiguration(channels: 2, blocks: 1, features: 8, growth: 4))
      ),
      NetworkEntry(
        name: "dncnn",
        paper: "Zhang et al. 2017",
        example: .dnCNN(DnCNNConfiguration(channels: 2, depth: 4, features: 8))
      ),
      NetworkEntry(
        name: "meshnet",
        paper: "Fedorov et al. 2017",
        example: .meshNet(
          MeshNetConfiguration(
            inputChannels: 1,
            outputChannels: 2,
            features: [8, 8, 8],
            dilations: [1, 2, 1],
            dimensions: 2
          )
        )
      ),
      NetworkEntry(
        name: "monai-unet",
        paper: "Kerfoot et al. 2019 (MONAI)",
        example: .monaiUNet(
          MONAIUNetConfiguration(
            inputChannels: 1,
            outputChannels: 2,
            features: [4, 8],
            strides: [2],
            dimensions: 2,
            residualUnits: 1
          )
        )
      ),
      NetworkEntry(
        name: "basic-unet",
        paper: "Falk et al. 2019 (MONAI)",
        example: .basicUNet(
          BasicUNetConfiguration(
            inputChannels: 1,
            outputChannels: 2,
            features: [4, 4, 4, 8, 8, 4],
            dimensions: 2
          )
        )
      ),
      NetworkEntry(
        name: "dynunet",
        paper: "Isensee et al. 2021, Futrega et al. 2021 (MONAI)",
        example: .dynUNet(
          DynUNetConfiguration(
            inputChannels: 1,
            outputChannels: 2,
            features: [4, 6, 8],
            strides: [[1, 1], [2, 2], [2, 2]]
          )
        )
      ),
      NetworkEntry(
        name: "segresnet",
        paper: "Myronenko 2018 (MONAI)",
        example: .segResNet(
          SegResNetConfiguration(
            inputChannels: 1,
            outputChannels: 2,
            blocksDown: [1, 1],
            blocksUp: [1],
            dimensions: 2
          )
        )
      ),
      NetworkEntry(
        name: "segresnet-ds",
        paper: "Myronenko 2018 (MONAI)",
        example: .segResNetDS(
          SegResNetDSConfiguration(
            inputChannels: 1,
            outputChannels: 2,
            initialFeatures: 4,
            blocksDown: [1, 1, 1],
            dimensions: 2,
            resolution: [1, 2]
          )
        )
      ),
      NetworkEntry(
        name: "vnet",
        paper: "Milletari, Navab and Ahmadi 2016 (MONAI)",
        example: .vNet(
          VNetConfiguration(
            inputChannels: 1,
            outputChannels: 2,
            dimensions: 2,
            initialFeatures: 4,
            dropoutProbability: 0
          )
        )
      ),
      NetworkEntry(
        name: "attention-unet",
        paper: "Oktay et al. 2018 (MONAI)",
        example: .attentionUNet(
          AttentionUNetConfiguration(
            inputChannels: 1,
            outputChannels: 2,
            features: [4, 8],
            strides: [2],
            dimensions: 2
          )
        )
      ),
    ] + segmentationNetworks + imageNetworks + vectorNetworks + detectors + sequenceNetworks
    + autoencoders
}

/// A network's name and values, as plans and model packages store them.
///
/// In JSON: `{"name": "unet", "configuration": {...}}`.
public enum NetworkConfiguration: Sendable, Equatable {
  /// A U-Net.
  case unet(UNetConfiguration)
  /// A fully convolutional network.
  case fcn(FCNConfiguration)
  /// nnU-Net's U-Net of plain convolutions.
  case plainConvUNet(NNUNetConfiguration)
  /// nnU-Net's U-Net with a residual encoder.
  case residualEncoderUNet(NNUNetConfiguration)
  /// A U-Net with batch normalisation, under the usual names of PyTorch programs.
  case classicUNet(ClassicUNetConfiguration)
  /// ESRGAN's generator.
  case rrdb(RRDBConfiguration)
  /// A denoising network.
  case dnCNN(DnCNNConfiguration)
  /// Dilated convolutions at full resolution.
  case meshNet(MeshNetConfiguration)
  /// MONAI's U-Net.
  case monaiUNet(MONAIUNetConfiguration)
  /// MONAI's basic U-Net.
  case basicUNet(BasicUNetConfiguration)
  /// MONAI's dynamic U-Net.
  case dynUNet(DynUNetConfiguration)
  /// SegResNet.
  case segResNet(SegResNetConfiguration)
  /// SegResNet with deep supervision.
  case segResNetDS(SegResNetDSConfiguration)
  /// V-Net.
  case vNet(VNetConfiguration)
  /// An attention U-Net.
  case attentionUNet(AttentionUNetConfiguration)
  /// Nested U-Nets.
  case unetPlusPlus(UNetPlusPlusConfiguration)
  /// A U-Net of residual units.
  case resUNet(ResUNetConfiguration)
  /// A U-Net of slices with a recurrence through them.
  case convLSTMUNet(NNUNetConfiguration)
  /// A dilated residual encoder with a pyramid and a small decoder.
  case deepLab(DeepLabConfiguration)
  /// A denoising network that is told the level of the noise.
  case ffdNet(FFDNetConfiguration)
  /// A denoising autoencoder.
  case denoisingAutoencoder(DenoisingAutoencoderConfiguration)
  /// The first convolutional network for super-resolution.
  case srcnn(SRCNNConfiguration)
  /// A fast network for super-resolution.
  case fsrcnn(FSRCNNConfiguration)
  /// A sub-pixel network for super-resolution.
  case espcn(ESPCNConfiguration)
  /// A very deep network for super-resolution.
  case vdsr(VDSRConfiguration)
  /// Residual blocks without normalisation for super-resolution.
  case edsr(EDSRConfiguration)
  /// SRGAN's generator.
  case srResNet(SRResNetConfiguration)
  /// SRGAN's generator without normalisation.
  case msrResNet(MSRResNetConfiguration)
  /// Real-ESRGAN's compact network.
  case compactSR(CompactSRConfiguration)
  /// Pix2Pix's generator.
  case pix2Pix(Pix2PixConfiguration)
  /// CycleGAN's generator.
  case cycleGAN(CycleGANConfiguration)
  /// A feed-forward network of one style.
  case styleTransfer(StyleTransferConfiguration)
  /// A network of any style.
  case adaIN(AdaINConfiguration)
  /// A diffusion model's network.
  case diffusionUNet(DiffusionUNetConfiguration)
  /// A LeNet-5.
  case leNet(LeNetConfiguration)
  /// A VGG network.
  case vgg(VGGConfiguration)
  /// A residual network.
  case resNet(ResNetConfiguration)
  /// A densely connected network.
  case denseNet(DenseNetConfiguration)
  /// A MobileNetV3.
  case mobileNetV3(MobileNetV3Configuration)
  /// A ConvNeXt.
  case convNeXt(ConvNeXtConfiguration)
  /// A one-stage detector.
  case yolo(YOLOConfiguration)
  /// An autoencoder for compression.
  case imageCodec(ImageCodecConfiguration)
  /// A recurrent network of signals.
  case signalClassifier(SignalClassifierConfiguration)
  /// A network of image sequences.
  case clipClassifier(ClipClassifierConfiguration)
  /// A network that writes sentences about images.
  case captioner(CaptionConfiguration)
  /// A convolutional autoencoder.
  case convolutionalAutoencoder(ConvolutionalAutoencoderConfiguration)
  /// A variational autoencoder.
  case variationalAutoencoder(VariationalAutoencoderConfiguration)
  /// A vector-quantised autoencoder.
  case vectorQuantizedAutoencoder(VectorQuantizedAutoencoderConfiguration)
  /// A linear autoencoder.
  case linearAutoencoder(LinearAutoencoderConfiguration)
  /// A U-Net of partial convolutions.
  case partialConvolutionUNet(PartialConvolutionUNetConfiguration)
  /// A two-stage detector.
  case fasterRCNN(RegionNetworkConfiguration)
  /// A two-stage detector that also outlines what it finds.
  case maskRCNN(RegionNetworkConfiguration)
  /// A graph of operators in a file of the model package; no architecture of the catalogue.
  case graph(GraphFileConfiguration)

  static let maskRCNNName = "mask-rcnn"
  /// The name of the U-Net of slices with a recurrence through them.
  public static let convLSTMUNetName = "convlstm-unet"

  /// The name in the catalogue.
  public var name: String {
    switch self {
    case .unet: "unet"
    case .fcn: "fcn"
    case .plainConvUNet: "plain-conv-unet"
    case .residualEncoderUNet: "residual-encoder-unet"
    case .classicUNet: "classic-unet"
    case .rrdb: "rrdb"
    case .dnCNN: "dncnn"
    case .meshNet: "meshnet"
    case .monaiUNet: "monai-unet"
    case .basicUNet: "basic-unet"
    case .dynUNet: "dynunet"
    case .segResNet: "segresnet"
    case .segResNetDS: "segresnet-ds"
    case .vNet: "vnet"
    case .attentionUNet: "attention-unet"
    case .unetPlusPlus: "unet++"
    case .resUNet: "resunet"
    case .convLSTMUNet: Self.convLSTMUNetName
    case .deepLab: "deeplabv3+"
    case .ffdNet: "ffdnet"
    case .denoisingAutoencoder: "denoising-autoencoder"
    case .srcnn: "srcnn"
    case .fsrcnn: "fsrcnn"
    case .espcn: "espcn"
    case .vdsr: "vdsr"
    case .edsr: "edsr"
    case .srResNet: "srresnet"
    case .msrResNet: "msrresnet"
    case .compactSR: "compact-sr"
    case .pix2Pix: "pix2pix"
    case .cycleGAN: "cyclegan"
    case .styleTransfer: "style-transfer"
    case .adaIN: "adain"
    case .diffusionUNet: "diffusion-unet"
    case .leNet: "lenet"
    case .vgg: "vgg"
    case .resNet: "resnet"
    case .denseNet: "densenet"
    case .mobileNetV3: "mobilenetv3"
    case .convNeXt: "convnext"
    case .yolo: "yolo"
    case .imageCodec: "image-codec"
    case .signalClassifier: "signal-rnn"
    case .clipClassifier: "clip-rnn"
    case .captioner: "caption-rnn"
    case .convolutionalAutoencoder: "autoencoder"
    case .variationalAutoencoder: "vae"
    case .vectorQuantizedAutoencoder: "vq-vae"
    case .linearAutoencoder: "linear-autoencoder"
    case .partialConvolutionUNet: "partial-conv-unet"
    case .fasterRCNN: "faster-rcnn"
    case .maskRCNN: Self.maskRCNNName
    case .graph: "graph"
    }
  }

  /// What the case holds.
  var values: any NetworkValues {
    switch self {
    case .unet(let values): values
    case .fcn(let values): values
    case .plainConvUNet(let values), .residualEncoderUNet(let values), .convLSTMUNet(let values):
      values
    case .classicUNet(let values): values
    case .rrdb(let values): values
    case .dnCNN(let values): values
    case .meshNet(let values): values
    case .monaiUNet(let values): values
    case .basicUNet(let values): values
    case .dynUNet(let values): values
    case .segResNet(let values): values
    case .segResNetDS(let values): values
    case .vNet(let values): values
    case .attentionUNet(let values): values
    case .unetPlusPlus(let values): values
    case .resUNet(let values): values
    case .deepLab(let values): values
    case .ffdNet(let values): values
    case .denoisingAutoencoder(let values): values
    case .srcnn(let values): values
    case .fsrcnn(let values): values
    case .espcn(let values): values
    case .vdsr(let values): values
    case .edsr(let values): values
    case .srResNet(let values): values
    case .msrResNet(let values): values
    case .compactSR(let values): values
    case .pix2Pix(let values): values
    case .cycleGAN(let values): values
    case .styleTransfer(let values): values
    case .adaIN(let values): values
    case .diffusionUNet(let values): values
    case .leNet(let values): values
    case .vgg(let values): values
    case .resNet(let values): values
    case .denseNet(let values): values
    case .mobileNetV3(let values): values
    case .convNeXt(let values): values
    case .yolo(let values): values
    case .imageCodec(let values): values
    case .signalClassifier(let values): values
    case .clipClassifier(let values): values
    case .captioner(let values): values
    case .convolutionalAutoencoder(let values): values
    case .variationalAutoencoder(let values): values
    case .vectorQuantizedAutoencoder(let values): values
    case .linearAutoencoder(let values): values
    case .partialConvolutionUNet(let values): values
    case .fasterRCNN(let values), .maskRCNN(let values): values
    case .graph(let values): values
    }
  }

  /// Channels of the input.
  public var inputChannels: Int { values.inputChannels }

  /// Classes, background included, or channels of an image.
  public var outputChannels: Int { values.outputChannels }

  /// Spatial axes of input and output, 2 or 3.
  public var dimensions: Int { values.dimensions }

  /// How many times larger the output is than the input along each spatial axis.
  public var outputScale: Int { values.outputScale }

  /// What comes out.
  public var output: NetworkOutput { values.output }

  /// Whether the output is an image rather than scores of classes.
  public var givesImages: Bool { output == .image }

  /// Checks values that came from a file; nothing else may be asked of them before.
  /// - Throws: `NetworksError` naming the value that is out of range.
  public func check() throws(NetworksError) { try values.check(network: name) }

  /// Builds the network with random weights.
  /// - Parameter random: The stream to draw weights from.
  /// - Returns: The network.
  /// - Throws: `NetworksError.invalidConfiguration` when a value is out of its range.
  public func makeNetwork(random: inout RandomStream) throws(NetworksError) -> any Network {
    let values = values
    try check()
    if case .residualEncoderUNet(let values) = self {
      return ResidualEncoderUNet(values, random: &random)
    }
    if case .convLSTMUNet(let values) = self {
      try values.checkThroughSlices(network: name)
      return ConvLSTMUNet(values, random: &random)
    }
    return values.network(random: &random)
  }
}
