import Networks
import Tensors

/// Scores patches by a network, in batches of one size.
///
/// Batches are filled up with empty patches, so that every patch is computed by the same plan: its
/// scores do not depend on the patches beside it, on their number, or on the number of threads. A plan
/// for each number of patches could choose other kernels, which round differently, and would take the
/// memory of its packed weights once more.
package struct PatchScorer: Sendable {
  /// Patches that the network sees at once.
  ///
  /// Larger batches are hardly faster and take more memory; see Sources/README.md, "Plans".
  package static let defaultBatchSize = 4

  private let network: PlannedNetwork
  /// The axes of each mirror image; no axes for the patch itself.
  private let mirrorings: [[Int]]
  private let batchSize: Int

  /// Creates a scorer.
  /// - Parameters:
  ///   - network: The network.
  ///   - mirrorAxes: Axes (0 columns, 1 rows) over whose mirror images scores are averaged.
  ///   - batchSize: Patches that the network sees at once.
  package init(
    _ network: PlannedNetwork,
    mirrorAxes: [Int] = [],
    batchSize: Int = PatchScorer.defaultBatchSize
  ) {
    self.init(network, mirrorings: Self.mirrorings(over: mirrorAxes), batchSize: batchSize)
  }

  /// Creates a scorer of chosen mirror images.
  /// - Parameters:
  ///   - network: The network.
  ///   - mirrorings: The axes of each mirror image, at least one; no axes for the patch itself.
  ///   - batchSize: Patches that the network sees at once.
  init(
    _ network: PlannedNetwork,
    mirrorings: [[Int]],
    batchSize: Int = PatchScorer.defaultBatchSize
  ) {
    precondition(!mirrorings.isEmpty, "no mirror image to score")
    self.network = network
    self.mirrorings = mirrorings
    self.batchSize = batchSize
  }

  /// All subsets of axes, the empty one first.
  static func mirrorings(over axes: [Int]) -> [[Int]] {
    (0..<(1 << axes.count)).map { subset in
      axes.indices.filter { subset >> $0 & 1 == 1 }.map { axes[$0] }
    }
  }

  /// Scores patches.
  /// - Parameters:
  ///   - patches: `[patches][channels][rows][columns]`.
  ///   - shape: Channels, rows and columns of one patch.
  /// - Returns: `[patches][classes][rows][columns]`.
  package func scores(of patches: [Float], shape: [Int]) -> [Float] {
    let size = shape.reduce(1, *)
    let count = patches.count / size
    precondition(patches.count == count * size, "\(patches.count) values of patches \(shape)")
    var result: [Float] = []
    for first in stride(from: 0, to: count, by: batchSize) {
      let used = min(batchSize, count - first)
      var input = Array(patches[first * size..<(first + used) * size])
      input += repeatElement(0, count: (batchSize - used) * size)
      let output = logits(Tensor(input, shape: [batchSize] + shape))
      let outputSize = output.shape.dropFirst().reduce(1, *)
      if first == 0 { result.reserveCapacity(count * outputSize) }
      output.single.plain.withElements { result += $0.prefix(used * outputSize) }
    }
    return result
  }

  private func logits(_ batch: Tensor) -> Tensor {
    func logits(mirrored axes: [Int]) -> Tensor {
      guard !axes.isEmpty else { return network(batch) }
      // The network's image axes are rows (2) and columns (3).
      let chosen = axes.map { $0 == 0 ? 3 : 2 }
      return network(batch.mirrored(chosen)).mirrored(chosen)
    }
    var total = logits(mirrored: mirrorings[0])
    guard mirrorings.count > 1 else { return total }
    for axes in mirrorings.dropFirst() { total = total + logits(mirrored: axes) }
    return total * (1 / Float(mirrorings.count))
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
