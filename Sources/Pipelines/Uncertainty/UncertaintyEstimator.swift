import Foundation
import Imaging
import Support

/// Finds how unsure a model is, voxel by voxel.
///
/// With several members p₁…p_M of shares w the entropy of their mean, H(Σ w p), is split into the mean
/// of their entropies, Σ w H(p) (aleatoric), and the rest, the mutual information of label and member
/// (epistemic): Depeweg et al. 2018, "Decomposition of uncertainty in Bayesian deep learning", section
/// 3; Gal 2016, "Uncertainty in deep learning", section 3.3. Members are the networks of an ensemble
/// (Lakshminarayanan et al. 2017), mirror images (Wang et al. 2019, "Aleatoric uncertainty estimation
/// with test-time augmentation") or draws of dropout.
///
/// Probabilities lie in two scratch files; of the size of the scan two numbers a voxel are held, and
/// the labels of one member.
package struct UncertaintyEstimator: Sendable {
  /// How the probabilities are read.
  let entropy: ClassEntropy
  /// What is compared, at least one.
  let members: [PredictionMember]
  /// The labels whose volumes are compared.
  let labels: [Int]
  /// A ceiling of memory in bytes, or nil.
  let memoryLimit: Int?
  /// Whether the probabilities of the prediction itself are all that is looked at.
  let readsPrediction: Bool

  /// Creates an estimator.
  /// - Parameters:
  ///   - entropy: How the probabilities are read.
  ///   - members: What is compared.
  ///   - labels: The labels whose volumes are compared.
  ///   - memoryLimit: A ceiling of memory in bytes, or nil.
  ///   - readsPrediction: Whether the probabilities of the prediction itself are all that is looked at.
  package init(
    entropy: ClassEntropy,
    members: [PredictionMember],
    labels: [Int],
    memoryLimit: Int? = nil,
    readsPrediction: Bool = false
  ) {
    self.entropy = entropy
    self.members = members
    self.labels = labels
    self.memoryLimit = memoryLimit
    self.readsPrediction = readsPrediction
  }

  /// Reads the probabilities of a prediction without members to compare.
  /// - Parameters:
  ///   - probabilities: What the prediction gave.
  ///   - geometry: The scan's grid.
  /// - Returns: The entropy of each voxel.
  func maps(of probabilities: ProbabilitySink, on geometry: ImageGeometry) -> UncertaintyMaps {
    var total = [Float](repeating: 0, count: geometry.voxelCount)
    add(probabilities, share: 1, to: &total)
    return UncertaintyMaps(
      total: Volume(geometry: geometry, voxels: total),
      aleatoric: nil,
      members: members.map(\.name),
      spreads: [:]
    )
  }

  /// Predicts by every member.
  /// - Parameters:
  ///   - scan: The channels.
  ///   - progress: Told about each step.
  ///   - interruption: Looked at between pieces of work.
  /// - Returns: The maps on the scan's grid.
  /// - Throws: What predicting throws; `PipelinesError.needsMoreMemory`; `SupportError.unwritable`
  ///   where scratch files find no room.
  package func maps(
    of scan: ScanChannels,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> UncertaintyMaps {
    let voxels = scan.geometry.voxelCount
    let bytes = ProcessMemory.residentBytes + Self.bytesPerVoxel * voxels
    if let memoryLimit, bytes > memoryLimit {
      throw PipelinesError.needsMoreMemory(bytes: bytes, limit: memoryLimit)
    }
    progress.note(
      "The uncertainty takes \(members.count) further predictions and "
        + "\(ProcessMemory.gigabytes(Self.bytesPerVoxel * voxels)) GB of memory; the probabilities "
        + "lie in scratch files."
    )
    let sums = try ProbabilitySink()
    let agreement = try MemberAgreement()
    var expected = [Float](repeating: 0, count: voxels)
    for (index, member) in members.enumerated() {
      progress.note("Member \(index + 1) of \(members.count): \(member.name).")
      let sink = try ProbabilitySink()
      let map = try member.predictor().predict(
        scan,
        outputs: PredictionOutputs(probabilities: sink),
        progress: progress,
        interruption: interruption
      )
      if index == 0 { try sums.begin(size: sink.size) }
      add(sink, share: Float(member.share), to: &expected)
      Self.add(sink, share: Float(member.share), to: sums)
      try agreement.add(map)
      sums.release()
      try interruption.check()
    }
    var total = [Float](repeating: 0, count: voxels)
    add(sums, share: 1, to: &total)
    let compared = try agreement.compare(labels, interruption: interruption)
    return UncertaintyMaps(
      total: Volume(geometry: scan.geometry, voxels: total),
      aleatoric: Volume(
        geometry: scan.geometry,
        // Rounding may lift the mean of entropies above the entropy of the mean.
        voxels: zip(expected, total).map { min($0, $1) }
      ),
      members: members.map(\.name),
      spreads: compared.mapValues {
        UncertaintyMaps.Spread(voxels: $0.voxels, pairwiseDice: $0.pairwiseDice)
      }
    )
  }

  /// Two sums in single precision and one member's labels, with as much again while they are turned.
  private static let bytesPerVoxel = 12

  /// Adds the entropies of probabilities.
  private func add(_ sink: ProbabilitySink, share: Float, to entropies: inout [Float]) {
    let (classes, voxels) = (sink.size[0], entropies.count)
    sink.withValues { values in
      entropies.withUnsafeMutableBufferPointer { entropies in
        guard let base = values.baseAddress else { return }
        // Each part of the entropies is written by one thread; probabilities are only read.
        nonisolated(unsafe) let (values, entropies) = (UnsafePointer(base), entropies)
        Parallelism.forEachRange(voxels, minimumChunk: 1 << 14) { range in
          for voxel in range {
            entropies[voxel] +=
              share * entropy.value(values, place: voxel, places: voxels, classes: classes)
          }
        }
      }
    }
  }

  private static func add(_ sink: ProbabilitySink, share: Float, to total: ProbabilitySink) {
    precondition(sink.size == total.size, "probabilities of different sizes")
    sink.withValues { values in
      total.withValues { sums in
        // Each part of the sums is written by one thread.
        nonisolated(unsafe) let (values, sums) = (values, sums)
        Parallelism.forEachRange(sums.count, minimumChunk: 1 << 16) { range in
          for index in range { sums[index] += share * values[index] }
        }
      }
    }
  }
}
