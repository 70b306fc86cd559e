import Layers
import Tensors

/// The networks that restore, enlarge and translate images.
extension IdentifiedNetwork {
  /// ESRGAN's generator under the names of its three programs, and under ours.
  static func rrdb(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    guard let tensors = RRDBNames.renamed(weights.tensors) else { return nil }
    let weights = StoredWeights(tensors)
    let blocks = weights.count { "trunk.\($0).0.layers.0.weight" }
    guard blocks > 0, let first = weights["first.weight"], let last = weights["last.weight"],
      let dense = weights["trunk.0.0.layers.0.weight"], let dimensions = last.spatialAxes,
      first.count == last.count, dense.spatialAxes == dimensions
    else { return nil }
    var values = RRDBConfiguration(
      channels: last[0],
      blocks: blocks,
      features: first[0],
      growth: dense[0]
    )
    values.dimensions = dimensions
    values.doublings = weights.count { "up\($0 + 1).weight" }
    let shuffled = [1, 2, 4, 8].first { last[0] * shuffleCells($0, dimensions) == first[1] }
    guard let shuffled else { return nil }
    values.unshuffling = shuffled
    return Finding(configuration: .rrdb(values), tensors: tensors)
  }

  /// A numbered chain of convolutions of window 3: DnCNN, FFDNet or VDSR, which differ in their ends.
  static func chain(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    guard let chain = NumberedChain(weights) else { return nil }
    let cells = shuffleCells(2, chain.dimensions)
    func renamed(_ prefix: String) -> [String: Tensor] {
      Dictionary(uniqueKeysWithValues: weights.tensors.map { (prefix + $0.key, $0.value) })
    }
    if chain.inputs == chain.outputs + 1, chain.outputs % cells == 0, !chain.isNormalized,
      chain.biased == chain.depth
    {
      let values = FFDNetConfiguration(
        channels: chain.outputs / cells,
        depth: chain.depth,
        features: chain.features,
        dimensions: chain.dimensions
      )
      return Finding(configuration: .ffdNet(values), tensors: renamed("model."))
    }
    guard chain.inputs == chain.outputs else { return nil }
    if chain.biased == 0, !chain.isNormalized {
      let values = VDSRConfiguration(
        channels: chain.outputs,
        depth: chain.depth,
        features: chain.features,
        dimensions: chain.dimensions
      )
      return Finding(configuration: .vdsr(values), tensors: renamed("features."))
    }
    var values = DnCNNConfiguration(
      channels: chain.outputs,
      depth: chain.depth,
      features: chain.features,
      hasNormalization: chain.isNormalized
    )
    values.dimensions = chain.dimensions
    values.biases = chain.biased == 0 ? .none : chain.biased == 2 ? .ends : .all
    // KAIR's layers have biases before the normalisation and an epsilon of their own.
    if chain.isNormalized, chain.biased == chain.depth { values.normalizationEpsilon = 1e-4 }
    var open = OpenQuestions("dncnn", hints)
    // IRCNN has seven such layers too, but dilated ones.
    if chain.depth == 7, !chain.isNormalized {
      let dilations = try open.answer(
        hints.dilations,
        nil,
        "the dilations of the layers (all 1; IRCNN, whose are larger, is not known)"
      )
      if let dilations, dilations.contains(where: { $0 != 1 }) { return nil }
    }
    try open.close()
    return Finding(configuration: .dnCNN(values), tensors: renamed("layers."))
  }

  /// VDSR under the names of its older programs.
  static func olderVDSR(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    let inner = weights.count { "residual_layer.\($0).conv.weight" }
    guard inner > 0, let first = weights["input.weight"], let last = weights["output.weight"],
      let dimensions = first.spatialAxes, last.spatialAxes == dimensions
    else { return nil }
    let names = StateDictionaryNames { stored in
      switch stored {
      case "input.weight": "features.0.weight"
      case "output.weight": "features.\(2 * (inner + 1)).weight"
      default:
        (0..<inner).first { stored == "residual_layer.\($0).conv.weight" }
          .map { "features.\(2 * ($0 + 1)).weight" } ?? stored
      }
    }
    let values = VDSRConfiguration(
      channels: last[0],
      depth: inner + 2,
      features: first[0],
      dimensions: dimensions
    )
    return Finding(configuration: .vdsr(values), names: names)
  }

  /// Three convolutions of odd windows.
  static func srcnn(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    let shapes = (1...3).compactMap { weights["conv\($0).weight"] }
    guard shapes.count == 3, weights.tensors.count == 6, let dimensions = shapes[0].spatialAxes,
      shapes.allSatisfy({ $0.count == dimensions + 2 }), shapes[0][1] == shapes[2][0],
      shapes[0][2] > 3
    else { return nil }
    let values = SRCNNConfiguration(
      channels: shapes[2][0],
      features: [shapes[0][0], shapes[1][0]],
      kernelSizes: shapes.map { $0[2] },
      dimensions: dimensions
    )
    return Finding(configuration: .srcnn(values))
  }

