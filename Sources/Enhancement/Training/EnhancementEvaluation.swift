import Evaluation
import Pipelines
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
    /// The range of the clean image's values; nil where it is 1.
    public var dataRange: Double?
    /// Pixels at each side that are left out; nil for none.
    public var border: Int?
    /// Wall time of the model, seconds; nil where it was not taken.
    public var seconds: Double?

    /// The spread over the symmetries of planes; nil where they were not looked at.
    public var spread: EnhancementSpread?
    /// What became of a segmentation; nil where none was looked at.
    public var segmentation: SegmentationChange?

    init(id: String, before: ImageQuality, after: ImageQuality) {
      self.id = id
      self.before = before
      self.after = after
    }
  }

  /// What other steps make of the same degraded images.
  public struct Rival: Codable, Sendable, Equatable {
    /// The steps, in order.
    public let stages: [StageRecord]
    /// Their images against the clean ones, in the order of the cases.
    public let after: [ImageQuality]
    /// By metric, then "after", "gain" over the degraded images, and "lead": the model less the rival,
    /// image by image.
    public let summary: [String: [String: Summary]]
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
  /// What was done to the clean images, in order; nil in the evaluation of a training.
  public var degradation: [String]?
  /// The seed of the noise.
  public var seed: UInt64?
  /// The model and what follows it; nil in the evaluation of a training.
  public var stages: [StageRecord]?
  /// Other steps on the same images.
  public var against: [Rival]?
  /// What is worth knowing, one sentence each.
  public var notes: [String]?
  /// The command line.
  public var command: String?

  /// The metrics of the summaries.
  static let metrics: [(name: String, value: @Sendable (ImageQuality) -> Double?)] = [
    ("psnr", { $0.psnr }), ("ssim", { $0.ssim }), ("mae", { $0.mae }),
    ("gradientError", { $0.gradientError }),
  ]

  init(_ cases: [Case]) {
    self.cases = cases
    summary = Self.summaries { value in
      let (before, after) = (cases.map { value($0.before) }, cases.map { value($0.after) })
      return ["before": before, "after": after, "gain": Self.differences(after, before)]
    }
  }

  /// Adds what other steps made of the images.
  /// - Parameters:
  ///   - stages: The steps.
  ///   - after: Their images against the clean ones, in the order of the cases.
  /// - Precondition: One for each case.
  mutating func add(_ stages: [StageRecord], _ after: [ImageQuality]) {
    precondition(after.count == cases.count, "\(after.count) images for \(cases.count) cases")
    let cases = cases
    let summary = Self.summaries { value in
      let own = after.map { value($0) }
      return [
        "after": own, "gain": Self.differences(own, cases.map { value($0.before) }),
        "lead": Self.differences(cases.map { value($0.after) }, own),
      ]
    }
    against = (against ?? []) + [Rival(stages: stages, after: after, summary: summary)]
  }

  private static func differences(_ a: [Double?], _ b: [Double?]) -> [Double?] {
    zip(a, b).map { a, b in a.flatMap { a in b.map { a - $0 } } }
  }

  private static func summaries(
    _ values: ((ImageQuality) -> Double?) -> [String: [Double?]]
  ) -> [String: [String: Summary]] {
    Dictionary(
      uniqueKeysWithValues: metrics.map { name, value in
        (name, values(value).mapValues { summary($0) })
      }
    )
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
