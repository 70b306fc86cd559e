import Foundation
import Synchronization

/// Sums of the probabilities that a model gave to the labels that it chose, voxel by voxel.
///
/// Nothing of the size of a volume is held, and voxels may arrive in any order and from any thread:
/// each probability is rounded to a multiple of 2^-24, and whole numbers add up to the same sum in
/// every order.
package final class ConfidenceSums: Sendable {
  /// The sums of some voxels, made by one thread.
  struct Part {
    fileprivate var sums: [Int64]
    fileprivate var voxels: [Int]

    /// Starts at nothing.
    /// - Parameter largestLabel: No label is above it.
    init(largestLabel: Int) {
      sums = [Int64](repeating: 0, count: largestLabel + 1)
      voxels = [Int](repeating: 0, count: largestLabel + 1)
    }

    /// Adds a voxel.
    /// - Parameters:
    ///   - probability: From 0 to 1; anything else, such as NaN, counts as the nearer end or 0.
    ///   - label: The label that was chosen.
    mutating func add(_ probability: Float, to label: UInt16) {
      let share = probability > 0 ? min(probability, 1) : 0
      sums[Int(label)] += Int64((share * ConfidenceSums.one).rounded())
      voxels[Int(label)] += 1
    }

    /// Adds the voxels of a row whose classes compete: the winner's share of the softmax.
    /// - Parameters:
    ///   - labels: The labels that were chosen; background is passed over.
    ///   - best: The largest score of each voxel.
    ///   - scores: `[class][voxel]`.
    ///   - count: Voxels of the row.
    ///   - classes: Classes.
    mutating func addWinners(
      _ labels: UnsafePointer<UInt16>,
      best: UnsafePointer<Float>,
      scores: UnsafePointer<Float>,
      count: Int,
      classes: Int
    ) {
      for voxel in 0..<count where labels[voxel] != 0 {
        var sum: Float = 0
        for index in 0..<classes { sum += exp(scores[index * count + voxel] - best[voxel]) }
        add(1 / sum, to: labels[voxel])
      }
    }
  }

  private static let one: Float = 0x1p24
  private let totals = Mutex<[UInt16: (sum: Int64, voxels: Int)]>([:])

  package init() {}

  /// Adds what a thread gathered.
  func add(_ part: Part) {
    totals.withLock { totals in
      for label in part.voxels.indices where part.voxels[label] > 0 {
        let number = UInt16(label)
        let old = totals[number] ?? (0, 0)
        totals[number] = (old.sum + part.sums[label], old.voxels + part.voxels[label])
      }
    }
  }

  /// The mean probability by label, background left out; empty when nothing was gathered.
  package var means: [Int: Double] {
    totals.withLock { totals in
      var means: [Int: Double] = [:]
      for (label, total) in totals where label != 0 {
        means[Int(label)] = Double(total.sum) / Double(Self.one) / Double(total.voxels)
      }
      return means
    }
  }
}