  /// The window of FSRCNN's last layer is the same for every scale.
  static func fsrcnn(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    guard let first = weights["first_part.0.weight"], let last = weights["last_part.weight"],
      let shrunk = weights["mid_part.0.weight"], weights["first_part.1.weight"] != nil,
      let dimensions = first.spatialAxes, last.count == first.count, shrunk.count == first.count
    else { return nil }
    var open = OpenQuestions("fsrcnn", hints)
    let scale = try open.answer(hints.scale, nil, "the scale")
    try open.close()
    let values = FSRCNNConfiguration(
      channels: last[1],
      features: first[0],
      shrunkFeatures: shrunk[0],
      mappings: weights.count { "mid_part.\(2 * $0).weight" } - 2,
      scale: scale ?? 1,
      dimensions: dimensions
    )
    return Finding(configuration: .fsrcnn(values))
  }

  /// The last layer's channels tell the scale.
  static func espcn(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    let shapes = ["first_part.0", "first_part.2", "last_part.0"].compactMap {
      weights[$0 + ".weight"]
    }
    guard shapes.count == 3, let dimensions = shapes[0].spatialAxes,
      shapes.allSatisfy({ $0.spatialAxes == dimensions }),
      let scale = scale(from: shapes[0][1], to: shapes[2][0], dimensions)
    else { return nil }
    let values = ESPCNConfiguration(
      channels: shapes[0][1],
      features: [shapes[0][0], shapes[1][0]],
      scale: scale,
      dimensions: dimensions
    )
    return Finding(configuration: .espcn(values))
  }

  /// The scale of residuals stands nowhere; the published networks of 256 channels have 0.1.
  static func edsr(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    let blocks = weights.count { "body.\($0).body.0.weight" }
    guard blocks > 0, let first = weights["head.0.weight"], let last = weights["tail.1.weight"],
      weights["body.\(blocks).weight"] != nil, let dimensions = last.spatialAxes,
      first.spatialAxes == dimensions
    else { return nil }
    let steps = weights.count { "tail.0.\(2 * $0).weight" }
    let isTriple =
      weights["tail.0.0.weight"].map { $0.first == first[0] * shuffleCells(3, dimensions) } ?? false
    var values = EDSRConfiguration(
      channels: last[0],
      blocks: blocks,
      features: first[0],
      scale: isTriple ? 3 : 1 << min(steps, 8),
      shiftsMean: weights["sub_mean.weight"] != nil,
      dimensions: dimensions
    )
    var open = OpenQuestions("edsr", hints)
    let usual: Float = first[0] >= 256 ? 0.1 : 1
    values.residualScale =
      try open.answer(hints.residualScale, usual, "the scale of residuals (\(usual))") ?? usual
    // The stored mean is that of photographs, about 0.44 of the largest value.
    let shift = weights.tensors["sub_mean.bias"]?.values.map(abs).max()
    let largest: Float? = shift.map { $0 > 1 ? 255 : 1 }
    let scale = try open.answer(
      largest,
      255,
      "the largest value of an image (255)"
    )
    try open.close()
    return Finding(
      configuration: .edsr(values),
      assumed: open.assumed,
      largestValue: scale ?? 255
    )
  }

  /// BasicSR's network; its predecessor and KAIR have other names for two parts.
  static func msrResNet(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    let names = StateDictionaryNames { stored in
      guard let stored = StateDictionaryNames.pyTorch(stored) else { return nil }
      for (old, new) in [("recon_trunk.", "body."), ("HRconv.", "conv_hr.")]
      where stored.hasPrefix(old) {
        return new + stored.dropFirst(old.count)
      }
      return stored
    }
    let renamed = StoredWeights(
      Dictionary(
        weights.tensors.map { (names($0.key) ?? $0.key, $0.value) },
        uniquingKeysWith: { first, _ in first }
      )
    )
    let blocks = renamed.count { "body.\($0).conv1.weight" }
    guard blocks > 0, let first = renamed["conv_first.weight"],
      let last = renamed["conv_last.weight"], renamed["conv_hr.weight"] != nil,
      let dimensions = first.spatialAxes, last.spatialAxes == dimensions
    else { return nil }
    let steps = renamed.count { "upconv\($0 + 1).weight" }
    let isTriple =
      renamed["upconv1.weight"].map { $0.first == first[0] * shuffleCells(3, dimensions) } ?? false
    let values = MSRResNetConfiguration(
      channels: last[0],
      blocks: blocks,
      features: first[0],
      scale: isTriple ? 3 : 1 << min(steps, 8),
      dimensions: dimensions
    )
    return Finding(configuration: .msrResNet(values), names: names)
  }

