import Evaluation
import Support

/// What a model makes of images that its training did not see, beside what it was given.
public struct EnhancementEvaluation: Codable, Sendable, Equatable {
  /// One image.
  public struct Case: Codable, Sendable, Equatable {
    /// The image's name.
    public let id: String
    /// The degraded image against the clean one; interpolated by cubic B-splines where the grid is coarser.
    public let before: ImageQuality
    /// The model's image against the clean one.
    public let after: ImageQuality
  }

  /// A quantity over the images.
  public struct Summary: Codable, Sendable, Equatable {
    /// The mean; nil when it is undefined for all.
    @NullEncoded public var mean: Double?
    /// The standard deviation with n − 1; nil for fewer than two.
    @NullEncoded public var sd: Double?
    /// The 95 % confidence interval of the mean by a bootstrap over images; nil for fewer than two.
    @NullEncoded public var ci95: [Double]?
    /// Images in which it is defined.
    public var n: Int
  }

  /// Version of this record.
  public var schema = "lamina.enhancement/1"
  /// What the numbers are.
  public var definition =
    "psnr (dB), ssim, mae and gradientError on the model's scale of intensities, whose range is 1; "
    + "before: the degraded image, after: the model's; gain: after less before"
  /// The images.
  public let cases: [Case]
  /// By metric, then "before", "after" and "gain".
  public let summary: [String: [String: Summary]]

  init(_ cases: [Case]) {
    self.cases = cases
    var summary: [String: [String: Summary]] = [:]
    let metrics: [(String, (ImageQuality) -> Double?)] = [
      ("psnr", { $0.psnr }), ("ssim", { $0.ssim }), ("mae", { $0.mae }),
      ("gradientError", { $0.gradientError }),
    ]
    for (name, value) in metrics {
      summary[name] = [
        "before": Self.summary(cases.map { value($0.before) }),
        "after": Self.summary(cases.map { value($0.after) }),
        "gain": Self.summary(
          cases.map { entry in
            value(entry.after).flatMap { after in value(entry.before).map { after - $0 } }
          }
        ),
      ]
    }
    self.summary = summary
  }

  private static func summary(_ values: [Double?]) -> Summary {
    let statistics = SummaryStatistics(
      values.map { value in
        value.map { MetricValue.value($0) } ?? .undefined(reason: "the images are equal")
      },
      random: RandomStream(seed: 1)
    )
    return Summary(
      mean: statistics.mean,
      sd: statistics.sd,
      ci95: statistics.ci95.map { [$0.lowerBound, $0.upperBound] },
      n: statistics.n
    )
  }
}
