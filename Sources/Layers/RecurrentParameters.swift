import Support
import Tensors

/// The parameters of a recurrence's layers and directions, under PyTorch's names.
struct RecurrentParameters: Sendable {
  private struct Sweep: Sendable {
    let suffix: String
    let input: Parameter
    let hidden: Parameter
    let inputBias: Parameter?
    let hiddenBias: Parameter?
  }

  private let sweeps: [Sweep]

  /// Values between ±1 / √width, PyTorch's choice.
  init(
    gates: Int,
    inputs: Int,
    width: Int,
    layers: Int,
    isBidirectional: Bool,
    hasBias: Bool,
    random: inout RandomStream
  ) {
    let limit = 1 / Double(width).squareRoot()
    let rows = gates * width
    var sweeps: [Sweep] = []
    for layer in 0..<layers {
      for direction in 0..<(isBidirectional ? 2 : 1) {
        let wide = layer == 0 ? inputs : width * (isBidirectional ? 2 : 1)
        sweeps.append(
          Sweep(
            suffix: "_l\(layer)" + (direction == 1 ? "_reverse" : ""),
            input: .uniform([rows, wide], limit: limit, random: &random),
            hidden: .uniform([rows, width], limit: limit, random: &random),
            inputBias: hasBias ? .uniform([rows], limit: limit, random: &random) : nil,
            hiddenBias: hasBias ? .uniform([rows], limit: limit, random: &random) : nil
          )
        )
      }
    }
    self.sweeps = sweeps
  }

  var named: [(name: String, parameter: Parameter)] {
    sweeps.flatMap { sweep in
      [("weight_ih", sweep.input), ("weight_hh", sweep.hidden)].map {
        ($0.0 + sweep.suffix, $0.1)
      }
        + [("bias_ih", sweep.inputBias), ("bias_hh", sweep.hiddenBias)].compactMap { name, bias in
          bias.map { (name + sweep.suffix, $0) }
        }
    }
  }

  func weights(in context: Context) -> [RecurrentWeights] {
    sweeps.map {
      RecurrentWeights(
        input: $0.input.value(in: context),
        hidden: $0.hidden.value(in: context),
        inputBias: $0.inputBias?.value(in: context),
        hiddenBias: $0.hiddenBias?.value(in: context)
      )
    }
  }
}
