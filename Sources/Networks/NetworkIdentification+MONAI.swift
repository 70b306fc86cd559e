import Layers

/// The networks of MONAI.
extension IdentifiedNetwork {
  /// Windows on the way up equal the strides.
  static func dynUNet(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    guard let first = weights["input_block.conv1.conv.weight"],
      let head = weights["output_block.conv.conv.weight"]
    else { return nil }
    let middle = weights.count { "downsamples.\($0).conv1.conv.weight" }
    let blocks =
      ["input_block"] + (0..<middle).map { "downsamples.\($0)" } + ["bottleneck"]
    let shapes = blocks.compactMap { weights[$0 + ".conv1.conv.weight"] }
    let ups = blocks.count - 1
    let windows = (0..<ups).reversed().compactMap {
      weights["upsamples.\($0).transp_conv.conv.weight"]
    }.map { Array($0.dropFirst(2)) }
    guard shapes.count == blocks.count, windows.count == ups else { return nil }
    var values = DynUNetConfiguration(
      inputChannels: first[1],
      outputChannels: head[0],
      features: shapes.map { $0[0] },
      strides: [first.dropFirst(2).map { _ in 1 }] + windows
    )
    values.kernelSizes = shapes.map { Array($0.dropFirst(2)) }
    values.hasResidualBlocks = blocks.contains { weights[$0 + ".conv3.conv.weight"] != nil }
    values.supervisedLevels = weights.count { "deep_supervision_heads.\($0).conv.conv.weight" }
    values.hasUpsamplingBias = weights["upsamples.0.transp_conv.conv.bias"] != nil
    var open = OpenQuestions("dynunet", hints)
    values.normalization = try open.normalization(
      weights,
      at: "input_block.norm1",
      hints,
      standard: .instance(isAffine: true)
    )
    values.activation = try open.activation(
      weights,
      at: "input_block.lrelu",
      hints,
      standard: .leakyReLU(negativeSlope: 0.01)
    )
    try open.close()
    return Finding(
      configuration: .dynUNet(values),
      assumed: open.assumed,
      names: values.stateDictionaryNames
    )
  }

  static func basicUNet(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    let names =
      ["conv_0"] + (1...4).map { "down_\($0).convs" } + ["upcat_1.convs"]
    let shapes = names.compactMap { weights[$0 + ".conv_0.conv.weight"] }
    guard shapes.count == names.count, let head = weights["final_conv.weight"] else { return nil }
    var values = BasicUNetConfiguration(
      inputChannels: shapes[0][1],
      outputChannels: head[0],
      features: shapes.map { $0[0] },
      dimensions: head.count - 2
    )
    values.upsampling =
      weights["upcat_1.upsample.deconv.weight"] != nil
      ? .transposed
      : weights["upcat_1.upsample.pixelshuffle.conv_block.weight"] != nil
        ? .shuffled : .interpolated
    let unit = "conv_0.conv_0"
    var open = OpenQuestions("basic-unet", hints)
    values.style.hasBias = weights[unit + ".conv.bias"] != nil
    values.style.normalization = try open.normalization(
      weights,
      at: unit + ".adn.N",
      hints,
      standard: .instance(isAffine: true)
    )
    values.style.activation = try open.activation(
      weights,
      at: unit + ".adn.A",
      hints,
      standard: .leakyReLU(negativeSlope: 0.1)
    )
    try open.close()
    return Finding(configuration: .basicUNet(values), assumed: open.assumed)
  }

