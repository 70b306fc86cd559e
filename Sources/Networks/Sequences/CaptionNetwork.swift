import Layers
import Support
import Tensors

/// The values that define a network that writes sentences about images.
public struct CaptionConfiguration: Codable, Sendable, Equatable {
  /// Channels of an image.
  public var inputChannels: Int
  /// Words that it knows, the marks for start, end and unknown words among them.
  public var outputChannels: Int
  /// Channels of the encoder's stages, each of which halves the size.
  public var features = [32, 64, 96, 128]
  /// Rows and columns of places that attention chooses from.
  public var gridSize = [8, 8]
  /// Values of a word's vector.
  public var wordFeatures = 96
  /// Values of the decoder's state.
  public var width = 192
  /// Values in which places and state are compared.
  public var attentionWidth = 96
  /// The share of the last layer's input that is dropped while training.
  public var dropoutProbability = 0.2

  /// Creates a configuration; every other property has the default that its declaration shows.
  /// - Parameters:
  ///   - inputChannels: Channels of an image.
  ///   - outputChannels: Words that it knows.
  public init(inputChannels: Int, outputChannels: Int) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
  }
}

/// A convolutional encoder, and an LSTM that writes a sentence while it looks at places of the image.
///
/// Xu et al. 2015, "Show, attend and tell", with soft attention: of places aᵢ and the state h, eᵢ =
/// v · tanh(A aᵢ + H h) (Bahdanau, Cho and Bengio 2015, section A.1.2), α = softmax(e), and the context
/// is σ(B h) Σ αᵢ aᵢ (section 4.2.1); the state takes in the last word and the context, begins with two
/// layers' words about the mean place (section 3.1.2), and the next word's scores are O(E y + L h + Z z)
/// (equation 7). The encoder is small: two convolutions with batch normalisation a stage.
public final class CaptionNetwork: Network {
  /// The decoder between two words.
  public struct State: Sendable {
    /// h, `[N, width]`.
    public var hidden: Tensor
    /// c, `[N, width]`.
    public var cell: Tensor

    /// Creates a state.
    /// - Parameters:
    ///   - hidden: `[N, width]`.
    ///   - cell: The same shape.
    public init(hidden: Tensor, cell: Tensor) {
      self.hidden = hidden
      self.cell = cell
    }
  }

  /// What came of a step.
  public struct Step: Sendable {
    /// Scores of the next word, `[N, outputChannels]`, not normalised.
    public let scores: Tensor
    /// Where it was looked, `[N, places]`, sums of 1.
    public let attention: Tensor
    /// The decoder after the step.
    public let state: State
  }

  /// The number of the mark with which every sentence begins.
  public static let startToken = 0
  /// The number of the mark with which it ends.
  public static let endToken = 1
  /// The number of the mark that stands for words that are not known.
  public static let unknownToken = 2

