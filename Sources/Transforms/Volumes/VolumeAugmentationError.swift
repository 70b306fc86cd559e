import Support

/// What can be wrong with settings of augmentation that come from a file.
public enum VolumeAugmentationError: ClassifiedError, Equatable {
  /// A probability is not between 0 and 1.
  case probabilityOutOfRange(setting: String, value: Double)
  /// A number is negative, or 0 where that has no meaning, or not finite.
  case valueOutOfRange(setting: String, value: Double)
  /// An axis is not 0, 1 or 2.
  case unknownAxis(Int)
  /// An entry of the swaps is not a pair of two classes, or a class stands in two pairs.
  case invalidSwap([Int])

  /// The kind of the failure.
  public var failure: Failure { .damagedInput }

  /// One sentence: what was wrong, where, and what to do.
  public var description: String {
    switch self {
    case .probabilityOutOfRange(let setting, let value):
      "The augmentation's \(setting) is \(value); give a probability between 0 and 1."
    case .valueOutOfRange(let setting, let value):
      "The augmentation's \(setting) of \(value) has no meaning; give a larger, finite number."
    case .unknownAxis(let axis):
      "The augmentation names the axis \(axis); axes are 0 (x), 1 (y) and 2 (z)."
    case .invalidSwap(let classes):
      "The augmentation's swap \(classes) is not a pair of classes of its own; give two classes, "
        + "each in one pair only."
    }
  }
}
