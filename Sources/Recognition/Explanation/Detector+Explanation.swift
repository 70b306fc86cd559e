import Foundation
import Imaging
import ImagingIO
import Networks
import Pipelines
import Support
import Tensors

/// A picture or slice with the evidence for one box that was found in it.
public struct ExplainedBox: Sendable {
  /// The picture, or the slice within the range that the network sees.
  public let picture: ColorImage
  /// Evidence for the box at each pixel, 0 to 1, rows from the top.
  public let evidence: [Float]
  /// The evidence on the network's grid.
  public let explanation: Explanation
  /// The box.
  public let detection: Detection
  /// The class's name.
  public let className: String
  /// The slice from 0; nil for a picture.
  public let slice: Int?

  /// The share of the evidence that lies within the box; nil without evidence.
  public var shareInside: Double? {
    var (inside, total) = (0.0, 0.0)
    for (place, value) in evidence.enumerated() {
      let (x, y) = (Double(place % picture.width) + 0.5, Double(place / picture.width) + 0.5)
      total += Double(value)
      if x > detection.box.left, x < detection.box.right, y > detection.box.top,
        y < detection.box.bottom
      {
        inside += Double(value)
      }
    }
    return total > 0 ? inside / total : nil
  }
}

extension Detector {
  /// Masks of RISE, and cells along each side: objects are smaller than what classes are told by.
  private static let (masks, cells) = (600, 12)
  /// Less likely boxes of a masked image do not count as the same object.
  private static let leastScore = 0.01

  /// Shows what in a picture speaks for a box.
  ///
  /// The score is the logit of the box's class in the cell that predicts it; of a detector of two stages
  /// that of the region that the box was made of, less the background's. Grad-CAM takes the maps of all
  /// three resolutions that the heads read; of two stages the map of the pyramid that shows the region.
  /// RISE and occlusion judge a changed picture by the box of the class that is most like the explained
  /// one: the largest product of overlap and score, after Petsiuk et al. 2021, "Black-box explanation of
  /// object detectors via saliency maps" (D-RISE), equation 3; the likeness of all classes' probabilities
  /// is left out, as a finding names one class.
  /// - Parameters:
  ///   - picture: The picture.
  ///   - detection: One of the boxes that `detect` told.
  ///   - method: How.
  ///   - interruption: Looked at between pieces of work.
  /// - Returns: The picture with its evidence.
  /// - Throws: `RecognitionError.otherTask` for Grad-CAM by a network that gives no maps;
  ///   `SupportError.interrupted`.
  public func explain(
    _ picture: ColorImage,
    _ detection: Detection,
    method: ExplanationMethod,
    interruption: Interruption
  ) throws -> ExplainedBox {
    try explain(
      RasterImage(picture, plan: plan),
      detection,
      picture: picture,
      slice: nil,
      method,
      interruption
    )
  }

  /// Shows what in a slice of a volume speaks for a box.
  /// - Parameters:
  ///   - volume: The volume.
  ///   - slice: The slice along the third axis, from 0.
  ///   - detection: One of the boxes that were told in the slice.
  ///   - method: How.
  ///   - interruption: Looked at between pieces of work.
  /// - Returns: The slice with its evidence.
  /// - Throws: As for a picture.
  /// - Precondition: There is such a slice.
  public func explain(
    _ volume: Volume<Float>,
    slice: Int,
    _ detection: Detection,
    method: ExplanationMethod,
    interruption: Interruption
  ) throws -> ExplainedBox {
    let size = volume.geometry.size
    precondition((0..<size.z).contains(slice), "slice \(slice) of \(size.z)")
    let start = slice * size.x * size.y
    let image = RasterImage<Float>(
      slice: volume.voxels[start..<start + size.x * size.y],
      width: size.x,
      height: size.y,
      scale: plan.intensity.scale(for: volume.voxels),
      channels: plan.channels
    )
    return try explain(
      image,
      detection,
      picture: ColorImage(image),
      slice: slice,
      method,
      interruption
    )
  }

  private func explain<Value: RasterValue>(
    _ image: RasterImage<Value>,
    _ detection: Detection,
    picture: ColorImage,
    slice: Int?,
    _ method: ExplanationMethod,
    _ interruption: Interruption
  ) throws -> ExplainedBox {
    let (reduced, placement) = placed(image)
    let input = input(reduced, placement)
    // The box where the network sees it.
    let box = detection.box.mapped(scale: 1 / Double(reduced.reduction), x: 0, y: 0)
      .mapped(scale: placement.scale, x: placement.x, y: placement.y)
    let label = detection.label
    let score = try score(of: box, label: label, in: input, method)
    var explainer = ImageExplainer(score, interruption: interruption)
    (explainer.masks, explainer.cells) = (Self.masks, Self.cells)
    let explanation = try explainer.explain(input, method: method)
    let scale = placement.scale / Double(reduced.reduction)
    return ExplainedBox(
      picture: picture,
      evidence: explanation.spread(
        height: picture.height,
        width: picture.width,
        scale: (scale, scale),
        origin: (placement.y, placement.x)
      ),
      explanation: explanation,
      detection: detection,
      className: classes[label],
      slice: slice
    )
  }

  /// What is explained of a box.
  private func score(
    of box: DetectionBox,
    label: Int,
    in input: Tensor,
    _ method: ExplanationMethod
  ) throws -> any ExplainedScore {
    func likeness(_ found: [Detection]) -> Double {
      found.filter { $0.label == label }.reduce(0) { max($0, $1.score * $1.box.overlap(box)) }
    }
    switch finder {
    case .cells(let network, let decoder):
      guard !method.weighsMaps || network.network is any StagedNetwork else {
        throw RecognitionError.otherTask(
          model: name,
          task: "boxes without feature maps that could be weighed",
          wanted: method.title
        )
      }
      let cell = cell(of: box, label: label, in: network(input), by: decoder)
      let channel = 4 * decoder.bins + label
      return try OutputScore(
        network.network,
        explainsAllMaps: true,
        score: { output in
          output.sliced(axis: 1, start: channel, end: channel + 1)
            .sliced(axis: 2, start: cell, end: cell + 1).sum(axes: nil)
        },
        judge: { output in
          (0..<output.shape[0]).map { index in
            likeness(
              decoder.detections(
                output,
                image: index,
                leastScores: [Self.leastScore],
                takesSeveralClasses: true
              )
            )
          }
        }
      )
    case .regions(let finder):
      guard let region = finder.region(of: box, label: label, in: input) else {
        throw RecognitionError.infiniteScores(model: name)
      }
      return RegionScore(finder.network, region: region, label: label) { image in
        guard let found = finder.boxes(image, leastScore: Self.leastScore) else {
          throw RecognitionError.infiniteScores(model: name)
        }
        return likeness(found)
      }
    }
  }

  /// The cell whose box overlaps a finding most; of several the one that is surest of the class.
  private func cell(
    of box: DetectionBox,
    label: Int,
    in output: Tensor,
    by decoder: DetectionDecoder
  ) -> Int {
    let count = decoder.grid.count
    return output.plain.withElements { values in
      var best = (cell: 0, overlap: -1.0, score: -Float.infinity)
      for cell in 0..<count {
        let score = values[(4 * decoder.bins + label) * count + cell]
        // Boxes of findings were cut to the picture.
        let own = decoder.box(values, image: 0, cell: cell)
          .clipped(width: Double(plan.imageSize[1]), height: Double(plan.imageSize[0]))
        let overlap = (own.overlap(box) * 1000).rounded()
        if (overlap, score) > (best.overlap, best.score) { best = (cell, overlap, score) }
      }
      return best.cell
    }
  }
}