  /// Convolutions and slopes in turn, under one name.
  static func compactSR(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    let layers = weights.count { "body.\(2 * $0).weight" }
    guard layers >= 2, let first = weights["body.0.weight"],
      let last = weights["body.\(2 * layers - 2).weight"], let dimensions = first.spatialAxes,
      last.count == first.count, weights["body.1.weight"]?.count == 1,
      weights["body.1.running_mean"] == nil,
      let scale = scale(from: first[1], to: last[0], dimensions)
    else { return nil }
    let values = CompactSRConfiguration(
      channels: first[1],
      depth: layers - 2,
      features: first[0],
      scale: scale,
      dimensions: dimensions
    )
    return Finding(configuration: .compactSR(values))
  }

  /// Normalisation of instances leaves no trace.
  static func cycleGAN(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    let blocks = weights.count { "model.\(10 + $0).conv_block.1.weight" }
    guard blocks > 0, let first = weights["model.1.weight"],
      let last = weights["model.\(17 + blocks).weight"], let dimensions = first.spatialAxes,
      last.spatialAxes == dimensions, weights["model.10.conv_block.5.weight"] != nil
    else { return nil }
    var values = CycleGANConfiguration(
      inputChannels: first[1],
      outputChannels: last[0],
      features: first[0],
      blocks: blocks,
      dimensions: dimensions
    )
    var open = OpenQuestions("cyclegan", hints)
    values.normalization =
      weights["model.2.running_mean"] != nil
      ? .batch
      : try open.answer(
        hints.normalization,
        .instance(isAffine: weights["model.2.weight"] != nil),
        "the normalisation (of instances)"
      ) ?? .instance(isAffine: false)
    try open.close()
    return Finding(configuration: .cycleGAN(values), assumed: open.assumed)
  }

  /// PyTorch's example `fast_neural_style`, whose pictures are 0 to 255.
  static func styleTransfer(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    let blocks = weights.count { "res\($0 + 1).conv1.conv2d.weight" }
    guard blocks > 0, let first = weights["conv1.conv2d.weight"],
      let last = weights["deconv3.conv2d.weight"], first.spatialAxes == 2, last.spatialAxes == 2,
      last[0] == first[1]
    else { return nil }
    let values = StyleTransferConfiguration(
      channels: first[1],
      features: first[0],
      blocks: blocks
    )
    return Finding(configuration: .styleTransfer(values), largestValue: 255)
  }

  /// The factor by which a shuffle of so many channels enlarges; nil when none fits.
  private static func scale(from channels: Int, to fine: Int, _ dimensions: Int) -> Int? {
    (1...8).first { channels * shuffleCells($0, dimensions) == fine }
  }
}

extension [Int] {
  /// The spatial axes of a convolution's weights; nil for the shape of something else.
  fileprivate var spatialAxes: Int? {
    [4, 5].contains(count) && allSatisfy { $0 > 0 } ? count - 2 : nil
  }
}

/// Numbered convolutions of window 3 that all have the same width in between.
private struct NumberedChain {
  let inputs: Int
  let outputs: Int
  let features: Int
  let depth: Int
  let dimensions: Int
  let isNormalized: Bool
  /// How many layers have a bias.
  let biased: Int

  /// Nil unless all names are numbers with weights, biases or statistics, spaced as by ReLU.
  init?(_ weights: StoredWeights) {
    var places: [Int] = []
    for (name, tensor) in weights.tensors {
      let parts = name.split(separator: ".")
      guard parts.count == 2, let place = Int(parts[0]), place >= 0 else { return nil }
      if parts[1] == "weight", tensor.shape.spatialAxes != nil { places.append(place) }
    }
    places.sort()
    let shapes = places.compactMap { weights["\($0).weight"] }
    guard shapes.count >= 3, let first = shapes.first, let last = shapes.last,
      let dimensions = first.spatialAxes
    else { return nil }
    let isNormalized = weights["3.running_mean"] != nil
    let step = isNormalized ? 3 : 2
    guard places == [0] + (1..<places.count).map({ 2 + step * ($0 - 1) }),
      shapes.allSatisfy({ shape in
        shape.count == first.count && shape.dropFirst(2).allSatisfy { $0 == 3 }
      }),
      shapes.dropFirst().allSatisfy({ $0[1] == first[0] }),
      shapes.dropLast().allSatisfy({ $0[0] == first[0] })
    else { return nil }
    let biases = places.map { weights["\($0).bias"] != nil }
    let biased = biases.count { $0 }
    guard
      [0, biases.count].contains(biased) || (biased == 2 && biases[0] && biases[biases.count - 1])
    else { return nil }
    // A slope of a parametric rectifier would be a further weight.
    let expected = places.count + biased + (isNormalized ? 4 * (places.count - 2) : 0)
    guard weights.tensors.count == expected else { return nil }
    (inputs, outputs, features) = (first[1], last[0], first[0])
    depth = places.count
    self.dimensions = dimensions
    self.isNormalized = isNormalized
    self.biased = biased
  }
}
