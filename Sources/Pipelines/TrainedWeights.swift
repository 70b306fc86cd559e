import Layers
import Networks
import Support
import Tensors

/// A network that is being trained, with what its optimiser and its running average remember.
package struct TrainedWeights: Sendable {
  /// The network.
  package let network: any Network
  private var optimizer: Optimizer
  /// Running average of the weights; nil without averaging.
  private var average: WeightAverage?

  /// Begins with a network's present weights.
  /// - Parameters:
  ///   - network: The network.
  ///   - optimizer: The rule by which weights change.
  ///   - averagingDecay: Decay of the weights' running average; 0 for none.
  package init(
    _ network: any Network,
    optimizer: OptimizerConfiguration,
    averagingDecay: Double
  ) {
    self.network = network
    self.optimizer = Optimizer(optimizer, parameters: network.namedParameters)
    if averagingDecay > 0 {
      average = WeightAverage(decay: averagingDecay, parameters: network.namedParameters)
    }
  }

  /// A network with random weights that follow from a run's seed.
  package static func network(
    _ configuration: NetworkConfiguration,
    seed: UInt64
  ) throws -> any Network {
    var random = RandomStream(seed: seed).split(0x6E65_7477)
    return try configuration.makeNetwork(random: &random)
  }

  /// The Euclidean norm over all gradients.
  package func norm(of gradients: Gradients) -> Double { optimizer.norm(of: gradients) }

  /// Takes one step down the gradient and takes the new weights into the average.
  package mutating func step(_ gradients: Gradients, learningRate: Double, clipNorm: Double?) {
    optimizer.step(gradients, learningRate: learningRate, clipNorm: clipNorm)
    average?.update()
  }

  /// A network of its own with the averaged weights.
  /// - Parameter configuration: The network's values.
  /// - Returns: The network; with the present weights where there is no average.
  /// - Throws: `NetworksError` for impossible values.
  package func averagedNetwork(_ configuration: NetworkConfiguration) throws -> any Network {
    var random = RandomStream(seed: 0)
    let result = try configuration.makeNetwork(random: &random)
    let averages = average?.values ?? [:]
    for (target, source) in zip(result.namedParameters, network.namedParameters) {
      target.parameter.value = averages[source.name] ?? source.parameter.value
    }
    return result
  }

  /// All that a checkpoint must hold, by name.
  package var tensors: [String: Tensor] {
    var tensors: [String: Tensor] = [:]
    for (name, parameter) in network.namedParameters {
      tensors["network." + name] = parameter.value
    }
    for (name, values) in average?.stored ?? [:] { tensors["average." + name] = values }
    for (name, values) in optimizer.moments {
      tensors["moment." + name] = Tensor(values, shape: [values.count])
    }
    return tensors
  }

  /// Goes on from a checkpoint.
  /// - Parameters:
  ///   - stored: What `tensors` gave.
  ///   - stepCount: Steps taken by then.
  ///   - path: The checkpoint, for messages.
  /// - Throws: `LayersError` when the network's weights are others;
  ///   `PipelinesError.checkpointMismatch` when moments or averages do not fit them.
  package mutating func restore(
    _ stored: [String: Tensor],
    stepCount: Int,
    from path: String
  ) throws {
    func part(_ prefix: String) -> [String: Tensor] {
      Dictionary(
        uniqueKeysWithValues: stored.filter { $0.key.hasPrefix(prefix) }.map {
          (String($0.key.dropFirst(prefix.count)), $0.value)
        }
      )
    }
    try network.load(Safetensors(tensors: part("network.")), from: path)
    let sizes = Dictionary(
      network.namedParameters.map { ($0.name, $0.parameter.shape.reduce(1, *)) },
      uniquingKeysWith: { first, _ in first }
    )
    let (average, moments) = (part("average."), part("moment."))
    let areSound =
      average.allSatisfy { $0.value.count == sizes[$0.key] }
      && moments.allSatisfy { entry in
        // "first.encoder…": the slot's name, then the parameter's.
        let name = entry.key.drop { $0 != "." }.dropFirst()
        return entry.value.count == sizes[String(name)]
      }
    guard areSound else {
      throw PipelinesError.checkpointMismatch(
        path: path,
        reason: "its values contradict themselves"
      )
    }
    self.average?.restore(updateCount: stepCount, stored: average)
    optimizer.restore(stepCount: stepCount, moments: moments.mapValues(\.values))
  }
}