  static func segResNet(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    guard let first = weights["convInit.conv.weight"],
      let head = weights["conv_final.2.conv.weight"]
    else { return nil }
    // The first level has no step and may have no blocks.
    let levels = 1 + weights.count { "down_layers.\($0 + 1).0.conv.weight" }
    var values = SegResNetConfiguration(
      inputChannels: first[1],
      outputChannels: head[0],
      initialFeatures: first[0],
      blocksDown: (0..<levels).map { level in
        weights.count { "down_layers.\(level).\($0 + 1).conv1.conv.weight" }
      },
      blocksUp: (0..<levels - 1).map { level in
        weights.count { "up_layers.\(level).\($0).conv1.conv.weight" }
      },
      dimensions: first.count - 2
    )
    values.upsampling =
      weights["up_samples.0.1.deconv.weight"] != nil
      ? .transposed
      : weights["up_samples.0.1.pixelshuffle.conv_block.weight"] != nil
        ? .shuffled : .interpolated
    var open = OpenQuestions("segresnet", hints)
    values.normalization = try open.normalization(
      weights,
      at: "conv_final.0",
      hints,
      standard: .group(groups: 8)
    )
    values.activation =
      try open.answer(hints.activation, .relu, "the activation (ReLU)") ?? .relu
    try open.close()
    return Finding(configuration: .segResNet(values), assumed: open.assumed)
  }

  /// Windows of one cell along an axis show that it is not halved there.
  static func segResNetDS(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    // The second decoder of the variant that VISTA3D uses is another network.
    guard let first = weights["encoder.conv_init.weight"], first.count > 2,
      !weights.hasPrefix("up_layers_auto.")
    else { return nil }
    let levels = 1 + weights.count { "encoder.layers.\($0).downsample.weight" }
    guard levels > 1, let head = weights["up_layers.\(levels - 2).head.weight"],
      head.count == first.count
    else { return nil }
    func window(_ level: Int) -> [Int]? {
      (weights["encoder.layers.\(level).downsample.weight"]
        ?? weights["encoder.layers.\(level).blocks.0.conv1.weight"]).map { Array($0.dropFirst(2)) }
    }
    var values = SegResNetDSConfiguration(
      inputChannels: first[1],
      outputChannels: head[0],
      initialFeatures: first[0],
      blocksDown: (0..<levels).map { level in
        weights.count { "encoder.layers.\(level).blocks.\($0).conv1.weight" }
      },
      blocksUp: (0..<levels - 1).map { level in
        weights.count { "up_layers.\(level).blocks.\($0).conv1.weight" }
      },
      dimensions: first.count - 2
    )
    // A last level without blocks has no windows, and its steps no meaning.
    values.scales = values.scales.enumerated().map { level, twos in
      window(level)?.map { $0 > 1 ? 2 : 1 } ?? twos
    }
    values.supervisedLevels =
      weights.count { "up_layers.\(levels - 2 - $0).head.weight" } - 1
    values.upsampling =
      weights["up_layers.0.upsample.deconv.weight"] != nil
      ? .transposed
      : weights["up_layers.0.upsample.pixelshuffle.conv_block.weight"] != nil
        ? .shuffled : .interpolated
    var open = OpenQuestions("segresnet-ds", hints)
    let block =
      weights["encoder.layers.0.blocks.0.conv1.weight"] == nil
      ? "up_layers.0.blocks.0" : "encoder.layers.0.blocks.0"
    values.normalization = try open.normalization(
      weights,
      at: block + ".norm1",
      hints,
      standard: .instance(isAffine: true)
    )
    values.activation =
      try open.answer(hints.activation, .relu, "the activation (ReLU)") ?? .relu
    try open.close()
    return Finding(configuration: .segResNetDS(values), assumed: open.assumed)
  }

  static func vNet(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    guard let first = weights["in_tr.conv_block.conv.weight"],
      let head = weights["out_tr.conv2.weight"]
    else { return nil }
    var values = VNetConfiguration(
      inputChannels: first[1],
      outputChannels: head[0],
      dimensions: first.count - 2,
      initialFeatures: first[0]
    )
    values.hasBias = weights["in_tr.conv_block.conv.bias"] != nil
    var open = OpenQuestions("vnet", hints)
    values.activation = try open.activation(
      weights,
      at: "in_tr.act_function",
      hints,
      standard: .elu(alpha: 1)
    )
    try open.close()
    return Finding(configuration: .vNet(values), assumed: open.assumed)
  }

