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

  /// The name in the catalogue.
  public var name: String {
    switch self {
    case .unet: "unet"
    case .fcn: "fcn"
    }
  }

  /// Channels of the input.
  public var inputChannels: Int {
    switch self {
    case .unet(let values): values.inputChannels
    case .fcn(let values): values.inputChannels
    }
  }

  /// Classes, background included.
  public var outputChannels: Int {
    switch self {
    case .unet(let values): values.outputChannels
    case .fcn(let values): values.outputChannels
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
    let name = try container.decode(String.self, forKey: .name)
    switch name {
    case "unet": self = .unet(try container.decode(UNetConfiguration.self, forKey: .configuration))
    case "fcn": self = .fcn(try container.decode(FCNConfiguration.self, forKey: .configuration))
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
    }
  }
}
