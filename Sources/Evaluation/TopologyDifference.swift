import Imaging

/// By how much the Betti numbers of two masks differ.
package struct TopologyDifference: Sendable, Equatable {
  /// The prediction's numbers.
  package let prediction: BettiNumbers
  /// The reference's numbers.
  package let reference: BettiNumbers

  /// Counts both masks.
  /// - Parameter masks: The masks, of which one may be empty.
  package init(of masks: CroppedMasks) {
    prediction = BettiNumbers(masks.prediction, size: masks.size)
    reference = BettiNumbers(masks.reference, size: masks.size)
  }

  /// The absolute difference of one of the numbers.
  /// - Parameter number: Such as `\.pieces`.
  /// - Returns: 0 when they agree.
  package func error(_ number: KeyPath<BettiNumbers, Int>) -> Double {
    Double(abs(prediction[keyPath: number] - reference[keyPath: number]))
  }
}
