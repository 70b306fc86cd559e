import Layers

/// The values that define nnU-Net's networks, plain or residual; as in the `architecture` of its plans.
public struct NNUNetConfiguration: Codable, Sendable, Equatable {
  /// Channels of the input.
  public var inputChannels: Int
  /// Classes, background included.
  public var outputChannels: Int
  /// Channels of each stage, full resolution first; their number is the depth.
  public var features: [Int]
  /// Window of the convolutions of each stage along each spatial axis; odd.
  public var kernelSizes: [[Int]]
  /// Step of each stage along each spatial axis; nnU-Net's first stage has ones.
  public var strides: [[Int]]
  /// Convolutions (plain) or blocks (residual) of each stage on the way down.
  public var unitsPerStage: [Int]
  /// Convolutions of each stage on the way up, the deepest first; one fewer than stages.
  public var decoderUnitsPerStage: [Int]
  /// Whether convolutions have a bias; those of skips never do, heads always.
  public var hasBias = true
  /// Which normalisation follows each convolution.
  public var normalization = NormalizationKind.instance
  /// Slope of the activation for negative values.
  public var negativeSlope: Float = 0.01
  /// Whether every stage on the way up has a head, as training with deep supervision needs.
  ///
  /// nnU-Net's checkpoints hold all heads, also where only the last is used.
  public var hasDeepSupervision = false
  /// Share of the channels of each convolution, of plain stages and of the way up, that are dropped
  /// while training; nil for none.
  public var dropoutProbability: Double?

  /// Creates a configuration of 3-wide windows that halves the resolution at every stage but the
  /// first.
  /// - Parameters:
  ///   - inputChannels: Channels of the input.
  ///   - outputChannels: Classes, background included.
  ///   - features: Channels of each stage, full resolution first.
  ///   - dimensions: Spatial axes, 2 or 3.
  ///   - unitsPerStage: Convolutions or blocks of each stage on the way down.
  ///   - decoderUnitsPerStage: Convolutions of each stage on the way up, the deepest first.
  public init(
    inputChannels: Int,
    outputChannels: Int,
    features: [Int],
    dimensions: Int,
    unitsPerStage: [Int],
    decoderUnitsPerStage: [Int]
  ) {
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.features = features
    self.unitsPerStage = unitsPerStage
    self.decoderUnitsPerStage = decoderUnitsPerStage
    kernelSizes = features.map { _ in [Int](repeating: 3, count: dimensions) }
    strides = features.indices.map { [Int](repeating: $0 == 0 ? 1 : 2, count: dimensions) }
  }

  /// Spatial axes.
  public var dimensions: Int { kernelSizes.first?.count ?? 0 }

  /// The product of the strides along each axis.
  var axisMultiples: [Int] {
    (0..<dimensions).map { axis in strides.reduce(1) { $0 * $1[axis] } }
  }

  /// What every spatial axis of the input must be a multiple of: the least common multiple of the
  /// axes' products of strides.
  var sizeMultiple: Int {
    axisMultiples.reduce(1) { a, b in
      var (x, y) = (a, b)
      while y != 0 { (x, y) = (y, x % y) }
      return a / x * b
    }
  }

  func check(network: String) throws(NetworksError) {
    func require(_ condition: Bool, _ reason: String) throws(NetworksError) {
      if !condition { throw .invalidConfiguration(network: network, reason: reason) }
    }
    let stages = features.count
    try require((1...4096).contains(inputChannels), "\(inputChannels) input channels")
    try require((1...4096).contains(outputChannels), "\(outputChannels) output channels")
    try require((2...10).contains(stages), "\(stages) stages")
    try require(
      features.allSatisfy((1...8192).contains),
      "features outside 1 to 8192: \(features)"
    )
    try require([2, 3].contains(dimensions), "\(dimensions) dimensions")
    try require(
      kernelSizes.count == stages
        && kernelSizes.allSatisfy {
          $0.count == dimensions && $0.allSatisfy { (1...15).contains($0) && $0 % 2 == 1 }
        },
      "windows \(kernelSizes)"
    )
    try require(
      strides.count == stages
        && strides.allSatisfy { $0.count == dimensions && $0.allSatisfy((1...8).contains) },
      "strides \(strides)"
    )
    // The way up never undoes a step of the first stage.
    try require(
      strides.first.map { $0.allSatisfy { $0 == 1 } } ?? false,
      "a first stage of strides \(strides.first ?? [])"
    )
    try require(
      unitsPerStage.count == stages && unitsPerStage.allSatisfy((1...64).contains),
      "\(unitsPerStage) units for \(stages) stages"
    )
    try require(
      decoderUnitsPerStage.count == stages - 1
        && decoderUnitsPerStage.allSatisfy((1...64).contains),
      "\(decoderUnitsPerStage) units on the way up for \(stages) stages"
    )
    try require((0...1).contains(negativeSlope), "a slope of \(negativeSlope)")
    if let dropoutProbability {
      try require((0..<1).contains(dropoutProbability), "a dropout of \(dropoutProbability)")
    }
    let widest = Double(max(inputChannels, 2 * (features.max() ?? 1)))
    let window = kernelSizes.map { Double($0.reduce(1, *)) }.max() ?? 1
    let layers = Double(2 * unitsPerStage.reduce(0, +) + decoderUnitsPerStage.reduce(0, +))
    try require(
      widest * widest * window * layers <= NetworksError.maximumWeights,
      "it would have too many weights"
    )
  }
}
