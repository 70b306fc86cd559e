/// Intervals of structures' volumes, calibrated on held-out cases with references.
///
/// Split conformal prediction: Vovk, Gammerman and Shafer 2005, "Algorithmic learning in a random world";
/// with residuals scaled by how large they are likely to be, Lei et al. 2018, "Distribution-free predictive
/// inference for regression", section 5.2; Angelopoulos and Bates 2021, "A gentle introduction to conformal
/// prediction", section 2.3. With n calibration cases, of which case i has the residual |true − found| /
/// scale, the interval is found ± q · scale, where q is the ⌈(n + 1) · level⌉-th smallest of them. Of new
/// cases that are drawn as the calibration cases were, at least the share `level` has its true volume
/// within, whatever the model is worth; it is a share of all cases, not a promise for one of them.
public struct VolumeIntervals: Sendable, Equatable {
  /// What residuals are divided by.
  public enum Scale: String, Codable, Sendable, CaseIterable {
    /// The volume that was found.
    case volume
    /// The volume that was found, times how unsure the model was of the case.
    case uncertainty
  }

  /// The interval of one volume.
  public struct Interval: Codable, Sendable, Equatable {
    /// The lower end, ml; never below 0.
    public let lowML: Double
    /// The upper end, ml.
    public let highML: Double
    /// The share of new cases whose true volume lies within, at least.
    public let level: Double
    /// The calibration cases.
    public let cases: Int
    /// What residuals were divided by.
    public let scale: Scale
  }

  /// What the calibration cases say of one structure.
  private struct Quantile: Sendable, Equatable {
    let residual: Double
    let cases: Int
  }

  /// The level where none is asked for.
  public static let usualLevel = 0.9
  /// Levels that can be asked for.
  public static let levels = 0.5...0.999

  /// The share of new cases whose true volume lies within, at least.
  public let level: Double
  /// What residuals are divided by.
  public let scale: Scale
  private let quantiles: [String: Quantile]

  /// Calibrates.
  ///
  /// Of a patient's cases, where patients are known, the first counts: cases of one patient are not drawn
  /// by themselves. Cases in which nothing was found are left out, as are such cases of use.
  /// - Parameters:
  ///   - report: An evaluation of held-out cases.
  ///   - structures: The names of the structures that need intervals; nil for those of the evaluation.
  ///   - level: The level, one of `levels`.
  ///   - scale: What residuals are divided by.
  /// - Throws: `EvaluationError.uncalibrated` when the evaluation has no volumes, not all structures, or too
  ///   few cases.
  public init(
    _ report: EvaluationReport,
    structures: [String]?,
    level: Double = usualLevel,
    scale: Scale = .volume
  ) throws(EvaluationError) {
    guard Self.levels.contains(level) else {
      throw .uncalibrated(reason: "a level of \(level) is not among \(Self.levels)")
    }
    guard report.objectName == nil else {
      throw .uncalibrated(reason: "its labels count objects, which have no volume of their own")
    }
    var doubts: [String: Double] = [:]
    if scale == .uncertainty {
      guard let found = report.uncertainty else {
        throw .uncalibrated(
          reason: "it does not know how unsure the model was; evaluate with --uncertainty"
        )
      }
      for item in found.cases { doubts[item.id] = item.score }
    }
    let followers = Set(report.patients.flatMap { $0.dropFirst() })
    var residuals: [String: [Double]] = [:]
    for item in report.cases where !followers.contains(item.id) {
      for label in item.labels {
        guard let found = label.values["volumePredictionML"]?.number, found > 0,
          let wanted = label.values["volumeReferenceML"]?.number
        else { continue }
        var spread = found
        if scale == .uncertainty {
          guard let doubt = doubts[item.id], doubt > 0 else { continue }
          spread *= doubt
        }
        residuals[label.name, default: []].append(abs(wanted - found) / spread)
      }
    }
    guard !residuals.isEmpty else {
      throw .uncalibrated(
        reason: "it has no volumes of prediction and reference; evaluate with --metrics all"
      )
    }
    var quantiles: [String: Quantile] = [:]
    for name in structures ?? residuals.keys.sorted() {
      let own = residuals[name] ?? []
      guard !own.isEmpty else {
        throw .uncalibrated(
          reason: "it has no case with \"\(name)\", only with "
            + residuals.keys.sorted().map { "\"\($0)\"" }.joined(separator: ", ")
        )
      }
      guard let residual = ConformalIntervals.halfWidth(own, coverage: level) else {
        throw .uncalibrated(
          reason: "\(own.count) case\(own.count == 1 ? " has" : "s have") \"\(name)\", and an "
            + "interval of level \(level) takes \(ConformalIntervals.fewestCases(coverage: level)) or more"
        )
      }
      quantiles[name] = Quantile(residual: residual, cases: own.count)
    }
    (self.level, self.scale, self.quantiles) = (level, scale, quantiles)
  }

  /// The interval of a volume.
  /// - Parameters:
  ///   - name: The structure's name.
  ///   - volumeML: The volume that was found, ml.
  ///   - uncertainty: How unsure the model was of the case, 0 to 1; needed where residuals were divided by
  ///     it.
  /// - Returns: The interval; nil for a structure that was not calibrated or not found, or without its
  ///   scale.
  public func interval(of name: String, volumeML: Double, uncertainty: Double?) -> Interval? {
    guard let quantile = quantiles[name], volumeML > 0 else { return nil }
    var spread = volumeML
    if scale == .uncertainty {
      guard let uncertainty, uncertainty > 0 else { return nil }
      spread *= uncertainty
    }
    return Interval(
      lowML: max(0, volumeML - quantile.residual * spread),
      highML: volumeML + quantile.residual * spread,
      level: level,
      cases: quantile.cases,
      scale: scale
    )
  }

  /// Adds intervals to measurements.
  /// - Parameters:
  ///   - structures: The measurements.
  ///   - uncertainty: How unsure the model was of the case; nil where it was not asked for.
  public func add(to structures: inout [StructureStatistics], uncertainty: Double?) {
    for index in structures.indices {
      structures[index].volumeInterval = interval(
        of: structures[index].name,
        volumeML: structures[index].volumeML,
        uncertainty: uncertainty
      )
    }
  }
}
