import Foundation
import Layers
import Support
import Tensors

/// A two-stage detector on a feature pyramid: regions are proposed, then named and refined.
///
/// Ren, He, Girshick and Sun 2015, "Faster R-CNN"; the pyramid by Lin et al. 2017, "Feature pyramid
/// networks for object detection"; the mask head by He et al. 2017, "Mask R-CNN". Conventions and names
/// of parameters are those of torchvision's `fasterrcnn_resnet50_fpn` and `maskrcnn_resnet50_fpn`. The
/// backbone's batch normalisation is learned while training, which learning from random weights needs;
/// torchvision keeps that of its ready backbones as it is. While predicting both compute the same.
///
/// The layer itself goes as far as anchors reach: its output says of every anchor how likely it holds
/// an object, and where. `boxes` and `masks` look at regions.
public final class RegionNetwork: Network {
  /// The values that define the network.
  public let configuration: RegionNetworkConfiguration
  private let body: ResNetBody
  private let lateral: [Convolution]
  private let smoothing: [Convolution]
  private let proposing: RegionProposalHead
  private let boxHead: RegionBoxHead
  private let maskHead: RegionMaskHead?

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: RegionNetworkConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    body = ResNetBody(c.backbone, random: &random)
    lateral = body.features.map {
      Convolution(
        inputChannels: $0,
        outputChannels: c.pyramidFeatures,
        kernelSize: [1, 1],
        random: &random
      )
    }
    smoothing = body.features.map { _ in
      Convolution(
        inputChannels: c.pyramidFeatures,
        outputChannels: c.pyramidFeatures,
        kernelSize: [3, 3],
        random: &random
      )
    }
    proposing = RegionProposalHead(
      c.pyramidFeatures,
      anchors: c.aspectRatios.count,
      random: &random
    )
    boxHead = RegionBoxHead(c, random: &random)
    maskHead = c.mask.map {
      RegionMaskHead($0, input: c.pyramidFeatures, outputs: c.classes + 1, random: &random)
    }
  }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    let pyramid =
      lateral.enumerated().map {
        ("backbone.fpn.inner_blocks.\($0.offset).0", $0.element as any Layer)
      }
      + smoothing.enumerated().map {
        ("backbone.fpn.layer_blocks.\($0.offset).0", $0.element as any Layer)
      }
    return [("backbone.body", body)] + pyramid + [("rpn.head", proposing), ("roi_heads", boxHead)]
      + (maskHead.map { [("roi_heads", $0)] } ?? [])
  }

  /// The coarsest stage's stride.
  public var sizeMultiple: Int { 2 << configuration.blocksPerStage.count }

  /// Computes the pyramid.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`, H and W multiples of `sizeMultiple`.
  ///   - context: To train or to predict.
  /// - Returns: `[N, pyramidFeatures, H′, W′]` of every level, the finest first; the coarsest is every
  ///   other cell of the one before.
  public func pyramid(_ x: Tensor, in context: Context) -> [Tensor] {
    precondition(
      x.rank == 4 && x.shape[1] == configuration.inputChannels
        && x.shape[2...].allSatisfy { $0 > 0 && $0.isMultiple(of: sizeMultiple) },
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels and stride "
        + "\(sizeMultiple)"
    )
    let stages = body.maps(x, in: context)
    var above: Tensor?
    var maps: [Tensor] = []
    for level in stages.indices.reversed() {
      var inner = lateral[level](stages[level], in: context)
      if let above {
        let size = Array(inner.shape[2...])
        inner = inner + upsampled(above, to: size, interpolation: .nearest)
      }
      above = inner
      maps.insert(smoothing[level](inner, in: context), at: 0)
    }
    let last = maps[maps.count - 1]
    return maps + [maxPooling(last, shape: PoolingShape(kernel: [1, 1], stride: [2, 2]))]
  }

  /// Looks at every anchor.
  /// - Parameters:
  ///   - pyramid: What `pyramid` gave.
  ///   - context: To train or to predict.
  /// - Returns: `[N, 5, A]`: the logit of an object, and shifts along x and y and logarithmic growth of
  ///   width and height. Anchors lie level by level, within a level shape by shape, then row by row.
  public func anchors(_ pyramid: [Tensor], in context: Context) -> Tensor {
    concatenation(pyramid.map { proposing.anchors($0, in: context) }, axis: 2)
  }

  /// Looks at every anchor.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`, H and W multiples of `sizeMultiple`.
  ///   - context: To train or to predict.
  /// - Returns: As `anchors`.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    anchors(pyramid(x, in: context), in: context)
  }

  /// Regions as large as a square of this side are shown by the third map.
  package static let middleSide: Float = 224

  /// The level that shows a region: the finer, the smaller the region is.
  ///
  /// Lin et al. 2017, equation 1, whose level 4 shows 224 x 224 pixels; the coarsest map proposes only.
  /// - Parameter region: The region.
  /// - Returns: Counted from 0, the finest.
  public func level(of region: ImageRegion) -> Int {
    let edges = region.edges
    let area = max(0, (edges.z - edges.x) * (edges.w - edges.y))
    let level = (4 + log2(area.squareRoot() / Self.middleSide) + 1e-6).rounded(.down)
    let last = Float(configuration.blocksPerStage.count - 1)
    return level.isFinite ? Int(min(max(level - 2, 0), last)) : 0
  }

  /// The regions in the order in which `boxes` and `masks` take them: level by level.
  /// - Parameter regions: Regions in any order.
  /// - Returns: Their places in the new order; those of one level keep theirs.
  public func order(_ regions: [ImageRegion]) -> [Int] {
    let levels = regions.map(level(of:))
    return regions.indices.sorted { (levels[$0], $0) < (levels[$1], $1) }
  }

  /// Reads the pyramid in regions.
  private func aligned(_ pyramid: [Tensor], _ regions: [ImageRegion], grid: Int) -> Tensor {
    let levels = regions.map(level(of:))
    precondition(
      !regions.isEmpty && zip(levels, levels.dropFirst()).allSatisfy { $0 <= $1 },
      "\(regions.count) regions are not ordered by level"
    )
    let parts = configuration.blocksPerStage.indices.compactMap { level -> Tensor? in
      let own = zip(regions, levels).filter { $0.1 == level }.map(\.0)
      return own.isEmpty
        ? nil
        : regionAligned(
          pyramid[level],
          regions: own,
          outputSize: [grid, grid],
          scale: 1 / Float(configuration.strides[level]),
          samplingRatio: configuration.samplingRatio
        )
    }
    return parts.count == 1 ? parts[0] : concatenation(parts, axis: 0)
  }

  /// Names regions and moves their edges.
  /// - Parameters:
  ///   - pyramid: What `pyramid` gave.
  ///   - regions: Regions in pixels of the input, at least one, in the order that `order` gives.
  ///   - context: To train or to predict.
  /// - Returns: Logits of the background and the classes, `[R, classes + 1]`, and for each of them how
  ///   the box differs from the region, `[R, 4 · (classes + 1)]`.
  public func boxes(
    _ pyramid: [Tensor],
    _ regions: [ImageRegion],
    in context: Context
  ) -> (scores: Tensor, shifts: Tensor) {
    boxes(aligned(pyramid, regions, grid: configuration.boxGrid), in: context)
  }

  /// Names regions and moves their edges.
  /// - Parameters:
  ///   - cells: Maps of each region on the box head's grid, `[R, pyramidFeatures, boxGrid, boxGrid]`.
  ///   - context: To train or to predict.
  /// - Returns: Scores, `[R, classes + 1]`, and shifts, `[R, 4 · (classes + 1)]`, as for regions.
  package func boxes(_ cells: Tensor, in context: Context) -> (scores: Tensor, shifts: Tensor) {
    boxHead.boxes(cells, in: context)
  }

  /// Outlines what regions hold.
  /// - Parameters:
  ///   - pyramid: What `pyramid` gave.
  ///   - regions: As for `boxes`.
  ///   - context: To train or to predict.
  /// - Returns: Logits for the background and each class, `[R, classes + 1, 2 · grid, 2 · grid]`; nil
  ///   without a mask head.
  public func masks(
    _ pyramid: [Tensor],
    _ regions: [ImageRegion],
    in context: Context
  ) -> Tensor? {
    configuration.mask.flatMap {
      masks(aligned(pyramid, regions, grid: $0.grid), in: context)
    }
  }

  /// Outlines what regions hold.
  /// - Parameters:
  ///   - cells: Maps of each region on the mask head's grid, `[R, pyramidFeatures, grid, grid]`.
  ///   - context: To train or to predict.
  /// - Returns: Logits, `[R, classes + 1, 2 · grid, 2 · grid]`; nil without a mask head.
  package func masks(_ cells: Tensor, in context: Context) -> Tensor? {
    maskHead.map { $0(cells, in: context) }
  }
}