  static func attentionUNet(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    let weights = weights.beginning(with: "model.")
    guard let first = weights["model.0.conv.0.conv.weight"],
      let head = weights["model.2.conv.weight"],
      weights["model.1.attention.psi.0.conv.weight"] != nil
    else { return nil }
    var features = [first[0]]
    var prefix = "model.1"
    while features.count < 64, weights[prefix + ".merge.conv.weight"] != nil {
      let isLast = weights[prefix + ".submodule.0.conv.0.conv.weight"] == nil
      let block = prefix + (isLast ? ".submodule" : ".submodule.0")
      guard let shape = weights[block + ".conv.0.conv.weight"] else { return nil }
      features.append(shape[0])
      prefix += ".submodule.1"
    }
    var open = OpenQuestions("attention-unet", hints)
    let strides = try open.answer(
      hints.strides,
      features.dropFirst().map { _ in [2] },
      "the strides (2)"
    )
    try open.close()
    var values = AttentionUNetConfiguration(
      inputChannels: first[1],
      outputChannels: head[0],
      features: features,
      strides: (strides ?? []).compactMap(\.first),
      dimensions: first.count - 2
    )
    values.kernelSize = first[2]
    values.upsamplingKernelSize = weights["model.1.upconv.up.conv.weight"]?.last ?? 3
    return Finding(
      configuration: .attentionUNet(values),
      assumed: open.assumed,
      tensors: weights.tensors
    )
  }

  /// Neither strides nor a normalisation without parameters leave a trace.
  static func monaiUNet(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    let weights = weights.beginning(with: "model.")
    let isResidual = weights["model.0.conv.unit0.conv.weight"] != nil
    let unit = isResidual ? ".conv.unit0" : ""
    let up = isResidual ? ".2.0" : ".2"
    guard let first = weights["model.0\(unit).conv.weight"],
      let top = weights["model\(up).conv.weight"]
    else { return nil }
    var features: [Int] = []
    var prefix = "model"
    while features.count < 64, let shape = weights["\(prefix).0\(unit).conv.weight"] {
      features.append(shape[0])
      prefix += ".1.submodule"
    }
    guard let bottom = weights["\(prefix)\(unit).conv.weight"] else { return nil }
    features.append(bottom[0])
    let dimensions = first.count - 2
    var open = OpenQuestions("monai-unet", hints)
    let strides = try open.answer(
      hints.strides,
      features.dropFirst().map { _ in [Int](repeating: 2, count: dimensions) },
      "the strides (2)"
    )
    var values = MONAIUNetConfiguration(
      inputChannels: first[1],
      outputChannels: top[1],
      features: features,
      strides: features.dropFirst().map { _ in 2 },
      dimensions: dimensions,
      residualUnits: weights.count { "model.0.conv.unit\($0).conv.weight" }
    )
    values.strides = strides ?? []
    values.kernelSize = Array(first.dropFirst(2))
    values.upsamplingKernelSize = Array(top.dropFirst(2))
    values.style.hasBias = weights["model.0\(unit).conv.bias"] != nil
    values.style.normalization = try open.normalization(
      weights,
      at: "model.0\(unit).adn.N",
      hints,
      standard: .instance(isAffine: false)
    )
    values.style.activation = try open.activation(
      weights,
      at: "model.0\(unit).adn.A",
      hints,
      standard: .parametricReLU(perChannel: false)
    )
    try open.close()
    return Finding(
      configuration: .monaiUNet(values),
      assumed: open.assumed,
      tensors: weights.tensors
    )
  }
}

extension StoredWeights {
  /// The same tensors, whose names begin with a part that may have been taken for a wrapper's.
  fileprivate func beginning(with prefix: String) -> StoredWeights {
    if tensors.keys.contains(where: { $0.hasPrefix(prefix) }) { return self }
    return StoredWeights(
      Dictionary(uniqueKeysWithValues: tensors.map { (prefix + $0.key, $0.value) })
    )
  }
}
