import Foundation

/// How well predicted probabilities match what happens.
///
/// Each sample has a probability for every class and one true class; a sample is a voxel or a case.
/// Voxels should be those near the structure, as the far background is right for free; which were
/// taken belongs beside the numbers.
public struct Calibration: Equatable, Sendable {
  /// One bin of the reliability diagram.
  public struct Bin: Equatable, Sendable {
    /// The samples whose highest probability lies in the bin.
    public let count: Int
    /// The mean of their highest probabilities.
    public let confidence: Double
    /// The share of them whose most probable class is the true one.
    public let accuracy: Double
  }

  /// The bins by rising confidence, equally wide and half-open: (0, 1/n], (1/n, 2/n], ...; empty
  /// bins have zeros.
  public let bins: [Bin]
  /// The expected calibration error: the mean of |accuracy - confidence| over the samples' bins.
  ///
  /// Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks". Between 0
  /// and 1, lower is better.
  public let expectedError: Double
  /// The largest |accuracy - confidence| of a bin that has samples.
  public let maximumError: Double
  /// The mean over the samples of the squared differences of probabilities and truth, over classes.
  ///
  /// Summed over the classes (Brier 1950): between 0 and 2, lower is better. Of two classes it is
  /// twice what scikit-learn's `brier_score_loss` gives by default.
  public let brierScore: Double
  /// The mean negative natural logarithm of the true class's probability, lower is better;
  /// probabilities below 1e-15 count as such.
  public let negativeLogLikelihood: Double

  /// The usual number of bins.
  public static let defaultBinCount = 15
  /// The least probability of the logarithm.
  private static let leastProbability = 1e-15

  /// Measures samples; nil without one.
  /// - Parameters:
  ///   - probabilities: For each sample its classes' probabilities, one sample after another.
  ///   - classCount: The number of classes, at least 2.
  ///   - truth: The true class of each sample, from 0.
  ///   - binCount: The number of bins.
  /// - Precondition: `classCount` probabilities a sample, and classes below it.
  public init?(
    probabilities: [Double],
    classCount: Int,
    truth: [Int],
    binCount: Int = defaultBinCount
  ) {
    precondition(classCount > 1 && binCount > 0, "\(classCount) classes, \(binCount) bins")
    precondition(
      probabilities.count == truth.count * classCount,
      "\(probabilities.count) probabilities for \(truth.count) samples of \(classCount) classes"
    )
    guard !truth.isEmpty else { return nil }
    var counts = [Int](repeating: 0, count: binCount)
    var confidences = [Double](repeating: 0, count: binCount)
    var hits = [Int](repeating: 0, count: binCount)
    var (squares, logarithms) = (0.0, 0.0)
    for (sample, label) in truth.enumerated() {
      precondition((0..<classCount).contains(label), "class \(label) of \(classCount)")
      let row = probabilities[(sample * classCount)..<((sample + 1) * classCount)]
      var (best, bestClass) = (-Double.infinity, 0)
      for (index, probability) in row.enumerated() {
        let target = index == label ? 1.0 : 0
        squares += (probability - target) * (probability - target)
        if probability > best { (best, bestClass) = (probability, index) }
        if index == label { logarithms -= log(max(probability, Self.leastProbability)) }
      }
      let place = Int((best * Double(binCount)).rounded(.up)) - 1
      let bin = min(max(place, 0), binCount - 1)
      counts[bin] += 1
      confidences[bin] += best
      if bestClass == label { hits[bin] += 1 }
    }
    bins = (0..<binCount).map { bin in
      let count = Double(counts[bin])
      return Bin(
        count: counts[bin],
        confidence: counts[bin] == 0 ? 0 : confidences[bin] / count,
        accuracy: counts[bin] == 0 ? 0 : Double(hits[bin]) / count
      )
    }
    let gaps = bins.map { (weight: $0.count, gap: abs($0.accuracy - $0.confidence)) }
    expectedError = gaps.reduce(0) { $0 + Double($1.weight) * $1.gap } / Double(truth.count)
    maximumError = gaps.map(\.gap).max() ?? 0
    brierScore = squares / Double(truth.count)
    negativeLogLikelihood = logarithms / Double(truth.count)
  }
}
