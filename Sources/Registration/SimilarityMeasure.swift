import Support

/// What makes two aligned images similar.
public enum SimilarityMeasure: String, Sendable, CaseIterable, Codable {
  /// Mutual information: for images of any contrasts.
  case mutualInformation = "mi"
  /// Normalised cross-correlation: for images whose values are linear in each other.
  case crossCorrelation = "ncc"
  /// The mean of squared differences: for images of equal values.
  case meanSquares = "ms"

  /// The measure's name in words.
  public var name: String {
    switch self {
    case .mutualInformation: "mutual information"
    case .crossCorrelation: "normalised cross-correlation"
    case .meanSquares: "mean squares"
    }
  }

  /// Whether larger values mean more alike.
  public var growsWithLikeness: Bool { self != .meanSquares }
}

/// A cost of pairs of values, smaller for more similar images, with its derivatives.
///
/// Where a sample lies outside the moving image its moving value is not a number, and it does not
/// count. Sums run over `Pieces`, so that results do not depend on the number of threads.
protocol SimilarityCost: Sendable {
  /// The cost of pairs of values.
  /// - Parameters:
  ///   - fixed: Values of the fixed image.
  ///   - moving: Values of the moving image at the same samples, or not a number.
  ///   - slopes: Gets the derivative of the cost by each moving value, 0 for those that do not count;
  ///     nil when it is not needed.
  /// - Returns: The cost; nil when it is undefined, as for a moving image that is constant there.
  func cost(fixed: [Float], moving: [Float], slopes: inout [Float]?) -> Double?
}

/// Sums of pairs of values.
struct PairSums: Sendable {
  private(set) var count = 0.0
  private(set) var fixed = 0.0
  private(set) var moving = 0.0
  private(set) var fixedSquares = 0.0
  private(set) var movingSquares = 0.0
  private(set) var products = 0.0
  private(set) var squaredDifferences = 0.0

  /// Adds up pairs; values are taken relative to `origin`, so that large ones do not cancel.
  init(fixed: [Float], moving: [Float], fixedOrigin: Double, movingOrigin: Double) {
    let parts = Pieces(count: fixed.count).map { range in
      var sums = SIMD8<Double>.zero
      for index in range where !moving[index].isNaN {
        let f = Double(fixed[index]) - fixedOrigin
        let m = Double(moving[index]) - movingOrigin
        let difference = Double(fixed[index]) - Double(moving[index])
        sums += SIMD8(1, f, m, f * f, m * m, f * m, difference * difference, 0)
      }
      return sums
    }
    var total = SIMD8<Double>.zero
    for part in parts { total += part }
    count = total[0]
    self.fixed = total[1]
    self.moving = total[2]
    fixedSquares = total[3]
    movingSquares = total[4]
    products = total[5]
    squaredDifferences = total[6]
  }

  var fixedVariation: Double { fixedSquares - fixed * fixed / count }
  var movingVariation: Double { movingSquares - moving * moving / count }
  var covariation: Double { products - fixed * moving / count }

  /// Pearson's correlation; nil where one of the two does not vary.
  var correlation: Double? {
    let product = fixedVariation * movingVariation
    guard count > 1, product > 0 else { return nil }
    let value = covariation / product.squareRoot()
    return value.isFinite ? value : nil
  }
}

/// The mean of squared differences.
struct MeanSquaresCost: SimilarityCost {
  func cost(fixed: [Float], moving: [Float], slopes: inout [Float]?) -> Double? {
    let sums = PairSums(fixed: fixed, moving: moving, fixedOrigin: 0, movingOrigin: 0)
    guard sums.count > 0 else { return nil }
    if slopes != nil {
      let factor = Float(-2 / sums.count)
      slopes = zip(fixed, moving).map { f, m in m.isNaN ? 0 : factor * (f - m) }
    }
    return sums.squaredDifferences / sums.count
  }
}

/// Minus the normalised cross-correlation.
struct CrossCorrelationCost: SimilarityCost {
  /// A value near those of each image.
  let fixedOrigin: Double
  let movingOrigin: Double

  func cost(fixed: [Float], moving: [Float], slopes: inout [Float]?) -> Double? {
    let sums = PairSums(
      fixed: fixed,
      moving: moving,
      fixedOrigin: fixedOrigin,
      movingOrigin: movingOrigin
    )
    guard let correlation = sums.correlation else { return nil }
    if slopes != nil {
      // d(−r)/dm = −((f − f̄) − (Sfm / Smm) (m − m̄)) / √(Sff Smm)
      let norm = (sums.fixedVariation * sums.movingVariation).squareRoot()
      let ratio = Float(sums.covariation / sums.movingVariation)
      let fixedMean = Float(sums.fixed / sums.count + fixedOrigin)
      let movingMean = Float(sums.moving / sums.count + movingOrigin)
      let factor = Float(-1 / norm)
      slopes = zip(fixed, moving).map { f, m in
        m.isNaN ? 0 : factor * ((f - fixedMean) - ratio * (m - movingMean))
      }
    }
    return -correlation
  }
}
