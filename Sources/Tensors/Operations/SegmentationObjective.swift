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

  private var rows: LossRows { LossRows(samples: samples, channels: channels, spatial: spatial) }

  func outcome(_ probabilities: Tensor) -> LossOutcome {
    checkLabels()
    let regions = terms.contains { $0.term.region != nil } ? regionCounts(probabilities) : nil
    var value = 0.0
    var pulls: [PixelPull] = []
    for entry in terms {
      if entry.term.region != nil {
        value += entry.weight * (regions?.loss(entry.term).value ?? 0)
      } else {
        let (loss, pull) = pixelLoss(entry.term, probabilities)
        value += entry.weight * loss
        pulls.append(pull.scaled(by: entry.weight))
      }
    }
    let pixelPulls = pulls
    return LossOutcome(value: value) { gradient in
      [backward(probabilities, regions: regions, pulls: pixelPulls, gradient: gradient)]
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
  private func regionCounts(_ p: Tensor) -> RegionCounts {
    let rows = self.rows
    let partial = AlignedBuffer<RegionSums>(
      repeating: RegionSums(),
      count: rows.count * channels
    )
    rows.forEach { item, row in
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
    return RegionCounts(rows: rows, partial: partial, hasBackground: true, batch: batch)
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
      rows.forEach { _, row in
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

  private func pixelSums(_ body: @Sendable (LossRows.Row, inout PixelSums) -> Void) -> PixelSums {
    let rows = self.rows
    let partial = AlignedBuffer<Double>(uninitializedCount: rows.count * 3)
    rows.forEach { item, row in
      var sums: PixelSums = (0, 0, 0)
      body(row, &sums)
      partial.mutableElements[item * 3] = sums.0
      partial.mutableElements[item * 3 + 1] = sums.1
      partial.mutableElements[item * 3 + 2] = sums.2
    }
    var total: PixelSums = (0, 0, 0)
    for item in 0..<rows.count {
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
    regions: RegionCounts?,
    pulls: [PixelPull],
    gradient: Float
  ) -> Tensor {
    let result = Tensor(repeating: 0, shape: p.shape)
    let slopes = regions?.slopes(terms, gradient: Double(gradient)) ?? []
    let factors = pulls.map { Float($0.scale * Double(gradient)) }
    var spread = [Float](repeating: 0, count: channels)
    for (pull, factor) in zip(pulls, factors) where !pull.smoothing.isEmpty {
      for c in 0..<channels { spread[c] += factor * Float(pull.smoothing[c]) }
    }
    let (smoothing, smoothingSum) = (spread, spread.reduce(0, +))
    rows.forEach { _, row in
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
