import Imaging

/// A chart as a value.
public struct ReportChart: Sendable {
  /// What is drawn.
  public enum Form: Sendable {
    /// Horizontal bars from zero.
    case bars([Bar])
    /// Every value as a dot, with median and quartiles behind.
    case strips([Strip], range: ClosedRange<Double>)
    /// Horizontal bars from zero across a line at 1.
    case ratios([Ratio])
    /// Lines over a common axis.
    case lines([Line], xLabel: String)
  }

  /// A bar.
  public struct Bar: Sendable {
    /// What the bar stands for.
    public let label: String
    /// The length, at least 0.
    public let value: Double
    /// The number as it is shown, with its unit.
    public let text: String
    /// The colour.
    public let color: LabelColor

    /// Creates a bar.
    /// - Parameters:
    ///   - label: What the bar stands for.
    ///   - value: The length, at least 0.
    ///   - text: The number as it is shown.
    ///   - color: The colour.
    public init(label: String, value: Double, text: String, color: LabelColor) {
      self.label = label
      self.value = value
      self.text = text
      self.color = color
    }
  }

  /// A ratio of two quantities, such as times.
  public struct Ratio: Sendable {
    /// What is compared.
    public let label: String
    /// The ratio, at least 0.
    public let value: Double
    /// The lowest and the highest of the ratios behind it.
    public let range: ClosedRange<Double>
    /// The number as it is shown, with remarks.
    public let text: String
    /// Whether the ratio should not be relied on.
    public let isDoubtful: Bool

    /// Creates a ratio.
    /// - Parameters:
    ///   - label: What is compared.
    ///   - value: The ratio, at least 0.
    ///   - range: The lowest and the highest of the ratios behind it.
    ///   - text: The number as it is shown, with remarks.
    ///   - isDoubtful: Whether the ratio should not be relied on.
    public init(
      label: String,
      value: Double,
      range: ClosedRange<Double>,
      text: String,
      isDoubtful: Bool
    ) {
      self.label = label
      self.value = value
      self.range = range
      self.text = text
      self.isDoubtful = isDoubtful
    }
  }

  /// The values of one structure.
  public struct Strip: Sendable {
    /// The structure's name.
    public let label: String
    /// The values.
    public let values: [Double]
    /// The colour.
    public let color: LabelColor

    /// Creates a strip.
    /// - Parameters:
    ///   - label: The structure's name.
    ///   - values: The values.
    ///   - color: The colour.
    public init(label: String, values: [Double], color: LabelColor) {
      self.label = label
      self.values = values
      self.color = color
    }
  }

  /// A line.
  public struct Line: Sendable {
    /// The quantity's name.
    public let label: String
    /// The points by rising x; values that are not finite are left out.
    public let points: [SIMD2<Double>]

    /// Creates a line.
    /// - Parameters:
    ///   - label: The quantity's name.
    ///   - points: The points by rising x.
    public init(label: String, points: [SIMD2<Double>]) {
      self.label = label
      self.points = points
    }
  }

  /// The title.
  public let title: String
  /// What the chart shows, in a sentence with its main numbers.
  public let summary: String
  /// The content.
  public let form: Form

  /// Creates a chart.
  /// - Parameters:
  ///   - title: The title.
  ///   - summary: What the chart shows, in a sentence.
  ///   - form: The content.
  public init(title: String, summary: String, form: Form) {
    self.title = title
    self.summary = summary
    self.form = form
  }
}
