/// Constants of a cross-entropy.
public struct CrossEntropyOptions: Codable, Sendable, Equatable {
  /// A weight for each class, or nil for 1; the mean is taken over the weights of the labels.
  public var classWeights: [Double]?
  /// ε: the share of the reference that is spread over all classes (Szegedy 2016).
  public var labelSmoothing: Double

  /// Creates constants.
  /// - Parameters:
  ///   - classWeights: A weight for each class, or nil for 1.
  ///   - labelSmoothing: ε, 0 to 1.
  public init(classWeights: [Double]? = nil, labelSmoothing: Double = 0) {
    self.classWeights = classWeights
    self.labelSmoothing = labelSmoothing
  }
}

/// Over what the sums of a region loss run.
public struct RegionOptions: Codable, Sendable, Equatable {
  /// Whether sums run over the whole batch (true) or each sample by itself.
  public var overBatch: Bool
  /// Whether class 0 takes part.
  public var includesBackground: Bool
  /// s, added to numerator and denominator.
  public var smooth: Double

  /// Creates constants.
  /// - Parameters:
  ///   - overBatch: Whether sums run over the whole batch (true) or each sample by itself.
  ///   - includesBackground: Whether class 0 takes part.
  ///   - smooth: Added to numerator and denominator, at least 0.
  public init(overBatch: Bool = true, includesBackground: Bool = false, smooth: Double = 1e-5) {
    self.overBatch = overBatch
    self.includesBackground = includesBackground
    self.smooth = smooth
  }
}

/// How a Tversky index weighs the two kinds of mistakes.
public struct TverskyOptions: Codable, Sendable, Equatable {
  /// α, the weight of false positives.
  public var falsePositiveWeight: Double
  /// β, the weight of false negatives.
  public var falseNegativeWeight: Double
  /// The exponent of 1 − index: 1 for the Tversky loss; Abraham and Khan's 1/γ, 0.75, for the focal one.
  public var exponent: Double

  /// Creates constants.
  /// - Parameters:
  ///   - falsePositiveWeight: α, at least 0.
  ///   - falseNegativeWeight: β, at least 0.
  ///   - exponent: Larger than 0.
  public init(
    falsePositiveWeight: Double = 0.3,
    falseNegativeWeight: Double = 0.7,
    exponent: Double = 1
  ) {
    self.falsePositiveWeight = falsePositiveWeight
    self.falseNegativeWeight = falseNegativeWeight
    self.exponent = exponent
  }
}

/// One part of a segmentation loss over a softmax; a value for plans.
///
/// p is the softmax, y a pixel's label, r the one-hot reference, w a class's weight.
public enum SegmentationTerm: Codable, Sendable, Equatable {
  /// −Σ w log p[y] / Σ w, with label smoothing as in PyTorch.
  case crossEntropy(CrossEntropyOptions)
  /// The mean over the worst k percent of all pixels of −w log p[y], as in nnU-Net.
  ///
  /// Ignored pixels count as pixels without loss.
  case topKCrossEntropy(percent: Double, classWeights: [Double]?)
  /// The mean of −w (1 − p[y])^γ log p[y] (Lin et al. 2017, equation 5).
  case focal(gamma: Double, classWeights: [Double]?)
  /// 1 − mean of (2 Σ p r + s) / (Σ p + Σ r + s); squares of p in the denominator after Milletari et
  /// al. 2016.
  case dice(RegionOptions, squaredDenominator: Bool)
  /// The mean of (1 − T)^e, T = (TP + s) / (TP + α FP + β FN + s) (Salehi et al. 2017; with an
  /// exponent, Abraham and Khan 2019).
  case tversky(RegionOptions, TverskyOptions)
}

/// A part of a loss, and how much it counts.
public struct WeightedSegmentationTerm: Codable, Sendable, Equatable {
  /// The factor.
  public var weight: Double
  /// The part.
  public var term: SegmentationTerm

  /// Creates a weighted part.
  /// - Parameters:
  ///   - term: The part.
  ///   - weight: The factor.
  public init(_ term: SegmentationTerm, weight: Double = 1) {
    self.term = term
    self.weight = weight
  }
}

extension SegmentationTerm {
  var classWeights: [Double]? {
    switch self {
    case .crossEntropy(let options): options.classWeights
    case .topKCrossEntropy(_, let weights), .focal(_, let weights): weights
    case .dice, .tversky: nil
    }
  }

  var region: RegionOptions? {
    switch self {
    case .dice(let options, _), .tversky(let options, _): options
    default: nil
    }
  }

  func check(channels: Int) {
    if let weights = classWeights {
      precondition(weights.count == channels, "\(weights.count) weights for \(channels) classes")
    }
    if let region {
      precondition(channels >= 2 || region.includesBackground, "a region loss without foreground")
    }
    switch self {
    case .crossEntropy(let options):
      precondition(
        (0...1).contains(options.labelSmoothing),
        "the label smoothing \(options.labelSmoothing) is not between 0 and 1"
      )
    case .topKCrossEntropy(let percent, _):
      precondition(percent > 0 && percent <= 100, "the worst \(percent) percent of the pixels")
    case .focal(let gamma, _): precondition(gamma >= 0, "the focal exponent \(gamma)")
    case .tversky(_, let options):
      precondition(options.exponent > 0, "the Tversky exponent \(options.exponent)")
    case .dice: break
    }
  }
}
