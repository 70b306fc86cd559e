import Layers
import Networks
import Support
import Tensors

/// Weights of another model from which a training starts.
///
/// Tensors are taken by name where the shape is the same; a head for other structures, or a first
/// convolution of other channels, keeps its random weights.
public struct InitialWeights: Sendable {
  /// The model that they come from.
  public let source: String
  private let tensors: [String: Tensor]

  /// Reads the weights of a model package, whose hashes are checked.
  /// - Parameter package: The package.
  /// - Throws: `PipelinesError.damagedModel`; `LayersError`.
  public init(_ package: ModelPackage) throws {
    source = package.description.name
    let network = try package.makeNetwork()
    tensors = Dictionary(
      network.namedParameters.map { ($0.name, $0.parameter.value) },
      uniquingKeysWith: { first, _ in first }
    )
  }

  /// How many of a network's values the weights give, and how many it has.
  /// - Parameter network: The network.
  /// - Returns: The two counts.
  public func coverage(of network: any Network) -> (taken: Int, all: Int) {
    network.namedParameters.reduce(into: (0, 0)) { counts, entry in
      let count = entry.parameter.shape.reduce(1, *)
      counts.1 += count
      if tensors[entry.name]?.shape == entry.parameter.shape { counts.0 += count }
    }
  }

  func load(into network: any Network) {
    for (name, parameter) in network.namedParameters {
      guard let value = tensors[name], value.shape == parameter.shape else { continue }
      parameter.value = value
    }
  }
}
