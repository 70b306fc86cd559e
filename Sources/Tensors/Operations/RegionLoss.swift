import Foundation
import Support

/// A weighted sum of losses of regions that may overlap, each by a sigmoid of its own.
///
/// A pixel has a question of two answers for each region. Pixel terms are means over pixels and regions,
/// so that cross-entropy is the binary one; region terms are over all regions, there being no
/// background. With cross-entropy and Dice it is nnU-Net's loss of regions (Isensee et al. 2021; its
/// `DC_and_BCE_loss` reports the negative Dice, without the 1) with one difference: where a label is
/// ignored nnU-Net divides the cross-entropy by the pixels alone, which gives it as many times the weight
/// as there are regions; here it stays a mean.
/// - Parameters:
///   - logits: `[N, R, spatial…]`, one channel for each region.
///   - labels: `[N, spatial…]`, classes of `regions` or the ignored one.
///   - regions: Which classes make up which region.
///   - terms: The parts with their weights; without weights of classes and without label smoothing.
///   - ignoring: Pixels of this label count for nothing.
/// - Returns: One number; pixel terms are 0 when every pixel is ignored.
/// - Precondition: The shapes fit, every label is a class or ignored.
public func regionLoss(
  _ logits: Tensor,
  labels: LabelTensor,
  regions: RegionTable,
  terms: [WeightedSegmentationTerm],
  ignoring: Int32? = nil
) -> Tensor {
  precondition(
    logits.rank >= 2 && logits.shape[0] == labels.shape[0]
      && logits.shape.dropFirst(2).elementsEqual(labels.shape.dropFirst()),
    "labels \(labels.shape) do not fit logits \(logits.shape)"
  )
  precondition(
    logits.shape[1] == regions.regionCount,
    "\(logits.shape[1]) channels for \(regions.regionCount) regions"
  )
  for entry in terms {
    precondition(entry.term.classWeights == nil, "regions have no weights of classes")
    if case .crossEntropy(let options) = entry.term {
      precondition(options.labelSmoothing == 0, "labels of regions are not smoothed")
    }
    if entry.term.region == nil { entry.term.check(channels: regions.regionCount) }
  }
  let objective = RegionObjective(
    samples: logits.shape[0],
    spatial: logits.spatialCount,
    labels: labels.labels,
    regions: regions,
    ignoring: ignoring,
    terms: terms
  )
  return lossOperation("region loss", on: [logits]) { operands in
    objective.outcome(operands[0])
  } reference: { operands in
    referenceRegionLoss(operands[0], objective)
  }
}

/// Computes a sum of losses over one sigmoid for each region, in rows of a fixed length.
///
/// z is the logit of a region, negated where the reference has it not: the logit of the right answer.
struct RegionObjective: Sendable {
  let samples: Int
  let spatial: Int
  let labels: [Int32]
  let regions: RegionTable
  let ignoring: Int32?
  let terms: [WeightedSegmentationTerm]
  /// What other processes hold of the batch; nil when this one holds all.
  private let batch = SharedBatch.current

  init(
    samples: Int,
    spatial: Int,
    labels: [Int32],
    regions: RegionTable,
    ignoring: Int32?,
    terms: [WeightedSegmentationTerm]
  ) {
    self.samples = samples
    self.spatial = spatial
    self.labels = labels
    self.regions = regions
    self.ignoring = ignoring
    self.terms = terms
  }

  private var channels: Int { regions.regionCount }
  private var rows: LossRows { LossRows(samples: samples, channels: channels, spatial: spatial) }

  func outcome(_ logits: Tensor) -> LossOutcome {
    for label in labels where label != ignoring {
      precondition(
        label >= 0 && label < Int32(regions.classCount),
        "label \(label) of \(regions.classCount) classes"
      )
    }
    let counts = terms.contains { $0.term.region != nil } ? regionCounts(logits) : nil
    var value = 0.0
    var pulls: [Pull] = []
    for entry in terms {
      if entry.term.region != nil {
        value += entry.weight * (counts?.loss(entry.term).value ?? 0)
      } else {
        var (loss, pull) = pixelLoss(entry.term, logits)
        value += entry.weight * loss
        pull.scale *= entry.weight
        pulls.append(pull)
      }
    }
    let found = pulls
    return LossOutcome(value: value) { gradient in
      [backward(logits, counts, found, gradient: gradient)]
    }
  }

  /// Visits the pixels of a row that count, channel by channel: the place of the value, its logit, and
  /// whether the region is there.
  private func forEachValue(
    of logits: Tensor,
    in row: LossRows.Row,
    channel: Int,
    _ body: (Int, Float, Bool) -> Void
  ) {
    let values = logits.storage.elements
    let start = row.firstValue + channel * spatial
    for i in 0..<row.count {
      let label = labels[row.firstLabel + i]
      if label == ignoring { continue }
      body(start + i, values[start + i], regions.contains(region: channel, class: Int(label)))
    }
  }

