import Foundation
import Support

/// Computes a sum of segmentation losses over one softmax, in rows of a fixed length.
///
/// Region terms need four sums for each sample and class; pixel terms pull each pixel's logits by
/// k (p − r). Both gradients are written in one pass.
struct SegmentationObjective: Sendable {
  let samples: Int
  let channels: Int
  let spatial: Int
  let labels: [Int32]
  let ignoring: Int32?
  let terms: [WeightedSegmentationTerm]
  /// What other processes hold of the batch; nil when this one holds all.
  private let batch = SharedBatch.current

  /// Pixels of a row; a fixed number, so that sums do not depend on the thread count.
  private static let rowLength = 1024

  private var rows: Int { (spatial + Self.rowLength - 1) / Self.rowLength }

  /// A row: pixels of one sample, by their places in the labels and in channel 0.
  private struct Row {
    let sample: Int
    let firstLabel: Int
    let firstValue: Int
    let count: Int
  }

  private func forEachRow(_ body: @Sendable (Int, Row) -> Void) {
    let rows = self.rows
    EngineThreads.forEachRange(samples * rows, itemCost: Self.rowLength * channels * 8) { range in
      for item in range {
        let (sample, start) = (item / rows, item % rows * Self.rowLength)
        body(
          item,
          Row(
            sample: sample,
            firstLabel: sample * spatial + start,
            firstValue: sample * channels * spatial + start,
            count: min(Self.rowLength, spatial - start)
          )
        )
      }
    }
  }

  /// Sums of a sample's class.
  struct RegionSums: Sendable {
    var overlap = 0.0
    var mass = 0.0
    var squares = 0.0
    var reference = 0.0

    static func += (left: inout RegionSums, right: RegionSums) {
      left.overlap += right.overlap
      left.mass += right.mass
      left.squares += right.squares
      left.reference += right.reference
    }
  }

  /// The slopes of a region term in p: `inside` where the reference has the class, else `outside`,
  /// and `curve` times p.
  struct RegionSlopes: Sendable {
    var inside: Float = 0
    var outside: Float = 0
    var curve: Float = 0
  }

  func outcome(_ probabilities: Tensor) -> LossOutcome {
    checkLabels()
    var regions = terms.contains { $0.term.region != nil } ? regionSums(probabilities) : []
    if !regions.isEmpty, let batch { regions += otherParts(regions, of: batch) }
    var value = 0.0
    var pulls: [PixelPull] = []
    for entry in terms {
      if let region = entry.term.region {
        value += entry.weight * regionLoss(entry.term, region, regions).value
      } else {
        let (loss, pull) = pixelLoss(entry.term, probabilities)
        value += entry.weight * loss
        pulls.append(pull.scaled(by: entry.weight))
      }
    }
    let (regionParts, pixelPulls) = (regions, pulls)
    return LossOutcome(value: value) { gradient in
      [backward(probabilities, regions: regionParts, pulls: pixelPulls, gradient: gradient)]
    }
  }

  private func checkLabels() {
    for label in labels where label != ignoring {
      precondition(
        label >= 0 && label < Int32(channels),
        "label \(label) of \(channels) classes"
      )
    }
  }
}

// MARK: - Regions

extension SegmentationObjective {
  private func regionSums(_ p: Tensor) -> [RegionSums] {
    let partial = AlignedBuffer<RegionSums>(
      repeating: RegionSums(),
      count: samples * rows * channels
    )
    forEachRow { item, row in
      let (values, labels) = (p.storage.elements, labels)
      for c in 0..<channels {
        var sums = RegionSums()
        let start = row.firstValue + c * spatial
        for i in 0..<row.count {
          let label = labels[row.firstLabel + i]
          if label == ignoring { continue }
          let value = Double(values[start + i])
          sums.mass += value
          sums.squares += value * value
          if label == Int32(c) {
            sums.overlap += value
            sums.reference += 1
          }
        }
        partial.mutableElements[item * channels + c] = sums
      }
    }
    var result = [RegionSums](repeating: RegionSums(), count: samples * channels)
    for item in 0..<samples * rows {
      for c in 0..<channels {
        result[item / rows * channels + c] += partial.elements[item * channels + c]
      }
    }
    return result
  }

