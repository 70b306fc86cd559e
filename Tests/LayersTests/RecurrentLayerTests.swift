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

  @Test("a convolutional LSTM equals its equations in PyTorch")
  func convolutionalLSTMEqualsPyTorch() throws {
    var random = RandomStream(seed: 1)
    let layer = ConvolutionalLSTM(inputChannels: 2, width: 3, random: &random)
    try StoredLayer("convolutional-lstm").expectEqual(layer) {
      let (output, state) = layer($0[0], from: nil, in: context)
      return [output, state.hidden, state.cell]
    }
  }

  @Test("a reversed convolutional LSTM is one over the flipped sequence")
  func reversedConvolutionalLSTM() {
    var random = RandomStream(seed: 1)
    let layer = ConvolutionalLSTM(inputChannels: 1, width: 2, random: &random)
    let x = Tensor((0..<60).map { _ in Float(random.normal()) }, shape: [1, 1, 4, 5, 3])
    let (output, state) = layer(x, from: nil, isReversed: true, in: .inference)
    let flipped = layer(x.flipped(axes: [2]), from: nil, in: .inference)
    #expect(output.values == flipped.output.flipped(axes: [2]).values)
    #expect(state.cell.values == flipped.state.cell.values)
  }

  /// The product of all inputs is rounded by the number of its rows.
  private static let rounding = Tolerance(absolute: 1e-6, relative: 1e-6)

  /// Sequences of 7, 0, 3 and 1 steps as one batch and each by itself; widths fill no vector.
  @Test("a sequence in a batch of mixed lengths gives what it gives alone", arguments: [1, 2])
  func mixedLengths(_ layers: Int) {
    var random = RandomStream(seed: 2)
    let x = Tensor((0..<7 * 4 * 3).map { _ in Float(random.normal()) }, shape: [7, 4, 3])
    let lengths = [7, 0, 3, 1]
    let long = LSTM(inputs: 3, width: 21, layers: layers, isBidirectional: true, random: &random)
    let gated = GRU(inputs: 3, width: 21, layers: layers, isBidirectional: true, random: &random)
    func parts(_ x: Tensor, _ lengths: [Int]?) -> [(tensor: Tensor, isSequence: Bool)] {
      let (output, state) = long(x, from: nil, lengths: lengths, in: .inference)
      let (other, hidden) = gated(x, from: nil, lengths: lengths, in: .inference)
      return [
        (output, true), (state.hidden, false), (state.cell, false), (other, true),
        (hidden, false),
      ]
    }
    let together = parts(x, lengths)
    for (sample, length) in lengths.enumerated() {
      let own = x.sliced(axis: 1, start: sample, end: sample + 1).sliced(axis: 0, end: length)
      for (part, alone) in zip(together, parts(own, nil)) {
        let cut = part.tensor.sliced(axis: 1, start: sample, end: sample + 1)
        guard part.isSequence else {
          expectClose(cut, alone.tensor, Self.rounding)
          continue
        }
        expectClose(cut.sliced(axis: 0, end: length), alone.tensor, Self.rounding)
        #expect(cut.sliced(axis: 0, start: length).values.allSatisfy { $0 == 0 })
      }
    }
  }

  @Test("values and gradients do not depend on the number of threads")
  func threads() {
    var random = RandomStream(seed: 3)
    let x = Tensor((0..<9 * 13 * 40).map { _ in Float(random.normal()) }, shape: [9, 13, 40])
    let layers: [any Layer] = [
      LSTM(inputs: 40, width: 70, isBidirectional: true, random: &random),
      GRU(inputs: 40, width: 70, isBidirectional: true, random: &random),
    ]
    for layer in layers {
      let runs = [1, 2, 3, 5].map { count in
        Parallelism.$threadCount.withValue(count) { () -> [[Float]] in
          let key = GradientKey()
          let output = layer(x.tracked(by: key), in: Context(.training))
          let found = gradients(of: output.squared().sum)
          return [output.values, found[key]?.values ?? []]
            + layer.namedParameters.map { found[$0.parameter.key]?.values ?? [] }
        }
      }
      #expect(runs.dropFirst().allSatisfy { $0 == runs[0] })
    }
  }

  @Test("values that are no numbers are not hidden by the gates")
  func notANumber() {
    var random = RandomStream(seed: 4)
    let x = Tensor([1, .nan, 1, 1], shape: [4, 1, 1])
    let long = LSTM(inputs: 1, width: 2, random: &random)(x, in: .inference).values
    let gated = GRU(inputs: 1, width: 2, random: &random)(x, in: .inference).values
    for values in [long, gated] {
      #expect(values.map(\.isNaN) == [false, false, true, true, true, true, true, true])
    }
  }
}
