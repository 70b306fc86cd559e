import Foundation
import Tensors

extension GraphOperator {
  private static let recurrentAttributes: Set<String> = [
    "activation_alpha", "activation_beta", "activations", "clip", "direction", "hidden_size",
    "input_forget", "layout", "linear_before_reset", "output_sequence",
  ]

  static let recurrences: [GraphOperator] = [
    GraphOperator("RNN", 3...6, recurrentAttributes) { context in
      try RecurrentNode(context, gates: 1).results { step, x, state in
        let h = step.activation(0)(step.projected(x, 0) + step.recurred(state.hidden, 0))
        return (h, state.cell)
      }
    },
    GraphOperator("GRU", 3...6, recurrentAttributes) { context in
      let isLinear = try context.flag("linear_before_reset", false)
      return try RecurrentNode(context, gates: 3).results { step, x, state in
        let (f, g) = (step.activation(0), step.activation(1))
        let z = f(step.projected(x, 0) + step.recurred(state.hidden, 0))
        let r = f(step.projected(x, 1) + step.recurred(state.hidden, 1))
        let h =
          isLinear
          ? g(step.projected(x, 2) + r * step.recurred(state.hidden, 2))
          : g(step.projected(x, 2) + step.recurred(r * state.hidden, 2))
        return ((1 - z) * h + z * state.hidden, state.cell)
      }
    },
    GraphOperator("LSTM", 3...8, recurrentAttributes) { context in
      let isCoupled = try context.flag("input_forget", false)
      return try RecurrentNode(context, gates: 4).results { step, x, state in
        let (f, g, h) = (step.activation(0), step.activation(1), step.activation(2))
        func gate(_ index: Int, _ cell: Tensor, _ peephole: Int) -> Tensor {
          let sum = step.projected(x, index) + step.recurred(state.hidden, index)
          return f(step.peephole(peephole).map { sum + $0 * cell } ?? sum)
        }
        let input = gate(0, state.cell, 0)
        let forget = isCoupled ? 1 - input : gate(2, state.cell, 2)
        let candidate = g(step.projected(x, 3) + step.recurred(state.hidden, 3))
        let cell = forget * state.cell + input * candidate
        return (gate(1, cell, 1) * h(cell), cell)
      }
    },
  ]
}

/// The weights of one direction.
private struct RecurrentStep {
  let gates: Int
  let width: Int
  /// `[gates · width, inputs]` and `[gates · width, width]`.
  let weights: Tensor
  let recurrent: Tensor
  /// `[gates · width]` each.
  let biases: (Tensor, Tensor)?
  let peepholes: Tensor?
  let functions: [@Sendable (Tensor) -> Tensor]
  let clip: Float?

  private func rows(_ matrix: Tensor, _ gate: Int) -> Tensor {
    matrix.sliced(axis: 0, start: gate * width, end: (gate + 1) * width)
  }

  func projected(_ x: Tensor, _ gate: Int) -> Tensor {
    linear(x, weight: rows(weights, gate), bias: biases.map { rows($0.0, gate) })
  }

  func recurred(_ hidden: Tensor, _ gate: Int) -> Tensor {
    linear(hidden, weight: rows(recurrent, gate), bias: biases.map { rows($0.1, gate) })
  }

  func peephole(_ index: Int) -> Tensor? { peepholes.map { rows($0, index) } }

  func activation(_ index: Int) -> (Tensor) -> Tensor {
    let function = functions[index]
    guard let clip else { return { function($0) } }
    return { function($0.clamped(low: -clip, high: clip)) }
  }
}

/// A recurrent node, step by step with the engine's operations.
private struct RecurrentNode {
  private let context: NodeContext
  private let x: Tensor
  private let steps: [RecurrentStep]
  private let direction: String
  private let isBatchFirst: Bool
  private let width: Int
  private let hasCell: Bool

