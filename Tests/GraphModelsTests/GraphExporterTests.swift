import Foundation
import GraphModels
import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

struct GraphExporterTests {
  /// The largest difference of two ways to compute the same, by the largest value.
  private static let tolerance = Tolerance(absolute: 1e-4, relative: 1e-4)

  private static func input(_ configuration: NetworkConfiguration, multiple: Int) -> Tensor {
    if case .signalClassifier(let values) = configuration {
      return numbers([2, values.inputChannels, 5, values.samplesPerStep])
    }
    let size = (max(8, multiple) + multiple - 1) / multiple * multiple
    return numbers(
      [2, configuration.inputChannels]
        + [Int](repeating: 2 * size, count: configuration.dimensions)
    )
  }

  private static func numbers(_ shape: [Int]) -> Tensor {
    var random = RandomStream(seed: 5)
    return Tensor((0..<shape.reduce(1, *)).map { _ in Float(random.normal()) }, shape: shape)
  }

  private static func network(_ name: String) throws -> any Network {
    let entry = try #require(NetworkCatalog.all.first { $0.name == name })
    var random = RandomStream(seed: 1)
    return try entry.example.makeNetwork(random: &random)
  }

  /// Reduces areas that overlap.
  private final class UnevenPool: Network {
    let takesMaximum: Bool
    init(takesMaximum: Bool) { self.takesMaximum = takesMaximum }
    var children: [(name: String, layer: any Layer)] { [] }
    var sizeMultiple: Int { 1 }
    func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
      takesMaximum
        ? adaptiveMaxPooling(x, to: [3, 5]) : adaptiveAveragePooling(x, to: [3, 5])
    }
  }

  @Test func meansOfWindowsThatOverlapAreMatrices() throws {
    let network = UnevenPool(takesMaximum: false)
    for size in [[8, 9], [2, 4]] {
      let x = Self.numbers([2, 3] + size)
      let graph = try OperatorGraph.exported(from: network, inputShape: x.shape)
      #expect(graph.inputs[0].dimensions?.dropFirst(2).allSatisfy { $0.size != nil } == true)
      expectClose(
        try GraphNetwork(graph)(x, in: .inference),
        network(x, in: .inference),
        Self.tolerance,
        "\(size)"
      )
    }
  }

  @Test func aGraphComesBackAsItWas() throws {
    // A file for one image of one size, which another number would not fit.
    let graph = OperatorGraph(
      name: "fixed",
      nodes: [OperatorGraph.Node("Add", inputs: ["x", "shift"], outputs: ["y"])],
      constants: ["shift": StoredTensor(Self.numbers([1, 1, 4, 4]))],
      inputs: [OperatorGraph.Value("x", dimensions: [1, 1, 4, 4].map { .fixed($0) })],
      outputs: [OperatorGraph.Value("y", dimensions: [1, 1, 4, 4].map { .fixed($0) })]
    )
    let again = try OperatorGraph.exported(
      from: try GraphNetwork(graph),
      inputShape: [1, 1, 4, 4],
      name: "fixed"
    )
    #expect(try again.encoded() == graph.encoded())
  }

  @Test func mapsOfOnePixelFixTheSize() throws {
    let values = LeNetConfiguration(inputChannels: 1, outputChannels: 2, inputSize: 12)
    var random = RandomStream(seed: 1)
    let network = try NetworkConfiguration.leNet(values).makeNetwork(random: &random)
    let graph = try OperatorGraph.exported(from: network, inputShape: [1, 1, 12, 12])
    #expect(graph.inputs[0].dimensions?.map(\.size) == [nil, 1, 12, 12])
  }

  @Test func whatHasNoCounterpartIsRefused() throws {
    let error = #expect(throws: GraphModelsError.self) {
      try OperatorGraph.exported(
        from: UnevenPool(takesMaximum: true),
        inputShape: [1, 1, 8, 8]
      )
    }
    #expect(error?.description.contains("cannot be exported to ONNX") == true)
    // One image at a time.
    let detector = try Self.network("faster-rcnn")
    #expect(throws: GraphModelsError.self) {
      try OperatorGraph.exported(from: detector, inputShape: [2, 1, 64, 64])
    }
    var options = GraphExportOptions()
    options.leastScores = [0.1, 0.2, 0.3]
    #expect(throws: GraphModelsError.self) {
      try OperatorGraph.exported(from: detector, inputShape: [1, 1, 64, 64], options: options)
    }
  }

  /// Networks with results of several kinds, which have tests of their own.
  private static let special: Set = ["faster-rcnn", "mask-rcnn", "caption-rnn"]

  @Test(arguments: NetworkCatalog.all.map(\.name).filter { !special.contains($0) })
  func everyNetworkOfTheCatalogueComesBackFromItsFile(name: String) throws {
    let entry = try #require(NetworkCatalog.all.first { $0.name == name })
    let network = try Self.network(name)
    let x = Self.input(entry.example, multiple: network.sizeMultiple)
    let graph = try OperatorGraph.exported(from: network, inputShape: x.shape, name: name)
    let imported = try GraphNetwork(try OperatorGraph(try graph.encoded(), path: name))
    try imported.check(inputShape: x.shape)
    expectClose(imported(x, in: .inference), network(x, in: .inference), Self.tolerance, name)
    // A file holds a codec at one rate: its gains are constants there, and no bits are counted. What a book
    // of codes learns by is not used later.
    let unused: [String: Set] = [
      "image-codec": ["gain", "inverse_gain", "log_scale"],
      "vq-vae": ["book.counts", "book.sums"],
    ]
    let named = network.namedParameters.filter { unused[name]?.contains($0.name) != true }
    // Running statistics count; normalisations without factors get ones and zeros in a file, few.
    let weights = named.reduce(0) { $0 + $1.parameter.shape.reduce(1, *) }
    // The zeros with which a recurrence through slices begins are constants too.
    let most = name == "convlstm-unet" ? .max : weights + weights / 20
    #expect((weights...most).contains(imported.weightCount), "\(name)")
    // Parameters keep their names.
    let parameters = Set(named.map(\.name))
    #expect(graph.constants.keys.filter { parameters.contains($0) }.count == parameters.count)
    let values = Safetensors(tensors: ["input": x, "output": network(x, in: .inference)])
    try ExportedFiles.write(try graph.encoded(), values.encoded(), name)
  }

  @Test func sequencesOfAnyLengthAndNumberFitAFile() throws {
    let signals = try Self.network("signal-rnn")
    let graph = try OperatorGraph.exported(from: signals, inputShape: [1, 1, 5, 8])
    #expect(
      graph.inputs[0].dimensions == [.free("batch"), .fixed(1), .free("steps"), .fixed(8)]
    )
    let imported = try GraphNetwork(graph)
    let long = Self.numbers([3, 1, 9, 8])
    expectClose(
      imported(long, in: .inference),
      signals(long, in: .inference),
      Self.tolerance,
      "signals"
    )
    // Frames are looked at one below the other, so that only one number can be free.
    let clips = try Self.network("clip-rnn")
    let clipGraph = try OperatorGraph.exported(from: clips, inputShape: [1, 1, 4, 16, 16])
    #expect(
      clipGraph.inputs[0].dimensions
        == [.fixed(1), .fixed(1), .free("steps"), .fixed(16), .fixed(16)]
    )
    let clip = Self.numbers([1, 1, 7, 16, 16])
    expectClose(
      try GraphNetwork(clipGraph)(clip, in: .inference),
      clips(clip, in: .inference),
      Self.tolerance,
      "clips"
    )
  }

  @Test func joinedPixelsFixTheSize() throws {
    let network = try Self.network("lenet")
    let x = Self.input(
      try #require(NetworkCatalog.all.first { $0.name == "lenet" }).example,
      multiple: network.sizeMultiple
    )
    let graph = try OperatorGraph.exported(from: network, inputShape: x.shape)
    #expect(
      graph.inputs[0].dimensions
        == [.free("batch"), .fixed(x.shape[1]), .fixed(x.shape[2]), .fixed(x.shape[3])]
    )
  }

  /// The likeliest word after each, until the end.
  private static func sentences(
    _ network: CaptionNetwork,
    _ x: Tensor,
    most: Int
  ) -> (tokens: [[Float]], attention: [Tensor]) {
    let samples = x.shape[0]
    let places = network.places(of: x, in: .inference)
    var state = network.begin(places, in: .inference)
    var last = [Int](repeating: CaptionNetwork.startToken, count: samples)
    var (tokens, attention): ([[Float]], [Tensor]) = ([], [])
    while tokens.count < most {
      let had = tokens.isEmpty ? [] : last.map { $0 == CaptionNetwork.endToken }
      if !had.isEmpty, had.allSatisfy({ $0 }) { break }
      let step = network.step(last, places, from: state, in: .inference)
      let (scores, words) = (step.scores.values, step.scores.shape[1])
      last = (0..<samples).map { sample in
        if !had.isEmpty, had[sample] { return CaptionNetwork.endToken }
        let allowed = (0..<words).filter {
          $0 != CaptionNetwork.startToken && $0 != CaptionNetwork.unknownToken
        }
        return allowed.max { scores[sample * words + $0] < scores[sample * words + $1] } ?? 0
      }
      state = step.state
      tokens.append(last.map { Float($0) })
      attention.append(step.attention)
    }
    return (tokens, attention)
  }

  @Test(arguments: [1, 3], [0.0, 0.5])
  func writersOfSentencesWriteTheSame(samples: Int, end: Double) throws {
    let network = try #require(try Self.network("caption-rnn") as? CaptionNetwork)
    // Some sentences end early, some never.
    let bias = try #require(network.namedParameters.first { $0.name == "output.bias" }).parameter
    var shifts = bias.value.values
    shifts[CaptionNetwork.endToken] += Float(end)
    bias.value = Tensor(shifts, shape: bias.shape)
    var options = GraphExportOptions()
    options.maximumWords = 6
    let graph = try OperatorGraph.exported(
      from: network,
      inputShape: [1, 1, 24, 32],
      options: options
    )
    #expect(graph.inputs[0].dimensions?[0] == .free("batch"))
    let x = Self.numbers([samples, 1, 24, 32])
    let expected = Self.sentences(network, x, most: 6)
    let imported = try GraphNetwork(try OperatorGraph(try graph.encoded(), path: "captions"))
    let found = try imported.run(["input": GraphValue(x)])
    let tokens = try #require(found["tokens"])
    let words = expected.tokens.count
    #expect(tokens.shape == [samples, words])
    #expect(tokens.tensor.transposed(0, 1).values == expected.tokens.flatMap { $0 })
    let attention = stack(expected.attention).transposed(0, 1)
    expectClose(try #require(found["attention"]).tensor, attention, Self.tolerance)
    let values = ["input": x, "tokens": tokens.tensor, "attention": attention]
    try ExportedFiles.write(
      try graph.encoded(),
      Safetensors(tensors: values).encoded(),
      "caption-rnn-\(samples)-\(end)"
    )
  }
}
