import Foundation

extension VolumeAgreement {
  /// Compares the volumes of a structure over a cohort; nil when they were not computed.
  init?(_ cohort: CohortUnits, structure: (key: String, name: String)) {
    var points: [Point] = []
    var absent = 0
    for unit in cohort.units {
      var predictions: [Double] = []
      var references: [Double] = []
      for index in unit.cases {
        guard let label = cohort.label(structure.key, case: index),
          let prediction = label.values["volumePredictionML"]?.number,
          let reference = label.values["volumeReferenceML"]?.number
        else { continue }
        if prediction == 0, reference == 0 {
          absent += 1
        } else {
          predictions.append(prediction)
          references.append(reference)
        }
      }
      guard !predictions.isEmpty else { continue }
      points.append(
        Point(
          id: unit.id,
          predictionML: Self.mean(predictions),
          referenceML: Self.mean(references)
        )
      )
    }
    guard !points.isEmpty || absent > 0 else { return nil }
    self.init(structure: structure.key, name: structure.name, points: points, absent: absent)
  }

  /// Compares volumes.
  ///
  /// Bias and limits of agreement are Bland and Altman's (1986, "Statistical methods for assessing
  /// agreement between two methods of clinical measurement"); the limits' intervals use the variance
  /// of Bland and Altman 1999, "Measuring agreement in method comparison studies", section 2.2:
  /// SD^2 (1/n + 1.96^2 / (2 (n - 1))), with Student's t of n - 1 degrees of freedom. The
  /// concordance coefficient is Lin's (1989, "A concordance correlation coefficient to evaluate
  /// reproducibility", equation 4, variances over n), its interval by the z-transform with the
  /// variance as corrected in Lin 2000.
  /// - Parameters:
  ///   - structure: The structure's key.
  ///   - name: The structure's name.
  ///   - points: The volumes, finite.
  ///   - absent: The number of cases left out because neither map has the structure.
  package init(structure: String, name: String, points: [Point], absent: Int = 0) {
    let n = Double(points.count)
    let differences = points.map(\.differenceML)
    let bias = points.isEmpty ? nil : Self.mean(differences)
    var sd: Double?
    var biasCI95: ClosedRange<Double>?
    var limits: ClosedRange<Double>?
    var limitCIs: (ClosedRange<Double>, ClosedRange<Double>)?
    if let bias, points.count > 1 {
      let deviation = Self.sumOfSquares(differences, differences) / (n - 1)
      let spread = deviation.squareRoot()
      let z = NormalDistribution.quantile(0.975)
      let t = StudentDistribution.quantile(0.975, freedom: points.count - 1)
      let margin = t * spread / n.squareRoot()
      let limitMargin = t * spread * (1 / n + z * z / (2 * (n - 1))).squareRoot()
      let (low, high) = (bias - z * spread, bias + z * spread)
      sd = spread
      biasCI95 = (bias - margin)...(bias + margin)
      limits = low...high
      limitCIs = (
        (low - limitMargin)...(low + limitMargin), (high - limitMargin)...(high + limitMargin)
      )
    }
    let correlation = Correlation(points)
    self.init(
      structure: structure,
      name: name,
      points: points,
      absent: absent,
      biasML: bias,
      sdML: sd,
      biasCI95: biasCI95,
      limitsML: limits,
      lowerLimitCI95: limitCIs?.0,
      upperLimitCI95: limitCIs?.1,
      pearson: correlation?.pearson,
      pearsonCI95: correlation?.pearsonCI95,
      concordance: correlation?.concordance,
      concordanceCI95: correlation?.concordanceCI95
    )
  }

  private static func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }

  /// The sum of products of deviations from the means.
  private static func sumOfSquares(_ x: [Double], _ y: [Double]) -> Double {
    let (meanX, meanY) = (mean(x), mean(y))
    return zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
  }

  private struct Correlation {
    var pearson: Double?
    var pearsonCI95: ClosedRange<Double>?
    var concordance: Double?
    var concordanceCI95: ClosedRange<Double>?

    init?(_ points: [Point]) {
      guard points.count > 2 else { return nil }
      let n = Double(points.count)
      let (x, y) = (points.map(\.predictionML), points.map(\.referenceML))
      let xx = sumOfSquares(x, x) / n
      let yy = sumOfSquares(y, y) / n
      let xy = sumOfSquares(x, y) / n
      let shift = mean(x) - mean(y)
      let total = xx + yy + shift * shift
      guard total > 0 else { return nil }
      let rho = 2 * xy / total
      concordance = rho
      guard xx > 0, yy > 0 else { return }
      let r = max(-1, min(1, xy / (xx * yy).squareRoot()))
      pearson = r
      guard points.count > 3, abs(r) < 1, abs(rho) < 1 else { return }
      let z = NormalDistribution.quantile(0.975)
      let margin = z / (n - 3).squareRoot()
      pearsonCI95 = tanh(atanh(r) - margin)...tanh(atanh(r) + margin)
      guard r != 0 else { return }
      let location = shift * shift / (xx * yy).squareRoot()
      let rest = 1 - rho * rho
      let variance =
        ((1 - r * r) * rho * rho / (rest * r * r)
          + 2 * rho * rho * rho * (1 - rho) * location / (r * rest * rest)
          - rho * rho * rho * rho * location * location / (2 * r * r * rest * rest))
        / (n - 2)
      guard variance >= 0, variance.isFinite else { return }
      let spread = z * variance.squareRoot()
      concordanceCI95 = tanh(atanh(rho) - spread)...tanh(atanh(rho) + spread)
    }
  }
}
