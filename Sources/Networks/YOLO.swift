import Foundation
import Layers
import Support
import Tensors

/// A one-stage detector without anchor boxes, laid out as YOLOv8.
///
/// After Redmon et al. 2016, "You only look once", in the form of Jocher et al. 2023 (YOLOv8), whose
/// names of parameters it has: a backbone of cross-stage blocks, a path up and down again over three
/// resolutions (Liu et al. 2018, "Path aggregation network"), and for each a head with separate
/// branches for boxes and classes (Ge et al. 2021). A box is four distances from the centre of a cell,
/// each the mean of a distribution over bins (Li et al. 2020, "Generalized focal loss").
///
/// With strides from 4 to 16 the backbone ends one stage earlier and the path sees one resolution
/// more, for objects of a few pixels; the layers are then numbered differently.
public final class YOLO: StagedNetwork {
  /// The values that define the network.
  public let configuration: YOLOConfiguration
  /// Numbered as in the state dictionary; joins and enlargements have numbers but no layers.
  private let layers: [Int: any Layer]
  /// The stages of the backbone whose maps the path reads, the finest first; the last one's is pooled.
  private let taps: [Int]
  private let boxBranches: [YOLOBranch]
  private let classBranches: [YOLOBranch]

  /// Creates a network with random weights.
  /// - Parameters:
  ///   - configuration: The values that define it.
  ///   - random: The stream to draw weights from.
  /// - Precondition: The configuration passed its check, as `NetworkConfiguration` makes sure.
  public init(_ configuration: YOLOConfiguration, random: inout RandomStream) {
    self.configuration = configuration
    let c = configuration
    var layers: [Int: any Layer] = [:]
    let features = c.stageFeatures
    layers[0] = YOLOConvolution(c.inputChannels, features[0], window: 3, stride: 2, random: &random)
    var taps: [Int] = []
    // Depths of the backbone's stages at strides 4, 8, 16 and 32.
    let depths = [3, 6, 6, 3]
    var number = 1
    for stage in 1..<features.count {
      layers[number] = YOLOConvolution(
        features[stage - 1],
        features[stage],
        window: 3,
        stride: 2,
        random: &random
      )
      layers[number + 1] = YOLOStage(
        features[stage],
        features[stage],
        depth: c.scaledDepth(depths[stage - 1]),
        addsInput: true,
        random: &random
      )
      taps.append(number + 1)
      number += 2
    }
    layers[number] = YOLOPyramid(features[features.count - 1], random: &random)
    taps = Array(taps.suffix(3))
    taps[2] = number
    self.taps = taps

    // The path: enlarge and join twice on the way up, reduce and join twice on the way down.
    let (fine, middle, coarse) = (
      features[features.count - 3], features[features.count - 2], features[features.count - 1]
    )
    let depth = c.scaledDepth(3)
    func block(_ input: Int, _ output: Int) -> YOLOStage {
      YOLOStage(input, output, depth: depth, addsInput: false, random: &random)
    }
    layers[number + 3] = block(coarse + middle, middle)
    layers[number + 6] = block(middle + fine, fine)
    layers[number + 7] = YOLOConvolution(fine, fine, window: 3, stride: 2, random: &random)
    layers[number + 9] = block(fine + middle, middle)
    layers[number + 10] = YOLOConvolution(middle, middle, window: 3, stride: 2, random: &random)
    layers[number + 12] = block(middle + coarse, coarse)
    self.layers = layers

    let boxFeatures = max(16, fine / 4, 4 * c.bins)
    let classFeatures = max(fine, min(c.classes, 100))
    boxBranches = [fine, middle, coarse].map {
      YOLOBranch($0, boxFeatures, 4 * c.bins, bias: 1, random: &random)
    }
    // At the start a cell is expected to hold about 5 objects in an image of 640 x 640 pixels.
    classBranches = zip([fine, middle, coarse], c.strides).map { width, stride in
      let cells = (640 / Double(stride)) * (640 / Double(stride))
      let bias = Float(log(5 / Double(c.classes) / cells))
      return YOLOBranch(width, classFeatures, c.classes, bias: bias, random: &random)
    }
  }

  private var pathStart: Int { taps[2] }

  /// The layers inside by name.
  public var children: [(name: String, layer: any Layer)] {
    let head = pathStart + 13
    return layers.keys.sorted().compactMap { number in
      layers[number].map { ("model.\(number)", $0) }
    }
      + boxBranches.enumerated().map {
        ("model.\(head).cv2.\($0.offset)", $0.element as any Layer)
      }
      + classBranches.enumerated().map {
        ("model.\(head).cv3.\($0.offset)", $0.element as any Layer)
      }
  }

  private func apply(_ number: Int, _ x: Tensor, _ context: Context) -> Tensor {
    layers[number].map { $0(x, in: context) } ?? x
  }

  /// Looks for objects.
  /// - Parameters:
  ///   - x: `[N, inputChannels, H, W]`, H and W multiples of the largest stride.
  ///   - context: To train or to predict.
  /// - Returns: `[N, 4 · bins + classes, A]`: for each cell of each stride, the finest stride first and
  ///   row by row, logits of the bins of the distances left, up, right and down, then of the classes.
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    output(of: maps(x, in: context), in: context)
  }

  /// What the branches of the three strides read.
  /// - Parameters:
  ///   - x: As the network takes it.
  ///   - context: To train or to predict.
  /// - Returns: `[N, F, H / stride, W / stride]` for each stride, the finest first.
  public func maps(_ x: Tensor, in context: Context) -> [Tensor] {
    precondition(
      x.rank == 4 && x.shape[1] == configuration.inputChannels
        && x.shape[2...].allSatisfy { $0 > 0 && $0.isMultiple(of: sizeMultiple) },
      "the input \(x.shape) for a network of \(configuration.inputChannels) channels and stride "
        + "\(sizeMultiple)"
    )
    var maps: [Tensor] = []
    var y = x
    for number in 0...pathStart {
      y = apply(number, y, context)
      if taps.contains(number) { maps.append(y) }
    }
    func enlarged(_ x: Tensor, as other: Tensor) -> Tensor {
      upsampled(x, to: Array(other.shape[2...]), interpolation: .nearest)
    }
    let middle = apply(
      pathStart + 3,
      concatenation([enlarged(maps[2], as: maps[1]), maps[1]]),
      context
    )
    let fine = apply(
      pathStart + 6,
      concatenation([enlarged(middle, as: maps[0]), maps[0]]),
      context
    )
    let second = apply(
      pathStart + 9,
      concatenation([apply(pathStart + 7, fine, context), middle]),
      context
    )
    let third = apply(
      pathStart + 12,
      concatenation([apply(pathStart + 10, second, context), maps[2]]),
      context
    )
    return [fine, second, third]
  }

  /// What the branches make of the maps.
  /// - Parameters:
  ///   - maps: What `maps` gave.
  ///   - context: To train or to predict.
  /// - Returns: `[N, 4 · bins + classes, A]`.
  public func output(of maps: [Tensor], in context: Context) -> Tensor {
    let outputs = maps.enumerated().map { index, map in
      concatenation([
        boxBranches[index](map, in: context), classBranches[index](map, in: context),
      ])
      .reshaped([
        map.shape[0], 4 * configuration.bins + configuration.classes, map.shape[2] * map.shape[3],
      ])
    }
    return concatenation(outputs, axis: 2)
  }

  /// The largest stride.
  public var sizeMultiple: Int { configuration.strides[2] }
}
