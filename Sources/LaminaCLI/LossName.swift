import ArgumentParser
import Layers

/// The losses of `--loss` by the names that users know.
enum LossName: String, ExpressibleByArgument, CaseIterable {
  case diceAndCrossEntropy = "dice-ce"
  case diceAndTopK = "dice-topk"
  case diceAndFocal = "dice-focal"
  case dice
  case crossEntropy = "ce"
  case tversky
  case focalTversky = "focal-tversky"

  /// The loss.
  var loss: SegmentationLoss {
    switch self {
    case .diceAndCrossEntropy: .crossEntropyAndDice
    case .diceAndTopK: .topKAndDice
    case .diceAndFocal: .focalAndDice
    case .dice: .dice
    case .crossEntropy: .crossEntropy
    case .tversky: .tversky
    case .focalTversky: .focalTversky
    }
  }
}