  /// The sums of each class over the samples of the batch that other processes hold.
  private func otherParts(_ sums: [RegionSums], of batch: SharedBatch) -> [RegionSums] {
    var own = [RegionSums](repeating: RegionSums(), count: channels)
    for (place, part) in sums.enumerated() { own[place % channels] += part }
    let all = batch.sums(
      of: own.flatMap { [$0.overlap, $0.mass, $0.squares, $0.reference] }
    )
    return own.enumerated().map { c, own in
      RegionSums(
        overlap: all[4 * c] - own.overlap,
        mass: all[4 * c + 1] - own.mass,
        squares: all[4 * c + 2] - own.squares,
        reference: all[4 * c + 3] - own.reference
      )
    }
  }

  /// A region term's value, and its slopes for each sample and class.
  ///
  /// Of a batch that several processes share, `sums` ends in those of the others' samples. The mean
  /// of the processes' gradients is to be the gradient of the batch's one value, so that each is taken
  /// that many times.
  private func regionLoss(
    _ term: SegmentationTerm,
    _ region: RegionOptions,
    _ sums: [RegionSums]
  ) -> (value: Double, slopes: [(overlap: Double, mass: Double)]) {
    let first = region.includesBackground ? 0 : 1
    let groups = region.overBatch ? 1 : samples
    let share = 1 / Double(groups * (channels - first))
    let others = region.overBatch ? Array(sums.dropFirst(samples * channels)) : []
    let parts = others.isEmpty ? 1 : Double(batch?.parts ?? 1)
    var value = 0.0
    var slopes = [(overlap: Double, mass: Double)](
      repeating: (0, 0),
      count: samples * channels
    )
    for group in 0..<groups {
      let members = region.overBatch ? 0..<samples : group..<group + 1
      for c in first..<channels {
        var total = others.isEmpty ? RegionSums() : others[c]
        for sample in members { total += sums[sample * channels + c] }
        let found = classLoss(term, region, total)
        value += found.value * share
        for sample in members {
          slopes[sample * channels + c] =
            (found.overlap * share * parts, found.mass * share * parts)
        }
      }
    }
    return (value, slopes)
  }

  /// One class's loss and its derivatives for Σ p r and for Σ p (or Σ p²).
  private func classLoss(
    _ term: SegmentationTerm,
    _ region: RegionOptions,
    _ sums: RegionSums
  ) -> (value: Double, overlap: Double, mass: Double) {
    let s = region.smooth
    switch term {
    case .dice(_, let squared):
      let numerator = 2 * sums.overlap + s
      let denominator = (squared ? sums.squares : sums.mass) + sums.reference + s
      // Nothing to find and nothing found, without smoothing: found.
      if denominator == 0 { return (0, 0, 0) }
      return (
        1 - numerator / denominator, -2 / denominator, numerator / (denominator * denominator)
      )
    case .tversky(_, let options):
      let (a, b) = (options.falsePositiveWeight, options.falseNegativeWeight)
      let numerator = sums.overlap + s
      let denominator =
        numerator + a * (sums.mass - sums.overlap) + b * (sums.reference - sums.overlap)
      if denominator == 0 { return (0, 0, 0) }
      // Below 1 the exponent makes the slope infinite at 0.
      let rest = max(1 - numerator / denominator, 1e-7)
      let outer = options.exponent * pow(rest, options.exponent - 1)
      let square = denominator * denominator
      return (
        pow(rest, options.exponent),
        outer * (numerator * (1 - a - b) / square - 1 / denominator),
        outer * numerator * a / square
      )
    default: return (0, 0, 0)
    }
  }

  private func regionSlopes(_ sums: [RegionSums], gradient: Double) -> [RegionSlopes] {
    var inside = [Double](repeating: 0, count: samples * channels)
    var (outside, curve) = (inside, inside)
    for entry in terms {
      guard let region = entry.term.region else { continue }
      var squared = false
      if case .dice(_, true) = entry.term { squared = true }
      for (place, slope) in regionLoss(entry.term, region, sums).slopes.enumerated() {
        let factor = gradient * entry.weight
        inside[place] += factor * slope.overlap
        if squared {
          curve[place] += factor * 2 * slope.mass
        } else {
          inside[place] += factor * slope.mass
          outside[place] += factor * slope.mass
        }
      }
    }
    return inside.indices.map {
      RegionSlopes(inside: Float(inside[$0]), outside: Float(outside[$0]), curve: Float(curve[$0]))
    }
  }
}

