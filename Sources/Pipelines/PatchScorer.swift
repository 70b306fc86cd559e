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
  private let mirrorAxes: [Int]
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
    self.network = network
    self.mirrorAxes = mirrorAxes
    self.batchSize = batchSize
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
    var total = network(batch)
    guard !mirrorAxes.isEmpty else { return total }
    // All non-empty subsets of the axes; the network's image axes are rows (2) and columns (3).
    let axes = mirrorAxes.map { $0 == 0 ? 3 : 2 }
    for subset in 1..<(1 << axes.count) {
      let chosen = axes.indices.filter { subset >> $0 & 1 == 1 }.map { axes[$0] }
      total = total + network(batch.mirrored(chosen)).mirrored(chosen)
    }
    return total * (1 / Float(1 << axes.count))
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
