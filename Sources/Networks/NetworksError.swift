import Support
import Tensors

/// What can be wrong with the description or the use of a network.
public enum NetworksError: ClassifiedError, Equatable {
  /// A value of the configuration is out of its range.
  case invalidConfiguration(network: String, reason: String)
  /// The catalogue has no network of this name.
  case unknownNetwork(name: String, known: [String])
  /// Another program's model is damaged, or is not what is known of such models.
  case unreadableModel(path: String, reason: String)
  /// No known network has weights of these names.
  case unrecognizedWeights(path: String, names: [String])
  /// Names and shapes of weights do not tell all of the network.
  case undetermined(network: String, what: [String])
  /// Networks cannot be computed in this precision.
  case unavailablePrecision(InferencePrecision)

  /// A bound on the weights of a network, before memory is taken for them.
  static let maximumWeights = 4e9

  /// The kind of the failure.
  public var failure: Failure {
    switch self {
    case .invalidConfiguration, .unreadableModel: .damagedInput
    case .unknownNetwork, .unavailablePrecision, .unrecognizedWeights, .undetermined:
      .missingComponent
    }
  }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .invalidConfiguration(let network, let reason):
      "The configuration of the network \(network) is impossible: \(reason)."
    case .unknownNetwork(let name, let known):
      "There is no network \(name); known are \(known.joined(separator: ", "))."
    case .unreadableModel(let path, let reason):
      "\(path) cannot be used as a model: \(reason)."
    case .unrecognizedWeights(let path, let names):
      "The weights in \(path) (\(names.joined(separator: ", ")), …) are of no known network; known are "
        + NetworkCatalog.all.map(\.name).joined(separator: ", ") + "."
    case .undetermined(let network, let what):
      "The weights are of a \(network), but do not tell \(what.joined(separator: "; ")): give them."
    case .unavailablePrecision(let precision):
      "The model has no scales for the precision \(precision.rawValue); measure its self-test with "
        + "`lamina model verify MODEL --data FOLDER`, or choose another precision, such as f32."
    }
  }
}
