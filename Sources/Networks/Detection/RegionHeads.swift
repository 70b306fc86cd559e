import Layers
import Support
import Tensors

/// The head that looks at anchors: one window of 3 and, beside each other, two of 1.
final class RegionProposalHead: Layer {
  private let hidden: Convolution
  private let logits: Convolution
  private let shifts: Convolution

  /// Creates a head with weights of deviation 0.01.
  ///
  /// Ren et al. 2015, section 3.1.3.
  init(_ features: Int, anchors: Int, random: inout RandomStream) {
    func layer(_ outputs: Int, window: Int) -> Convolution {
      let layer = Convolution(
        inputChannels: features,
        outputChannels: outputs,
        kernelSize: [window, window],
        random: &random
      )
      // He's deviation, √(2/(1 + 0.01²)/n), brought to 0.01.
      let fanIn = Float(features * window * window)
      layer.weight.value = layer.weight.value * (0.01 * (fanIn / 2).squareRoot())
      return layer
    }
    hidden = layer(features, window: 3)
    logits = layer(anchors, window: 1)
    shifts = layer(4 * anchors, window: 1)
  }

  var children: [(name: String, layer: any Layer)] {
    [("conv.0.0", hidden), ("cls_logits", logits), ("bbox_pred", shifts)]
  }

  /// `[N, 5, anchors · H · W]` of one level.
  func anchors(_ x: Tensor, in context: Context) -> Tensor {
    let y = relu(hidden(x, in: context))
    let cells = x.shape[2] * x.shape[3]
    let (found, moved) = (logits(y, in: context), shifts(y, in: context))
    let count = found.shape[1]
    return concatenation(
      [
        found.reshaped([x.shape[0], 1, count * cells]),
        moved.reshaped([x.shape[0], count, 4, cells]).transposed(1, 2)
          .reshaped([x.shape[0], 4, count * cells]),
      ],
      axis: 1
    )
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor { anchors(x, in: context) }
}

/// The head that names regions: two hidden layers and, beside each other, classes and boxes.
final class RegionBoxHead: Layer {
  private let hidden: [Linear]
  private let classes: Linear
  private let shifts: Linear

  init(_ c: RegionNetworkConfiguration, random: inout RandomStream) {
    hidden = [c.pyramidFeatures * c.boxGrid * c.boxGrid, c.hiddenFeatures].map {
      Linear(inputs: $0, outputs: c.hiddenFeatures, random: &random)
    }
    classes = Linear(inputs: c.hiddenFeatures, outputs: c.classes + 1, random: &random)
    shifts = Linear(inputs: c.hiddenFeatures, outputs: 4 * (c.classes + 1), random: &random)
  }

  var children: [(name: String, layer: any Layer)] {
    [
      ("box_head.fc6", hidden[0]), ("box_head.fc7", hidden[1]),
      ("box_predictor.cls_score", classes), ("box_predictor.bbox_pred", shifts),
    ]
  }

  func boxes(_ x: Tensor, in context: Context) -> (scores: Tensor, shifts: Tensor) {
    let y = hidden.reduce(x.flattened(from: 1)) { relu($1($0, in: context)) }
    return (classes(y, in: context), shifts(y, in: context))
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor { boxes(x, in: context).scores }
}

/// The head that outlines what regions hold: windows of 3, an enlargement by 2, one window of 1.
final class RegionMaskHead: Layer {
  private let hidden: [Convolution]
  private let enlarging: TransposedConvolution
  private let last: Convolution

  init(
    _ values: RegionNetworkConfiguration.MaskHead,
    input: Int,
    outputs: Int,
    random: inout RandomStream
  ) {
    hidden = (0..<values.layers).map {
      Convolution(
        inputChannels: $0 == 0 ? input : values.features,
        outputChannels: values.features,
        kernelSize: [3, 3],
        random: &random
      )
    }
    enlarging = TransposedConvolution(
      inputChannels: values.layers == 0 ? input : values.features,
      outputChannels: values.features,
      stride: [2, 2],
      random: &random
    )
    last = Convolution(
      inputChannels: values.features,
      outputChannels: outputs,
      kernelSize: [1, 1],
      random: &random
    )
  }

  var children: [(name: String, layer: any Layer)] {
    hidden.enumerated().map { ("mask_head.\($0.offset).0", $0.element as any Layer) }
      + [("mask_predictor.conv5_mask", enlarging), ("mask_predictor.mask_fcn_logits", last)]
  }

  func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    let y = hidden.reduce(x) { relu($1($0, in: context)) }
    return last(relu(enlarging(y, in: context)), in: context)
  }
}
