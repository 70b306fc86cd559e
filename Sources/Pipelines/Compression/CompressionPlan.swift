import Networks

/// What stands between an image and a network that compresses it: saved with the weights.
public struct CompressionPlan: Codable, Sendable, Equatable {
  /// Version of this description.
  public var version = 1
  /// 1 for grey images, 3 for colours.
  public var channels: Int
  /// Rows and columns of the pieces that it was trained on.
  public var pieceSize: [Int]
  /// The weight of the distortion at each rate, the lowest rate first: bits a pixel and the weight times
  /// the squared error on the scale of 8 bits were minimised together.
  public var distortionWeights: [Double]
  /// The part of the distortion that was 1 - SSIM rather than the squared error.
  public var similarityShare: Double

  /// Creates a plan.
  /// - Parameters:
  ///   - channels: 1 for grey images, 3 for colours.
  ///   - pieceSize: Rows and columns of the pieces that it is trained on.
  ///   - distortionWeights: The weight of the distortion at each rate, rising.
  ///   - similarityShare: The part of the distortion that is 1 - SSIM.
  public init(
    channels: Int,
    pieceSize: [Int],
    distortionWeights: [Double],
    similarityShare: Double
  ) {
    self.channels = channels
    self.pieceSize = pieceSize
    self.distortionWeights = distortionWeights
    self.similarityShare = similarityShare
  }

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan` naming the value that is out of range.
  public func check() throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    try require(version == 1, "its version is \(version), this program knows 1")
    try require(channels == 1 || channels == 3, "it has \(channels) channels")
    try require(
      pieceSize.count == 2
        && pieceSize.allSatisfy {
          (ImageCodec.reduction...4096).contains($0) && $0.isMultiple(of: ImageCodec.reduction)
        },
      "pieceSize is \(pieceSize)"
    )
    try require(
      !distortionWeights.isEmpty && distortionWeights.allSatisfy { $0 > 0 && $0.isFinite }
        && zip(distortionWeights, distortionWeights.dropFirst()).allSatisfy(<),
      "distortionWeights are \(distortionWeights)"
    )
    try require((0...1).contains(similarityShare), "similarityShare is \(similarityShare)")
  }

  /// Checks that a network suits the plan.
  /// - Parameters:
  ///   - network: The network's values.
  ///   - channels: Channels of an input, as the description lists them.
  ///   - labels: Structures; none here.
  /// - Throws: `PipelinesError.invalidPlan` naming what does not fit.
  func check(_ network: NetworkConfiguration, channels: Int, labels: Int) throws(PipelinesError) {
    guard case .imageCodec(let values) = network, values.channels == self.channels,
      values.rates == distortionWeights.count, labels == 0
    else {
      throw .invalidPlan(
        reason: "the network \(network.name) of \(network.inputChannels) channels is none for "
          + "compression at \(distortionWeights.count) rates of \(self.channels) channels"
      )
    }
  }

  /// The plan in a few words.
  public var summary: String {
    "compression of \(channels == 1 ? "grey" : "colour") images at \(distortionWeights.count) rates"
  }
}
