/// Spearman's rank correlation.
///
/// Spearman 1904: Pearson's correlation of the ranks; equal values share the mean of their ranks.
public enum RankCorrelation {
  /// The correlation of paired values.
  /// - Parameters:
  ///   - one: Values.
  ///   - other: As many values.
  /// - Returns: −1 to 1; nil for fewer than three pairs or where a side does not differ.
  public static func spearman(_ one: [Double], _ other: [Double]) -> Double? {
    precondition(one.count == other.count, "\(one.count) and \(other.count) values")
    guard one.count > 2 else { return nil }
    let (a, b) = (ranks(one), ranks(other))
    let middle = Double(one.count + 1) / 2
    var (product, squareA, squareB) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      product += (x - middle) * (y - middle)
      squareA += (x - middle) * (x - middle)
      squareB += (y - middle) * (y - middle)
    }
    guard squareA > 0, squareB > 0 else { return nil }
    return product / (squareA * squareB).squareRoot()
  }

  /// The rank of each value from 1; equal values share the mean of theirs.
  package static func ranks(_ values: [Double]) -> [Double] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Double](repeating: 0, count: values.count)
    var first = 0
    while first < order.count {
      var last = first
      while last + 1 < order.count, values[order[last + 1]] == values[order[first]] { last += 1 }
      for place in first...last { ranks[order[place]] = Double(first + last) / 2 + 1 }
      first = last + 1
    }
    return ranks
  }
}
