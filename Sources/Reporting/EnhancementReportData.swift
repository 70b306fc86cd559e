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
