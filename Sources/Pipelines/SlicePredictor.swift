import Foundation
import Imaging
import Layers
import Networks
import Support
import Tensors

/// Segments volumes slice by slice and stacks the slices.
///
/// Slices are padded with 0 to the plan's patch, or cut into overlapping patches weighted by a
/// Gaussian where they are larger. The scores of a group of slices (16, or fewer where slices are
/// tiled) are held at a time: where the scan was resampled, scores are interpolated linearly to the
/// scan's own grid before the largest wins.
public struct SlicePredictor: ScanPredictor {
  /// Patches whose scores are held at once, unless those of one slice are more.
  private static let heldPatches = 16

  private let plan: SegmentationPlan
  private let network: PlannedNetwork
  private let mirrorings: [[Int]]
  private let scorer: PatchScorer
  private let labels: [LabelDefinition]

  /// Creates a predictor.
  /// - Parameters:
  ///   - plan: What the network expects.
  ///   - network: The network; class k of its output is `labels[k − 1]`, class 0 background.
  ///   - labels: The meanings of the classes, in their order.
  ///   - usesMirroring: Whether to average over the plan's mirror axes.
  public init(
    plan: SegmentationPlan,
    network: PlannedNetwork,
    labels: [LabelDefinition],
    usesMirroring: Bool
  ) {
    self.init(
      plan: plan,
      network: network,
      labels: labels,
      mirrorings: PatchScorer.mirrorings(over: usesMirroring ? plan.mirrorAxes : [])
    )
  }

  private init(
    plan: SegmentationPlan,
    network: PlannedNetwork,
    labels: [LabelDefinition],
    mirrorings: [[Int]]
  ) {
    self.plan = plan
    self.network = network
    self.labels = labels
    self.mirrorings = mirrorings
    scorer = PatchScorer(network, mirrorings: mirrorings)
  }

  package func members(_ request: MemberRequest) -> [PredictionMember] {
    @Sendable func predictor(_ network: PlannedNetwork, _ mirrorings: [[Int]]) -> SlicePredictor {
      SlicePredictor(plan: plan, network: network, labels: labels, mirrorings: mirrorings)
    }
    switch request {
    case .every:
      return mirrorings.map { axes in
        let names = axes.map { $0 == 0 ? "columns" : "rows" }
        return PredictionMember(
          name: axes.isEmpty ? "as it is" : "mirrored " + names.joined(separator: " and ")
        ) { predictor(network, [axes]) }
      }.equallyShared
    case .samples(let seeds):
      return seeds.enumerated().map { number, seed in
        PredictionMember(name: "sample \(number + 1)") {
          predictor(network.sampled(seed: seed), [[]])
        }
      }.equallyShared
    }
  }

  /// Segments one volume.
  /// - Parameters:
  ///   - scan: The scan.
  ///   - progress: Told about each slice.
  ///   - interruption: Looked at before each group of slices.
  /// - Returns: Labels on exactly the scan's grid.
  /// - Throws: `ImagingError` when the scan cannot be resampled; `SupportError.interrupted`.
  public func segment(
    _ scan: Volume<Float>,
    progress: any ProgressReporter = SilentProgress(),
    interruption: Interruption = Interruption()
  ) throws -> LabelMap {
    try segment(scan, outputs: PredictionOutputs(), progress: progress, interruption: interruption)
  }

