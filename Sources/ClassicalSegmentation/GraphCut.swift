import Foundation
package import Support
package import Transforms

/// The labels of the least energy: how well values fit their label, and how long borders are where the
/// image has no edge.
///
/// Boykov and Jolly 2001, "Interactive graph cuts for optimal boundary and region segmentation of objects
/// in N-D images": R_p(l) = −ln P(I_p | l) from the histograms of the seeds, which keep their labels, and
/// B_pq = smoothness · exp(−Δ² / 2σ²) / dist(p, q) for neighbours that share a face (equations 1 to 3),
/// distances in units of the finest. In refinements R is −ln of the network's probability. Minimised by
/// `GridLabelling`: exact for two labels, within a factor of 2 for more.
package struct GraphCut: ClassicalRefinement {
  package static let name = "graph-cut"
  package static let paper =
    "Boykov and Jolly 2001, Interactive graph cuts for optimal boundary and region segmentation of "
    + "objects in N-D images; flow: Boykov and Kolmogorov 2004"
  package static let parameters = [
    FilterParameter("smoothness", 5, 0...1000, "what a border's face costs where there is no edge"),
    FilterParameter(
      "edge",
      0,
      0...1e9,
      "difference of neighbours that is an edge, in the image's unit; 0: their root mean square"
    ),
    FilterParameter(
      "certainty",
      0.9,
      0.01...0.999999,
      "with --refine and no probabilities: that of a voxel's label"
    ),
    .background, .automatic,
  ]
  package static let seeds = SeedNeed.required(automatic: "auto=2")

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  /// The most labels: moves are repeated for each.
  private static let mostLabels = 64
  /// Bins of the seeds' histograms.
  private static let bins = 64
  /// Least probability, so that no voxel is beyond its neighbours' influence.
  private static let leastProbability: Float = 1e-6

  package static func bytesPerVoxel(classes: Int) -> Int { 68 + 2 * classes }

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
      needed: 2
    )
    try Self.check(seeds.count)
    let models = Self.models(seeds, image)
    let marks = seeds.marks
    let labelling = GridLabelling(
      image: image,
      labels: seeds.count,
      weights: weights(image)
    ) { place, label in
      let mark = marks[place]
      if mark > 0 { return Int(mark) == label + 1 ? 0 : GridLabelling.largestCost }
      return models.costs[label][models.bin(image.values[place])]
    }
    return try seeds.labelled(labelling.minimised(interruption))
  }

  package func refined(
    _ prior: PriorLabels,
    by image: ClassicalImage,
    interruption: Interruption
  ) throws -> [UInt16] {
    let count = prior.occurring.count
    guard count > 1 else { return prior.labels }
    try Self.check(count)
    // 16 bits for each: −ln p is at most 13.8.
    let scale: Float = 4096
    let costs = prior.occurring.map { label in
      prior.probability(of: label, certainty: Float(values["certainty"])).map {
        UInt16(-log(max($0.isNaN ? 0 : min($0, 1), Self.leastProbability)) * scale)
      }
    }
    let step = Int32(GridLabelling.unit / scale)
    let labelling = GridLabelling(image: image, labels: count, weights: weights(image)) {
      place,
      label in
      Int32(costs[label][place]) * step
    }
    return try labelling.minimised(interruption).map { prior.occurring[Int($0)] }
  }

  private static func check(_ labels: Int) throws(ClassicalSegmentationError) {
    guard labels <= mostLabels else { throw .tooManyLabels(count: labels, limit: mostLabels) }
  }

  /// What a border costs between a voxel and the next one along each axis.
  package func weights(_ image: ClassicalImage) -> [[Int32]] {
    let (size, strides) = (image.size, image.strides)
    var told = values["edge"]
    if told == 0 {
      var (sum, number) = (0.0, 0.0)
      for place in 0..<image.count {
        let at = image.position(place)
        for axis in image.axes where at[axis] < size[axis] - 1 {
          let step = Double(image.values[place + strides[axis]]) - Double(image.values[place])
          sum += step * step
          number += 1
        }
      }
      told = (sum / max(1, number)).squareRoot()
    }
    let falloff = 1 / (2 * max(told * told, .leastNormalMagnitude))
    return (0..<3).map { axis in
      guard size[axis] > 1 else { return [] }
      let full = values["smoothness"] * image.finestSpacing / image.spacing[axis]
      return (0..<image.count).map { place in
        guard image.position(place)[axis] < size[axis] - 1 else { return 0 }
        let step = Double(image.values[place + strides[axis]]) - Double(image.values[place])
        return GridLabelling.rounded(Float(full * exp(-step * step * falloff)))
      }
    }
  }

  private struct Models: Sendable {
    // In double precision, where the scale of the narrowest range is finite.
    let low: Double
    let scale: Double
    let costs: [[Int32]]

    func bin(_ value: Float) -> Int { max(0, min(bins - 1, Int((Double(value) - low) * scale))) }
  }

  /// −ln of how often values occur among a label's seeds, blurred over a bin and with a floor.
  private static func models(_ seeds: SeedMarks, _ image: ClassicalImage) -> Models {
    let (low, high) = (Double(image.values.min() ?? 0), Double(image.values.max() ?? 1))
    let frame = Models(low: low, scale: Double(bins) / (high - low), costs: [])
    var counts = [[Float]](repeating: .init(repeating: 0, count: bins), count: seeds.count)
    for place in image.values.indices where seeds.marks[place] > 0 {
      counts[Int(seeds.marks[place]) - 1][frame.bin(image.values[place])] += 1
    }
    let costs = counts.map { counts in
      let total = counts.reduce(0, +)
      return (0..<bins).map { bin in
        var mean: Float = 0
        for shift in -2...2 where counts.indices.contains(bin + shift) {
          mean += counts[bin + shift] * exp(-0.5 * Float(shift * shift)) / 2.5066
        }
        return GridLabelling.rounded(-log(min(1, max(leastProbability, mean / max(total, 1)))))
      }
    }
    return Models(low: low, scale: frame.scale, costs: costs)
  }
}
