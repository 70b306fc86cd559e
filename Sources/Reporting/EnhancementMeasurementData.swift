/// What steps make of clean images that were degraded on purpose, as the report shows it.
public struct EnhancementMeasurementData: Sendable {
  /// A quantity over the images.
  public struct Row: Sendable, Equatable {
    /// Whose it is: the model, or a rival.
    public let name: String
    /// What it is, with its unit.
    public let quantity: String
    /// The mean of the degraded images; nil where it is undefined.
    public let before: Double?
    /// The mean and standard deviation of the improved images; nil where they are undefined.
    public let after: Double?
    /// The standard deviation of the improved images.
    public let sd: Double?
    /// The mean change, with its 95 % interval.
    public let gain: Double?
    /// The interval's bounds; nil for fewer than two images.
    public let interval: [Double]?
    /// The mean by which the model's value exceeds a rival's; nil for the model itself.
    public let lead: Double?
    /// The interval of the lead.
    public let leadInterval: [Double]?
    /// Images in which the quantity is defined.
    public let n: Int

    /// Creates a row.
    /// - Parameters:
    ///   - name: Whose it is.
    ///   - quantity: What it is, with its unit.
    ///   - before: The mean of the degraded images.
    ///   - after: The mean of the improved images.
    ///   - sd: Their standard deviation.
    ///   - gain: The mean change.
    ///   - interval: Its 95 % interval.
    ///   - lead: The mean by which the model's value exceeds the rival's.
    ///   - leadInterval: The interval of the lead.
    ///   - n: Images in which the quantity is defined.
    public init(
      name: String,
      quantity: String,
      before: Double?,
      after: Double?,
      sd: Double?,
      gain: Double?,
      interval: [Double]?,
      lead: Double?,
      leadInterval: [Double]?,
      n: Int
    ) {
      self.name = name
      self.quantity = quantity
      self.before = before
      self.after = after
      self.sd = sd
      self.gain = gain
      self.interval = interval
      self.lead = lead
      self.leadInterval = leadInterval
      self.n = n
    }
  }

  /// One image.
  public struct Case: Sendable, Equatable {
    /// Its name.
    public let id: String
    /// One value a column; nil where it is undefined.
    public let values: [Double?]

    /// Creates a case.
    /// - Parameters:
    ///   - id: Its name.
    ///   - values: One value a column of `caseColumns`.
    public init(id: String, values: [Double?]) {
      self.id = id
      self.values = values
    }
  }

  /// The page's title.
  public var title: String
  /// What was done, in words with their values.
  public var facts: [(name: String, value: String)] = []
  /// The quantities over the images, the model's first.
  public var rows: [Row] = []
  /// What the values of the cases are.
  public var caseColumns: [String] = []
  /// The images.
  public var cases: [Case] = []
  /// Pictures of some images, by `ReportBuilder.picturesOfCase`.
  public var pictures: [ReportSection] = []
  /// What is worth knowing, one sentence each.
  public var notes: [String] = []
  /// What to beware of.
  public var warning: String

  /// Creates a record without images.
  /// - Parameters:
  ///   - title: The page's title.
  ///   - warning: What to beware of.
  public init(title: String, warning: String) {
    self.title = title
    self.warning = warning
  }
}
