import Support

/// What `training.json` of a model package says: the run's values and its learning curve.
public struct TrainingRecord: Codable, Sendable, Equatable {
  /// Version of this record.
  public var schema = TrainingRecord.currentSchema
  /// The model's name.
  public private(set) var model: String
  /// The values of the run.
  public let configuration: TrainingConfiguration
  /// The learning curve.
  public let epochs: [SegmentationTrainer.Epoch]
  /// Oddities of the data set.
  public private(set) var notes: [String]
  /// Looks at held-out cases along the run, the last one after its last step.
  public private(set) var validations: [TrainingValidation] = []
  /// Wall time of the looks on the way.
  public private(set) var validationSeconds = 0.0
  /// What the run warned of, one sentence each.
  public private(set) var warnings: [String] = []

  /// Creates a record.
  /// - Parameters:
  ///   - model: The model's name.
  ///   - configuration: The values of the run.
  ///   - epochs: The learning curve.
  ///   - notes: Oddities of the data set.
  public init(
    model: String,
    configuration: TrainingConfiguration,
    epochs: [SegmentationTrainer.Epoch],
    notes: [String]
  ) {
    self.model = model
    self.configuration = configuration
    self.epochs = epochs
    self.notes = notes
  }

  /// Creates the record of a finished run.
  /// - Parameters:
  ///   - outcome: The run.
  ///   - model: The model's name.
  init(_ outcome: SegmentationTrainer.Outcome, model: String) {
    self.init(
      model: model,
      configuration: outcome.configuration,
      epochs: outcome.epochs,
      notes: outcome.notes
    )
    validations = outcome.journal.validations
    validationSeconds = outcome.journal.validationSeconds
    warnings = outcome.journal.troubles.map(\.description)
  }

  /// The record under another name.
  /// - Parameters:
  ///   - model: The name.
  ///   - note: What is said first.
  /// - Returns: The record.
  func renamed(_ model: String, note: String) -> TrainingRecord {
    var result = self
    result.model = model
    result.notes.insert(note, at: 0)
    return result
  }

  /// Reads a record; earlier ones have neither validations nor warnings.
  /// - Parameter decoder: Where to read.
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    model = try container.decode(String.self, forKey: .model)
    configuration = try container.decode(TrainingConfiguration.self, forKey: .configuration)
    epochs = try container.decode([SegmentationTrainer.Epoch].self, forKey: .epochs)
    notes = try container.decode([String].self, forKey: .notes)
    schema = try container.decode(String.self, forKey: .schema)
    validations =
      try container.decodeIfPresent([TrainingValidation].self, forKey: .validations) ?? []
    validationSeconds =
      try container.decodeIfPresent(Double.self, forKey: .validationSeconds) ?? 0
    warnings = try container.decodeIfPresent([String].self, forKey: .warnings) ?? []
  }

  /// The record's name in a model package.
  public static let fileName = "training.json"
  /// The name of the held-out cases' evaluation in a model package.
  public static let heldOutName = "heldout.json"
  /// The schema that this program writes.
  public static let currentSchema = "lamina.training/1"
}

/// What `training-pictures.json` of a model package holds: slices of held-out scans.
///
/// It shows scans, so that it is a file of its own, which may be deleted before a model is given away.
public struct TrainingPictures: Codable, Sendable, Equatable {
  /// Version of this record.
  public var schema = TrainingPictures.currentSchema
  /// One slice with what the network made of it along the run.
  public var example: SlicePicture?
  /// The held-out cases with the lowest mean Dice coefficients, the worst first.
  public var worst: [SlicePicture]

  /// Creates a record.
  /// - Parameters:
  ///   - example: One slice with what the network made of it along the run.
  ///   - worst: The held-out cases with the lowest mean Dice coefficients.
  public init(example: SlicePicture?, worst: [SlicePicture]) {
    self.example = example
    self.worst = worst
  }

  /// The record's name in a model package.
  public static let fileName = "training-pictures.json"
  /// The schema that this program writes.
  public static let currentSchema = "lamina.training-pictures/1"
}
