import Foundation
import Imaging
import Networks
import Support
import Transforms

/// One training of a family: what memory and time may reduce.
struct PlanCandidate: Sendable, Equatable {
  /// Channels of the first stage.
  var baseFeatures: Int
  /// Samples of a step.
  var batchSize: Int
  /// The patch of volumes with its steps; nil for slices, whose patch is the plane.
  var topology: UNetTopology?
}

/// Trainings of one kind, from the best to the cheapest.
protocol PlanFamily: Sendable {
  /// From the one that needs most to the one that needs least.
  var candidates: [PlanCandidate] { get }
  /// A small training of the same kind by which the machine is timed.
  func probe(baseFeatures: Int) -> PlanCandidate
  /// The training.
  func configuration(_ candidate: PlanCandidate) throws -> TrainingConfiguration
}

extension PlanFamily {
  /// Channels of the first stage, from nnU-Net's 32 down.
  static var allFeatures: [Int] { [32, 24, 16, 12, 8] }

  /// Batches from one size down by halves.
  static func batches(from size: Int, least: Int) -> [Int] {
    var result = [max(size, least)]
    while let last = result.last, last > least { result.append(max(least, last / 2)) }
    return result
  }

  /// Samples are given up before channels; both lists begin with the most.
  static func reductions(
    features: [Int],
    batches: [Int],
    topology: UNetTopology? = nil
  ) -> [PlanCandidate] {
    guard let most = features.first, let least = batches.last else { return [] }
    return batches.map {
      PlanCandidate(baseFeatures: most, batchSize: $0, topology: topology)
    }
      + features.dropFirst().map {
        PlanCandidate(baseFeatures: $0, batchSize: least, topology: topology)
      }
  }
}

/// Slice-wise trainings by the rules of `TrainingPlanner`.
struct SliceFamily: PlanFamily {
  let dataset: SegmentationDataset
  let request: PlanRequest

  /// Channels and samples without a limit of time.
  static let (defaultFeatures, defaultBatch, leastBatch) = (24, 32, 8)

  var candidates: [PlanCandidate] {
    let features =
      request.baseFeatures.map { [$0] }
      ?? (request.minutes == nil
        ? Self.allFeatures.filter { $0 <= Self.defaultFeatures } : Self.allFeatures)
    let batches =
      request.batchSize.map { [$0] }
      ?? Self.batches(from: Self.defaultBatch, least: Self.leastBatch)
    return Self.reductions(features: features, batches: batches)
  }

  func probe(baseFeatures: Int) -> PlanCandidate {
    PlanCandidate(baseFeatures: baseFeatures, batchSize: 4)
  }

  func configuration(_ candidate: PlanCandidate) throws -> TrainingConfiguration {
    var result = try TrainingPlanner().configuration(
      for: dataset,
      networkName: request.network,
      baseFeatures: candidate.baseFeatures
    )
    result.batchSize = candidate.batchSize
    return result
  }
}

/// Trainings of three dimensions by nnU-Net's rules.
struct VolumeFamily: PlanFamily {
  /// What nnU-Net would train.
  let reference: NNUNetPlanner.Configuration
  /// Which of the axes z, y, x each of its axes is.
  let transposition: [Int]
  /// What the network's outputs stand for.
  let heads: NNUNetPlan.Heads
  /// The numbers that make up each region; nil where labels exclude each other.
  let regions: [[Int]]?
  /// How each channel's values become the network's.
  let channels: [NNUNetPlan.Normalization]
  /// Axes of the patient (0 left-right, 1 front-back, 2 feet-head) that may be mirrored.
  let mirrorAxes: [Int]
  let request: PlanRequest

  /// A patch is not shrunk below this share of nnU-Net's.
  private static let leastPatchShare = 1.0 / 8
  /// The longest side of the patch by which the machine is timed.
  private static let probeSide = 48
  /// The fewest voxels along the axes of a patch that would otherwise not be halved at all.
  private static let leastSide = 12
  /// nnU-Net's fewest samples.
  private static let leastBatch = 2

  /// The patch without a limit of time.
  var fullTopology: UNetTopology {
    var patch = reference.topology.patchSize
    if let wanted = request.patchSize {
      patch = transposition.map { [wanted.z, wanted.y, wanted.x][$0] }
    }
    return topology(patch)
  }

  private func topology(_ patch: [Int]) -> UNetTopology {
    let result = UNetTopology(spacing: reference.spacing, patchSize: patch)
    guard result.strides.count < 2 else { return result }
    return UNetTopology(
      spacing: reference.spacing,
      patchSize: patch.map { max($0, Self.leastSide) }
    )
  }

  var candidates: [PlanCandidate] {
    let features = request.baseFeatures.map { [$0] } ?? Self.allFeatures
    let full = fullTopology
    let first = request.patchSize == nil ? reference.batchSize : Self.leastBatch
    let batches =
      request.batchSize.map { [$0] } ?? Self.batches(from: first, least: Self.leastBatch)
    var result = Self.reductions(features: features, batches: batches, topology: full)
    guard request.patchSize == nil, var last = result.last else { return result }
    let least = Double(full.patchSize.reduce(1, *)) * Self.leastPatchShare
    while let smaller = last.topology.map({
      NNUNetPlanner.shrunk($0, spacing: reference.spacing, medianSize: reference.medianSize)
    }), smaller.strides.count >= 3, Double(smaller.patchSize.reduce(1, *)) >= least {
      last.topology = smaller
      result.append(last)
    }
    return result
  }

  func probe(baseFeatures: Int) -> PlanCandidate {
    PlanCandidate(
      baseFeatures: baseFeatures,
      batchSize: Self.leastBatch,
      topology: topology(fullTopology.patchSize.map { min($0, Self.probeSide) })
    )
  }

  func configuration(_ candidate: PlanCandidate) -> TrainingConfiguration {
    // From transposed arrays (z, y, x) to x, y, z.
    func turned<Value>(_ values: [Value], _ zero: Value) -> [Value] {
      var result = [zero, zero, zero]
      for (place, axis) in transposition.enumerated() { result[2 - axis] = values[place] }
      return result
    }
    let patch = turned((candidate.topology ?? fullTopology).patchSize, 1)
    let spacing = turned(reference.spacing, 1)
    var planner = VolumePlanner(
      spacing: SIMD3(spacing[0], spacing[1], spacing[2]),
      patchSize: SIMD3(patch[0], patch[1], patch[2])
    )
    planner.baseFeatures = candidate.baseFeatures
    planner.transposeForward = transposition
    planner.runsThroughSlices = request.network == NetworkConfiguration.convLSTMUNetName
    // The most that networks may have; nnU-Net has no limit of its own.
    planner.maximumStages = 10
    let places = mirrorAxes.compactMap { transposition.firstIndex(of: 2 - $0) }.sorted()
    var augmentation = VolumeAugmentation()
    augmentation.mirrorAxes = places.map { 2 - $0 }.sorted()
    augmentation.leftRightAxis = 2 - (transposition.firstIndex(of: 2) ?? 2)
    var result = planner.configuration(
      heads: heads,
      channels: channels,
      samples: .patches(augmentation),
      mirrorAxes: places
    )
    result.regions = regions
    result.batchSize = candidate.batchSize
    return result
  }
}