  private func segment(
    _ scan: Volume<Float>,
    outputs: PredictionOutputs,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> LabelMap {
    let prepared = try PreparedVolume(scan, plan: plan)
    let target = prepared.target
    let plane = target.size.x * target.size.y
    var result = [UInt16](repeating: 0, count: target.voxelCount)
    let probabilities = outputs.probabilities
    var gathered = ConfidenceSums.Part(largestLabel: labels.map(\.id).max() ?? 0)
    if let probabilities {
      let size = scan.geometry.size
      try probabilities.begin(size: [labels.count + 1, size.z, size.y, size.x])
    }
    try forEachSlice(of: prepared, progress: progress, interruption: interruption) {
      slice,
      scores,
      resampler in
      if let probabilities {
        probabilities.write(
          resampler.softmax(scores),
          plane: slice,
          of: target,
          scan: scan.geometry
        )
      }
      let winners = resampler.winners(scores)
      for pixel in 0..<plane where winners[pixel] > 0 {
        result[slice * plane + pixel] = UInt16(labels[Int(winners[pixel]) - 1].id)
      }
      if outputs.confidence != nil {
        gather(&gathered, winners, scores, labels: result[slice * plane..<(slice + 1) * plane])
      }
    }
    outputs.confidence?.add(gathered)
    let back = LabelMap(geometry: target, labels: result, table: labels)
      .reoriented(to: scan.geometry.orientation)
    // The scan's own geometry, not the twice reordered one, which differs by rounding.
    return LabelMap(geometry: scan.geometry, labels: back.labels, table: labels)
  }

  /// Scores the slices of a scan one after the other.
  /// - Parameters:
  ///   - prepared: The scan.
  ///   - progress: Told about each slice.
  ///   - interruption: Looked at before each group of slices.
  ///   - body: Given a slice of the scan's own grid in the plan's orientation, its scores
  ///     `[class][row][column]`, and what tells winners and probabilities from them.
  /// - Throws: `SupportError.interrupted`; what the body throws.
  func forEachSlice(
    of prepared: PreparedVolume,
    progress: any ProgressReporter,
    interruption: Interruption,
    _ body: (_ slice: Int, _ scores: [Float], _ resampler: ScoreResampler) throws -> Void
  ) throws {
    let (target, grid) = (prepared.target, prepared.grid)
    let resampler = ScoreResampler(from: grid, to: target, classes: labels.count + 1)
    var window = SliceWindow()
    progress.begin("segmenting \(target.size.z) slices", total: target.size.z)
    for slice in 0..<target.size.z {
      let (lower, upper, weight) = resampler.neighbours(of: slice)
      try window.hold(lower...upper) { needed in
        try interruption.check()
        let last = min(prepared.sliceCount - 1, needed + slicesPerBatch(grid) - 1)
        return scores(of: prepared, slices: needed...last)
      }
      try body(
        slice,
        resampler.interpolated(window[lower], window[upper], weight: weight),
        resampler
      )
      progress.update(slice + 1, detail: nil)
    }
    progress.end()
  }

  package func predict(
    _ scan: ScanChannels,
    outputs: PredictionOutputs,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> LabelMap {
    try segment(
      scan.volumes[0].asFloat,
      outputs: outputs,
      progress: progress,
      interruption: interruption
    )
  }

  /// Adds the probabilities of a slice's winners.
  private func gather(
    _ sums: inout ConfidenceSums.Part,
    _ winners: [UInt8],
    _ scores: [Float],
    labels: ArraySlice<UInt16>
  ) {
    let plane = winners.count
    var best = [Float](repeating: 0, count: plane)
    for pixel in 0..<plane { best[pixel] = scores[Int(winners[pixel]) * plane + pixel] }
    labels.withUnsafeBufferPointer { labels in
      scores.withUnsafeBufferPointer { scores in
        guard let labels = labels.baseAddress, let scores = scores.baseAddress else { return }
        sums.addWinners(
          labels,
          best: best,
          scores: scores,
          count: plane,
          classes: self.labels.count + 1
        )
      }
    }
  }

  private func slicesPerBatch(_ grid: ImageGeometry) -> Int {
    let tiles = TileGrid(size: [grid.size.y, grid.size.x], patch: plan.patchSize)
    return max(1, Self.heldPatches / tiles.origins.count)
  }

  /// Class scores of some slices: each `[classes][rows][columns]`.
  private func scores(of prepared: PreparedVolume, slices: ClosedRange<Int>) -> [[Float]] {
    let grid = prepared.grid
    let tiles = TileGrid(size: [grid.size.y, grid.size.x], patch: plan.patchSize)
    let stacks = slices.map { prepared.stack(at: $0, context: plan.contextSlices) }
    let (channels, area) = (plan.inputChannels, plan.patchSize[0] * plan.patchSize[1])
    let classes = labels.count + 1
    var patches: [Float] = []
    patches.reserveCapacity(stacks.count * tiles.origins.count * channels * area)
    for stack in stacks {
      for origin in tiles.origins { tiles.appendPatch(of: stack, at: origin, to: &patches) }
    }
    let output = scorer.scores(of: patches, shape: [channels] + plan.patchSize)
    let sliceSize = tiles.origins.count * classes * area
    return stacks.indices.map { stack in
      tiles.joined(output[stack * sliceSize..<(stack + 1) * sliceSize], classes: classes)
    }
  }
}

/// Score planes of neighbouring slices, dropped when the slices are passed.
private struct SliceWindow {
  private var first = 0
  private var planes: [[Float]] = []

  /// Makes the slices of the range available; `compute` gives scores from a slice on.
  mutating func hold(
    _ range: ClosedRange<Int>,
    compute: (_ from: Int) throws -> [[Float]]
  ) throws {
    let passed = min(planes.count, max(0, range.lowerBound - first))
    planes.removeFirst(passed)
    first += passed
    if planes.isEmpty { first = range.lowerBound }
    while first + planes.count <= range.upperBound {
      planes += try compute(first + planes.count)
    }
  }

  subscript(slice: Int) -> [Float] { planes[slice - first] }
}
