import Layers
import Support
import Tensors

/// The values of a recurrent part.
public struct RecurrentConfiguration: Codable, Sendable, Equatable {
  /// Which recurrence.
  public enum Cell: String, Codable, Sendable, CaseIterable {
    /// Long short-term memory.
    case lstm
    /// Gated recurrent units.
    case gru
  }

  /// Which recurrence.
  public var cell = Cell.lstm
  /// The length of a direction's state.
  public var width: Int
  /// How many lie one above the other.
  public var layers = 1
  /// Whether each layer also runs from the last step to the first.
  public var isBidirectional = false

  /// Creates a configuration of one LSTM.
  /// - Parameter width: The length of a direction's state.
  public init(width: Int) { self.width = width }

  /// The length of what is told of a sequence.
  var outputs: Int { width * (isBidirectional ? 2 : 1) }

  func check(_ check: ValueCheck, inputs: Int) throws(NetworksError) {
    try check.require((1...4096).contains(width), "a state of \(width) values")
    try check.require((1...16).contains(layers), "\(layers) recurrent layers")
    try check.weights(widest: 4 * max(inputs, outputs), window: 1, layers: 4 * layers)
  }
}

/// A recurrence that tells one vector of a sequence: the last states of its upper layer.
final class RecurrentStack: Layer {
  private enum Recurrence: Sendable {
    case lstm(LSTM)
    case gru(GRU)
  }

  private let configuration: RecurrentConfiguration
  private let recurrence: Recurrence

  init(_ configuration: RecurrentConfiguration, inputs: Int, random: inout RandomStream) {
    self.configuration = configuration
    recurrence =
      switch configuration.cell {
      case .lstm:
        .lstm(
          LSTM(
            inputs: inputs,
            width: configuration.width,
            layers: configuration.layers,
            isBidirectional: configuration.isBidirectional,
            random: &random
          )
        )
      case .gru:
        .gru(
          GRU(
            inputs: inputs,
            width: configuration.width,
            layers: configuration.layers,
            isBidirectional: configuration.isBidirectional,
            random: &random
          )
        )
      }
  }

  var ownParameters: [(name: String, parameter: Parameter)] {
    switch recurrence {
    case .lstm(let layer): layer.ownParameters
    case .gru(let layer): layer.ownParameters
    }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    self(x, lengths: nil, in: context)
  }

  /// From `[T, N, inputs]` to `[N, directions · width]`.
  func callAsFunction(_ x: Tensor, lengths: [Int]?, in context: Context) -> Tensor {
    let last: Tensor =
      switch recurrence {
      case .lstm(let layer): layer(x, from: nil, lengths: lengths, in: context).state.hidden
      case .gru(let layer): layer(x, from: nil, lengths: lengths, in: context).hidden
      }
    let directions = configuration.isBidirectional ? 2 : 1
    let upper = last.sliced(axis: 0, start: last.shape[0] - directions)
    return upper.transposed(0, 1).reshaped([x.shape[1], configuration.outputs])
  }
}
