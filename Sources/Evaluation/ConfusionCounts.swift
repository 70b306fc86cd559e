import CKernels
import Support
import Synchronization

/// How often the voxels of a structure agree, one structure against the rest.
public struct ConfusionCounts: Equatable, Sendable {
  /// Voxels in both masks.
  public let truePositives: Int
  /// Voxels in the prediction only.
  public let falsePositives: Int
  /// Voxels in the reference only.
  public let falseNegatives: Int
  /// Voxels in neither mask.
  public let trueNegatives: Int

  /// Creates counts.
  /// - Parameters:
  ///   - truePositives: Voxels in both masks.
  ///   - falsePositives: Voxels in the prediction only.
  ///   - falseNegatives: Voxels in the reference only.
  ///   - trueNegatives: Voxels in neither mask.
  public init(truePositives: Int, falsePositives: Int, falseNegatives: Int, trueNegatives: Int) {
    self.truePositives = truePositives
    self.falsePositives = falsePositives
    self.falseNegatives = falseNegatives
    self.trueNegatives = trueNegatives
  }

  /// Voxels of the predicted mask.
  public var prediction: Int { truePositives + falsePositives }
  /// Voxels of the reference mask.
  public var reference: Int { truePositives + falseNegatives }

  /// Which of the masks is empty.
  public var emptyState: EmptyState {
    switch (prediction == 0, reference == 0) {
    case (true, true): .both
    case (true, false): .prediction
    case (false, true): .reference
    case (false, false): .neither
    }
  }
}

/// How often each pair of a predicted and a reference label occurs: one pass for all structures.
///
/// Any structure's counts, also those of unions that overlap each other, follow from this table
/// without a volume per label.
package struct JointCounts: Sendable {
  /// Voxels of each pair; the key is `prediction << 16 | reference`.
  let pairs: [UInt32: Int]

  /// Counts the pairs of two maps of the same grid.
  /// - Parameters:
  ///   - prediction: Labels, one a voxel.
  ///   - reference: As many labels.
  ///   - ignoredReference: Voxels of this reference label are left out.
  /// - Precondition: The maps are of one size.
  package init(prediction: [UInt16], reference: [UInt16], ignoredReference: Int? = nil) {
    precondition(prediction.count == reference.count, "maps of different size")
    let total = Mutex<[UInt32: Int]>([:])
    Parallelism.forEachRange(prediction.count, minimumChunk: 1 << 16) { range in
      let part = prediction.withUnsafeBufferPointer { predicted in
        reference.withUnsafeBufferPointer { Self.count(predicted, $0, range) }
      }
      total.withLock { $0.merge(part, uniquingKeysWith: +) }
    }
    var pairs = total.withLock { $0 }
    if let ignoredReference {
      pairs = pairs.filter { Int($0.key & 0xFFFF) != ignoredReference }
    }
    self.pairs = pairs
  }

  /// Label maps are runs of equal labels, so a dictionary is touched once a run and not once a
  /// voxel; labels below 64, nearly all, go to a dense table instead.
  private static func count(
    _ prediction: UnsafeBufferPointer<UInt16>,
    _ reference: UnsafeBufferPointer<UInt16>,
    _ range: Range<Int>
  ) -> [UInt32: Int] {
    var dense = [Int](repeating: 0, count: 64 * 64)
    var sparse: [UInt32: Int] = [:]
    var start = range.lowerBound
    while start < range.upperBound {
      let predicted = prediction[start]
      let referenced = reference[start]
      let end = Int(
        ck_pair_run_end(
          prediction.baseAddress,
          reference.baseAddress,
          Int64(start),
          Int64(range.upperBound)
        )
      )
      if predicted < 64, referenced < 64 {
        dense[Int(predicted) << 6 | Int(referenced)] += end - start
      } else {
        sparse[UInt32(predicted) << 16 | UInt32(referenced), default: 0] += end - start
      }
      start = end
    }
    for (index, count) in dense.enumerated() where count > 0 {
      sparse[UInt32(index >> 6) << 16 | UInt32(index & 63)] = count
    }
    return sparse
  }

  /// The labels of the prediction that occur, background left out, rising.
  package var predictionLabels: [Int] {
    Set(pairs.keys.map { Int($0 >> 16) }).subtracting([0]).sorted()
  }
  /// The labels of the reference that occur, background left out, rising.
  package var referenceLabels: [Int] {
    Set(pairs.keys.map { Int($0 & 0xFFFF) }).subtracting([0]).sorted()
  }

  /// The counts of one structure.
  /// - Parameters:
  ///   - predictionIDs: The labels whose union is the predicted mask.
  ///   - referenceIDs: The labels whose union is the reference mask.
  /// - Returns: The counts over all voxels.
  package func counts(predictionIDs: Set<Int>, referenceIDs: Set<Int>) -> ConfusionCounts {
    var table = [0, 0, 0, 0]
    for (pair, count) in pairs {
      let predicted = predictionIDs.contains(Int(pair >> 16)) ? 2 : 0
      let referenced = referenceIDs.contains(Int(pair & 0xFFFF)) ? 1 : 0
      table[predicted + referenced] += count
    }
    return ConfusionCounts(
      truePositives: table[3],
      falsePositives: table[2],
      falseNegatives: table[1],
      trueNegatives: table[0]
    )
  }
}
