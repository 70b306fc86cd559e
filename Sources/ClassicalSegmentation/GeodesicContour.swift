import Foundation
package import Support
package import Transforms

/// Contours that move until they lie on edges.
///
/// Caselles, Kimmel and Sapiro 1997, "Geodesic active contours", with the morphological steps of
/// Márquez-Neila, Baumela and Álvarez 2014, "A morphological approach to curvature-based evolution of
/// curves and surfaces" (section 5.2): where the edge function g = 1/√(1 + steepness |∇(G ∗ I)|/σ) is
/// above a threshold a balloon force grows or shrinks the inside by a voxel, the contour is drawn along
/// ∇g to the edge, and `MorphologicalCurvature` smooths it. |∇| is by the finest voxel, σ the image's
/// standard deviation. Each label is a contour of its own; a voxel of several keeps the smallest.
package struct GeodesicContour: ClassicalRefinement {
  package static let name = "geodesic"
  package static let paper =
    "Caselles, Kimmel and Sapiro 1997, Geodesic active contours; Márquez-Neila, Baumela and Álvarez "
    + "2014, A morphological approach to curvature-based evolution of curves and surfaces"
  package static let parameters = [
    FilterParameter("iterations", 20, 1...10_000, isWhole: true, "steps"),
    FilterParameter("smoothing", 1, 0...10, isWhole: true, "smoothings of the contour in a step"),
    FilterParameter(
      "balloon",
      0,
      -1...1,
      isWhole: true,
      "1 grows contours where there is no edge, -1 shrinks them"
    ),
    FilterParameter(
      "threshold",
      0,
      0...1,
      "edge function above which the balloon acts; 0: its 40th percentile"
    ),
    FilterParameter("blur", 1, 0...100, "standard deviation of a Gaussian blur before, mm"),
    FilterParameter("steepness", 25, 0...1e6, "how strongly edges stop contours"),
    .background, .automatic,
  ]
  package static let seeds = SeedNeed.required(automatic: "auto=2")
  package static let usesProbabilities = false

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  package static func bytesPerVoxel(classes: Int) -> Int { 28 }

  package func labels(
    of image: ClassicalImage,
    seeds: [UInt16]?,
    interruption: Interruption
  ) throws -> ClassicalLabels {
    let seeds = try SeedMarks(
      seeds,
      method: Self.name,
      values: values,
      image: image,
      needed: 1
    )
    // The background is what no contour holds.
    let start = seeds.labelled(marks: seeds.marks)
    return ClassicalLabels(
      try moved(start.labels, image, interruption),
      largest: start.largest
    )
  }

  package func refined(
    _ prior: PriorLabels,
    by image: ClassicalImage,
    interruption: Interruption
  ) throws -> [UInt16] { try moved(prior.labels, image, interruption) }

  private func moved(
    _ labels: [UInt16],
    _ image: ClassicalImage,
    _ interruption: Interruption
  ) throws -> [UInt16] {
    let edges = edgeFunction(image)
    var result = [UInt16](repeating: 0, count: labels.count)
    let threshold = threshold(edges)
    let boxes = Self.boxes(of: labels, image)
    for (label, box) in boxes.sorted(by: { $0.key > $1.key }) {
      // Only as much of the image as the contour needs, so that many small objects take no longer than
      // one large one.
      var margin = 8
      while true {
        let crop = box.grown(by: margin, within: image.size)
        let part = image.cropped(to: crop)
        let mask = try evolved(
          crop.values(of: labels, image.size).map { $0 == label ? 1 : 0 },
          crop.values(of: edges, image.size),
          threshold,
          part,
          interruption,
          openSides: crop.openSides(within: image.size)
        )
        guard let mask else {
          margin *= 3
          continue
        }
        crop.forEachRow(image.size) { row, start in
          for x in 0..<crop.size.x where mask[row * crop.size.x + x] == 1 {
            result[start + x] = label
          }
        }
        break
      }
    }
    return result
  }

  /// The edge function above which the balloon acts.
  private func threshold(_ edges: [Float]) -> Float {
    let told = Float(values["threshold"])
    return told == 0 && values.whole("balloon") != 0 ? Self.percentile(40, of: edges) : told
  }

  /// The smallest box of each label but 0.
  private static func boxes(of labels: [UInt16], _ image: ClassicalImage) -> [UInt16: GridCrop] {
    var boxes: [UInt16: GridCrop] = [:]
    for place in labels.indices where labels[place] > 0 {
      let at = image.position(place)
      boxes[labels[place], default: GridCrop(low: at, high: at)].include(at)
    }
    return boxes
  }

  /// The edge function: 1 where the image is flat, towards 0 at edges.
  package func edgeFunction(_ image: ClassicalImage) -> [Float] {
    let finest = image.finestSpacing
    let slope = ImageGradient.magnitude(
      ImageGradient.blurred(image, deviationMM: values["blur"]),
      on: image,
      spacing: image.spacing / SIMD3(repeating: finest)
    )
    let scale = Float(values["steepness"] / image.deviation)
    return slope.map { 1 / (1 + scale * $0).squareRoot() }
  }

  /// Moves one contour.
  /// - Parameters:
  ///   - start: 1 inside, 0 outside.
  ///   - edges: The edge function.
  ///   - image: The grid.
  ///   - interruption: Looked at between steps.
  /// - Returns: The mask at the end.
  /// - Throws: `SupportError.interrupted`.
  package func evolved(
    _ start: [UInt8],
    along edges: [Float],
    _ image: ClassicalImage,
    _ interruption: Interruption
  ) throws -> [UInt8] {
    try evolved(start, edges, threshold(edges), image, interruption, openSides: []) ?? start
  }

  /// Moves one contour in a part of an image; nil when it comes so near to a side beyond which the image
  /// goes on that what lies there would matter.
  private func evolved(
    _ start: [UInt8],
    _ edges: [Float],
    _ threshold: Float,
    _ image: ClassicalImage,
    _ interruption: Interruption,
    openSides: [GridCrop.Side]
  ) throws -> [UInt8]? {
    let balloon = values.whole("balloon")
    let curvature = MorphologicalCurvature(image)
    var mask = start
    var smoothings = 0
    for _ in 0..<values.whole("iterations") {
      try interruption.check()
      if balloon != 0 { inflate(&mask, balloon > 0, edges, threshold, image) }
      attach(&mask, edges, image)
      for _ in 0..<values.whole("smoothing") {
        mask = curvature.smoothed(mask, dilatesFirst: smoothings % 2 == 0)
        smoothings += 1
      }
      for side in openSides where side.isNear(mask, image, reach: 3 + values.whole("smoothing")) {
        return nil
      }
    }
    return mask
  }

  /// Dilates or erodes by the whole 3 x 3 (x 3) neighbourhood where there is no edge; beyond the grid
  /// there is nothing.
  private func inflate(
    _ mask: inout [UInt8],
    _ grows: Bool,
    _ edges: [Float],
    _ threshold: Float,
    _ image: ClassicalImage
  ) {
    // The neighbourhood is a box: one axis after the other.
    var moved = mask
    for axis in image.axes {
      let source = moved
      let stride = image.strides[axis]
      for place in source.indices {
        let index = image.position(place)[axis]
        let before = index > 0 ? source[place - stride] : 0
        let after = index < image.size[axis] - 1 ? source[place + stride] : 0
        moved[place] =
          grows ? max(source[place], before, after) : min(source[place], before, after)
      }
    }
    for place in mask.indices where edges[place] > threshold { mask[place] = moved[place] }
  }

  /// Draws the contour along ∇g · ∇u.
  private func attach(_ mask: inout [UInt8], _ edges: [Float], _ image: ClassicalImage) {
    let old = mask.map { Float($0) }
    old.withUnsafeBufferPointer { old in
      edges.withUnsafeBufferPointer { edges in
        for place in mask.indices {
          let at = image.position(place)
          var pull: Float = 0
          for axis in image.axes {
            let (index, count, stride) = (at[axis], image.size[axis], image.strides[axis])
            let change = ImageGradient.difference(old, place, index, count, stride)
            guard change != 0 else { continue }
            // By the finest voxel, on both sides.
            let scale = Float(image.finestSpacing / image.spacing[axis])
            pull +=
              change * scale * scale
              * ImageGradient.difference(edges, place, index, count, stride)
          }
          if pull > 0 { mask[place] = 1 } else if pull < 0 { mask[place] = 0 }
        }
      }
    }
  }

  /// A percentile, interpolated between values as numpy's.
  static func percentile(_ percent: Double, of values: [Float]) -> Float {
    let sorted = values.sorted()
    let place = percent / 100 * Double(sorted.count - 1)
    let low = Int(place)
    let share = Float(place - Double(low))
    return sorted[low] + share * (sorted[min(low + 1, sorted.count - 1)] - sorted[low])
  }
}
