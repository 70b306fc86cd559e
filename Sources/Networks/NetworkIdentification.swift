import Layers
import Support
import Tensors

/// What names and shapes of weights do not tell of a network, and who asks has to.
public struct NetworkHints: Sendable {
  /// Steps between levels along each spatial axis, where no window of the way up shows them.
  public var strides: [[Int]]?
  /// Dilations of the hidden layers of a MeshNet.
  public var dilations: [Int]?
  /// The normalisation, where its parameters do not show it.
  public var normalization: FeatureNormalization?
  /// The activation, where it has no parameters.
  public var activation: FeatureActivation?
  /// How many times larger the output is, where no window or channel shows it.
  public var scale: Int?
  /// What residuals are multiplied by in an EDSR.
  public var residualScale: Float?
  /// Whether what is still open becomes the default of the program that the network is from.
  public var takesDefaults: Bool

  /// Creates hints.
  /// - Parameters:
  ///   - strides: Steps between levels along each spatial axis.
  ///   - dilations: Dilations of the hidden layers of a MeshNet.
  ///   - normalization: The normalisation.
  ///   - activation: The activation.
  ///   - scale: How many times larger the output is.
  ///   - residualScale: What residuals are multiplied by in an EDSR.
  ///   - takesDefaults: Whether what is still open becomes the default of the upstream program.
  public init(
    strides: [[Int]]? = nil,
    dilations: [Int]? = nil,
    normalization: FeatureNormalization? = nil,
    activation: FeatureActivation? = nil,
    scale: Int? = nil,
    residualScale: Float? = nil,
    takesDefaults: Bool = false
  ) {
    self.strides = strides
    self.dilations = dilations
    self.normalization = normalization
    self.activation = activation
    self.scale = scale
    self.residualScale = residualScale
    self.takesDefaults = takesDefaults
  }
}

/// A network that a state dictionary belongs to.
public struct IdentifiedNetwork: Sendable {
  /// The network.
  public let configuration: NetworkConfiguration
  /// The weights under the network's names; every one of its parameters, and nothing else.
  public let weights: Safetensors
  /// What was taken from the upstream program's defaults, in words.
  public let assumed: [String]
  /// The value that stands for white in the images of networks that restore or enlarge: 1 or 255.
  public let largestValue: Float

  /// Recognises the network of a state dictionary by names and shapes.
  ///
  /// Known are nnU-Net's two networks, MONAI's UNet, BasicUNet, DynUNet, SegResNet, SegResNetDS,
  /// VNet and AttentionUnet, MeshNet and the classic U-Net; of networks for images DnCNN, FFDNet, SRCNN, FSRCNN,
  /// ESPCN, VDSR, EDSR, MSRResNet, ESRGAN's and Real-ESRGAN's, CycleGAN's, and PyTorch's example of
  /// feed-forward styles. What is found is checked:
  /// the network is built, and every parameter must be there with its shape.
  /// - Parameters:
  ///   - dictionary: The state dictionary.
  ///   - hints: What names and shapes do not tell.
  /// - Throws: `NetworksError.unrecognizedWeights` when no known network has such names,
  ///   `.undetermined` when hints are missing; `LayersError.weightsMismatch` or
  ///   `NetworksError.invalidConfiguration` when the weights are nearly but not quite of a network.
  public init(_ dictionary: StateDictionary, hints: NetworkHints = NetworkHints()) throws {
    for count in 0...dictionary.sharedParts {
      var stripped = dictionary
      stripped.tensors = Dictionary(
        dictionary.tensors.map { name, tensor in
          let parts = name.split(separator: ".", omittingEmptySubsequences: false)
          return (parts.dropFirst(count).joined(separator: "."), tensor)
        },
        uniquingKeysWith: { first, _ in first }
      )
      let weights = StoredWeights(try stripped.renamed(by: .pyTorch))
      for recognize in Self.recognizers {
        guard let found = try recognize(weights, hints) else { continue }
        let tensors = try found.names.map { try stripped.renamed(by: $0) } ?? found.tensors
        let kept = Safetensors(tensors: tensors ?? weights.tensors)
        var random = RandomStream(seed: 0)
        let network = try Parameter.withoutRandomWeights {
          try found.configuration.makeNetwork(random: &random)
        }
        try network.load(kept, from: dictionary.path)
        self.init(found, weights: kept)
        return
      }
    }
    throw NetworksError.unrecognizedWeights(
      path: dictionary.path,
      names: dictionary.tensors.keys.sorted().prefix(3).map { $0 }
    )
  }

  private init(_ found: Finding, weights: Safetensors) {
    configuration = found.configuration
    self.weights = weights
    assumed = found.assumed
    largestValue = found.largestValue
  }

  /// What a recogniser finds.
  struct Finding {
    let configuration: NetworkConfiguration
    var assumed: [String] = []
    /// The names, where they are not PyTorch's alone.
    var names: StateDictionaryNames?
    /// The tensors under the network's names, where no such names exist.
    var tensors: [String: Tensor]?
    /// The value that stands for white.
    var largestValue: Float = 1
  }

