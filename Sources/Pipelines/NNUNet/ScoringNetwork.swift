import Layers
import Networks
import Tensors

/// A network prepared to score tiles, and the head that its scores still need.
package struct ScoringNetwork: Sendable {
  /// Weights of the scores of a cell: a product of its features.
  package struct Head: Sendable {
    let outputs: Int
    let features: Int
    /// `[output][feature]`.
    let weights: [Float]
    let bias: [Float]
  }

  /// Gives features where there is a head, otherwise scores.
  let network: PlannedNetwork
  let head: Head?

  /// Prepares a network.
  /// - Parameters:
  ///   - network: The network.
  ///   - options: How plans compute.
  ///   - scratch: Memory that plans share with those of other networks.
  /// - Throws: `NetworksError.unavailablePrecision`.
  package init(
    _ network: any Network,
    options: InferencePlanOptions = InferencePlanOptions(),
    scratch: PlanScratch = PlanScratch()
  ) throws {
    // Scales of 8-bit integers belong to all convolutions, the head's too.
    guard let headed = network as? any HeadedNetwork, options.precision != .int8,
      let bias = headed.head.bias
    else {
      self.network = try PlannedNetwork(network, options: options, scratch: scratch)
      head = nil
      return
    }
    let weight = headed.head.weight.value
    precondition(weight.shape.dropFirst(2).allSatisfy { $0 == 1 }, "a head of \(weight.shape)")
    head = Head(
      outputs: weight.shape[0],
      features: weight.shape[1],
      weights: weight.values,
      bias: bias.value.values
    )
    self.network = try PlannedNetwork(
      HeadlessNetwork(headed),
      options: options,
      scratch: scratch
    )
  }

  private init(network: PlannedNetwork, head: Head?) {
    self.network = network
    self.head = head
  }

  /// The network with its dropout drawn once (`PlannedNetwork.sampled(seed:)`).
  func sampled(seed: UInt64) -> ScoringNetwork {
    ScoringNetwork(network: network.sampled(seed: seed), head: head)
  }

  /// A network that is planned already, such as one whose inputs are watched.
  package init(planned network: PlannedNetwork) {
    self.network = network
    head = nil
  }
}
