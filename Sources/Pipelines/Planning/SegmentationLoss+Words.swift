import Layers

extension SegmentationLoss {
  /// The loss in words.
  /// - Parameter ofRegions: Whether each output is a region by itself.
  /// - Returns: A name for tables.
  func words(ofRegions: Bool) -> String {
    let entropy = ofRegions ? "binary cross-entropy" : "cross-entropy"
    switch self {
    case .crossEntropy: return entropy
    case .dice: return "Dice"
    case .crossEntropyAndDice: return entropy + " and Dice"
    case .topKAndDice: return entropy + " of the worst tenth and Dice"
    case .focalAndDice: return "focal loss and Dice"
    case .tversky: return "Tversky"
    case .focalTversky: return "focal Tversky"
    }
  }
}
