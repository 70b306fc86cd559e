import Networks

/// What stands between an image and a network that gives it back or fills its holes: saved with the weights.
///
/// Exactly one of `anomaly` and `inpainting` is there.
public struct AutoencoderPlan: Codable, Sendable, Equatable {
  /// How unusual images are found: by what a network that knows normal ones alone cannot give back.
  public struct Anomaly: Codable, Sendable, Equatable {
    /// The class that was trained on, or a name for all images where there were no classes.
    public var normalClass: String
    /// Side of the square over which residuals are averaged, in pixels of the network's grid; odd.
    public var window = 5
    /// The share of the pixels, those of the largest values, whose mean is the score.
    public var share = 0.1
    /// Added to the deviation of each pixel's residuals, on the scale on which the range is 1.
    public var floor = 0.02
    /// The share of normal images that the thresholds leave below them, in the long run.
    public var quantile = 0.95
    /// Images of a larger score are unusual.
    public var threshold = 0.0
    /// The same for the principal components.
    public var baselineThreshold = 0.0
    /// Normal images, not trained on, that deviations and thresholds were found on.
    public var heldOutImages = 0
    /// Principal components of the baseline.
    public var components: Int

    /// Creates a plan without thresholds.
    /// - Parameters:
    ///   - normalClass: What was trained on.
    ///   - components: Principal components of the baseline.
    public init(normalClass: String, components: Int) {
      self.normalClass = normalClass
      self.components = components
    }
  }

  /// How holes are filled.
  public struct Inpainting: Codable, Sendable, Equatable {
    /// The share of an image that was hidden in training, at least and at most.
    public var hiddenShares: [Double]
    /// Whether the network's output is added to the harmonic filling that it is given.
    public var corrects: Bool

    /// Creates a plan.
    /// - Parameters:
    ///   - hiddenShares: The share of an image that was hidden, at least and at most.
    ///   - corrects: Whether the network's output is added to the harmonic filling.
    public init(hiddenShares: [Double], corrects: Bool) {
      self.hiddenShares = hiddenShares
      self.corrects = corrects
    }
  }

  /// Version of this description.
  public var version = 1
  /// How images are seen; for holes, the size of what is trained on, which images may exceed.
  public var images: RecognitionPlan
  /// How unusual images are found, or nil.
  public var anomaly: Anomaly?
  /// How holes are filled, or nil.
  public var inpainting: Inpainting?

  /// Creates a plan for unusual images.
  /// - Parameters:
  ///   - anomaly: How they are found.
  ///   - images: How images are seen.
  public init(anomaly: Anomaly, images: RecognitionPlan) {
    self.anomaly = anomaly
    self.images = images
  }

  /// Creates a plan for holes.
  /// - Parameters:
  ///   - inpainting: How they are filled.
  ///   - images: How images are seen.
  public init(inpainting: Inpainting, images: RecognitionPlan) {
    self.inpainting = inpainting
    self.images = images
  }

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan` naming the value that is out of range.
  public func check() throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    try require(version == 1, "its version is \(version), this program knows 1")
    try require(
      (anomaly == nil) != (inpainting == nil),
      "it is for neither or both of unusual images and holes"
    )
    try images.check()
    if let anomaly {
      let shortest = images.imageSize.min() ?? 1
      try require(
        anomaly.window % 2 == 1 && (1...shortest).contains(anomaly.window),
        "its window is \(anomaly.window)"
      )
      try require(anomaly.share > 0 && anomaly.share <= 1, "its share is \(anomaly.share)")
      try require(anomaly.floor > 0 && anomaly.floor.isFinite, "its floor is \(anomaly.floor)")
      try require((0..<1).contains(anomaly.quantile), "its quantile is \(anomaly.quantile)")
      try require(
        anomaly.threshold.isFinite && anomaly.baselineThreshold.isFinite,
        "its thresholds are \(anomaly.threshold) and \(anomaly.baselineThreshold)"
      )
      try require(
        (1...4095).contains(anomaly.components),
        "it has \(anomaly.components) principal components"
      )
    }
    if let inpainting {
      try require(
        inpainting.hiddenShares.count == 2 && inpainting.hiddenShares[0] > 0
          && inpainting.hiddenShares[0] <= inpainting.hiddenShares[1]
          && inpainting.hiddenShares[1] < 1,
        "the shares that were hidden are \(inpainting.hiddenShares)"
      )
    }
  }

  /// Checks that a network suits the plan.
  /// - Parameters:
  ///   - network: The network's values.
  ///   - channels: Channels of an input.
  ///   - labels: Classes.
  /// - Throws: `PipelinesError.invalidPlan` naming what does not fit.
  func check(_ network: NetworkConfiguration, channels: Int, labels: Int) throws(PipelinesError) {
    // The mask is a channel more.
    let wanted = images.channels + (inpainting == nil ? 0 : 1)
    guard network.dimensions == 2, network.outputScale == 1, network.inputChannels == wanted,
      network.outputChannels == images.channels, channels == 1, labels == 0,
      inpainting != nil || network.givesImages
    else {
      throw .invalidPlan(
        reason: "the network \(network.name) of \(network.inputChannels) and "
          + "\(network.outputChannels) channels is none for \(summary)"
      )
    }
  }

  /// The plan in a few words.
  public var summary: String {
    let size = images.imageSize.map(String.init).joined(separator: " x ")
    let kind = images.channels == 1 ? "grey" : "colour"
    return anomaly.map { "\(kind) images unlike \($0.normalClass) at \(size)" }
      ?? "holes in \(kind) images, trained at \(size)"
  }
}
