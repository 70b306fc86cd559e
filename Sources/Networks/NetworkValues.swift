import Layers
import Support

/// What every configuration of a network tells and does, so that `NetworkConfiguration` needs to know
/// the cases alone.
protocol NetworkValues: Codable, Sendable, Equatable {
  /// Channels of the input.
  var inputChannels: Int { get }
  /// Classes, background included, or channels of an image.
  var outputChannels: Int { get }
  /// Spatial axes, 2 or 3.
  var dimensions: Int { get }
  /// How many times larger the output is than the input along each spatial axis.
  var outputScale: Int { get }
  /// What comes out.
  var output: NetworkOutput { get }
  /// Throws `NetworksError.invalidConfiguration` when a value is out of its range.
  func check(network: String) throws(NetworksError)
  /// Builds the network; the values passed their check.
  func network(random: inout RandomStream) -> any Network
}

extension NetworkValues {
  var outputScale: Int { 1 }
  var output: NetworkOutput { .scores }
}

/// What comes out of a network.
public enum NetworkOutput: Sendable, Equatable {
  /// Scores of classes for every pixel or voxel.
  case scores
  /// An image.
  case image
  /// One vector: scores of classes of the whole image, or an embedding.
  case vector
  /// Boxes.
  case detections
}

/// Checks of values that many networks have, each with the network's name for the message.
struct ValueCheck {
  let network: String

  func require(_ condition: Bool, _ reason: String) throws(NetworksError) {
    if !condition { throw .invalidConfiguration(network: network, reason: reason) }
  }

  /// Channels of input and output.
  func channels(_ input: Int, _ output: Int) throws(NetworksError) {
    try require((1...4096).contains(input), "\(input) input channels")
    try require((1...4096).contains(output), "\(output) output channels")
  }

  /// Channels of stages.
  func features(_ features: [Int], count: ClosedRange<Int>) throws(NetworksError) {
    try require(count.contains(features.count), "\(features.count) stages")
    try require(
      features.allSatisfy((1...8192).contains),
      "features outside 1 to 8192: \(features)"
    )
  }

  /// Windows along each axis; odd.
  func windows(_ windows: [[Int]], dimensions: Int) throws(NetworksError) {
    try require(
      windows.allSatisfy {
        $0.count == dimensions && $0.allSatisfy { (1...15).contains($0) && $0 % 2 == 1 }
      },
      "windows \(windows)"
    )
  }

  /// Strides along each axis.
  func strides(_ strides: [[Int]], dimensions: Int) throws(NetworksError) {
    try require(
      strides.allSatisfy { $0.count == dimensions && $0.allSatisfy((1...8).contains) },
      "strides \(strides)"
    )
  }

  /// A bound on the weights: so many layers as wide as the widest.
  func weights(widest: Int, window: Int, layers: Int) throws(NetworksError) {
    try require(
      Double(widest) * Double(widest) * Double(window) * Double(layers)
        <= NetworksError.maximumWeights,
      "it would have too many weights"
    )
  }
}

extension UNetConfiguration: NetworkValues {
  var output: NetworkOutput { addsInput ? .image : .scores }
  func check(network: String) throws(NetworksError) { try check() }
  func network(random: inout RandomStream) -> any Network { UNet(self, random: &random) }
}

extension FCNConfiguration: NetworkValues {
  var dimensions: Int { 2 }
  func check(network: String) throws(NetworksError) { try check() }
  func network(random: inout RandomStream) -> any Network {
    FullyConvolutionalNetwork(self, random: &random)
  }
}

extension NNUNetConfiguration: NetworkValues {
  func network(random: inout RandomStream) -> any Network { PlainConvUNet(self, random: &random) }
}

extension ClassicUNetConfiguration: NetworkValues {
  var dimensions: Int { 2 }
  func check(network: String) throws(NetworksError) { try check() }
  func network(random: inout RandomStream) -> any Network { ClassicUNet(self, random: &random) }
}
