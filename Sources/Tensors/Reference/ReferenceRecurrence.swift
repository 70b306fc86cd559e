import Foundation

/// Arrays of a sequence in double precision, addressed by indices.
private struct Table: Sendable {
  let shape: [Int]
  var values: [Double]

  init(_ shape: [Int]) {
    self.shape = shape
    values = [Double](repeating: 0, count: shape.reduce(1, *))
  }

  init(_ tensor: Tensor) {
    shape = tensor.shape
    values = tensor.values.map { Double($0) }
  }

  subscript(index: Int...) -> Double {
    get { values[flat(index, shape)] }
    set { values[flat(index, shape)] = newValue }
  }

  var tensor: Tensor { Tensor(values.map { Float($0) }, shape: shape) }
}

private func sigma(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

/// The weights of a sweep and their gradients, by their definitions.
private struct Weights: Sendable {
  var input: Table
  var hidden: Table
  var inputBias: Table
  var hiddenBias: Table

  /// - Parameter tensors: The two weights, and both biases or none.
  init(_ tensors: [Tensor]) {
    (input, hidden) = (Table(tensors[0]), Table(tensors[1]))
    let rows = [tensors[0].shape[0]]
    inputBias = tensors.count > 2 ? Table(tensors[2]) : Table(rows)
    hiddenBias = tensors.count > 2 ? Table(tensors[3]) : Table(rows)
  }

  /// Zeros of the same shapes.
  var zeros: Weights {
    var result = self
    (result.input, result.hidden) = (Table(input.shape), Table(hidden.shape))
    (result.inputBias, result.hiddenBias) = (Table(inputBias.shape), Table(hiddenBias.shape))
    return result
  }

  var tensors: [Tensor] { [input, hidden, inputBias, hiddenBias].map(\.tensor) }

  func fromInput(_ row: Int, _ x: Table, _ t: Int, _ n: Int) -> Double {
    (0..<input.shape[1]).reduce(inputBias[row]) { $0 + input[row, $1] * x[t, n, $1] }
  }

  func fromHidden(_ row: Int, _ h: Table, _ n: Int) -> Double {
    (0..<hidden.shape[1]).reduce(hiddenBias[row]) { $0 + hidden[row, $1] * h[n, $1] }
  }
}

/// An LSTM's layer and direction, step by step and unit by unit.
///
/// Operands: x, h₀, c₀, both weights, and both biases or none.
struct ReferenceLSTM: Sendable {
  let packed: Tensor
  private let operands: [Tensor]
  private let order: [Int]
  private let lengths: [Int]
  /// Hidden and cell state before each step of the order, and after the last.
  private let states: [(h: Table, c: Table)]

  init(_ operands: [Tensor], isReversed: Bool, lengths: [Int]? = nil) {
    self.operands = operands
    let x = Table(operands[0])
    let weights = Weights(Array(operands[3...]))
    let (steps, width) = (x.shape[0], operands[4].shape[1])
    self.lengths = lengths ?? [Int](repeating: steps, count: x.shape[1])
    order = isReversed ? (0..<steps).reversed() : Array(0..<steps)
    var states = [(h: Table(operands[1]), c: Table(operands[2]))]
    var result = Table([steps + 2] + operands[1].shape)
    for t in order {
      let before = states[states.count - 1]
      var after = before
      for n in 0..<x.shape[1] {
        for j in 0..<width {
          guard t < self.lengths[n] else {
            result[t, n, j] = before.h[n, j]
            continue
          }
          let a = (0..<4).map { gate in
            weights.fromInput(gate * width + j, x, t, n)
              + weights.fromHidden(gate * width + j, before.h, n)
          }
          after.c[n, j] = sigma(a[1]) * before.c[n, j] + sigma(a[0]) * tanh(a[2])
          after.h[n, j] = sigma(a[3]) * tanh(after.c[n, j])
          result[t, n, j] = after.h[n, j]
        }
      }
      states.append(after)
    }
    let last = states[states.count - 1]
    let size = last.h.values.count
    result.values.replaceSubrange((steps * size)..., with: last.h.values + last.c.values)
    self.states = states
    packed = result.tensor
  }

  func gradients(_ gradient: Tensor) -> [Tensor?] {
    let (g, x) = (Table(gradient), Table(operands[0]))
    let weights = Weights(Array(operands[3...]))
    let (steps, batch, width) = (x.shape[0], x.shape[1], operands[4].shape[1])
    var (dx, dWeights) = (Table(x.shape), weights.zeros)
    var (dh, dc) = (Table([batch, width]), Table([batch, width]))
    for n in 0..<batch {
      for j in 0..<width { (dh[n, j], dc[n, j]) = (g[steps, n, j], g[steps + 1, n, j]) }
    }
    for (index, t) in order.enumerated().reversed() {
      let (before, after) = (states[index], states[index + 1])
      var dhBefore = Table([batch, width])
      for n in 0..<batch {
        for j in 0..<width {
          guard t < lengths[n] else {
            dhBefore[n, j] = dh[n, j] + g[t, n, j]
            continue
          }
          let a = (0..<4).map { gate in
            weights.fromInput(gate * width + j, x, t, n)
              + weights.fromHidden(gate * width + j, before.h, n)
          }
          let (i, f, c, o) = (sigma(a[0]), sigma(a[1]), tanh(a[2]), sigma(a[3]))
          let bent = tanh(after.c[n, j])
          let down = dh[n, j] + g[t, n, j]
          let along = dc[n, j] + down * o * (1 - bent * bent)
          dc[n, j] = along * f
          let da = [
            along * c * i * (1 - i), along * before.c[n, j] * f * (1 - f),
            along * i * (1 - c * c), down * bent * o * (1 - o),
          ]
          for (gate, d) in da.enumerated() {
            let row = gate * width + j
            dWeights.inputBias[row] += d
            dWeights.hiddenBias[row] += d
            for k in 0..<x.shape[2] {
              dWeights.input[row, k] += d * x[t, n, k]
              dx[t, n, k] += d * weights.input[row, k]
            }
            for k in 0..<width {
              dWeights.hidden[row, k] += d * before.h[n, k]
              dhBefore[n, k] += d * weights.hidden[row, k]
            }
          }
        }
      }
      dh = dhBefore
    }
    return ([dx.tensor, dh.tensor, dc.tensor] + dWeights.tensors).prefix(operands.count)
      .map { $0 }
  }
}

/// A GRU's layer and direction, step by step and unit by unit.
///
/// Operands: x, h₀, both weights, and both biases or none.
struct ReferenceGRU: Sendable {
  let packed: Tensor
  private let operands: [Tensor]
  private let order: [Int]
  private let lengths: [Int]
  /// The hidden state before each step of the order, and after the last.
  private let states: [Table]

  /// The gates of a unit before a step, and what r weighs in n.
  private struct Gates {
    let r: Double
    let z: Double
    let n: Double
    let recalled: Double

    init(_ weights: Weights, _ x: Table, _ t: Int, _ before: Table, _ sample: Int, _ j: Int) {
      let width = weights.hidden.shape[1]
      let a = (0..<3).map { weights.fromInput($0 * width + j, x, t, sample) }
      let b = (0..<3).map { weights.fromHidden($0 * width + j, before, sample) }
      (r, z) = (sigma(a[0] + b[0]), sigma(a[1] + b[1]))
      n = tanh(a[2] + r * b[2])
      recalled = b[2]
    }
  }

  init(_ operands: [Tensor], isReversed: Bool, lengths: [Int]? = nil) {
    self.operands = operands
    let x = Table(operands[0])
    let weights = Weights(Array(operands[2...]))
    let (steps, width) = (x.shape[0], operands[3].shape[1])
    self.lengths = lengths ?? [Int](repeating: steps, count: x.shape[1])
    order = isReversed ? (0..<steps).reversed() : Array(0..<steps)
    var states = [Table(operands[1])]
    var result = Table([steps + 1] + operands[1].shape)
    for t in order {
      let before = states[states.count - 1]
      var after = before
      for n in 0..<x.shape[1] {
        for j in 0..<width {
          guard t < self.lengths[n] else {
            result[t, n, j] = before[n, j]
            continue
          }
          let gates = Gates(weights, x, t, before, n, j)
          after[n, j] = (1 - gates.z) * gates.n + gates.z * before[n, j]
          result[t, n, j] = after[n, j]
        }
      }
      states.append(after)
    }
    let last = states[states.count - 1]
    result.values.replaceSubrange((steps * last.values.count)..., with: last.values)
    self.states = states
    packed = result.tensor
  }

  func gradients(_ gradient: Tensor) -> [Tensor?] {
    let (g, x) = (Table(gradient), Table(operands[0]))
    let weights = Weights(Array(operands[2...]))
    let (steps, batch, width) = (x.shape[0], x.shape[1], operands[3].shape[1])
    var (dx, dWeights) = (Table(x.shape), weights.zeros)
    var dh = Table([batch, width])
    for n in 0..<batch {
      for j in 0..<width { dh[n, j] = g[steps, n, j] }
    }
    for (index, t) in order.enumerated().reversed() {
      let before = states[index]
      var dhBefore = Table([batch, width])
      for n in 0..<batch {
        for j in 0..<width {
          guard t < lengths[n] else {
            dhBefore[n, j] = dh[n, j] + g[t, n, j]
            continue
          }
          let gates = Gates(weights, x, t, before, n, j)
          let (r, z) = (gates.r, gates.z)
          let down = dh[n, j] + g[t, n, j]
          dhBefore[n, j] += down * z
          let dn = down * (1 - z) * (1 - gates.n * gates.n)
          let dr = dn * gates.recalled * r * (1 - r)
          let dz = down * (before[n, j] - gates.n) * z * (1 - z)
          for (gate, d) in [(dr, dr), (dz, dz), (dn, dn * r)].enumerated() {
            let row = gate * width + j
            dWeights.inputBias[row] += d.0
            dWeights.hiddenBias[row] += d.1
            for k in 0..<x.shape[2] {
              dWeights.input[row, k] += d.0 * x[t, n, k]
              dx[t, n, k] += d.0 * weights.input[row, k]
            }
            for k in 0..<width {
              dWeights.hidden[row, k] += d.1 * before[n, k]
              dhBefore[n, k] += d.1 * weights.hidden[row, k]
            }
          }
        }
      }
      dh = dhBefore
    }
    return ([dx.tensor, dh.tensor] + dWeights.tensors).prefix(operands.count).map { $0 }
  }
}