// MARK: - Pixels

extension SegmentationObjective {
  /// How a pixel term pulls on logits: k (p − r) for a pixel, and (p Σ smooth − smooth) everywhere.
  struct PixelPull: Sendable {
    /// Multiplies everything.
    var scale: Double
    var rule: Rule
    /// Smoothing weights of the classes; empty without.
    var smoothing: [Double] = []

    enum Rule: Sendable {
      /// k = the class's weight.
      case weights([Float])
      /// k = weight (q^γ − γ q^(γ−1) p log p), q = 1 − p.
      case focal(gamma: Float, weights: [Float])
      /// k = the class's weight in chosen pixels.
      case chosen(AlignedBuffer<UInt8>, weights: [Float])
    }

    func scaled(by factor: Double) -> PixelPull {
      var copy = self
      copy.scale *= factor
      return copy
    }

    func strength(_ probability: Float, label: Int, pixel: Int) -> Float {
      switch rule {
      case .weights(let weights): return weights[label]
      case .focal(let gamma, let weights):
        if gamma == 0 { return weights[label] }
        let rest = max(1 - probability, .leastNormalMagnitude)
        let logarithm = log(max(probability, .leastNormalMagnitude))
        let power = pow(rest, gamma)
        return weights[label] * (power - gamma * power / rest * probability * logarithm)
      case .chosen(let mask, let weights):
        return mask.elements[pixel] == 0 ? 0 : weights[label]
      }
    }
  }

  /// −log p, bounded by the smallest normal number at 87 instead of infinity.
  private func surprise(_ p: Float) -> Float { -log(max(p, .leastNormalMagnitude)) }

  private func pixelLoss(
    _ term: SegmentationTerm,
    _ p: Tensor
  ) -> (value: Double, pull: PixelPull) {
    let weights = (term.classWeights ?? [Double](repeating: 1, count: channels)).map { Float($0) }
    switch term {
    case .crossEntropy(let options):
      let epsilon = options.labelSmoothing
      let sums = pixelSums { row, sums in
        for i in 0..<row.count {
          let label = labels[row.firstLabel + i]
          if label == ignoring { continue }
          let (place, weight) = (row.firstValue + i, Double(weights[Int(label)]))
          sums.0 += weight * Double(surprise(p.storage.elements[place + Int(label) * spatial]))
          sums.1 += weight
          guard epsilon > 0 else { continue }
          for c in 0..<channels {
            sums.2 +=
              Double(weights[c]) * Double(surprise(p.storage.elements[place + c * spatial]))
          }
        }
      }
      let scale = meanScale(sums.1)
      let spread = epsilon / Double(channels)
      return (
        ((1 - epsilon) * sums.0 + spread * sums.2) * scale,
        PixelPull(
          scale: scale,
          rule: .weights(weights.map { $0 * Float(1 - epsilon) }),
          smoothing: epsilon > 0 ? weights.map { Double($0) * spread } : []
        )
      )
    case .focal(let gamma, _):
      let sums = pixelSums { row, sums in
        for i in 0..<row.count {
          let label = labels[row.firstLabel + i]
          if label == ignoring { continue }
          let value = p.storage.elements[row.firstValue + i + Int(label) * spatial]
          sums.0 += Double(
            weights[Int(label)] * pow(max(0, 1 - value), Float(gamma)) * surprise(value)
          )
          sums.1 += 1
        }
      }
      let scale = meanScale(sums.1)
      let rule = PixelPull.Rule.focal(gamma: Float(gamma), weights: weights)
      return (sums.0 * scale, PixelPull(scale: scale, rule: rule))
    case .topKCrossEntropy(let percent, _):
      let losses = AlignedBuffer<Float>(repeating: 0, count: samples * spatial)
      forEachRow { _, row in
        for i in 0..<row.count {
          let label = labels[row.firstLabel + i]
          if label == ignoring { continue }
          let value = p.storage.elements[row.firstValue + i + Int(label) * spatial]
          // Rounding may take −log 1 below 0, where bit patterns fall.
          losses.mutableElements[row.firstLabel + i] =
            max(0, weights[Int(label)] * surprise(value))
        }
      }
      let wanted = max(1, Int(Double(losses.count) * percent / 100))
      let (mask, total) = LargestValues.chosen(wanted, of: losses)
      let scale = 1 / Double(wanted)
      let rule = PixelPull.Rule.chosen(mask, weights: weights)
      return (total * scale, PixelPull(scale: scale, rule: rule))
    case .dice, .tversky: return (0, PixelPull(scale: 0, rule: .weights(weights)))
    }
  }

