import Networks

/// What stands between a picture and a network that gives it a style or colours: saved with the weights.
///
/// Exactly one of `style` and `colours` is there.
public struct StylizationPlan: Codable, Sendable, Equatable {
  /// How pictures are painted.
  public struct Style: Codable, Sendable, Equatable {
    /// The style's file, or how many styles were trained on.
    public var name: String
    /// Whose feature maps were compared.
    public var features: String
    /// Weight of the content.
    public var contentWeight: Double
    /// Weight of the style.
    public var styleWeight: Double
    /// Weight of differences of neighbouring pixels.
    public var variationWeight: Double
    /// What black and white are to the network.
    public var range: [Double]

    /// Creates values.
    /// - Parameters:
    ///   - name: The style's file, or how many styles were trained on.
    ///   - features: Whose feature maps were compared.
    ///   - contentWeight: Weight of the content.
    ///   - styleWeight: Weight of the style.
    ///   - variationWeight: Weight of differences of neighbouring pixels.
    ///   - range: What black and white are to the network.
    public init(
      name: String,
      features: String,
      contentWeight: Double,
      styleWeight: Double,
      variationWeight: Double,
      range: [Double] = [-1, 1]
    ) {
      (self.name, self.features, self.range) = (name, features, range)
      self.contentWeight = contentWeight
      self.styleWeight = styleWeight
      self.variationWeight = variationWeight
    }
  }

  /// How grey pictures get colours: classes of colours, of which a mean is taken at every pixel.
  ///
  /// Zhang, Isola and Efros 2016, "Colorful image colorization".
  public struct Colours: Codable, Sendable, Equatable {
    /// Colours of the classes: pairs of CIELAB's a* and b*, −128 to 128.
    public var bins: [[Double]]
    /// The mean a* and b* of the training, −128 to 128.
    public var mean: [Double]
    /// The temperature T of the annealed mean (equation 5), 0 < T ≤ 1: 1 is the mean of the classes'
    /// colours, near 0 the most likely class's.
    public var temperature: Double

    /// Creates values.
    /// - Parameters:
    ///   - bins: Colours of the classes: pairs of CIELAB's a* and b*, −128 to 128.
    ///   - mean: The mean a* and b* of the training, −128 to 128.
    ///   - temperature: The temperature of the annealed mean, above 0 and at most 1.
    public init(bins: [[Double]], mean: [Double], temperature: Double) {
      (self.bins, self.mean, self.temperature) = (bins, mean, temperature)
    }
  }

  /// Version of this description.
  public var version = 1
  /// Of photographs: the squares that a style was trained on, or the smaller side that colours were.
  public var side: Int
  /// How pictures are painted, or nil.
  public var style: Style?
  /// How grey pictures get colours, or nil.
  public var colours: Colours?

  /// Creates a plan for a style.
  /// - Parameters:
  ///   - side: Of the squares that are trained on.
  ///   - style: How pictures are painted.
  public init(side: Int, style: Style) { (self.side, self.style) = (side, style) }

  /// Creates a plan for colours.
  /// - Parameters:
  ///   - side: The smaller side of photographs.
  ///   - colours: How grey pictures get colours.
  public init(side: Int, colours: Colours) { (self.side, self.colours) = (side, colours) }

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan` naming the value that is out of range.
  public func check() throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    try require(version == 1, "its version is \(version), this program knows 1")
    try require(
      (style == nil) != (colours == nil),
      "it is for neither or both of style and colours"
    )
    try require((32...4096).contains(side), "its side is \(side)")
    if let style {
      try require(
        style.range.count == 2 && style.range[0] < style.range[1]
          && style.range.allSatisfy { abs($0) <= 65535 },
        "its range is \(style.range)"
      )
      try require(
        [style.contentWeight, style.styleWeight, style.variationWeight].allSatisfy {
          $0 >= 0 && $0.isFinite
        },
        "its weights are out of range"
      )
    }
    if let colours {
      try require(
        !colours.bins.isEmpty
          && (colours.bins + [colours.mean]).allSatisfy {
            $0.count == 2 && $0.allSatisfy { abs($0) <= 128 }
          },
        "its colours are no pairs of a* and b*"
      )
      try require(
        colours.temperature > 0 && colours.temperature <= 1,
        "its temperature is \(colours.temperature)"
      )
    }
  }

  /// Checks that a network suits the plan.
  /// - Parameters:
  ///   - network: The network's values.
  ///   - channels: Channels of an input, as the description lists them.
  ///   - labels: Classes.
  /// - Throws: `PipelinesError.invalidPlan` naming what does not fit.
  func check(_ network: NetworkConfiguration, channels: Int, labels: Int) throws(PipelinesError) {
    let isAny = if case .adaIN = network { true } else { false }
    let (input, output) = colours.map { (1, $0.bins.count) } ?? (isAny ? 6 : 3, 3)
    guard network.dimensions == 2, network.outputScale == 1, network.inputChannels == input,
      network.outputChannels == output, channels == 1, labels == 0,
      colours != nil || network.givesImages
    else {
      throw .invalidPlan(
        reason: "the network \(network.name) of \(network.inputChannels) and "
          + "\(network.outputChannels) channels is none for \(summary)"
      )
    }
  }

  /// Rows and columns that every network of the kind can take.
  var patchSize: [Int] {
    let multiple = 32
    return [Int](repeating: max(multiple, side / multiple * multiple), count: 2)
  }

  /// The plan in a few words.
  public var summary: String {
    style.map { "the style of \($0.name), trained at \(side) x \(side)" }
      ?? "colours of grey pictures, seen at \(side) pixels"
  }
}
