import Foundation
package import Support
package import Transforms

/// Labels that agree with those of all other voxels that lie near and look alike.
///
/// Krähenbühl and Koltun 2011, "Efficient inference in fully connected CRFs with Gaussian edge
/// potentials": E = Σ_i ψ_i(x_i) + Σ_{i<j} [x_i ≠ x_j] (appearance · exp(−|p_i − p_j|²/2 space² −
/// (I_i − I_j)²/2 range²) + smoothness · exp(−|p_i − p_j|²/2 width²)) (equations 2 and 3), by mean field
/// (algorithm 1). As in the authors' later program each kernel is divided by its sum over all voxels, the
/// voxel itself included, so that weights do not depend on the deviations. Kernels are summed by
/// `BilateralGrid` instead of a permutohedral lattice: with at most four features it is as fast.
/// Unary potentials are −ln of the network's probabilities, or of normal densities of the seeds' values.
/// Where labels count objects the field is one of foreground and background, whose voxels the objects share.
package struct DenseRandomField: ClassicalRefinement {
  package static let name = "crf"
  package static let paper =
    "Krähenbühl and Koltun 2011, Efficient inference in fully connected CRFs with Gaussian edge "
    + "potentials"
  package static let parameters = [
    FilterParameter("appearance", 3, 0...1000, "weight of near voxels of like value"),
    FilterParameter("space", 10, 0.1...1000, "standard deviation of their distances, mm"),
    FilterParameter(
      "range",
      0,
      0...1e9,
      "standard deviation of their differences, in the image's unit; 0: half the image's own"
    ),
    FilterParameter("smoothness", 1, 0...1000, "weight of near voxels of any value"),
    FilterParameter("width", 1.5, 0.1...100, "standard deviation of their distances, mm"),
    FilterParameter("iterations", 5, 1...100, isWhole: true, "steps of the mean field"),
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

  /// Least probability of a label.
  private static let leastProbability: Float = 1e-6
  /// The probability of seeds.
  private static let seedProbability: Float = 0.999
  /// The most labels, whose probabilities are all held.
  private static let mostLabels = 64

  package static func bytesPerVoxel(classes: Int) -> Int { 24 + 12 * classes }

  /// Objects are one class, and the background another.
  package static func classCount(of prior: PriorLabels) -> Int {
    prior.countsObjects ? 2 : prior.occurring.count
  }

  package func labels(
    of image: ClassicalImage,
    seeds: [UInt16]?,
    interruption: Interruption
  ) throws -> ClassicalLabels {
    let isPinned = seeds != nil
    let seeds = try SeedMarks(
      seeds,
      method: Self.name,
      values: values,
      image: image,
      needed: 2
    )
    let unary = Self.potentials(seeds, isPinned: isPinned, image)
    return seeds.labelled(try winners(unary, image, interruption))
  }

  package func refined(
    _ prior: PriorLabels,
    by image: ClassicalImage,
    interruption: Interruption
  ) throws -> [UInt16] {
    guard prior.occurring.count > 1 else { return prior.labels }
    if prior.countsObjects {
      // Objects of one kind look alike: what the image can tell apart is foreground and background.
      let kinds = PriorLabels(prior.labels.map { $0 > 0 ? 1 : 0 })
      let found = try refined(kinds, by: image, interruption: interruption)
      return prior.objects(in: found, image: image)
    }
    let unary = prior.occurring.map { label in
      prior.probability(of: label, certainty: Float(values["certainty"])).map {
        -log(max($0.isNaN ? 0 : min($0, 1), Self.leastProbability))
      }
    }
    return try winners(unary, image, interruption).map { prior.occurring[Int($0)] }
  }

  /// −ln of the share of each class's normal density of the seeds' values.
  private static func potentials(
    _ seeds: SeedMarks,
    isPinned: Bool,
    _ image: ClassicalImage
  ) -> [[Float]] {
    var models: [(mean: Double, deviation: Double)] = []
    for mark in 1...seeds.count {
      var (count, sum, squares) = (0.0, 0.0, 0.0)
      for place in seeds.marks.indices where Int(seeds.marks[place]) == mark {
        let value = Double(image.values[place])
        count += 1
        sum += value
        squares += value * value
      }
      let mean = sum / max(1, count)
      let variance = max(0, squares / max(1, count) - mean * mean)
      // Few seeds of one value must not exclude all others.
      models.append((mean, max(variance.squareRoot(), 0.2 * image.deviation)))
    }
    var potentials = [[Float]](
      repeating: .init(repeating: 0, count: image.count),
      count: seeds.count
    )
    for place in 0..<image.count {
      let logs = models.map { model in
        let distance = (Double(image.values[place]) - model.mean) / model.deviation
        return -0.5 * distance * distance - log(model.deviation)
      }
      let largest = logs.max() ?? 0
      let total = logs.reduce(0) { $0 + exp($1 - largest) }
      let mark = isPinned ? Int(seeds.marks[place]) : 0
      for index in logs.indices {
        var share = Float(exp(logs[index] - largest) / total)
        if mark > 0 {
          share =
            mark == index + 1
            ? seedProbability : (1 - seedProbability) / Float(logs.count - 1)
        }
        potentials[index][place] = -log(max(share, leastProbability))
      }
    }
    return potentials
  }

  private func winners(
    _ unary: [[Float]],
    _ image: ClassicalImage,
    _ interruption: Interruption
  ) throws -> [UInt16] {
    let marginals = try marginals(unary, image, interruption)
    var winner = [UInt16](repeating: 0, count: image.count)
    for index in 1..<marginals.count {
      for place in winner.indices
      where marginals[index][place] > marginals[Int(winner[place])][place] {
        winner[place] = UInt16(index)
      }
    }
    return winner
  }

  /// The mean field's probabilities, `[class][voxel]`.
  /// - Parameters:
  ///   - unary: −ln p, `[class][voxel]`; at least one class.
  ///   - image: The image.
  ///   - interruption: Looked at between steps.
  /// - Returns: As many classes and voxels.
  /// - Throws: `ClassicalSegmentationError.tooManyLabels`; `SupportError.interrupted`.
  package func marginals(
    _ unary: [[Float]],
    _ image: ClassicalImage,
    _ interruption: Interruption
  ) throws -> [[Float]] {
    guard unary.count <= Self.mostLabels else {
      throw ClassicalSegmentationError.tooManyLabels(
        count: unary.count,
        limit: Self.mostLabels
      )
    }
    let told = values["range"]
    let kernels: [(weight: Float, grid: BilateralGrid)] = [
      (
        Float(values["appearance"]),
        BilateralGrid(
          image,
          deviationMM: values["space"],
          valueDeviation: told > 0 ? told : image.deviation / 2
        )
      ),
      (
        Float(values["smoothness"]),
        BilateralGrid(image, deviationMM: values["width"], valueDeviation: nil)
      ),
    ].filter { $0.weight > 0 }
    var field = Self.softmax(unary.map { $0.map { -$0 } })
    for _ in 0..<values.whole("iterations") {
      try interruption.check()
      let current = field
      var logits = [[Float]](repeating: [], count: unary.count)
      logits.withUnsafeMutableBufferPointer { room in
        guard let base = room.baseAddress else { return }
        let memory = SharedPointer(base)
        Parallelism.forEach(unary.count) { index in
          var sums = unary[index].map { -$0 }
          for (weight, grid) in kernels {
            let mean = grid.mean(of: current[index])
            for place in sums.indices { sums[place] += weight * mean[place] }
          }
          memory.pointer[index] = sums
        }
      }
      field = Self.softmax(logits)
    }
    return field
  }

  /// Probabilities of logits, `[class][voxel]`.
  private static func softmax(_ logits: [[Float]]) -> [[Float]] {
    var result = logits
    let count = logits.first?.count ?? 0
    for place in 0..<count {
      var largest = -Float.infinity
      for index in logits.indices { largest = max(largest, logits[index][place]) }
      var total: Float = 0
      for index in logits.indices {
        let share = exp(logits[index][place] - largest)
        result[index][place] = share
        total += share
      }
      for index in logits.indices { result[index][place] /= total }
    }
    return result
  }
}