  init(_ context: NodeContext, gates: Int) throws {
    self.context = context
    isBatchFirst = try context.integer("layout", 0) == 1
    let input = try context.numbers(0)
    try context.require(input.rank == 3 && input.count > 0, "the input \(input.shape)")
    let sequence = isBatchFirst ? input.transposed(0, 1) : input
    x = sequence
    direction = try context.text("direction", "forward")
    let count = direction == "bidirectional" ? 2 : 1
    let (weights, recurrent) = (try context.numbers(1), try context.numbers(2))
    let width = recurrent.shape.last ?? 0
    self.width = width
    hasCell = gates == 4
    let rows = gates * width
    try context.require(
      weights.shape == [count, rows, x.shape[2]] && recurrent.shape == [count, rows, width]
        && width > 0 && sequence.shape[0] <= 1 << 16,
      "weights \(weights.shape) and \(recurrent.shape) for the input \(input.shape)"
    )
    if let lengths = try context.optionalIntegers(4) {
      guard lengths.allSatisfy({ $0 == sequence.shape[0] }) else {
        throw context.unsupported("sequences of different lengths")
      }
    }
    let bias = context.optionalNumbers(3)
    try context.require(bias.map { $0.shape == [count, 2 * rows] } ?? true, "biases")
    let peepholes = hasCell ? context.optionalNumbers(7) : nil
    try context.require(peepholes.map { $0.shape == [count, 3 * width] } ?? true, "peepholes")
    let standard =
      gates == 1 ? ["Tanh"] : gates == 3 ? ["Sigmoid", "Tanh"] : ["Sigmoid", "Tanh", "Tanh"]
    let names = try context.textList("activations") ?? (0..<count).flatMap { _ in standard }
    try context.require(names.count == count * standard.count, "activations \(names)")
    var alphas = (try context.numberList("activation_alpha") ?? [])[...]
    var betas = (try context.numberList("activation_beta") ?? [])[...]
    let functions = try names.map { try Self.function($0, &alphas, &betas, context) }
    let clip = context.node.attributes["clip"] == nil ? nil : try context.number("clip", 0)
    try context.require(clip.map { $0 >= 0 } ?? true, "a clip below 0")
    steps = (0..<count).map { index in
      func part(_ tensor: Tensor) -> Tensor {
        tensor.sliced(axis: 0, start: index, end: index + 1).squeezed(0)
      }
      return RecurrentStep(
        gates: gates,
        width: width,
        weights: part(weights),
        recurrent: part(recurrent),
        biases: bias.map {
          let all = part($0)
          return (
            all.sliced(axis: 0, start: 0, end: rows), all.sliced(axis: 0, start: rows)
          )
        },
        peepholes: peepholes.map { part($0) },
        functions: Array(functions[index * standard.count..<(index + 1) * standard.count]),
        clip: clip
      )
    }
  }

  private static func function(
    _ name: String,
    _ alphas: inout ArraySlice<Float>,
    _ betas: inout ArraySlice<Float>,
    _ context: NodeContext
  ) throws -> @Sendable (Tensor) -> Tensor {
    switch name.lowercased() {
    case "sigmoid": return { sigmoid($0) }
    case "tanh": return { Tensors.tanh($0) }
    case "relu": return { relu($0) }
    case "softsign": return { x in ElementMaps.map("softsign", x) { $0 / (1 + abs($0)) } }
    case "softplus": return { softplus($0) }
    case "affine":
      let (alpha, beta) = (alphas.popFirst() ?? 1, betas.popFirst() ?? 0)
      return { $0 * alpha + beta }
    case "leakyrelu":
      let alpha = alphas.popFirst() ?? 0.01
      return { GraphOperator.leaky($0, slope: alpha) }
    case "hardsigmoid":
      let (alpha, beta) = (alphas.popFirst() ?? 0.2, betas.popFirst() ?? 0.5)
      return { x in ElementMaps.map("hard-sigmoid", x) { max(0, min(1, alpha * $0 + beta)) } }
    case "elu":
      let alpha = alphas.popFirst() ?? 1
      return { elu($0, alpha: alpha) }
    default: throw context.unsupported("the activation \(name)")
    }
  }

  func results(
    _ advance: (RecurrentStep, Tensor, (hidden: Tensor, cell: Tensor)) -> (Tensor, Tensor)
  ) throws -> [GraphValue] {
    let (length, batch) = (x.shape[0], x.shape[1])
    func first(_ index: Int, _ place: Int) throws -> Tensor {
      guard let given = (index == 6 && !hasCell ? nil : context.optionalNumbers(index)) else {
        return Tensor(repeating: 0, shape: [batch, width])
      }
      try context.require(given.rank == 3, "a state \(given.shape)")
      let all = isBatchFirst ? given.transposed(0, 1) : given
      try context.require(all.shape == [steps.count, batch, width], "a state \(given.shape)")
      return all.sliced(axis: 0, start: place, end: place + 1).squeezed(0)
    }
    var outputs: [[Tensor]] = []
    var (hiddens, cells): ([Tensor], [Tensor]) = ([], [])
    for (place, step) in steps.enumerated() {
      let isReversed = direction == "reverse" || place == 1
      var state = (hidden: try first(5, place), cell: try first(6, place))
      if !hasCell { state.cell = state.hidden }
      var rows: [Tensor] = []
      for index in 0..<length {
        let time = isReversed ? length - 1 - index : index
        let row = x.sliced(axis: 0, start: time, end: time + 1).squeezed(0)
        state = advance(step, row, state)
        rows.append(state.hidden)
      }
      outputs.append(isReversed ? rows.reversed() : rows)
      hiddens.append(state.hidden)
      cells.append(state.cell)
    }
    // `[T, directions, N, width]`.
    var y = stack((0..<length).map { time in stack(outputs.map { $0[time] }) })
    var (h, c) = (stack(hiddens), stack(cells))
    if isBatchFirst {
      y = y.transposed([2, 0, 1, 3])
      (h, c) = (h.transposed(0, 1), c.transposed(0, 1))
    }
    let all = hasCell ? [y, h, c] : [y, h]
    let type = try context.operand(0).type
    return all.map { GraphValue(type, $0) }
  }
}
