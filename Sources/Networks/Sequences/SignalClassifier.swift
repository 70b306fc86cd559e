import Layers
import Support
import Tensors

/// The values that define a recurrent network of signals.
public struct SignalClassifierConfiguration: Codable, Sendable, Equatable {
  /// Signals side by side.
  public var inputChannels: Int
  /// Classes.
  public var outputChannels: Int
  /// Samples of each signal that one step sees.
  public var samplesPerStep: Int
  /// What runs over the steps.
  public var recurrence: RecurrentConfiguration
  /// The share of the last layer's input that is dropped while training.
  public var dropoutProbability = 0.2

  /// Creates a configuration.
  /// - Parameters:
  ///   - inputChannels: Signals side by side.
  ///   - outputChannels: Classes.
  ///   - samplesPerStep: Samples of each signal that one step sees.
  ///   - recurrence: What runs over the steps.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    samplesPerStep: Int,
    recurrence: RecurrentConfiguration
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.samplesPerStep = samplesPerStep
    self.recurrence = recurrence
  }
}

/// A recurrence over pieces of signals, and a linear layer on its last states.
///
/// Parameters have PyTorch's names: `rnn.weight_ih_l0`, …, `classifier.weight`. A piece is a row: it gives
/// all samples of the first signal, then of the next.
public final class SignalClassifier: Network {
  /// The values that define the network.
  public let configuration: SignalClassifierConfiguration
  private let recurrence: RecurrentStack
  private let classifier: Linear

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: SignalClassifierConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    recurrence = RecurrentStack(
      configuration.recurrence,
      inputs: configuration.inputChannels * configuration.samplesPerStep,
      random: &random
    )
    classifier = Linear(
      inputs: configuration.recurrence.outputs,
      outputs: configuration.outputChannels,
      random: &random
    )
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    [("rnn", recurrence), ("classifier", classifier)]
  }

  /// Any number of steps will do.
  public var sizeMultiple: Int { 1 }

  /// Computes scores of sequences that have all steps.
  /// - Parameters:
  ///   - x: `[N, inputChannels, T, samples]`; rows of another length are averaged to the network's.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels]`, not normalised.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    self(x, lengths: nil, in: context)
  }

  /// Computes scores.
  /// - Parameters:
  ///   - x: `[N, inputChannels, T, samples]`.
  ///   - lengths: Steps of each sequence, all of them when nil.
  ///   - context: To train or to predict.
  /// - Returns: `[N, outputChannels]`, not normalised.
  public func callAsFunction(_ x: Tensor, lengths: [Int]?, in context: Context) -> Tensor {
    let c = configuration
    precondition(
      x.rank == 4 && x.shape[1] == c.inputChannels,
      "signals \(x.shape) for \(c.inputChannels) channels"
    )
    let steps = x.shape[2]
    let rows =
      x.shape[3] == c.samplesPerStep
      ? x : adaptiveAveragePooling(x, to: [steps, c.samplesPerStep])
    let pieces = rows.transposed([2, 0, 1, 3])
      .reshaped([steps, x.shape[0], c.inputChannels * c.samplesPerStep])
    let told = recurrence(pieces, lengths: lengths, in: context)
    return classifier(droppedOut(told, c.dropoutProbability, in: context), in: context)
  }
}

extension SignalClassifierConfiguration: NetworkValues {
  var dimensions: Int { 2 }
  var output: NetworkOutput { .vector }
  func network(random: inout RandomStream) -> any Network {
    SignalClassifier(self, random: &random)
  }

  func check(network: String) throws(NetworksError) {
    let check = ValueCheck(network: network)
    try check.channels(inputChannels, outputChannels)
    try check.require((1...4096).contains(samplesPerStep), "\(samplesPerStep) samples a step")
    try check.require((0..<1).contains(dropoutProbability), "a dropout of \(dropoutProbability)")
    try recurrence.check(check, inputs: inputChannels * samplesPerStep)
  }
}
