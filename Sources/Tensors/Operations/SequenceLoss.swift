import Foundation
import Support

/// Label sequences of a batch: the reference of a CTC loss.
public struct SequenceLabels: Sendable, Equatable {
  /// The labels of each sample; none is the blank.
  public let sequences: [[Int32]]
  /// How many of each sample's time steps count; nil for all.
  public let inputLengths: [Int]?

  /// Creates labels.
  /// - Parameters:
  ///   - sequences: The labels of each sample; none is the blank.
  ///   - inputLengths: How many of each sample's time steps count; nil for all.
  public init(_ sequences: [[Int32]], inputLengths: [Int]? = nil) {
    self.sequences = sequences
    self.inputLengths = inputLengths
  }
}

/// Connectionist temporal classification: −log of the probability of all alignments of the labels.
///
/// Graves et al. 2006, "Connectionist temporal classification", section 4, in logarithms. The mean is
/// PyTorch's: each sample's loss over its label count (at least 1), averaged over the batch.
/// - Parameters:
///   - logits: `[N, C, T]`; a softmax over C is taken inside.
///   - labels: The label sequences, and how many time steps count.
///   - blank: The class that stands for no label.
///   - ignoresImpossible: Whether a sample too short for its labels counts as 0 with no gradient,
///     instead of an infinite loss (then with a zero gradient too).
/// - Returns: One number.
/// - Precondition: As many sequences as samples; labels are classes other than the blank; lengths are
///   at most T.
public func sequenceLoss(
  _ logits: Tensor,
  labels: SequenceLabels,
  blank: Int = 0,
  ignoresImpossible: Bool = false
) -> Tensor {
  precondition(logits.rank == 3, "CTC needs [N, C, T], not \(logits.shape)")
  let (samples, channels, steps) = (logits.shape[0], logits.shape[1], logits.shape[2])
  let lengths = labels.inputLengths ?? [Int](repeating: steps, count: samples)
  precondition(
    samples > 0 && labels.sequences.count == samples && lengths.count == samples
      && lengths.allSatisfy { (0...steps).contains($0) },
    "\(labels.sequences.count) sequences of the lengths \(lengths) for \(logits.shape)"
  )
  precondition((0..<channels).contains(blank), "the blank \(blank) of \(channels) classes")
  for label in labels.sequences.joined() {
    precondition(
      label != Int32(blank) && (0..<Int32(channels)).contains(label),
      "the label \(label) of \(channels) classes with the blank \(blank)"
    )
  }
  let sequences = labels.sequences.map { $0.map { Int($0) } }
  func share(_ sample: Int) -> Double {
    1 / Double(samples * max(1, sequences[sample].count))
  }
  let shares = (0..<samples).map(share)
  return lossOperation("CTC loss", on: [logits]) { operands in
    let x = operands[0].storage
    let slopes = Tensor(repeating: 0, shape: [samples, channels, steps])
    let losses = AlignedBuffer<Double>(uninitializedCount: samples)
    EngineThreads.forEachRange(samples, itemCost: steps * channels * 64) { range in
      for sample in range {
        let lattice = AlignmentLattice(
          x.pointer + sample * channels * steps,
          channels: channels,
          stride: steps,
          steps: lengths[sample],
          labels: sequences[sample],
          blank: blank
        )
        let isImpossible = lattice.loss == .infinity
        losses.mutableElements[sample] =
          isImpossible && ignoresImpossible ? 0 : lattice.loss * shares[sample]
        if isImpossible { continue }
        lattice.writeSlopes(
          slopes.storage.pointer + sample * channels * steps,
          scale: shares[sample]
        )
      }
    }
    return LossOutcome(value: losses.elements.reduce(0, +)) { [slopes * $0] }
  } reference: { operands in
    (0..<samples).map { sample in
      let rows = (0..<lengths[sample]).map { t -> [Scalar] in
        let row = (0..<channels).map { operands[0][(sample * channels + $0) * steps + t] }
        let total = row.logSumExp
        return row.map { $0 - total }
      }
      let loss = referenceSequenceLoss(rows, sequences[sample], blank: blank)
      if loss.value == .infinity, ignoresImpossible { return 0 }
      return loss * Scalar(shares[sample])
    }.sum
  }
}

