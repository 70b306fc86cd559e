import Networks

/// What stands between an image and a network that says what it shows: saved with the weights.
///
/// Images are pictures or slices of scans. The classes are the labels of the model's description, in the
/// order of the network's outputs.
public struct RecognitionPlan: Codable, Sendable, Equatable {
  /// What the network says of an image.
  public enum Task: String, Codable, Sendable, CaseIterable {
    /// One of several classes.
    case classification
    /// Which of several findings are there, none or many.
    case findings
    /// A place among other images, near those of the same thing.
    case embedding
    /// Where things are, as boxes.
    case detection
    /// Numbers, such as a volume, a count or an age.
    case regression
  }

  /// How an image of another size is brought to the network's.
  public enum Fitting: String, Codable, Sendable, CaseIterable {
    /// Rows and columns are resampled on their own.
    case stretch
    /// The whole image, in proportion, with a border at the right and the lower edge.
    case letterbox
    /// The middle, in proportion: the shorter side fills the network's size.
    case crop
    /// The middle as it is, cut or with a border on all sides: pixels keep their size.
    case pad
  }

  /// Version of this description.
  public var version = 1
  /// What the network says of an image.
  public var task: Task
  /// Rows and columns that the network sees.
  public var imageSize: [Int]
  /// How an image of another size is brought to the network's.
  public var fitting = Fitting.stretch
  /// Which intensities become 0 and 1.
  public var intensity = IntensityRange.fixed(low: 0, high: 255)
  /// Subtracted from each channel after that.
  public var means: [Double]
  /// Divides each channel after that.
  public var deviations: [Double]
  /// Scores are divided by it before the softmax or the sigmoid.
  ///
  /// Guo, Pleiss, Sun and Weinberger 2017, "On calibration of modern neural networks".
  public var temperature = 1.0
  /// The least probability for a finding or a box to be told; one, or one for each class.
  public var thresholds: [Double]
  /// Least similarity at which two images are called the same (embedding); nil for others.
  public var sameThreshold: Double?
  /// For what people or things are recognised, as the user stated it; nil for other tasks.
  public var purpose: String?
  /// Whether a model of grey images was made for colours seen as grey; others refuse colours.
  public var takesColours: Bool?
  /// The conformal threshold of sets that hold the true class with a probability (classification); nil
  /// where none was calibrated.
  public var conformal: Conformal?

  /// The numbers that are told (regression); nil for other tasks.
  public var regression: Regression?
  /// How volumes become images of several channels; nil where their slices are images of their own.
  public var stack: StackedSlices?
  /// What the network sees of a label map beside the image; nil for the image alone.
  public var labelMap: LabelChannels?

  /// A threshold of conformal prediction sets.
  ///
  /// Sadinle, Lei and Wasserman 2019, "Least ambiguous set-valued classifiers with bounded error levels".
  public struct Conformal: Codable, Sendable, Equatable {
    /// The share of images whose true class is in the set, in the long run.
    public var coverage: Double
    /// Classes of at least this probability are in the set.
    public var leastProbability: Double
    /// Images that it was calibrated on.
    public var images: Int

    /// Creates a threshold.
    /// - Parameters:
    ///   - coverage: The share of images whose true class is in the set.
    ///   - leastProbability: Classes of at least this probability are in the set.
    ///   - images: Images that it was calibrated on.
    public init(coverage: Double, leastProbability: Double, images: Int) {
      self.coverage = coverage
      self.leastProbability = leastProbability
      self.images = images
    }
  }

  /// Creates a plan; every other property has the default that its declaration shows.
  /// - Parameters:
  ///   - task: What the network says of an image.
  ///   - imageSize: Rows and columns that the network sees.
  ///   - channels: 1 for grey images, 3 for colours, or the slices of a stack.
  public init(task: Task, imageSize: [Int], channels: Int) {
    self.task = task
    self.imageSize = imageSize
    means = [Double](repeating: 0, count: channels)
    deviations = [Double](repeating: 1, count: channels)
    thresholds = [0.5]
  }

  /// 1 for grey images, 3 for colours, or the slices of a stack; and those of a label map.
  public var channels: Int { means.count }
  /// The image's channels, without those of a label map.
  public var imageChannels: Int { stack?.slices ?? channels - (labelMap?.count ?? 0) }

  /// Checks values that came from a file.
  /// - Parameter allowsLabelMap: Whether what reads images gives the network label maps too.
  /// - Throws: `PipelinesError.invalidPlan` naming the value that is out of range.
  public func check(allowsLabelMap: Bool = false) throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    try require(version == 1, "its version is \(version), this program knows 1")
    try require(
      imageSize.count == 2 && imageSize.allSatisfy((8...4096).contains),
      "imageSize is \(imageSize)"
    )
    try intensity.check()
    try require(
      stack.map { $0.slices * (1 + (labelMap?.count ?? 0)) == channels }
        ?? [1, 3].contains(imageChannels),
      "it has \(channels) channels"
    )
    try require(allowsLabelMap || labelMap == nil, "label maps are for sentences about images")
    try labelMap?.check()
    try stack?.check()
    try require(
      (task == .regression) == (regression != nil),
      "a plan for \(task.rawValue) with \(regression == nil ? "no " : "")numbers to tell"
    )
    try regression?.check()
    try require(
      deviations.count == channels && deviations.allSatisfy { $0 > 1e-9 && $0 < 1e9 }
        && means.allSatisfy { abs($0) < 1e9 },
      "means \(means) and deviations \(deviations) are not those of \(channels) channels"
    )
    try require(temperature > 0 && temperature.isFinite, "temperature is \(temperature)")
    try require(
      !thresholds.isEmpty && thresholds.allSatisfy((0...1).contains),
      "thresholds are \(thresholds)"
    )
    if let conformal {
      try require(
        (0...1).contains(conformal.coverage) && (0...1).contains(conformal.leastProbability),
        "the conformal threshold is \(conformal.leastProbability) for \(conformal.coverage)"
      )
    }
  }

  /// Checks that a network suits the plan.
  /// - Parameters:
  ///   - network: The network's values.
  ///   - channels: Channels of an image.
  ///   - labels: Classes.
  /// - Throws: `PipelinesError.invalidPlan` naming what does not fit.
  func check(_ network: NetworkConfiguration, channels: Int, labels: Int) throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    try require(
      network.output == (task == .detection ? .detections : .vector),
      "the network \(network.name) is none for \(task.rawValue)"
    )
    try require(
      network.inputChannels == self.channels && channels == 1,
      "the network has \(network.inputChannels) input channels, the plan \(self.channels)"
    )
    if let regression {
      try require(
        regression.targets.count == labels && network.outputChannels == regression.outputs,
        "the network has \(network.outputChannels) outputs for \(regression.targets.count) numbers "
          + "and \(labels) labels"
      )
    } else {
      try require(
        task == .embedding || network.outputChannels == labels,
        "the network has \(network.outputChannels) outputs for \(labels) classes"
      )
    }
    try require(
      thresholds.count == 1 || thresholds.count == labels,
      "there are \(thresholds.count) thresholds for \(labels) classes"
    )
  }

  /// The plan in a few words.
  public var summary: String {
    let size = imageSize.map(String.init).joined(separator: " x ")
    if let stack { return "\(task.rawValue) of volumes, \(stack.slices) slices at \(size)" }
    return "\(task.rawValue) of \(imageChannels == 1 ? "grey" : "colour") images at \(size)"
  }
}
