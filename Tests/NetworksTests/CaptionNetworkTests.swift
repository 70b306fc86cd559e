import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

@Suite("Networks through sequences against PyTorch")
struct CaptionNetworkTests {
  static var slices: NNUNetConfiguration {
    var values = NNUNetConfiguration(
      inputChannels: 2,
      outputChannels: 3,
      features: [3, 4, 6],
      dimensions: 3,
      unitsPerStage: [1, 1, 1],
      decoderUnitsPerStage: [1, 1]
    ).throughSlices
    values.hasDeepSupervision = true
    return values
  }

  static var captioner: CaptionConfiguration {
    var values = CaptionConfiguration(inputChannels: 2, outputChannels: 7)
    (values.features, values.gridSize) = ([4, 6], [2, 3])
    (values.wordFeatures, values.width, values.attentionWidth) = (5, 8, 4)
    values.dropoutProbability = 0
    return values
  }

  @Test func theSecondStepOfASentenceLooksWherePyTorchLooks() throws {
    let test = StoredNetwork(name: "caption", configuration: .captioner(Self.captioner))
    let (stored, weights) = try test.stored()
    let network = try #require(try test.network() as? CaptionNetwork)
    try network.load(weights, from: test.name)
    let places = network.places(of: try #require(stored["input"]), in: .inference)
    let start = [Int](repeating: CaptionNetwork.startToken, count: 3)
    let first = network.step(
      start,
      places,
      from: network.begin(places, in: .inference),
      in: .inference
    )
    let tokens = try #require(stored["tokens"]).values.map { Int($0) }
    let second = network.step(tokens, places, from: first.state, in: .inference)
    let close = Tolerance(absolute: 2e-5, relative: 2e-5)
    expectClose(second.scores, try #require(stored["second.scores"]), close, "scores")
    expectClose(second.attention, try #require(stored["second.attention"]), close, "attention")
    expectClose(second.state.hidden, try #require(stored["second.hidden"]), close, "hidden")
    for row in 0..<3 {
      let sum = second.attention.values[row * 6..<(row + 1) * 6].reduce(0, +)
      #expect(abs(sum - 1) < 1e-5)
    }
  }

  @Test func slicesAreReadWithTheirNeighboursInBothDirections() throws {
    var random = RandomStream(seed: 3)
    let network = try NetworkConfiguration.convLSTMUNet(Self.slices)
      .makeNetwork(random: &random)
    #expect(network.axisMultiples == [1, 4, 4])
    var values = (0..<2 * 5 * 8 * 12).map { _ in Float(random.normal()) }
    let shape = [1, 2, 5, 8, 12]
    let before = network(Tensor(values, shape: shape), in: .inference).values
    // The middle slice of the first channel changes.
    for place in 2 * 96..<3 * 96 { values[place] += 1 }
    let after = network(Tensor(values, shape: shape), in: .inference).values
    for slice in 0..<5 {
      let range = slice * 96..<(slice + 1) * 96
      #expect(zip(before[range], after[range]).contains { abs($0 - $1) > 1e-5 }, "\(slice)")
    }
  }

  @Test func windowsAcrossSlicesAreRefused() {
    var random = RandomStream(seed: 1)
    var values = Self.slices
    values.kernelSizes[1] = [3, 3, 3]
    #expect(throws: NetworksError.self) {
      try NetworkConfiguration.convLSTMUNet(values).makeNetwork(random: &random)
    }
    var flat = CaptionConfiguration(inputChannels: 1, outputChannels: 1)
    flat.gridSize = [0]
    #expect(throws: NetworksError.self) {
      try NetworkConfiguration.captioner(flat).makeNetwork(random: &random)
    }
  }
}