/// All alignments of one sample: forward and backward log-probabilities of the blank-filled labels.
private struct AlignmentLattice {
  let loss: Double
  private let states: [Int]
  private let steps: Int
  private let channels: Int
  private let stride: Int
  /// log p, `[T][C]`.
  private let logarithms: [Double]
  private let forward: [Double]

  init(
    _ logits: UnsafePointer<Float>,
    channels: Int,
    stride: Int,
    steps: Int,
    labels: [Int],
    blank: Int
  ) {
    let states = [blank] + labels.flatMap { [$0, blank] }
    var logarithms = [Double](repeating: 0, count: steps * channels)
    for t in 0..<steps {
      let row = (0..<channels).map { Double(logits[$0 * stride + t]) }
      let peak = row.max() ?? 0
      let total = peak + log(row.reduce(0.0) { $0 + exp($1 - peak) })
      for c in 0..<channels { logarithms[t * channels + c] = row[c] - total }
    }
    let count = states.count
    var forward = [Double](repeating: -.infinity, count: max(1, steps) * count)
    for t in 0..<steps {
      for s in 0..<count {
        var total = -Double.infinity
        if t == 0 {
          total = s < 2 ? 0 : -.infinity
        } else {
          total = forward[(t - 1) * count + s]
          if s > 0 { total = Self.sum(total, forward[(t - 1) * count + s - 1]) }
          if s > 1, states[s] != blank, states[s] != states[s - 2] {
            total = Self.sum(total, forward[(t - 1) * count + s - 2])
          }
        }
        forward[t * count + s] = total + logarithms[t * channels + states[s]]
      }
    }
    if steps == 0 {
      loss = labels.isEmpty ? 0 : .infinity
    } else {
      let end = (steps - 1) * count
      var total = forward[end + count - 1]
      if count > 1 { total = Self.sum(total, forward[end + count - 2]) }
      loss = -total
    }
    (self.states, self.steps, self.channels, self.stride) = (states, steps, channels, stride)
    (self.logarithms, self.forward) = (logarithms, forward)
  }

  /// log(eᵃ + eᵇ).
  private static func sum(_ a: Double, _ b: Double) -> Double {
    let (low, high) = a < b ? (a, b) : (b, a)
    return low == -.infinity ? high : high + log1p(exp(low - high))
  }

  /// d loss / d logit = p − Σ of the alignments that are in the class at that time.
  func writeSlopes(_ target: UnsafeMutablePointer<Float>, scale: Double) {
    guard steps > 0 else { return }
    let count = states.count
    // β without the current step's own probability.
    var backward = [Double](repeating: -.infinity, count: count)
    backward[count - 1] = 0
    if count > 1 { backward[count - 2] = 0 }
    for t in Swift.stride(from: steps - 1, through: 0, by: -1) {
      if t < steps - 1 {
        let next = backward
        func onward(_ s: Int) -> Double {
          next[s] + logarithms[(t + 1) * channels + states[s]]
        }
        for s in 0..<count {
          var total = onward(s)
          if s + 1 < count { total = Self.sum(total, onward(s + 1)) }
          if s + 2 < count, states[s + 2] != states[0], states[s + 2] != states[s] {
            total = Self.sum(total, onward(s + 2))
          }
          backward[s] = total
        }
      }
      var occupied = [Double](repeating: 0, count: channels)
      for s in 0..<count {
        occupied[states[s]] += exp(forward[t * count + s] + backward[s] + loss)
      }
      for c in 0..<channels {
        target[c * stride + t] =
          Float(scale * (exp(logarithms[t * channels + c]) - occupied[c]))
      }
    }
  }
}
