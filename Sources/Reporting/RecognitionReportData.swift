import Imaging

/// What a network says of whole images, as the report shows it.
public struct RecognitionReportData: Sendable {
  /// A number with its interval.
  public struct Row: Sendable, Equatable {
    /// What it is, with its unit.
    public let name: String
    /// The number; nil where it is undefined.
    public let value: Double?
    /// The interval's bounds, or nil.
    public let interval: [Double]?
    /// What it is of.
    public let n: Int?

    /// Creates a row.
    /// - Parameters:
    ///   - name: What it is, with its unit.
    ///   - value: The number.
    ///   - interval: The interval's bounds.
    ///   - n: What it is of.
    public init(name: String, value: Double?, interval: [Double]? = nil, n: Int? = nil) {
      self.name = name
      self.value = value
      self.interval = interval
      self.n = n
    }
  }

  /// One class against the others.
  public struct ClassRow: Sendable {
    /// The class.
    public let name: String
    /// Images that show it.
    public let count: Int
    /// Sensitivity, specificity, precision and area under the curve.
    public let values: [Row]

    /// Creates a row.
    /// - Parameters:
    ///   - name: The class.
    ///   - count: Images that show it.
    ///   - values: The numbers, in the order of the columns.
    public init(name: String, count: Int, values: [Row]) {
      self.name = name
      self.count = count
      self.values = values
    }
  }

  /// A picture with what is said of it.
  public struct Picture: Sendable {
    /// The picture.
    public let image: RGBImage
    /// What is said of it.
    public let caption: String

    /// Creates a picture.
    /// - Parameters:
    ///   - image: The picture.
    ///   - caption: What is said of it.
    public init(_ image: RGBImage, caption: String) {
      self.image = image
      self.caption = caption
    }
  }

  /// The page's title.
  public var title: String
  /// What is measured, in the plural.
  public var things = "images"
  /// What was done, by name.
  public var facts: [(name: String, value: String)] = []
  /// Numbers over all images.
  public var results: [Row] = []
  /// One class against the others, each.
  public var classRows: [ClassRow] = []
  /// `[truth][prediction]` images, with the classes' names.
  public var confusion: (names: [String], counts: [[Int]])?
  /// Curves such as those of receivers, calibration and selection.
  public var curves: [ReportChart] = []
  /// Results by subgroup.
  public var subgroups: [Row] = []
  /// Pictures under headings.
  public var pictures: [(heading: String, note: String, pictures: [Picture])] = []
  /// Each image: its name, what was told, and how probable that is.
  public var cases: (columns: [String], rows: [[String]])?
  /// Oddities.
  public var notes: [String] = []

  /// Creates a page without content.
  /// - Parameter title: The page's title.
  public init(title: String) { self.title = title }
}
