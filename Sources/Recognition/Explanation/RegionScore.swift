import Layers
import Networks
import Support
import Tensors

/// How sure the second stage of a detector is of the class of one region.
///
/// The number is the logit of the class less that of the background: a shift that all logits share, which
/// the probabilities do not feel, cancels. The region counts as a constant, as while training (Girshick
/// 2015, section 2.3), so that gradients tell what in the image names the region, not what proposed it.
struct RegionScore: ExplainedScore {
  private let network: RegionNetwork
  private let region: ImageRegion
  private let label: Int
  private let judge: (_ image: Tensor) throws -> Double

  /// Takes a region in hand.
  /// - Parameters:
  ///   - network: The network.
  ///   - region: The region, in pixels of the input.
  ///   - label: The class from 0, without the background.
  ///   - judge: What a changed image `[1, C, H, W]` is judged by, 0 to 1.
  init(
    _ network: RegionNetwork,
    region: ImageRegion,
    label: Int,
    judge: @escaping (_ image: Tensor) throws -> Double
  ) {
    (self.network, self.region, self.label, self.judge) = (network, region, label, judge)
  }

  /// The map of the pyramid that shows the region, and the gradient with respect to it.
  ///
  /// The box head reads no other map, and of this one the region alone: cells without a gradient, which
  /// cannot have moved the score however like the others they are, are 0.
  func weighedMaps(of image: Tensor) -> [(maps: Tensor, slopes: [Float])] {
    let key = GradientKey()
    var maps = network.pyramid(image, in: .inference).map(\.plain)
    let level = network.level(of: region)
    let read = maps[level]
    maps[level] = read.tracked(by: key)
    let gradient = slopes(score(maps, images: 1), key, like: read)
    let area = read.shape[2] * read.shape[3]
    var isRead = [Bool](repeating: false, count: area)
    for (index, slope) in gradient.enumerated() where slope != 0 { isRead[index % area] = true }
    let values = read.values.enumerated().map { isRead[$0.offset % area] ? $0.element : 0 }
    return [(Tensor(values, shape: read.shape), gradient)]
  }

  func inputSlopes(of images: Tensor) -> [Float] {
    let key = GradientKey()
    let maps = network.pyramid(images.tracked(by: key), in: .inference)
    return slopes(score(maps, images: images.shape[0]), key, like: images)
  }

  func probabilities(of images: Tensor) throws -> [Double] {
    try (0..<images.shape[0]).map {
      try judge(images.sliced(axis: 0, start: $0, end: $0 + 1))
    }
  }

  /// The sum over images, each of which has the region.
  private func score(_ pyramid: [Tensor], images: Int) -> Tensor {
    let regions = (0..<images).map { ImageRegion(image: $0, edges: region.edges) }
    let logits = network.boxes(pyramid, regions, in: .inference).scores
    func column(_ index: Int) -> Tensor { logits.sliced(axis: 1, start: index, end: index + 1) }
    return (column(label + 1) - column(0)).sum(axes: nil)
  }
}
