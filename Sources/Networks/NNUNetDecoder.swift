import Layers
import Support
import Tensors

/// Convolution units one after another.
final class StackedUnits: Layer {
  private let units: [ConvolutionUnit]

  /// Creates `count` units; the first takes `inputChannels` and the step.
  init(
    _ count: Int,
    inputChannels: Int,
    outputChannels: Int,
    kernelSize: [Int],
    stride: [Int]? = nil,
    like configuration: NNUNetConfiguration,
    random: inout RandomStream
  ) {
    units = (0..<count).map { index in
      ConvolutionUnit(
        inputChannels: index == 0 ? inputChannels : outputChannels,
        outputChannels: outputChannels,
        kernelSize: kernelSize,
        stride: index == 0 ? stride : nil,
        hasBias: configuration.hasBias,
        normalization: configuration.normalization,
        negativeSlope: configuration.negativeSlope,
        dropoutProbability: configuration.dropoutProbability ?? 0,
        random: &random
      )
    }
  }

  var children: [(name: String, layer: any Layer)] {
    units.enumerated().map { ("convs.\($0.offset)", $0.element) }
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    units.reduce(x) { $1($0, in: context) }
  }
}

/// The way up that nnU-Net's networks share: transposed convolution, skip, convolutions, heads.
final class NNUNetDecoder: Sendable {
  private let stages: [StackedUnits]
  private let upsamplers: [TransposedConvolution]
  /// Heads by stage, the deepest first; all of them or only the last.
  private let heads: [(stage: Int, layer: Convolution)]

  init(_ c: NNUNetConfiguration, random: inout RandomStream) {
    let count = c.features.count - 1
    var stages: [StackedUnits] = []
    var upsamplers: [TransposedConvolution] = []
    var heads: [(stage: Int, layer: Convolution)] = []
    for stage in 0..<count {
      let (below, skip) = (count - stage, count - stage - 1)
      upsamplers.append(
        TransposedConvolution(
          inputChannels: c.features[below],
          outputChannels: c.features[skip],
          stride: c.strides[below],
          hasBias: c.hasBias,
          random: &random
        )
      )
      stages.append(
        StackedUnits(
          c.decoderUnitsPerStage[stage],
          inputChannels: 2 * c.features[skip],
          outputChannels: c.features[skip],
          kernelSize: c.kernelSizes[skip],
          like: c,
          random: &random
        )
      )
      if c.hasDeepSupervision || stage == count - 1 {
        let head = Convolution(
          inputChannels: c.features[skip],
          outputChannels: c.outputChannels,
          kernelSize: [Int](repeating: 1, count: c.dimensions),
          random: &random
        )
        heads.append((stage, head))
      }
    }
    (self.stages, self.upsamplers, self.heads) = (stages, upsamplers, heads)
  }

  var children: [(name: String, layer: any Layer)] {
    stages.enumerated().map { ("decoder.stages.\($0.offset)", $0.element as any Layer) }
      + upsamplers.enumerated().map {
        ("decoder.transpconvs.\($0.offset)", $0.element as any Layer)
      }
      + heads.map { ("decoder.seg_layers.\($0.stage)", $0.layer as any Layer) }
  }

  /// The head of full resolution.
  var lastHead: Convolution {
    guard let head = heads.last else { preconditionFailure("a network without a head") }
    return head.layer
  }

  /// What the head of full resolution reads.
  func features(of skips: [Tensor], in context: Context) -> Tensor {
    var skips = skips
    guard var y = skips.popLast() else { preconditionFailure("no stage to start from") }
    for (index, stage) in stages.enumerated() {
      y = upsamplers[index](y, in: context)
      if let skip = skips.popLast() { y = concatenation([y, skip]) }
      y = stage(y, in: context)
    }
    return y
  }

  /// Scores of the heads that are there, highest resolution first.
  ///
  /// Only the first with `allHeads` false. `skips` are the outputs of the stages on the way down, full resolution first.
  func scores(of skips: [Tensor], allHeads: Bool, in context: Context) -> [Tensor] {
    var skips = skips
    guard var y = skips.popLast() else { preconditionFailure("no stage to start from") }
    var scores: [Tensor] = []
    for (index, stage) in stages.enumerated() {
      y = upsamplers[index](y, in: context)
      if let skip = skips.popLast() { y = concatenation([y, skip]) }
      y = stage(y, in: context)
      if allHeads || index == stages.count - 1, let head = heads.first(where: { $0.stage == index })
      {
        scores.append(head.layer(y, in: context))
      }
    }
    return scores.reversed()
  }
}
