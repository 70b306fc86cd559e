extension NetworkConfiguration: Codable {
  private enum CodingKeys: String, CodingKey { case name, configuration }

  /// Reads a name and the values that belong to it.
  /// - Parameter decoder: Where to read.
  /// - Throws: `DecodingError`; `NetworksError.unknownNetwork`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func values<Values: Decodable>() throws -> Values {
      try container.decode(Values.self, forKey: .configuration)
    }
    let name = try container.decode(String.self, forKey: .name)
    switch name {
    case "unet": self = .unet(try values())
    case "fcn": self = .fcn(try values())
    case "plain-conv-unet": self = .plainConvUNet(try values())
    case "residual-encoder-unet": self = .residualEncoderUNet(try values())
    case "classic-unet": self = .classicUNet(try values())
    case "rrdb": self = .rrdb(try values())
    case "dncnn": self = .dnCNN(try values())
    case "meshnet": self = .meshNet(try values())
    case "monai-unet": self = .monaiUNet(try values())
    case "basic-unet": self = .basicUNet(try values())
    case "dynunet": self = .dynUNet(try values())
    case "segresnet": self = .segResNet(try values())
    case "segresnet-ds": self = .segResNetDS(try values())
    case "vnet": self = .vNet(try values())
    case "attention-unet": self = .attentionUNet(try values())
    case "unet++": self = .unetPlusPlus(try values())
    case "resunet": self = .resUNet(try values())
    case Self.convLSTMUNetName: self = .convLSTMUNet(try values())
    case "deeplabv3+": self = .deepLab(try values())
    case "ffdnet": self = .ffdNet(try values())
    case "denoising-autoencoder": self = .denoisingAutoencoder(try values())
    case "srcnn": self = .srcnn(try values())
    case "fsrcnn": self = .fsrcnn(try values())
    case "espcn": self = .espcn(try values())
    case "vdsr": self = .vdsr(try values())
    case "edsr": self = .edsr(try values())
    case "srresnet": self = .srResNet(try values())
    case "msrresnet": self = .msrResNet(try values())
    case "compact-sr": self = .compactSR(try values())
    case "pix2pix": self = .pix2Pix(try values())
    case "cyclegan": self = .cycleGAN(try values())
    case "style-transfer": self = .styleTransfer(try values())
    case "adain": self = .adaIN(try values())
    case "diffusion-unet": self = .diffusionUNet(try values())
    case "lenet": self = .leNet(try values())
    case "vgg": self = .vgg(try values())
    case "resnet": self = .resNet(try values())
    case "densenet": self = .denseNet(try values())
    case "mobilenetv3": self = .mobileNetV3(try values())
    case "convnext": self = .convNeXt(try values())
    case "yolo": self = .yolo(try values())
    case "image-codec": self = .imageCodec(try values())
    case "signal-rnn": self = .signalClassifier(try values())
    case "clip-rnn": self = .clipClassifier(try values())
    case "caption-rnn": self = .captioner(try values())
    case "autoencoder": self = .convolutionalAutoencoder(try values())
    case "vae": self = .variationalAutoencoder(try values())
    case "vq-vae": self = .vectorQuantizedAutoencoder(try values())
    case "linear-autoencoder": self = .linearAutoencoder(try values())
    case "partial-conv-unet": self = .partialConvolutionUNet(try values())
    case "faster-rcnn": self = .fasterRCNN(try values())
    case Self.maskRCNNName: self = .maskRCNN(try values())
    case "graph": self = .graph(try values())
    default: throw NetworksError.unknownNetwork(name: name, known: NetworkCatalog.all.map(\.name))
    }
  }

  /// Writes the name and the values.
  /// - Parameter encoder: Where to write.
  /// - Throws: `EncodingError`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(values, forKey: .configuration)
  }
}
