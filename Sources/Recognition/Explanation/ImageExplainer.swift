import Foundation
import Support
import Tensors

/// Finds the parts of an image that speak for a score.
///
/// Images have two spatial axes or three. The network is run many times by some methods; everything
/// follows from the seed.
struct ImageExplainer {
  /// Steps between the mean image and the image (integrated gradients).
  var pathSteps = 32
  /// Noisy copies (SmoothGrad), and their noise as a share of the range of the input.
  var (noisyCopies, noise) = (24, 0.12)
  /// The side of a hidden square or cube, as a share of the image's shortest side.
  var occluder = 0.2
  /// Hidden squares along each axis; cubes in three dimensions.
  var (occlusions, solidOcclusions) = (14, 6)
  /// Masks of RISE, cells of a mask along each side, and the share of cells that are kept.
  var (masks, cells, kept) = (400, 7, 0.5)
  /// Images that the network sees at once.
  var batchSize = 16
  /// Steps of the deletion and insertion curves.
  var curveSteps = 28
  /// Seed of random numbers.
  var seed: UInt64 = 1

  private let score: any ExplainedScore
  private let interruption: Interruption

  /// Creates an explainer.
  /// - Parameters:
  ///   - score: What is explained.
  ///   - interruption: Looked at between pieces of work.
  init(_ score: any ExplainedScore, interruption: Interruption) {
    self.score = score
    self.interruption = interruption
  }

  /// Finds the evidence in an image.
  /// - Parameters:
  ///   - image: `[1, C, ...]`, as the network sees it.
  ///   - method: How.
  /// - Returns: One number for each pixel or voxel, in no unit.
  /// - Throws: `SupportError.interrupted`; what judging throws.
  func evidence(in image: Tensor, by method: ExplanationMethod) throws -> [Float] {
    switch method {
    case .gradCAM, .gradCAMPlusPlus: activationMap(image, method)
    case .integratedGradients: try pathGradient(image)
    case .smoothGrad: try smoothGradient(image)
    case .occlusion: try occlusion(image)
    case .rise: try randomMasks(image)
    }
  }

  /// Finds the evidence in an image of two axes.
  /// - Parameters:
  ///   - image: `[1, C, H, W]`, as the network sees it.
  ///   - method: How.
  ///   - isMeasured: Whether deletion and insertion are measured too.
  /// - Returns: The evidence.
  /// - Throws: As `evidence(in:by:)`.
  func explain(
    _ image: Tensor,
    method: ExplanationMethod,
    isMeasured: Bool = false
  ) throws -> Explanation {
    var result = Explanation(
      method: method,
      height: image.shape[2],
      width: image.shape[3],
      evidence: try evidence(in: image, by: method)
    )
    if isMeasured { (result.deletion, result.insertion) = try curves(image, result.values) }
    return result
  }

  private func size(_ image: Tensor) -> [Int] { Array(image.shape[2...]) }
  private func area(_ image: Tensor) -> Int { image.shape[2...].reduce(1, *) }

  // MARK: Gradients

  /// Feature maps weighted by the score's gradient, on the image's grid; maps of several resolutions
  /// are added up there.
  private func activationMap(_ image: Tensor, _ method: ExplanationMethod) -> [Float] {
    var total = [Float](repeating: 0, count: area(image))
    for (features, gradient) in score.weighedMaps(of: image) {
      let maps = features.values
      let area = area(features)
      var sum = [Float](repeating: 0, count: area)
      for map in 0..<features.shape[1] {
        let range = map * area..<(map + 1) * area
        var weight: Float = 0
        if method == .gradCAM {
          weight = gradient[range].reduce(0, +) / Float(area)
        } else {
          // α = g² / (2 g² + Σ A g³) where g > 0.
          let whole = maps[range].reduce(0, +)
          for g in gradient[range] where g > 0 {
            let below = 2 * g * g + whole * g * g * g
            weight += below > 0 ? g * g / below * g : 0
          }
        }
        for place in 0..<area { sum[place] += weight * maps[map * area + place] }
      }
      let large = GridResizing.resized(
        sum.map { max(0, $0) },
        from: size(features),
        to: size(image)
      )
      for place in total.indices { total[place] += large[place] }
    }
    return total
  }

