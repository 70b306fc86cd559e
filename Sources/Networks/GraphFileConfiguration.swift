import Support

/// A network that is a graph of operators in a file of its model package, such as an ONNX file.
///
/// What the network does stands in that file; this says what goes in and comes out, so that a plan can
/// be held against it.
public struct GraphFileConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input.
  public var inputChannels: Int
  /// Classes, background included.
  public var outputChannels: Int
  /// Spatial axes, 2 or 3.
  public var dimensions: Int

  /// Creates a description.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - dimensions: Spatial axes, 2 or 3.
  public init(inputChannels: Int, outputChannels: Int, dimensions: Int) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.dimensions = dimensions
  }
}

extension GraphFileConfiguration: NetworkValues {
  /// A graph is opened from its file, never made anew.
  func check(network: String) throws(NetworksError) {
    throw .invalidConfiguration(network: network, reason: "it is in a file and cannot be made anew")
  }

  func network(random: inout RandomStream) -> any Network {
    preconditionFailure("a graph without its file, which its check refuses")
  }
}
