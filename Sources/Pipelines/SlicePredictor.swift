import Foundation
import Imaging
import Layers
import Networks
import Support
import Tensors

/// Segments volumes slice by slice and stacks the slices.
///
/// Slices are padded with 0 to the plan's patch, or cut into overlapping patches weighted by a
/// Gaussian where they are larger. The scores of one batch of slices (16, or one where slices are
/// tiled) are held at a time: where the scan was resampled, scores are interpolated linearly to the
/// scan's own grid before the largest wins.
public struct SlicePredictor: Sendable {
  /// Patches that the network sees at once.
  private static let batchSize = 16
  /// Batches are filled up to a multiple of this.
  private static let batchStep = 4

  private let plan: SegmentationPlan
  private let network: any Network
  private let labels: [LabelDefinition]
  private let usesMirroring: Bool

  /// Creates a predictor.
  /// - Parameters:
  ///   - plan: What the network expects.
  ///   - network: The network; class k of its output is `labels[k − 1]`, class 0 background.
  ///   - labels: The meanings of the classes, in their order.
  ///   - usesMirroring: Whether to average over the plan's mirror axes.
  public init(
    plan: SegmentationPlan,
    network: any Network,
    labels: [LabelDefinition],
    usesMirroring: Bool
  ) {
    self.plan = plan
    self.network = network
    self.labels = labels
    self.usesMirroring = usesMirroring
  }

  /// Segments one volume.
  /// - Parameters:
  ///   - scan: The scan.
  ///   - progress: Told about each slice.
  ///   - interruption: Looked at before each batch.
  /// - Returns: Labels on exactly the scan's grid.
  /// - Throws: `ImagingError` when the scan cannot be resampled; `SupportError.interrupted`.
  public func segment(
    _ scan: Volume<Float>,
    progress: any ProgressReporter = SilentProgress(),
    interruption: Interruption = Interruption()
  ) throws -> LabelMap {
    let prepared = try PreparedVolume(scan, plan: plan)
    let (target, grid) = (prepared.target, prepared.grid)
    let resampler = ScoreResampler(from: grid, to: target, classes: labels.count + 1)
    let plane = target.size.x * target.size.y
    var result = [UInt16](repeating: 0, count: target.voxelCount)
    var window = SliceWindow()
    progress.begin("segmenting \(target.size.z) slices", total: target.size.z)
    for slice in 0..<target.size.z {
      let (lower, upper, weight) = resampler.neighbours(of: slice)
      try window.hold(lower...upper) { needed in
        try interruption.check()
        let last = min(prepared.sliceCount - 1, needed + slicesPerBatch(grid) - 1)
        return scores(of: prepared, slices: needed...last)
      }
      let winners = resampler.winners(window[lower], window[upper], weight: weight)
      for pixel in 0..<plane where winners[pixel] > 0 {
        result[slice * plane + pixel] = UInt16(labels[Int(winners[pixel]) - 1].id)
      }
      progress.update(slice + 1, detail: nil)
    }
    progress.end()
    let back = LabelMap(geometry: target, labels: result, table: labels)
      .reoriented(to: scan.geometry.orientation)
    // The scan's own geometry, not the twice reordered one, which differs by rounding.
    return LabelMap(geometry: scan.geometry, labels: back.labels, table: labels)
  }

  private func slicesPerBatch(_ grid: ImageGeometry) -> Int {
    let tiles = TileGrid(size: [grid.size.y, grid.size.x], patch: plan.patchSize)
    return max(1, Self.batchSize / tiles.origins.count)
  }

  /// Class scores of some slices: each `[classes][rows][columns]`.
  private func scores(of prepared: PreparedVolume, slices: ClosedRange<Int>) -> [[Float]] {
    let grid = prepared.grid
    let tiles = TileGrid(size: [grid.size.y, grid.size.x], patch: plan.patchSize)
    let stacks = slices.map { prepared.stack(at: $0, context: plan.contextSlices) }
    let patches = stacks.indices.flatMap { stack in tiles.origins.map { (stack, $0) } }
    let (channels, area) = (plan.inputChannels, plan.patchSize[0] * plan.patchSize[1])
    let classes = labels.count + 1
    var output: [Float] = []
    output.reserveCapacity(patches.count * classes * area)
    for batch in patches.chunked(into: Self.batchSize) {
      // Few batch sizes, so that the engine keeps few primitives; surplus patches are empty.
      let count = (batch.count + Self.batchStep - 1) / Self.batchStep * Self.batchStep
      var input: [Float] = []
      input.reserveCapacity(count * channels * area)
      for (stack, origin) in batch { tiles.appendPatch(of: stacks[stack], at: origin, to: &input) }
      input += repeatElement(0, count: (count - batch.count) * channels * area)
      let result = logits(Tensor(input, shape: [count, channels] + plan.patchSize))
      output += result.values.prefix(batch.count * classes * area)
    }
    let sliceSize = tiles.origins.count * classes * area
    return stacks.indices.map { stack in
      tiles.joined(output[stack * sliceSize..<(stack + 1) * sliceSize], classes: classes)
    }
  }

  private func logits(_ batch: Tensor) -> Tensor {
    var total = network(batch, in: .inference)
    guard usesMirroring, !plan.mirrorAxes.isEmpty else { return total }
    // All non-empty subsets of the axes; the network's image axes are rows (2) and columns (3).
    let axes = plan.mirrorAxes.map { $0 == 0 ? 3 : 2 }
    for subset in 1..<(1 << axes.count) {
      let chosen = axes.indices.filter { subset >> $0 & 1 == 1 }.map { axes[$0] }
      total = total + network(batch.mirrored(chosen), in: .inference).mirrored(chosen)
    }
    return total * (1 / Float(1 << axes.count))
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

extension Array {
  fileprivate func chunked(into size: Int) -> [[Element]] {
    stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
  }
}

extension Tensor {
  /// A copy whose given axes run backwards.
  fileprivate func mirrored(_ axes: [Int]) -> Tensor {
    let (height, width) = (shape[rank - 2], shape[rank - 1])
    let (flipsRows, flipsColumns) = (axes.contains(rank - 2), axes.contains(rank - 1))
    let source = values
    var result = source
    for plane in 0..<source.count / (height * width) {
      for row in 0..<height {
        let from = (plane * height + (flipsRows ? height - 1 - row : row)) * width
        let to = (plane * height + row) * width
        for column in 0..<width {
          result[to + column] = source[from + (flipsColumns ? width - 1 - column : column)]
        }
      }
    }
    return Tensor(result, shape: shape)
  }
}