  private func regionCounts(_ logits: Tensor) -> RegionCounts {
    let rows = self.rows
    let partial = AlignedBuffer<RegionSums>(repeating: RegionSums(), count: rows.count * channels)
    rows.forEach { item, row in
      for channel in 0..<channels {
        var sums = RegionSums()
        forEachValue(of: logits, in: row, channel: channel) { _, x, isInside in
          let p = Double(Self.sigmoid(x))
          sums.mass += p
          sums.squares += p * p
          if isInside {
            sums.overlap += p
            sums.reference += 1
          }
        }
        partial.mutableElements[item * channels + channel] = sums
      }
    }
    return RegionCounts(rows: rows, partial: partial, hasBackground: false, batch: batch)
  }

  /// 1 / (1 + e⁻ˣ) without overflow.
  private static func sigmoid(_ x: Float) -> Float {
    let small = exp(-abs(x))
    return (x >= 0 ? 1 : small) / (1 + small)
  }

  /// −log of the sigmoid of z, without overflow.
  private static func cost(_ z: Float) -> Float { max(-z, 0) + log1p(exp(-abs(z))) }
}

// MARK: - Pixels

extension RegionObjective {
  /// How a pixel term pulls on z.
  private struct Pull: Sendable {
    /// Multiplies everything.
    var scale: Double
    let rule: Rule

    enum Rule: Sendable {
      /// All pixels alike.
      case all
      /// The focal loss's exponent.
      case focal(gamma: Float)
      /// Chosen values only.
      case chosen(AlignedBuffer<UInt8>)
    }

    func slope(_ z: Float, place: Int) -> Float {
      let rest = RegionObjective.sigmoid(-z)
      switch rule {
      case .all: return -rest
      case .chosen(let mask): return mask.elements[place] == 0 ? 0 : -rest
      case .focal(let gamma):
        if gamma == 0 { return -rest }
        let kept = RegionObjective.sigmoid(z)
        return -pow(rest, gamma) * (gamma * kept * RegionObjective.cost(z) + rest)
      }
    }
  }

  private func pixelLoss(_ term: SegmentationTerm, _ logits: Tensor) -> (value: Double, pull: Pull)
  {
    switch term {
    case .crossEntropy:
      return mean(logits, .all) { Self.cost($0) }
    case .focal(let gamma, _):
      let exponent = Float(gamma)
      return mean(logits, .focal(gamma: exponent)) {
        pow(Self.sigmoid(-$0), exponent) * Self.cost($0)
      }
    case .topKCrossEntropy(let percent, _):
      let costs = AlignedBuffer<Float>(repeating: 0, count: logits.count)
      rows.forEach { _, row in
        for channel in 0..<channels {
          forEachValue(of: logits, in: row, channel: channel) { place, x, isInside in
            costs.mutableElements[place] = Self.cost(isInside ? x : -x)
          }
        }
      }
      let wanted = max(1, Int(Double(costs.count) * percent / 100))
      let (mask, total) = LargestValues.chosen(wanted, of: costs)
      let scale = 1 / Double(wanted)
      return (total * scale, Pull(scale: scale, rule: .chosen(mask)))
    case .dice, .tversky: return (0, Pull(scale: 0, rule: .all))
    }
  }

  /// The mean over the values that count; 0 without any.
  private func mean(
    _ logits: Tensor,
    _ rule: Pull.Rule,
    _ cost: @Sendable (Float) -> Float
  ) -> (value: Double, pull: Pull) {
    let rows = self.rows
    let partial = AlignedBuffer<Double>(uninitializedCount: rows.count * 2)
    rows.forEach { item, row in
      var (sum, count) = (0.0, 0.0)
      for channel in 0..<channels {
        forEachValue(of: logits, in: row, channel: channel) { _, x, isInside in
          sum += Double(cost(isInside ? x : -x))
          count += 1
        }
      }
      partial.mutableElements[item * 2] = sum
      partial.mutableElements[item * 2 + 1] = count
    }
    var (sum, count) = (0.0, 0.0)
    for item in 0..<rows.count {
      sum += partial.elements[item * 2]
      count += partial.elements[item * 2 + 1]
    }
    // Of a batch that several processes share the mean of their values is to be the mean over all.
    let total = batch.map { $0.sums(of: [count])[0] } ?? count
    let scale = total == 0 ? 0 : Double(batch?.parts ?? 1) / total
    return (sum * scale, Pull(scale: scale, rule: rule))
  }

  private func backward(
    _ logits: Tensor,
    _ counts: RegionCounts?,
    _ pulls: [Pull],
    gradient: Float
  ) -> Tensor {
    let result = Tensor(repeating: 0, shape: logits.shape)
    let slopes = counts?.slopes(terms, gradient: Double(gradient)) ?? []
    let factors = pulls.map { Float($0.scale * Double(gradient)) }
    rows.forEach { _, row in
      let target = result.storage.mutableElements
      for channel in 0..<channels {
        let slope = slopes.isEmpty ? RegionSlopes() : slopes[row.sample * channels + channel]
        forEachValue(of: logits, in: row, channel: channel) { place, x, isInside in
          let p = Self.sigmoid(x)
          var total =
            ((isInside ? slope.inside : slope.outside) + slope.curve * p) * p * Self.sigmoid(-x)
          for (pull, factor) in zip(pulls, factors) {
            let slope = factor * pull.slope(isInside ? x : -x, place: place)
            total += isInside ? slope : -slope
          }
          target[place] = total
        }
      }
    }
    return result
  }
}
