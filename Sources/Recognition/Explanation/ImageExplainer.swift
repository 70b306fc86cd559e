import Foundation
import Layers
import Networks
import Support
import Tensors

/// Finds the parts of an image that speak for a class.
///
/// The network is run many times by some methods; everything follows from the seed.
package struct ImageExplainer: Sendable {
  /// Steps between the mean image and the image (integrated gradients).
  var pathSteps = 32
  /// Noisy copies (SmoothGrad), and their noise as a share of the range of the input.
  var (noisyCopies, noise) = (24, 0.12)
  /// The side of a hidden square, as a share of the image's shorter side, and squares per side.
  var (occluder, occlusions) = (0.2, 14)
  /// Masks of RISE, cells of a mask along each side, and the share of cells that are kept.
  var (masks, cells, kept) = (400, 7, 0.5)
  /// Images that the network sees at once.
  var batchSize = 16
  /// Steps of the deletion and insertion curves.
  var curveSteps = 28
  /// Seed of random numbers.
  var seed: UInt64 = 1

  private let network: any VectorNetwork
  private let planned: PlannedNetwork
  private let interruption: Interruption

  /// Creates an explainer.
  /// - Parameters:
  ///   - network: The network.
  ///   - interruption: Looked at between pieces of work.
  /// - Throws: `NetworksError` never in single precision.
  package init(_ network: any VectorNetwork, interruption: Interruption) throws {
    self.network = network
    planned = try PlannedNetwork(network)
    self.interruption = interruption
  }

  /// Explains a class of an image.
  /// - Parameters:
  ///   - image: `[1, C, H, W]`, as the network sees it.
  ///   - label: The class's number.
  ///   - method: How.
  ///   - isMeasured: Whether deletion and insertion are measured too.
  ///   - probability: What the scores of an image mean for the class, 0 to 1.
  /// - Returns: The evidence.
  /// - Throws: `SupportError.interrupted`.
  package func explain(
    _ image: Tensor,
    label: Int,
    method: ExplanationMethod,
    isMeasured: Bool = false,
    probability: (_ scores: [Float]) -> Double
  ) throws -> Explanation {
    let (height, width) = (image.shape[2], image.shape[3])
    let evidence: [Float] =
      switch method {
      case .gradCAM, .gradCAMPlusPlus: activationMap(image, label, method)
      case .integratedGradients: try pathGradient(image, label)
      case .smoothGrad: try smoothGradient(image, label)
      case .occlusion: try occlusion(image, probability)
      case .rise: try randomMasks(image, probability)
      }
    var result = Explanation(method: method, height: height, width: width, evidence: evidence)
    if isMeasured {
      (result.deletion, result.insertion) = try curves(image, result.values, probability)
    }
    return result
  }

  // MARK: Gradients

  /// Feature maps weighted by the class's gradient, on the image's grid.
  private func activationMap(
    _ image: Tensor,
    _ label: Int,
    _ method: ExplanationMethod
  ) -> [Float] {
    let key = GradientKey()
    let features = network.features(image, in: .inference).plain
    let tracked = features.tracked(by: key)
    let scores = network.scores(of: network.embedding(of: tracked, in: .inference), in: .inference)
    let slopes = gradients(of: score(scores, label))[key]
    let (maps, gradient) = (features.values, slopes?.values ?? [])
    let (count, rows, columns) = (features.shape[1], features.shape[2], features.shape[3])
    let area = rows * columns
    guard gradient.count == maps.count else {
      return [Float](repeating: 0, count: image.shape[2] * image.shape[3])
    }
    var sum = [Float](repeating: 0, count: area)
    for map in 0..<count {
      let range = map * area..<(map + 1) * area
      var weight: Float = 0
      if method == .gradCAM {
        weight = gradient[range].reduce(0, +) / Float(area)
      } else {
        // α = g² / (2 g² + Σ A g³) where g > 0.
        let total = maps[range].reduce(0, +)
        for g in gradient[range] where g > 0 {
          let below = 2 * g * g + total * g * g * g
          weight += below > 0 ? g * g / below * g : 0
        }
      }
      for place in 0..<area { sum[place] += weight * maps[map * area + place] }
    }
    return ImagePlanes(height: rows, width: columns, values: sum.map { max(0, $0) })
      .resized(toHeight: image.shape[2], width: image.shape[3]).values
  }

  private func score(_ scores: Tensor, _ label: Int) -> Tensor {
    scores.sliced(axis: 1, start: label, end: label + 1).sum(axes: nil)
  }

  /// The gradient of the class's score for each of several images.
  private func inputGradient(_ images: Tensor, _ label: Int) -> [Float] {
    let key = GradientKey()
    let scores = network(images.tracked(by: key), in: .inference)
    return gradients(of: score(scores, label))[key]?.values
      ?? [Float](repeating: 0, count: images.count)
  }

  private func mean(_ image: Tensor) -> [Float] {
    let (channels, area) = (image.shape[1], image.shape[2] * image.shape[3])
    let values = image.values
    return (0..<channels).map { values[$0 * area..<($0 + 1) * area].reduce(0, +) / Float(area) }
  }

  private func pathGradient(_ image: Tensor, _ label: Int) throws -> [Float] {
    let (values, means) = (image.values, mean(image))
    let area = image.shape[2] * image.shape[3]
    let start = values.indices.map { means[$0 / area] }
    var sum = [Float](repeating: 0, count: values.count)
    try inBatches(pathSteps) { steps in
      let images = steps.flatMap { step -> [Float] in
        let share = (Float(step) + 0.5) / Float(pathSteps)
        return values.indices.map { start[$0] + share * (values[$0] - start[$0]) }
      }
      let slopes = inputGradient(batch(images, like: image), label)
      for (index, slope) in slopes.enumerated() { sum[index % values.count] += slope }
    }
    let evidence = values.indices.map { (values[$0] - start[$0]) * sum[$0] / Float(pathSteps) }
    return overChannels(evidence, area) { $0 }
  }

  private func smoothGradient(_ image: Tensor, _ label: Int) throws -> [Float] {
    let values = image.values
    let spread = Float(noise) * ((values.max() ?? 0) - (values.min() ?? 0))
    let stream = RandomStream(seed: seed).split(0x736D_6F6F)
    var sum = [Float](repeating: 0, count: values.count)
    try inBatches(noisyCopies) { copies in
      let images = copies.flatMap { copy -> [Float] in
        var random = stream.split(copy)
        return values.map { $0 + spread * Float(random.normal()) }
      }
      let slopes = inputGradient(batch(images, like: image), label)
      for (index, slope) in slopes.enumerated() { sum[index % values.count] += slope }
    }
    return overChannels(sum, image.shape[2] * image.shape[3]) { abs($0) }
  }

  private func overChannels(
    _ values: [Float],
    _ area: Int,
    _ part: (Float) -> Float
  ) -> [Float] {
    (0..<area).map { place in
      stride(from: place, to: values.count, by: area).reduce(Float(0)) { $0 + part(values[$1]) }
    }
  }

  // MARK: Perturbations

  private func occlusion(
    _ image: Tensor,
    _ probability: ([Float]) -> Double
  ) throws -> [Float] {
    let (height, width) = (image.shape[2], image.shape[3])
    let (values, means) = (image.values, mean(image))
    let side = max(1, Int((occluder * Double(min(height, width))).rounded()))
    func places(_ size: Int) -> [Int] {
      let count = max(1, min(occlusions, size - side + 1))
      return (0..<count).map { count > 1 ? $0 * (size - side) / (count - 1) : (size - side) / 2 }
    }
    let corners = places(height).flatMap { row in places(width).map { (row: row, column: $0) } }
    let whole = try probabilities([values], like: image, probability)[0]
    var sum = [Float](repeating: 0, count: height * width)
    var hidden = sum
    try inBatches(corners.count) { indices in
      let images = indices.map { index -> [Float] in
        var changed = values
        for channel in means.indices {
          for y in corners[index].row..<corners[index].row + side {
            let first = (channel * height + y) * width + corners[index].column
            for place in first..<first + side { changed[place] = means[channel] }
          }
        }
        return changed
      }
      for (index, found) in zip(indices, try probabilities(images, like: image, probability)) {
        for y in corners[index].row..<corners[index].row + side {
          for x in corners[index].column..<corners[index].column + side {
            sum[y * width + x] += Float(whole - found)
            hidden[y * width + x] += 1
          }
        }
      }
    }
    return sum.indices.map { hidden[$0] > 0 ? sum[$0] / hidden[$0] : 0 }
  }

  private func randomMasks(
    _ image: Tensor,
    _ probability: ([Float]) -> Double
  ) throws -> [Float] {
    let (height, width) = (image.shape[2], image.shape[3])
    let (values, means) = (image.values, mean(image))
    let stream = RandomStream(seed: seed).split(0x7269_7365)
    // Masks are cells enlarged by one cell more than the image, shifted within it.
    let (cellHeight, cellWidth) = (height / cells + 1, width / cells + 1)
    func mask(_ index: Int) -> [Float] {
      var random = stream.split(index)
      let grid = (0..<(cells + 1) * (cells + 1)).map { _ in random.chance(kept) ? Float(1) : 0 }
      let large = ImagePlanes(height: cells + 1, width: cells + 1, values: grid)
        .resized(toHeight: (cells + 1) * cellHeight, width: (cells + 1) * cellWidth)
      let top = Int(random.uniform() * Double(cellHeight))
      let left = Int(random.uniform() * Double(cellWidth))
      return (0..<height).flatMap { y in
        (0..<width).map { large.values[(y + top) * large.width + $0 + left] }
      }
    }
    var sum = [Float](repeating: 0, count: height * width)
    var total = 0.0
    try inBatches(masks) { indices in
      let drawn = indices.map(mask)
      let images = drawn.map { mask in
        values.indices.map { index in
          let middle = means[index / (height * width)]
          return middle + mask[index % (height * width)] * (values[index] - middle)
        }
      }
      for (mask, found) in zip(drawn, try probabilities(images, like: image, probability)) {
        total += found
        for place in sum.indices { sum[place] += Float(found) * mask[place] }
      }
    }
    // The mean mask is the same everywhere: what is left is what keeping a pixel adds.
    let level = Float(total * kept)
    return sum.map { $0 - level }
  }

  /// The areas under the curves of deletion and insertion.
  private func curves(
    _ image: Tensor,
    _ evidence: [Float],
    _ probability: ([Float]) -> Double
  ) throws -> (deletion: Double, insertion: Double) {
    let (height, width) = (image.shape[2], image.shape[3])
    let area = height * width
    let (values, means) = (image.values, mean(image))
    let blurred = (0..<image.shape[1]).flatMap { channel -> [Float] in
      let plane = ImagePlanes(
        height: height,
        width: width,
        values: Array(values[channel * area..<(channel + 1) * area])
      )
      let small = plane.resized(toHeight: max(1, height / 8), width: max(1, width / 8))
      return small.resized(toHeight: height, width: width).values
    }
    let order = evidence.indices.sorted {
      evidence[$0] != evidence[$1] ? evidence[$0] > evidence[$1] : $0 < $1
    }
    func areaUnder(_ curve: [Double]) -> Double {
      zip(curve, curve.dropFirst()).reduce(0) { $0 + ($1.0 + $1.1) / 2 } / Double(curve.count - 1)
    }
    func curve(_ begin: [Float], _ end: (Int) -> Float) throws -> [Double] {
      var result: [Double] = []
      try inBatches(curveSteps + 1) { steps in
        let images = steps.map { step -> [Float] in
          var changed = begin
          for place in order.prefix(area * step / curveSteps) {
            for channel in means.indices {
              changed[channel * area + place] = end(channel * area + place)
            }
          }
          return changed
        }
        result += try probabilities(images, like: image, probability)
      }
      return result
    }
    return (
      areaUnder(try curve(values) { means[$0 / area] }),
      areaUnder(try curve(blurred) { values[$0] })
    )
  }

  // MARK: Batches

  private func inBatches(_ count: Int, _ body: ([Int]) throws -> Void) throws {
    for start in stride(from: 0, to: count, by: batchSize) {
      try interruption.check()
      try body(Array(start..<min(start + batchSize, count)))
    }
  }

  private func batch(_ values: [Float], like image: Tensor) -> Tensor {
    Tensor(values, shape: [values.count / image.count] + image.shape.dropFirst())
  }

  private func probabilities(
    _ images: [[Float]],
    like image: Tensor,
    _ probability: ([Float]) -> Double
  ) throws -> [Double] {
    // Always as many, so that one plan serves.
    let filled = (0..<batchSize).flatMap { images[min($0, images.count - 1)] }
    let output = planned(batch(filled, like: image))
    let width = output.shape[1]
    let values = output.values
    return images.indices.map { probability(Array(values[$0 * width..<($0 + 1) * width])) }
  }
}
