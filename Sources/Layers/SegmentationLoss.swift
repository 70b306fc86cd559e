import Tensors

/// Which loss trains a segmentation network, by name; a value for plans.
public enum SegmentationLoss: String, Codable, Sendable, CaseIterable {
  /// Cross-entropy alone.
  case crossEntropy
  /// Soft Dice alone.
  case dice
  /// The sum of both, nnU-Net's default.
  case crossEntropyAndDice
  /// Dice and the cross-entropy of the worst tenth of the pixels, nnU-Net's variant.
  case topKAndDice
  /// Focal loss (γ = 2) and Dice.
  case focalAndDice
  /// Tversky loss that weighs false negatives 0.7 and false positives 0.3.
  case tversky
  /// The same to the power of 0.75.
  case focalTversky

  /// The parts of the loss.
  public var terms: [WeightedSegmentationTerm] {
    let dice = WeightedSegmentationTerm(.dice(RegionOptions(), squaredDenominator: false))
    let crossEntropy = WeightedSegmentationTerm(.crossEntropy(CrossEntropyOptions()))
    switch self {
    case .crossEntropy: return [crossEntropy]
    case .dice: return [dice]
    case .crossEntropyAndDice: return [crossEntropy, dice]
    case .topKAndDice:
      return [
        WeightedSegmentationTerm(.topKCrossEntropy(percent: 10, classWeights: nil)), dice,
      ]
    case .focalAndDice:
      return [WeightedSegmentationTerm(.focal(gamma: 2, classWeights: nil)), dice]
    case .tversky: return [WeightedSegmentationTerm(.tversky(RegionOptions(), TverskyOptions()))]
    case .focalTversky:
      return [
        WeightedSegmentationTerm(.tversky(RegionOptions(), TverskyOptions(exponent: 0.75)))
      ]
    }
  }

  /// The loss of a batch.
  /// - Parameters:
  ///   - logits: `[N, C, spatial…]`.
  ///   - labels: `[N, spatial…]`, values 0 to C − 1.
  ///   - ignoring: Pixels of this label count for nothing.
  /// - Returns: One number, at least 0 up to the smoothing of region losses.
  public func callAsFunction(
    _ logits: Tensor,
    labels: LabelTensor,
    ignoring: Int32? = nil
  ) -> Tensor {
    segmentationLoss(logits, labels: labels, terms: terms, ignoring: ignoring)
  }

  /// The loss of a batch whose regions may overlap, by a sigmoid for each.
  /// - Parameters:
  ///   - logits: `[N, R, spatial…]`, one channel for each region.
  ///   - labels: `[N, spatial…]`, classes of `regions`.
  ///   - regions: Which classes make up which region.
  ///   - ignoring: Pixels of this label count for nothing.
  /// - Returns: One number, as `regionLoss` defines it.
  public func callAsFunction(
    _ logits: Tensor,
    labels: LabelTensor,
    regions: RegionTable,
    ignoring: Int32? = nil
  ) -> Tensor {
    regionLoss(logits, labels: labels, regions: regions, terms: terms, ignoring: ignoring)
  }
}

/// A segmentation loss put together from weighted parts; a value for plans.
public struct CompositeSegmentationLoss: Codable, Sendable, Equatable {
  /// The parts.
  public var terms: [WeightedSegmentationTerm]
  /// Pixels of this label count for nothing.
  public var ignoredLabel: Int32?

  /// Creates a loss.
  /// - Parameters:
  ///   - terms: The parts.
  ///   - ignoredLabel: Pixels of this label count for nothing.
  public init(_ terms: [WeightedSegmentationTerm], ignoredLabel: Int32? = nil) {
    self.terms = terms
    self.ignoredLabel = ignoredLabel
  }

  /// The loss of a batch.
  /// - Parameters:
  ///   - logits: `[N, C, spatial…]`.
  ///   - labels: `[N, spatial…]`, values 0 to C − 1 or the ignored label.
  /// - Returns: One number.
  public func callAsFunction(_ logits: Tensor, labels: LabelTensor) -> Tensor {
    segmentationLoss(logits, labels: labels, terms: terms, ignoring: ignoredLabel)
  }
}
