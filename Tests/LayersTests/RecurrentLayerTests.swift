import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite("Recurrent layers")
struct RecurrentLayerTests {
  private let context = Context(.training)

  @Test("an LSTM of two layers and two directions equals PyTorch's")
  func lstmEqualsPyTorch() throws {
    var random = RandomStream(seed: 1)
    let layer = LSTM(inputs: 3, width: 4, layers: 2, isBidirectional: true, random: &random)
    try StoredLayer("lstm").expectEqual(layer) {
      let first = LSTM.State(hidden: $0[1], cell: $0[2])
      let (output, state) = layer($0[0], from: first, in: context)
      return [output, state.hidden, state.cell]
    }
  }

  @Test("an LSTM over sequences with the batch first equals PyTorch's")
  func batchFirstEqualsPyTorch() throws {
    var random = RandomStream(seed: 1)
    let layer = LSTM(inputs: 3, width: 5, batchFirst: true, random: &random)
    try StoredLayer("lstm-batch-first").expectEqual(layer) {
      let (output, state) = layer($0[0], from: nil, in: context)
      return [output, state.hidden, state.cell]
    }
  }

  @Test("a GRU of two layers and two directions equals PyTorch's")
  func gruEqualsPyTorch() throws {
    var random = RandomStream(seed: 1)
    let layer = GRU(inputs: 3, width: 4, layers: 2, isBidirectional: true, random: &random)
    try StoredLayer("gru").expectEqual(layer) {
      let (output, hidden) = layer($0[0], from: $0[1], in: context)
      return [output, hidden]
    }
  }

  @Test("a GRU without biases equals PyTorch's")
  func gruWithoutBiasEqualsPyTorch() throws {
    var random = RandomStream(seed: 1)
    let layer = GRU(inputs: 3, width: 5, batchFirst: true, hasBias: false, random: &random)
    try StoredLayer("gru-batch-first").expectEqual(layer) {
      let (output, hidden) = layer($0[0], from: nil, in: context)
      return [output, hidden]
    }
  }

  @Test("parameters have PyTorch's names and order")
  func names() {
    var random = RandomStream(seed: 1)
    let layer = LSTM(inputs: 3, width: 4, layers: 2, isBidirectional: true, random: &random)
    #expect(
      layer.namedParameters.map(\.name) == [
        "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_ih_l0_reverse",
        "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse", "weight_ih_l1",
        "weight_hh_l1", "bias_ih_l1", "bias_hh_l1", "weight_ih_l1_reverse",
        "weight_hh_l1_reverse", "bias_ih_l1_reverse", "bias_hh_l1_reverse",
      ]
    )
    let plain = GRU(inputs: 3, width: 4, hasBias: false, random: &random)
    #expect(plain.namedParameters.map(\.name) == ["weight_ih_l0", "weight_hh_l0"])
    #expect(plain.trainableCount == 12 * 3 + 12 * 4)
  }

  @Test("a sequence in pieces that hand the state on gives what the whole one gives")
  func piecesEqualTheWhole() {
    var random = RandomStream(seed: 1)
    let layer = LSTM(inputs: 3, width: 4, layers: 2, random: &random)
    let x = Tensor((0..<7 * 2 * 3).map { _ in Float(random.normal()) }, shape: [7, 2, 3])
    let whole = layer(x, from: nil, in: .inference)
    var state: LSTM.State?
    var outputs: [Tensor] = []
    for piece in x.split(sizes: [3, 0, 1, 3], axis: 0) {
      let (output, next) = layer(piece, from: state, in: .inference)
      outputs.append(output)
      state = next.detached
    }
    let exact = Tolerance(absolute: 1e-6, relative: 0)
    expectClose(concatenation(outputs, axis: 0), whole.output, exact, "output")
    expectClose(state?.hidden ?? x, whole.state.hidden, exact, "hidden")
    expectClose(state?.cell ?? x, whole.state.cell, exact, "cell")
  }
}
