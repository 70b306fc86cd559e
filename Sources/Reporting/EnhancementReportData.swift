import Imaging

/// An image before and after it was improved, as the report shows it.
public struct EnhancementReportData: Sendable {
  /// One quantity of the comparison with a reference.
  public struct QualityRow: Sendable, Equatable {
    /// What it is.
    public let name: String
    /// Its unit; may be empty.
    public let unit: String
    /// The image before; nil where it is undefined.
    public let before: Double?
    /// The image after; nil where it is undefined.
    public let after: Double?

    /// Creates a row.
    /// - Parameters:
    ///   - name: What it is.
    ///   - unit: Its unit.
    ///   - before: The image before.
    ///   - after: The image after.
    public init(name: String, unit: String, before: Double?, after: Double?) {
      self.name = name
      self.unit = unit
      self.before = before
      self.after = after
    }
  }

  /// What became of one structure of a segmentation.
  public struct StructureRow: Sendable, Equatable {
    /// The structure's name.
    public let name: String
    /// Dice before, after, and its change; nil where they are undefined.
    public let dice: [Double?]
    /// The volume before, after, and its change, ml.
    public let volumesML: [Double]

    /// Creates a row.
    /// - Parameters:
    ///   - name: The structure's name.
    ///   - dice: Dice before, after, and its change.
    ///   - volumesML: The volume before, after, and its change.
    /// - Precondition: Three values each.
    public init(name: String, dice: [Double?], volumesML: [Double]) {
      precondition(dice.count == 3 && volumesML.count == 3, "\(dice.count), \(volumesML.count)")
      self.name = name
      self.dice = dice
      self.volumesML = volumesML
    }
  }

  /// What became of a segmentation.
  public struct Structures: Sendable, Equatable {
    /// The model, and what Dice is against.
    public let explanation: String
    /// What became worse, one sentence each.
    public let warnings: [String]
    /// The structures.
    public let rows: [StructureRow]

    /// Creates the record.
    /// - Parameters:
    ///   - explanation: The model, and what Dice is against.
    ///   - warnings: What became worse.
    ///   - rows: The structures.
    public init(explanation: String, warnings: [String], rows: [StructureRow]) {
      self.explanation = explanation
      self.warnings = warnings
      self.rows = rows
    }
  }

  /// The image's name.
  public var name: String
  /// The image before, in grey.
  public var before: Volume<Float>
  /// The image after, over the same field of view.
  public var after: Volume<Float>
  /// What it should be, or nil.
  public var reference: Volume<Float>?
  /// The standard deviation over the symmetries of planes, on the grid of the image after, or nil.
  public var spread: Volume<Float>?
  /// Whether it is a picture, which has no place in a patient.
  public var isPicture: Bool
  /// What was done, in words with their values.
  public var facts: [(name: String, value: String)] = []
  /// The comparison with the reference.
  public var quality: [QualityRow] = []
  /// What became of a segmentation, or nil.
  public var structures: Structures?
  /// What is worth knowing, one sentence each.
  public var notes: [String] = []
  /// What to beware of.
  public var warning: String

  /// Creates a record without facts, comparison and notes.
  /// - Parameters:
  ///   - name: The image's name.
  ///   - before: The image before.
  ///   - after: The image after.
  ///   - reference: What it should be, or nil.
  ///   - isPicture: Whether it is a picture.
  ///   - warning: What to beware of.
  public init(
    name: String,
    before: Volume<Float>,
    after: Volume<Float>,
    reference: Volume<Float>?,
    isPicture: Bool,
    warning: String
  ) {
    self.name = name
    self.before = before
    self.after = after
    self.reference = reference
    self.isPicture = isPicture
    self.warning = warning
  }
}
