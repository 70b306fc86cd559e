import Foundation
import Support

/// Sums over pixels of one channel's probabilities p and its reference r.
struct RegionSums: Sendable {
  /// Σ p r.
  var overlap = 0.0
  /// Σ p.
  var mass = 0.0
  /// Σ p².
  var squares = 0.0
  /// Σ r.
  var reference = 0.0

  static func += (left: inout RegionSums, right: RegionSums) {
    left.overlap += right.overlap
    left.mass += right.mass
    left.squares += right.squares
    left.reference += right.reference
  }
}

/// The slopes of region terms in p: `inside` where the reference is 1, else `outside`, and `curve`
/// times p.
struct RegionSlopes: Sendable {
  var inside: Float = 0
  var outside: Float = 0
  var curve: Float = 0
}

/// The soft counts of a batch, of which Dice and Tversky losses are made.
struct RegionCounts: Sendable {
  private let samples: Int
  private let channels: Int
  /// Whether channel 0 is background, which terms may leave out.
  private let hasBackground: Bool
  /// The number of processes that share the batch.
  private let parts: Int
  /// Of each sample and channel.
  private let sums: [RegionSums]
  /// Of each channel over the samples that other processes hold; empty without any.
  private let others: [RegionSums]

  /// Adds up the sums of rows, and asks other processes for theirs.
  /// - Parameters:
  ///   - rows: The rows.
  ///   - partial: The sums of each row and channel.
  ///   - hasBackground: Whether channel 0 is background.
  ///   - batch: What other processes hold of the batch, or nil.
  init(
    rows: LossRows,
    partial: AlignedBuffer<RegionSums>,
    hasBackground: Bool,
    batch: SharedBatch?
  ) {
    (samples, channels) = (rows.samples, rows.channels)
    self.hasBackground = hasBackground
    parts = batch?.parts ?? 1
    var sums = [RegionSums](repeating: RegionSums(), count: samples * channels)
    for item in 0..<rows.count {
      for c in 0..<channels {
        sums[item / rows.perSample * channels + c] += partial.elements[item * channels + c]
      }
    }
    self.sums = sums
    others = batch.map { [channels] in Self.otherParts(sums, channels: channels, of: $0) } ?? []
  }

  /// The sums of each channel over the samples of the batch that other processes hold.
  private static func otherParts(
    _ sums: [RegionSums],
    channels: Int,
    of batch: SharedBatch
  ) -> [RegionSums] {
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

  /// A region term's value, and its slopes for each sample and channel.
  ///
  /// Of a batch that several processes share, the mean of the processes' gradients is to be the
  /// gradient of the batch's one value, so that each is taken that many times.
  /// - Parameter term: The term; others than Dice and Tversky are 0.
  /// - Returns: The value, and its derivatives for Σ p r and for Σ p (or Σ p²).
  func loss(_ term: SegmentationTerm) -> (value: Double, slopes: [(overlap: Double, mass: Double)])
  {
    var slopes = [(overlap: Double, mass: Double)](
      repeating: (0, 0),
      count: samples * channels
    )
    guard let region = term.region else { return (0, slopes) }
    let first = hasBackground && !region.includesBackground ? 1 : 0
    let groups = region.overBatch ? 1 : samples
    let share = 1 / Double(groups * (channels - first))
    let others = region.overBatch ? self.others : []
    let parts = others.isEmpty ? 1 : Double(self.parts)
    var value = 0.0
    for group in 0..<groups {
      let members = region.overBatch ? 0..<samples : group..<group + 1
      for c in first..<channels {
        var total = others.isEmpty ? RegionSums() : others[c]
        for sample in members { total += sums[sample * channels + c] }
        let found = term.loss(of: total)
        value += found.value * share
        for sample in members {
          slopes[sample * channels + c] =
            (found.overlap * share * parts, found.mass * share * parts)
        }
      }
    }
    return (value, slopes)
  }

  /// The slopes of all region terms together.
  /// - Parameters:
  ///   - terms: The terms of the loss.
  ///   - gradient: Multiplies everything.
  /// - Returns: One for each sample and channel.
  func slopes(_ terms: [WeightedSegmentationTerm], gradient: Double) -> [RegionSlopes] {
    var inside = [Double](repeating: 0, count: samples * channels)
    var (outside, curve) = (inside, inside)
    for entry in terms where entry.term.region != nil {
      var squared = false
      if case .dice(_, true) = entry.term { squared = true }
      for (place, slope) in loss(entry.term).slopes.enumerated() {
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

extension SegmentationTerm {
  /// One channel's loss and its derivatives for Σ p r and for Σ p (or Σ p²).
  fileprivate func loss(
    of sums: RegionSums
  ) -> (value: Double, overlap: Double, mass: Double) {
    switch self {
    case .dice(let region, let squared):
      let numerator = 2 * sums.overlap + region.smooth
      let denominator = (squared ? sums.squares : sums.mass) + sums.reference + region.smooth
      // Nothing to find and nothing found, without smoothing: found.
      if denominator == 0 { return (0, 0, 0) }
      return (
        1 - numerator / denominator, -2 / denominator, numerator / (denominator * denominator)
      )
    case .tversky(let region, let options):
      let (a, b) = (options.falsePositiveWeight, options.falseNegativeWeight)
      let numerator = sums.overlap + region.smooth
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
}
