/// How often each class was taken for each.
public struct ConfusionMatrix: Equatable, Sendable {
  /// `counts[truth][prediction]` cases.
  public let counts: [[Int]]

  /// Counts cases.
  /// - Parameters:
  ///   - truth: The true class of each case, from 0.
  ///   - prediction: The predicted class of each case.
  ///   - classCount: The number of classes.
  /// - Precondition: As many predictions as truths; classes below `classCount`.
  public init(truth: [Int], prediction: [Int], classCount: Int) {
    precondition(truth.count == prediction.count, "\(truth.count) and \(prediction.count) cases")
    var counts = [[Int]](repeating: [Int](repeating: 0, count: classCount), count: classCount)
    for (a, b) in zip(truth, prediction) { counts[a][b] += 1 }
    self.counts = counts
  }

  /// All cases.
  public var total: Int { counts.reduce(0) { $0 + $1.reduce(0, +) } }

  /// The share of cases on the diagonal; nil without a case.
  public var accuracy: Double? { ratio(counts.indices.reduce(0) { $0 + counts[$1][$1] }, total) }

  /// The mean recall of the classes that occur; nil without a case.
  public var balancedAccuracy: Double? { mean(counts.indices.compactMap { recall(of: $0) }) }

  /// The share of a class's cases that are predicted as such.
  /// - Parameter label: The class.
  /// - Returns: The recall, or nil when the class does not occur.
  public func recall(of label: Int) -> Double? {
    ratio(counts[label][label], counts[label].reduce(0, +))
  }

  /// The share of the cases predicted as a class that are of it.
  /// - Parameter label: The class.
  /// - Returns: The precision, or nil when the class is never predicted.
  public func precision(of label: Int) -> Double? {
    ratio(counts[label][label], counts.reduce(0) { $0 + $1[label] })
  }

  /// 2 TP / (2 TP + FP + FN) of a class.
  /// - Parameter label: The class.
  /// - Returns: The F1 score, or nil when the class neither occurs nor is predicted.
  public func f1(of label: Int) -> Double? {
    let both = counts[label].reduce(0, +) + counts.reduce(0) { $0 + $1[label] }
    return ratio(2 * counts[label][label], both)
  }

  /// The mean F1 score of the classes that occur or are predicted; nil without a case.
  public var macroF1: Double? { mean(counts.indices.compactMap { f1(of: $0) }) }

  /// Agreement beyond chance (Cohen 1960, "A coefficient of agreement for nominal scales"): 1 is
  /// perfect, 0 chance; nil without a case, or when chance agrees always.
  public var kappa: Double? {
    guard let accuracy else { return nil }
    let total = Double(total)
    let chance = counts.indices.reduce(0.0) { sum, label in
      let occurs = Double(counts[label].reduce(0, +)) / total
      return sum + occurs * Double(counts.reduce(0) { $0 + $1[label] }) / total
    }
    return chance == 1 ? nil : (accuracy - chance) / (1 - chance)
  }

  private func ratio(_ a: Int, _ b: Int) -> Double? { b == 0 ? nil : Double(a) / Double(b) }
  private func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }
}
