import Foundation

/// The entropy of class probabilities as a share of the largest that it can be.
///
/// Shannon 1948. Of classes that compete, H = −Σ p ln p over ln K; of outputs that are questions by
/// themselves (regions), the mean over the outputs of their two-valued entropies over ln 2.
package enum ClassEntropy: Sendable, Equatable {
  /// The probabilities of a voxel's classes add up to 1.
  case competing
  /// Each output is a probability by itself.
  case independent

  /// The entropy at a place of class-major values.
  /// - Parameters:
  ///   - values: `[class][place]`, from 0 to 1; what lies outside, NaN too, counts as certain.
  ///   - place: The place.
  ///   - places: Places of a class.
  ///   - classes: Classes.
  ///   - scale: What each value is multiplied by before.
  /// - Returns: 0, certain, to 1, all alike; 0 for a single class that competes.
  @inline(__always)
  package func value(
    _ values: UnsafePointer<Float>,
    place: Int,
    places: Int,
    classes: Int,
    scale: Float = 1
  ) -> Float {
    var sum: Float = 0
    switch self {
    case .competing:
      guard classes > 1 else { return 0 }
      for index in 0..<classes { sum -= Self.term(scale * values[index * places + place]) }
      return min(max(sum / log(Float(classes)), 0), 1)
    case .independent:
      guard classes > 0 else { return 0 }
      for index in 0..<classes {
        let probability = scale * values[index * places + place]
        sum -= Self.term(probability) + Self.term(1 - probability)
      }
      return min(max(sum / (Float(classes) * Float(M_LN2)), 0), 1)
    }
  }

  @inline(__always)
  private static func term(_ probability: Float) -> Float {
    probability > 0 && probability < 1 ? probability * log(probability) : 0
  }
}

extension ModelDescription {
  /// How the probabilities of a model's classes are read; nil where it gives none.
  var entropy: ClassEntropy? {
    guard totalSegmentator == nil else { return nil }
    switch plan {
    case .slices, .atlas: return .competing
    case .nnUNet(let plan):
      if case .regions = plan.heads { return .independent }
      return .competing
    case .volume(let plan):
      guard plan.givesProbabilities else { return nil }
      return plan.activation == .sigmoid ? .independent : .competing
    case .enhancement, .recognition, .sequence, .compression, .autoencoder, .stylization: return nil
    }
  }
}