  /// Each gives nil for weights of another network; the more particular names come first.
  private static let recognizers: [@Sendable (StoredWeights, NetworkHints) throws -> Finding?] = [
    nnUNet, dynUNet, basicUNet, segResNet, segResNetDS, vNet, attentionUNet, monaiUNet, classicUNet,
    rrdb, msrResNet, edsr, compactSR, cycleGAN, styleTransfer, fsrcnn, espcn, srcnn, olderVDSR,
    chain, meshNet,
  ]

  // MARK: The other networks

  /// `down.0.0.weight`: all is in the shapes.
  private static func classicUNet(
    _ weights: StoredWeights,
    _ hints: NetworkHints
  ) throws -> Finding? {
    let stages = weights.count { "down.\($0).0.weight" }
    guard stages > 0, let head = weights["head.weight"], head.count == 4,
      let first = weights["down.0.0.weight"]
    else { return nil }
    return Finding(
      configuration: .classicUNet(
        ClassicUNetConfiguration(
          inputChannels: first[1],
          outputChannels: head[0],
          features: (0..<stages).compactMap { weights["down.\($0).0.weight"]?.first }
        )
      ),
      assumed: ["a logistic function at the end"]
    )
  }

  /// A chain of convolutions, whatever the names.
  private static func meshNet(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    guard let names = MeshNetNames(weights.tensors), let last = names.weights.last,
      last.dropFirst(2).allSatisfy({ $0 == 1 })
    else { return nil }
    var open = OpenQuestions("meshnet", hints)
    let dilations = try open.answer(hints.dilations, nil, "the dilations of the layers")
    var values = MeshNetConfiguration(
      inputChannels: names.weights[0][1],
      outputChannels: last[0],
      features: names.weights.dropLast().map { $0[0] },
      dilations: dilations ?? []
    )
    values.dimensions = last.count - 2
    values.kernelSize = names.weights[0][2]
    values.hasBias = names.biases[0]
    values.hasOutputBias = names.biases[names.biases.count - 1]
    values.activation =
      try open.answer(hints.activation, .relu, "the activation (ReLU)") ?? .relu
    values.normalization =
      names.hasStatistics
      ? .batch
      : names.hasScales
        ? .instance(isAffine: true)
        : try open.answer(hints.normalization, FeatureNormalization.none, "no normalisation")
          ?? .none
    try open.close()
    return Finding(
      configuration: .meshNet(values),
      assumed: open.assumed,
      tensors: names.renamed(weights.tensors)
    )
  }
}

/// Names and shapes of a state dictionary.
struct StoredWeights {
  let tensors: [String: Tensor]

  init(_ tensors: [String: Tensor]) { self.tensors = tensors }

  /// The shape of a tensor, or nil.
  subscript(_ name: String) -> [Int]? { tensors[name]?.shape }

  /// How many of the numbered names are there, from 0 on; at most 1000.
  func count(_ name: (Int) -> String) -> Int {
    var count = 0
    while count < 1000, tensors[name(count)] != nil { count += 1 }
    return count
  }

  /// Whether any name begins so.
  func hasPrefix(_ prefix: String) -> Bool { tensors.keys.contains { $0.hasPrefix(prefix) } }
}

/// What names and shapes leave open, answered by hints or defaults.
struct OpenQuestions {
  let network: String
  let takesDefaults: Bool
  private(set) var assumed: [String] = []
  private var open: [String] = []

  init(_ network: String, _ hints: NetworkHints) {
    self.network = network
    takesDefaults = hints.takesDefaults
  }

  /// The hint, or the default if there is one and defaults may be taken; else the question stays open.
  mutating func answer<Value>(
    _ hint: Value?,
    _ standard: Value?,
    _ what: String
  ) throws -> Value? {
    if let hint { return hint }
    if takesDefaults, let standard {
      assumed.append(what)
      return standard
    }
    open.append(what)
    return nil
  }

  /// Throws when a question is open.
  func close() throws(NetworksError) {
    if !open.isEmpty { throw .undetermined(network: network, what: open) }
  }

  /// The normalisation with the given parameters.
  mutating func normalization(
    _ weights: StoredWeights,
    at name: String,
    _ hints: NetworkHints,
    standard: FeatureNormalization
  ) throws -> FeatureNormalization {
    if weights[name + ".running_mean"] != nil { return .batch }
    if weights[name + ".weight"] != nil {
      if case .group = standard {
        return try answer(hints.normalization, standard, "the normalisation (\(standard))")
          ?? standard
      }
      return try answer(
        hints.normalization,
        .instance(isAffine: true),
        "the normalisation (of instances)"
      ) ?? standard
    }
    return try answer(
      hints.normalization,
      .instance(isAffine: false),
      "the normalisation (of instances)"
    ) ?? standard
  }

  /// The activation with the given parameters.
  mutating func activation(
    _ weights: StoredWeights,
    at name: String,
    _ hints: NetworkHints,
    standard: FeatureActivation
  ) throws -> FeatureActivation {
    if let slope = weights[name + ".weight"] {
      return .parametricReLU(perChannel: slope.reduce(1, *) > 1)
    }
    return try answer(hints.activation, standard, "the activation (\(standard))") ?? standard
  }
}
