import Tensors

/// Which loss trains a segmentation network; a value for plans.
public enum SegmentationLoss: String, Codable, Sendable, CaseIterable {
  /// Cross-entropy alone.
  case crossEntropy
  /// Soft Dice alone.
  case dice
  /// The sum of both, nnU-Net's default.
  case crossEntropyAndDice

  /// The loss of a batch.
  /// - Parameters:
  ///   - logits: `[N, C, spatial…]`.
  ///   - labels: `[N, spatial…]`, values 0 to C − 1.
  ///   - ignoring: Pixels of this label count for nothing.
  /// - Returns: One number, at least 0 up to Dice's smoothing.
  public func callAsFunction(
    _ logits: Tensor,
    labels: LabelTensor,
    ignoring: Int32? = nil
  ) -> Tensor {
    switch self {
    case .crossEntropy: Tensors.crossEntropy(logits, labels: labels, ignoring: ignoring)
    case .dice: softDiceLoss(logits, labels: labels, ignoring: ignoring)
    case .crossEntropyAndDice:
      Tensors.crossEntropy(logits, labels: labels, ignoring: ignoring)
        + softDiceLoss(logits, labels: labels, ignoring: ignoring)
    }
  }
}