  private func mean(_ image: Tensor) -> [Float] {
    let (channels, area) = (image.shape[1], area(image))
    let values = image.values
    return (0..<channels).map { values[$0 * area..<($0 + 1) * area].reduce(0, +) / Float(area) }
  }

  private func pathGradient(_ image: Tensor) throws -> [Float] {
    let (values, means) = (image.values, mean(image))
    let area = area(image)
    let start = values.indices.map { means[$0 / area] }
    var sum = [Float](repeating: 0, count: values.count)
    try inBatches(pathSteps, of: image) { steps in
      let images = steps.flatMap { step -> [Float] in
        let share = (Float(step) + 0.5) / Float(pathSteps)
        return values.indices.map { start[$0] + share * (values[$0] - start[$0]) }
      }
      let slopes = score.inputSlopes(of: batch(images, like: image))
      for (index, slope) in slopes.enumerated() { sum[index % values.count] += slope }
    }
    let evidence = values.indices.map { (values[$0] - start[$0]) * sum[$0] / Float(pathSteps) }
    return overChannels(evidence, area) { $0 }
  }

  private func smoothGradient(_ image: Tensor) throws -> [Float] {
    let values = image.values
    let spread = Float(noise) * ((values.max() ?? 0) - (values.min() ?? 0))
    let stream = RandomStream(seed: seed).split(0x736D_6F6F)
    var sum = [Float](repeating: 0, count: values.count)
    try inBatches(noisyCopies, of: image) { copies in
      let images = copies.flatMap { copy -> [Float] in
        var random = stream.split(copy)
        return values.map { $0 + spread * Float(random.normal()) }
      }
      let slopes = score.inputSlopes(of: batch(images, like: image))
      for (index, slope) in slopes.enumerated() { sum[index % values.count] += slope }
    }
    return overChannels(sum, area(image)) { abs($0) }
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

  private func occlusion(_ image: Tensor) throws -> [Float] {
    let (size, area) = (size(image), area(image))
    let (values, means) = (image.values, mean(image))
    let side = max(1, Int((occluder * Double(size.min() ?? 1)).rounded()))
    let most = size.count > 2 ? solidOcclusions : occlusions
    func places(_ length: Int) -> [Int] {
      let count = max(1, min(most, length - side + 1))
      return (0..<count).map {
        count > 1 ? $0 * (length - side) / (count - 1) : (length - side) / 2
      }
    }
    var corners: [[Int]] = [[]]
    for length in size { corners = corners.flatMap { c in places(length).map { c + [$0] } } }
    let windows = corners.map { Self.window($0, side: side, of: size) }
    let whole = try probabilities([values], like: image)[0]
    var sum = [Float](repeating: 0, count: area)
    var hidden = sum
    try inBatches(windows.count, of: image) { indices in
      let images = indices.map { index -> [Float] in
        var changed = values
        for channel in means.indices {
          for place in windows[index] { changed[channel * area + place] = means[channel] }
        }
        return changed
      }
      for (index, found) in zip(indices, try probabilities(images, like: image)) {
        for place in windows[index] {
          sum[place] += Float(whole - found)
          hidden[place] += 1
        }
      }
    }
    return sum.indices.map { hidden[$0] > 0 ? sum[$0] / hidden[$0] : 0 }
  }

  /// The places of a square or cube.
  private static func window(_ corner: [Int], side: Int, of size: [Int]) -> [Int] {
    var places = [0]
    for (axis, length) in size.enumerated() {
      let own = corner[axis]..<min(length, corner[axis] + side)
      places = places.flatMap { place in own.map { place * length + $0 } }
    }
    return places
  }

  private func randomMasks(_ image: Tensor) throws -> [Float] {
    let (size, area) = (size(image), area(image))
    let (values, means) = (image.values, mean(image))
    let stream = RandomStream(seed: seed).split(0x7269_7365)
    // Masks are cells enlarged by one cell more than the image, shifted within it.
    let cellSize = size.map { $0 / cells + 1 }
    func mask(_ index: Int) -> [Float] {
      var random = stream.split(index)
      let coarse = size.map { _ in cells + 1 }
      let grid = (0..<coarse.reduce(1, *)).map { _ in random.chance(kept) ? Float(1) : 0 }
      let largeSize = cellSize.map { (cells + 1) * $0 }
      let large = GridResizing.resized(grid, from: coarse, to: largeSize)
      let shifts = cellSize.map { Int(random.uniform() * Double($0)) }
      var places = [0]
      for axis in size.indices {
        places = places.flatMap { place in
          (0..<size[axis]).map { place * largeSize[axis] + $0 + shifts[axis] }
        }
      }
      return places.map { large[$0] }
    }
    var sum = [Float](repeating: 0, count: area)
    var total = 0.0
    try inBatches(masks, of: image) { indices in
      let drawn = indices.map(mask)
      let images = drawn.map { mask in
        values.indices.map { index in
          let middle = means[index / area]
          return middle + mask[index % area] * (values[index] - middle)
        }
      }
      for (mask, found) in zip(drawn, try probabilities(images, like: image)) {
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
    _ evidence: [Float]
  ) throws -> (deletion: Double, insertion: Double) {
    let (size, area) = (size(image), area(image))
    let (values, means) = (image.values, mean(image))
    let small = size.map { max(1, $0 / 8) }
    let blurred = (0..<image.shape[1]).flatMap { channel -> [Float] in
      let plane = Array(values[channel * area..<(channel + 1) * area])
      return GridResizing.resized(
        GridResizing.resized(plane, from: size, to: small),
        from: small,
        to: size
      )
    }
    let order = evidence.indices.sorted {
      evidence[$0] != evidence[$1] ? evidence[$0] > evidence[$1] : $0 < $1
    }
    func areaUnder(_ curve: [Double]) -> Double {
      zip(curve, curve.dropFirst()).reduce(0) { $0 + ($1.0 + $1.1) / 2 } / Double(curve.count - 1)
    }
    func curve(_ begin: [Float], _ end: (Int) -> Float) throws -> [Double] {
      var result: [Double] = []
      try inBatches(curveSteps + 1, of: image) { steps in
        let images = steps.map { step -> [Float] in
          var changed = begin
          for place in order.prefix(area * step / curveSteps) {
            for channel in means.indices {
              changed[channel * area + place] = end(channel * area + place)
            }
          }
          return changed
        }
        result += try probabilities(images, like: image)
      }
      return result
    }
    return (
      areaUnder(try curve(values) { means[$0 / area] }),
      areaUnder(try curve(blurred) { values[$0] })
    )
  }

  // MARK: Batches

  /// Values of a batch are kept below this; networks hold many times as many in their maps.
  private static let batchValues = 1 << 22

  /// Images of a batch: fewer of large ones, and of those of three axes.
  private func batchSize(_ image: Tensor) -> Int {
    let share = image.rank > 4 ? 4 : 1
    return max(1, min(batchSize, Self.batchValues / max(1, share * image.count)))
  }

  private func inBatches(
    _ count: Int,
    of image: Tensor,
    _ body: ([Int]) throws -> Void
  ) throws {
    let size = batchSize(image)
    for start in stride(from: 0, to: count, by: size) {
      try interruption.check()
      try body(Array(start..<min(start + size, count)))
    }
  }

  private func batch(_ values: [Float], like image: Tensor) -> Tensor {
    Tensor(values, shape: [values.count / image.count] + image.shape.dropFirst())
  }

  private func probabilities(_ images: [[Float]], like image: Tensor) throws -> [Double] {
    // Always as many, so that one plan serves.
    let filled = (0..<batchSize(image)).flatMap { images[min($0, images.count - 1)] }
    return Array(
      try score.probabilities(of: batch(filled, like: image)).prefix(images.count)
    )
  }
}