  /// The values that define the network.
  public let configuration: CaptionConfiguration
  private let stages: [NormalizedConvolution]
  private let firstHidden: Linear
  private let firstCell: Linear
  private let words: Embedding
  private let placeMap: Linear
  private let stateMap: Linear
  private let energy: Linear
  private let gate: Linear
  private let decoder: LSTM
  private let hiddenOutput: Linear
  private let contextOutput: Linear
  private let output: Linear

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: CaptionConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let widths = [c.inputChannels] + c.features
    stages = zip(widths, c.features).flatMap { input, output in
      [(input, 2), (output, 1)].map { channels, stride in
        NormalizedConvolution(
          channels,
          output,
          window: 3,
          stride: stride,
          isRectified: true,
          random: &random
        )
      }
    }
    let places = widths[widths.count - 1]
    firstHidden = Linear(inputs: places, outputs: c.width, random: &random)
    firstCell = Linear(inputs: places, outputs: c.width, random: &random)
    words = Embedding(count: c.outputChannels, width: c.wordFeatures, random: &random)
    placeMap = Linear(inputs: places, outputs: c.attentionWidth, random: &random)
    stateMap = Linear(
      inputs: c.width,
      outputs: c.attentionWidth,
      hasBias: false,
      random: &random
    )
    energy = Linear(inputs: c.attentionWidth, outputs: 1, hasBias: false, random: &random)
    gate = Linear(inputs: c.width, outputs: places, random: &random)
    decoder = LSTM(inputs: c.wordFeatures + places, width: c.width, random: &random)
    hiddenOutput = Linear(inputs: c.width, outputs: c.wordFeatures, random: &random)
    contextOutput = Linear(
      inputs: places,
      outputs: c.wordFeatures,
      hasBias: false,
      random: &random
    )
    output = Linear(inputs: c.wordFeatures, outputs: c.outputChannels, random: &random)
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    stages.enumerated().map { ("stages.\($0.offset)", $0.element as any Layer) }
      + [
        ("first_hidden", firstHidden), ("first_cell", firstCell), ("words", words),
        ("place_map", placeMap), ("state_map", stateMap), ("energy", energy), ("gate", gate),
        ("rnn", decoder), ("hidden_output", hiddenOutput), ("context_output", contextOutput),
        ("output", output),
      ]
  }

  /// Images of any size will do.
  public var sizeMultiple: Int { 1 }

  /// Computes the scores of the sentence's first word.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels]`, not normalised.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let places = places(of: x, in: context)
    let starts = [Int](repeating: Self.startToken, count: x.shape[0])
    return step(starts, places, from: begin(places, in: context), in: context).scores
  }

  /// Encodes images.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`.
  ///   - context: To train or to predict.
  /// - Returns: Vectors of the places, rows from the top, `[N, places, features]`.
  public func places(of x: Tensor, in context: Context) -> Tensor {
    let c = configuration
    requireImage(x, channels: c.inputChannels)
    let maps = stages.reduce(x) { $1($0, in: context) }
    let fitting =
      Array(maps.shape[2...]) == c.gridSize
      ? maps : adaptiveAveragePooling(maps, to: c.gridSize)
    return fitting.flattened(from: 2).transposed(1, 2)
  }

  /// The decoder before the first word.
  /// - Parameters:
  ///   - places: What `places` gave.
  ///   - context: To train or to predict.
  /// - Returns: Its state.
  public func begin(_ places: Tensor, in context: Context) -> State {
    let mean = places.mean(axes: [1])
    return State(
      hidden: tanh(firstHidden(mean, in: context)),
      cell: tanh(firstCell(mean, in: context))
    )
  }

  /// Goes on by a word.
  /// - Parameters:
  ///   - tokens: The last word of each sentence, by number.
  ///   - places: What `places` gave, `[N, places, features]`.
  ///   - state: The decoder's state.
  ///   - context: To train or to predict.
  /// - Returns: The next word's scores.
  public func step(
    _ tokens: [Int],
    _ places: Tensor,
    from state: State,
    in context: Context
  ) -> Step {
    let word = words(IndexTensor(tokens, shape: [tokens.count]), in: context)
    return step(word: word, places, from: state, in: context)
  }

  /// The words' vectors, `[outputChannels, wordFeatures]`.
  package var wordTable: Tensor { words.weight.value }

  /// Goes on by a word.
  /// - Parameters:
  ///   - word: The last word's vector of each sentence, `[N, wordFeatures]`.
  ///   - places: What `places` gave, `[N, places, features]`.
  ///   - state: The decoder's state.
  ///   - context: To train or to predict.
  /// - Returns: The next word's scores, where was looked, and the decoder's next state.
  package func step(
    word: Tensor,
    _ places: Tensor,
    from state: State,
    in context: Context
  ) -> Step {
    let compared = tanh(
      placeMap(places, in: context) + stateMap(state.hidden, in: context).unsqueezed(1)
    )
    let attention = softmax(energy(compared, in: context).squeezed(2), axis: 1)
    let looked = matrixProduct(attention.unsqueezed(1), places).squeezed(1)
    let seen = sigmoid(gate(state.hidden, in: context)) * looked
    let next = decoder(
      concatenation([word, seen], axis: 1).unsqueezed(0),
      from: LSTM.State(hidden: state.hidden.unsqueezed(0), cell: state.cell.unsqueezed(0)),
      in: context
    ).state
    let (hidden, cell) = (next.hidden.squeezed(0), next.cell.squeezed(0))
    let sum =
      word + hiddenOutput(hidden, in: context) + contextOutput(seen, in: context)
    return Step(
      scores: output(
        droppedOut(sum, configuration.dropoutProbability, in: context),
        in: context
      ),
      attention: attention,
      state: State(hidden: hidden, cell: cell)
    )
  }
}

extension CaptionConfiguration: NetworkValues {
  var dimensions: Int { 2 }
  var output: NetworkOutput { .vector }
  func network(random: inout RandomStream) -> any Network { CaptionNetwork(self, random: &random) }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.require((1...4096).contains(inputChannels), "\(inputChannels) input channels")
    try check.require((2...100_000).contains(outputChannels), "\(outputChannels) words")
    try check.features(features, count: 1...8)
    try check.require(
      gridSize.count == 2 && gridSize.allSatisfy((1...64).contains),
      "a grid of \(gridSize)"
    )
    try check.require(
      [wordFeatures, width, attentionWidth].allSatisfy((1...4096).contains),
      "\(wordFeatures) values of a word, \(width) of the state, \(attentionWidth) of attention"
    )
    try check.dropout(dropoutProbability)
    try check.weights(
      widest: max(inputChannels, features.max() ?? 1),
      window: 9,
      layers: 2 * features.count
    )
    try check.map(4 * width, wordFeatures + width + (features.last ?? 1))
    try check.map(outputChannels, 2 * wordFeatures)
  }
}
