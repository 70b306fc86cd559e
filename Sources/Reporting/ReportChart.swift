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
    /// Dots over two axes, with lines across.
    case scatter(Scatter)
    /// A grid of coloured cells.
    case heat(Heat)
  }

  /// Dots over two axes.
  public struct Scatter: Sendable {
    /// A dot.
    public struct Dot: Sendable {
      /// Where it stands.
      public let place: SIMD2<Double>
      /// What it is, shown when it is pointed at.
      public let label: String
      /// The colour.
      public let color: LabelColor

      /// Creates a dot.
      /// - Parameters:
      ///   - place: Where it stands.
      ///   - label: What it is.
      ///   - color: The colour.
      public init(place: SIMD2<Double>, label: String, color: LabelColor) {
        self.place = place
        self.label = label
        self.color = color
      }
    }

    /// A line across the chart.
    public struct Guide: Sendable {
      /// Its height.
      public let y: Double
      /// What it is.
      public let label: String

      /// Creates a line.
      /// - Parameters:
      ///   - y: Its height.
      ///   - label: What it is.
      public init(y: Double, label: String) {
        self.y = y
        self.label = label
      }
    }

    /// The dots.
    public let dots: [Dot]
    /// The lines across.
    public let guides: [Guide]
    /// Whether the line on which both axes are equal is drawn.
    public let hasDiagonal: Bool
    /// The horizontal axis with its unit.
    public let xLabel: String
    /// The vertical axis with its unit.
    public let yLabel: String

    /// Creates a chart's content.
    /// - Parameters:
    ///   - dots: The dots.
    ///   - guides: The lines across.
    ///   - hasDiagonal: Whether the line on which both axes are equal is drawn.
    ///   - xLabel: The horizontal axis with its unit.
    ///   - yLabel: The vertical axis with its unit.
    public init(
      dots: [Dot],
      guides: [Guide] = [],
      hasDiagonal: Bool = false,
      xLabel: String,
      yLabel: String
    ) {
      self.dots = dots
      self.guides = guides
      self.hasDiagonal = hasDiagonal
      self.xLabel = xLabel
      self.yLabel = yLabel
    }
  }

  /// A grid of coloured cells, one for each row and column.
  public struct Heat: Sendable {
    /// The rows' names from the top.
    public let rows: [String]
    /// The columns' names.
    public let columns: [String]
    /// The values by row, then column; nil where none is defined.
    public let values: [[Double?]]
    /// The values of the darkest and the brightest colour.
    public let range: ClosedRange<Double>
    /// What the numbers are, with their unit.
    public let quantity: String
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
    /// What the legend says beside the name; nil for the last value.
    public let remark: String?
    /// The colour; nil for the next of the chart's own.
    public let color: LabelColor?

    /// Creates a line.
    /// - Parameters:
    ///   - label: The quantity's name.
    ///   - points: The points by rising x.
    ///   - remark: What the legend says beside the name; nil for the last value.
    ///   - color: The colour; nil for the next of the chart's own.
    public init(
      label: String,
      points: [SIMD2<Double>],
      remark: String? = nil,
      color: LabelColor? = nil
    ) {
      self.label = label
      self.points = points
      self.remark = remark
      self.color = color
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
