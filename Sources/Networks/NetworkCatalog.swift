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
  public static let all: [NetworkEntry] = [
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
  ]
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
    }
  }

  /// Channels of the input.
  public var inputChannels: Int {
    switch self {
    case .unet(let values): values.inputChannels
    case .fcn(let values): values.inputChannels
    case .plainConvUNet(let values), .residualEncoderUNet(let values): values.inputChannels
    case .classicUNet(let values): values.inputChannels
    case .rrdb(let values): values.channels
    case .dnCNN(let values): values.channels
    }
  }

  /// Classes, background included, or channels of an image.
  public var outputChannels: Int {
    switch self {
    case .unet(let values): values.outputChannels
    case .fcn(let values): values.outputChannels
    case .plainConvUNet(let values), .residualEncoderUNet(let values): values.outputChannels
    case .classicUNet(let values): values.outputChannels
    case .rrdb(let values): values.channels
    case .dnCNN(let values): values.channels
    }
  }

  /// Spatial axes of input and output, 2 or 3.
  public var dimensions: Int {
    switch self {
    case .unet(let values): values.dimensions
    case .plainConvUNet(let values), .residualEncoderUNet(let values): values.dimensions
    case .fcn, .classicUNet, .rrdb, .dnCNN: 2
    }
  }

  /// Builds the network with random weights.
  /// - Parameter random: The stream to draw weights from.
  /// - Returns: The network.
  /// - Throws: `NetworksError.invalidConfiguration` when a value is out of its range.
  public func makeNetwork(random: inout RandomStream) throws(NetworksError) -> any Network {
    switch self {
    case .unet(let values):
      try values.check()
      return UNet(values, random: &random)
    case .fcn(let values):
      try values.check()
      return FullyConvolutionalNetwork(values, random: &random)
    case .plainConvUNet(let values):
      try values.check(network: name)
      return PlainConvUNet(values, random: &random)
    case .residualEncoderUNet(let values):
      try values.check(network: name)
      return ResidualEncoderUNet(values, random: &random)
    case .classicUNet(let values):
      try values.check()
      return ClassicUNet(values, random: &random)
    case .rrdb(let values):
      try values.check()
      return RRDBGenerator(values, random: &random)
    case .dnCNN(let values):
      try values.check()
      return DnCNN(values, random: &random)
    }
  }
}

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
    default: throw NetworksError.unknownNetwork(name: name, known: NetworkCatalog.all.map(\.name))
    }
  }

  /// Writes the name and the values.
  /// - Parameter encoder: Where to write.
  /// - Throws: `EncodingError`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    switch self {
    case .unet(let values): try container.encode(values, forKey: .configuration)
    case .fcn(let values): try container.encode(values, forKey: .configuration)
    case .plainConvUNet(let values), .residualEncoderUNet(let values):
      try container.encode(values, forKey: .configuration)
    case .classicUNet(let values): try container.encode(values, forKey: .configuration)
    case .rrdb(let values): try container.encode(values, forKey: .configuration)
    case .dnCNN(let values): try container.encode(values, forKey: .configuration)
    }
  }
}