  /// What a sum over pixels of a total weight is multiplied by to be a mean; 0 without any weight.
  ///
  /// Of a batch that several processes share the mean of their values is to be the mean over all.
  private func meanScale(_ weight: Double) -> Double {
    guard let batch else { return weight == 0 ? 0 : 1 / weight }
    let total = batch.sums(of: [weight])[0]
    return total == 0 ? 0 : Double(batch.parts) / total
  }

  private typealias PixelSums = (Double, Double, Double)

  private func pixelSums(_ body: @Sendable (Row, inout PixelSums) -> Void) -> PixelSums {
    let partial = AlignedBuffer<Double>(uninitializedCount: samples * rows * 3)
    forEachRow { item, row in
      var sums: PixelSums = (0, 0, 0)
      body(row, &sums)
      partial.mutableElements[item * 3] = sums.0
      partial.mutableElements[item * 3 + 1] = sums.1
      partial.mutableElements[item * 3 + 2] = sums.2
    }
    var total: PixelSums = (0, 0, 0)
    for item in 0..<samples * rows {
      total.0 += partial.elements[item * 3]
      total.1 += partial.elements[item * 3 + 1]
      total.2 += partial.elements[item * 3 + 2]
    }
    return total
  }
}

// MARK: - Gradient

extension SegmentationObjective {
  private func backward(
    _ p: Tensor,
    regions: [RegionSums],
    pulls: [PixelPull],
    gradient: Float
  ) -> Tensor {
    let result = Tensor(repeating: 0, shape: p.shape)
    let slopes = regions.isEmpty ? [] : regionSlopes(regions, gradient: Double(gradient))
    let factors = pulls.map { Float($0.scale * Double(gradient)) }
    var spread = [Float](repeating: 0, count: channels)
    for (pull, factor) in zip(pulls, factors) where !pull.smoothing.isEmpty {
      for c in 0..<channels { spread[c] += factor * Float(pull.smoothing[c]) }
    }
    let (smoothing, smoothingSum) = (spread, spread.reduce(0, +))
    forEachRow { _, row in
      let (values, target) = (p.storage.elements, result.storage.mutableElements)
      let inner = AlignedBuffer<Float>(repeating: 0, count: row.count)
      if !slopes.isEmpty {
        for c in 0..<channels {
          let (slope, start) = (slopes[row.sample * channels + c], row.firstValue + c * spatial)
          for i in 0..<row.count {
            let value = values[start + i]
            let hit = labels[row.firstLabel + i] == Int32(c)
            let part = (hit ? slope.inside : slope.outside) + slope.curve * value
            target[start + i] = part
            inner.mutableElements[i] += part * value
          }
        }
      }
      let strength = AlignedBuffer<Float>(repeating: 0, count: row.count)
      for (pull, factor) in zip(pulls, factors) {
        for i in 0..<row.count {
          let label = labels[row.firstLabel + i]
          if label == ignoring { continue }
          let value = values[row.firstValue + i + Int(label) * spatial]
          strength.mutableElements[i] +=
            factor * pull.strength(value, label: Int(label), pixel: row.firstLabel + i)
        }
      }
      for c in 0..<channels {
        let start = row.firstValue + c * spatial
        for i in 0..<row.count {
          let label = labels[row.firstLabel + i]
          if label == ignoring {
            target[start + i] = 0
            continue
          }
          let value = values[start + i]
          let pull = strength.elements[i]
          let direct = (label == Int32(c) ? value - 1 : value) * pull
          target[start + i] =
            value * (target[start + i] - inner.elements[i]) + direct
            + (value * smoothingSum - smoothing[c])
        }
      }
    }
    return result
  }
}
