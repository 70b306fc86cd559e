import Layers

extension IdentifiedNetwork {
  /// nnU-Net's networks: windows on the way up equal the strides, so that all is in the shapes.
  static func nnUNet(_ weights: StoredWeights, _ hints: NetworkHints) throws -> Finding? {
    let isResidual = weights.hasPrefix("encoder.stages.0.blocks.")
    func unit(_ stage: Int, _ index: Int) -> String {
      isResidual
        ? "encoder.stages.\(stage).blocks.\(index).conv1"
        : "encoder.stages.\(stage).0.convs.\(index)"
    }
    let stages = weights.count { unit($0, 0) + ".conv.weight" }
    let ups = weights.count { "decoder.transpconvs.\($0).weight" }
    guard stages >= 2, ups == stages - 1,
      let stem = weights[
        isResidual ? "encoder.stem.convs.0.conv.weight" : unit(0, 0) + ".conv.weight"
      ],
      let head = weights["decoder.seg_layers.\(ups - 1).weight"]
    else { return nil }
    let shapes = (0..<stages).compactMap { weights[unit($0, 0) + ".conv.weight"] }
    let dimensions = stem.count - 2
    guard shapes.allSatisfy({ $0.count == dimensions + 2 }), [2, 3].contains(dimensions) else {
      return nil
    }
    var values = NNUNetConfiguration(
      inputChannels: stem[1],
      outputChannels: head[0],
      features: shapes.map { $0[0] },
      dimensions: dimensions,
      unitsPerStage: (0..<stages).map { stage in weights.count { unit(stage, $0) + ".conv.weight" }
      },
      decoderUnitsPerStage: (0..<ups).map { stage in
        weights.count { "decoder.stages.\(stage).convs.\($0).conv.weight" }
      }
    )
    values.kernelSizes = shapes.map { Array($0.dropFirst(2)) }
    // The deepest comes first on the way up.
    for stage in 1..<stages {
      guard let window = weights["decoder.transpconvs.\(ups - stage).weight"],
        window.count == dimensions + 2
      else { return nil }
      values.strides[stage] = Array(window.dropFirst(2))
    }
    values.hasBias = weights[unit(0, 0) + ".conv.bias"] != nil
    values.normalization =
      weights[unit(0, 0) + ".norm.running_mean"] != nil
      ? .batch : weights[unit(0, 0) + ".norm.weight"] != nil ? .instance : .none
    values.hasDeepSupervision = ups > 1 && weights["decoder.seg_layers.0.weight"] != nil
    var open = OpenQuestions(isResidual ? "residual-encoder-unet" : "plain-conv-unet", hints)
    let activation = try open.answer(
      hints.activation,
      .leakyReLU(negativeSlope: 0.01),
      "the activation (a leaky ReLU of slope 0.01)"
    )
    try open.close()
    switch activation {
    case .leakyReLU(let slope): values.negativeSlope = slope
    case .relu: values.negativeSlope = 0
    default:
      throw NetworksError.invalidConfiguration(
        network: open.network,
        reason: "it has leaky rectifiers alone"
      )
    }
    return Finding(
      configuration: isResidual ? .residualEncoderUNet(values) : .plainConvUNet(values),
      assumed: open.assumed
    )
  }
}
