import Layers
import Support
import Tensors

/// The values that define a network of image sequences.
public struct ClipClassifierConfiguration: Codable, Sendable, Equatable {
  /// What joins the frames.
  public enum Joining: String, Codable, Sendable, CaseIterable {
    /// A recurrence, which sees their order.
    case recurrent
    /// The mean of each frame's own scores, which does not; to compare with.
    case mean
  }

  /// Channels of a frame.
  public var inputChannels: Int
  /// Classes.
  public var outputChannels: Int
  /// Channels of the encoder's stages, each of which halves the size.
  public var features = [16, 32, 64]
  /// Rows and columns of the maps that the encoder leaves of any frame.
  public var gridSize = 4
  /// Values of an encoded frame.
  public var frameFeatures = 128
  /// What joins the frames.
  public var joining = Joining.recurrent
  /// The recurrence; not used by the mean.
  public var recurrence = RecurrentConfiguration(width: 128)

  /// Creates a configuration; every other property has the default that its declaration shows.
  /// - Parameters:
  ///   - inputChannels: Channels of a frame.
  ///   - outputChannels: Classes.
  public init(inputChannels: Int, outputChannels: Int) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
  }
}

/// A convolutional encoder of each frame, and a recurrence over the frames.
///
/// As Donahue et al. 2015, "Long-term recurrent convolutional networks", with a small encoder of strided
/// convolutions and batch normalisation; maps are averaged to a grid and flattened, so that places are
/// told apart. Clips may differ in length.
public final class ClipClassifier: Network {
  /// The values that define the network.
  public let configuration: ClipClassifierConfiguration
  private let stages: [NormalizedConvolution]
  private let frame: Linear
  private let recurrence: RecurrentStack?
  private let classifier: Linear

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: ClipClassifierConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    let widths = [c.inputChannels] + c.features
    stages = zip(widths, c.features).map { input, output in
      NormalizedConvolution(input, output, window: 3, stride: 2, isRectified: true, random: &random)
    }
    frame = Linear(
      inputs: widths[widths.count - 1] * c.gridSize * c.gridSize,
      outputs: c.frameFeatures,
      random: &random
    )
    recurrence =
      c.joining == .recurrent
      ? RecurrentStack(c.recurrence, inputs: c.frameFeatures, random: &random) : nil
    classifier = Linear(
      inputs: c.joining == .recurrent ? c.recurrence.outputs : c.frameFeatures,
      outputs: c.outputChannels,
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    stages.enumerated().map { ("stages.\($0.offset)", $0.element as any Layer) }
      + [("frame", frame)] + (recurrence.map { [("rnn", $0)] } ?? [])
      + [("classifier", classifier)]
  }

  /// Frames of any size and clips of any length will do.
  public var sizeMultiple: Int { 1 }

  /// Computes scores of clips that have all frames.
  /// - Parameters:
  ///   - x: `[N, inputChannels, T, H, W]`, T at least 1.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels]`, not normalised.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    self(x, lengths: nil, in: context)
  }

  /// Computes scores.
  /// - Parameters:
  ///   - x: `[N, inputChannels, T, H, W]`.
  ///   - lengths: Frames of each clip, 1 to T; all of them when nil. What lies behind is not looked at,
  ///     but counts in the encoder's statistics while training: fill it with frames of the clip.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels]`, not normalised.
  public func callAsFunction(_ x: Tensor, lengths: [Int]?, in context: Context) -> Tensor {
    let c = configuration
    precondition(
      x.rank == 5 && x.shape[1] == c.inputChannels && x.shape[2] > 0,
      "clips \(x.shape) for \(c.inputChannels) channels"
    )
    let (clips, steps) = (x.shape[0], x.shape[2])
    let frames = x.transposed([2, 0, 1, 3, 4])
      .reshaped([steps * clips, c.inputChannels] + x.shape[3...])
    let maps = stages.reduce(frames) { $1($0, in: context) }
    let grid = [c.gridSize, c.gridSize]
    let fitting = Array(maps.shape[2...]) == grid ? maps : adaptiveAveragePooling(maps, to: grid)
    let encoded = relu(frame(fitting.flattened(from: 1), in: context))
    guard let recurrence else {
      let scores = classifier(encoded, in: context).reshaped([steps, clips, c.outputChannels])
      guard let lengths else { return scores.mean(axes: [0]) }
      let shares = (0..<steps).flatMap { step in
        lengths.map { step < $0 ? 1 / Float($0) : 0 }
      }
      return (scores * Tensor(shares, shape: [steps, clips, 1])).sum(axes: [0])
    }
    let sequence = encoded.reshaped([steps, clips, c.frameFeatures])
    return classifier(recurrence(sequence, lengths: lengths, in: context), in: context)
  }
}

extension ClipClassifierConfiguration: NetworkValues {
  var dimensions: Int { 3 }
  var output: NetworkOutput { .vector }
  func network(random: inout RandomStream) -> any Network { ClipClassifier(self, random: &random) }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.features(features, count: 1...8)
    try check.require((1...32).contains(gridSize), "a grid of \(gridSize)")
    try check.require((1...8192).contains(frameFeatures), "\(frameFeatures) values of a frame")
    try check.weights(
      widest: max(inputChannels, features.max() ?? 1),
      window: 9,
      layers: features.count
    )
    try check.map((features.last ?? 1) * gridSize * gridSize, frameFeatures)
    try recurrence.check(check, inputs: frameFeatures)
  }
}
