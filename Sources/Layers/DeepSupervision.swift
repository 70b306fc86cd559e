import Tensors

/// The loss of a network that gives scores at several resolutions.
///
/// Lee et al. 2015, "Deeply-supervised nets", with nnU-Net's weights (Isensee et al. 2021): each
/// resolution counts half as much as the next finer one, the coarsest of several not at all, and the
/// weights add up to one.
public enum DeepSupervision {
  /// Weights by resolution.
  /// - Parameter count: The number of resolutions, at least 1.
  /// - Returns: One weight for each, the finest first.
  public static func weights(_ count: Int) -> [Float] {
    precondition(count > 0, "no scores to weigh")
    guard count > 1 else { return [1] }
    let raw = (0..<count).map { $0 == count - 1 ? 0 : 1 / Float(1 << $0) }
    let total = raw.reduce(0, +)
    return raw.map { $0 / total }
  }

  /// The weighted sum of the losses of all resolutions.
  /// - Parameters:
  ///   - scores: Logits `[N, C, spatial…]`, the finest first.
  ///   - labels: `[N, spatial…]` at the finest resolution.
  ///   - loss: The loss of one resolution.
  /// - Returns: One number.
  public static func loss(
    of scores: [Tensor],
    labels: LabelTensor,
    _ loss: (Tensor, LabelTensor) -> Tensor
  ) -> Tensor {
    var total: Tensor?
    for (score, weight) in zip(scores, weights(scores.count)) where weight > 0 {
      let part = loss(score, labels.reduced(to: Array(score.shape.dropFirst(2)))) * weight
      total = total.map { $0 + part } ?? part
    }
    guard let total else { preconditionFailure("no scores to weigh") }
    return total
  }
}

extension LabelTensor {
  /// Takes the nearest label at each cell of a coarser grid of the same extent.
  ///
  /// Cell i of n covers the fine cells from i·s to (i + 1)·s with s the ratio of the sizes; the label
  /// at its centre, rounded down, stands for it: PyTorch's `nearest-exact`, which nnU-Net uses for its
  /// labels, but in whole numbers: where sizes do not divide, its single precision may take the
  /// neighbour.
  /// - Parameter size: Spatial axes of the coarser grid, at least 1 each.
  /// - Returns: `[N, size…]`.
  /// - Precondition: As many axes as the labels have.
  public func reduced(to size: [Int]) -> LabelTensor {
    let old = Array(shape.dropFirst())
    precondition(old.count == size.count, "axes \(size) for labels \(shape)")
    guard old != size else { return self }
    let places = zip(old, size).map { old, new in
      (0..<new).map { min(old - 1, (2 * $0 + 1) * old / (2 * new)) }
    }
    let cells = size.reduce(1, *)
    let oldCells = old.reduce(1, *)
    // Rows of the last axis; the other axes' offsets are found once for each row.
    let width = size[size.count - 1]
    var result = [Int32](repeating: 0, count: shape[0] * cells)
    for sample in 0..<shape[0] {
      for row in 0..<cells / width {
        var (rest, offset, step) = (row, 0, old[old.count - 1])
        for axis in Swift.stride(from: size.count - 2, through: 0, by: -1) {
          offset += places[axis][rest % size[axis]] * step
          rest /= size[axis]
          step *= old[axis]
        }
        let base = sample * oldCells + offset
        let target = sample * cells + row * width
        for column in 0..<width {
          result[target + column] = labels[base + places[places.count - 1][column]]
        }
      }
    }
    return LabelTensor(result, shape: [shape[0]] + size)
  }
}
