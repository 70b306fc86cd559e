/// How a volume becomes one image of several channels: slices along its third axis.
public struct StackedSlices: Codable, Sendable, Equatable {
  /// Slices, the channels of the network's input.
  public var slices: Int
  /// The distance of voxels that the network sees along x, y, z, mm; nil where sizes are not kept.
  ///
  /// Slices lie so far apart about the volume's middle, and pixels are resampled to it; without it
  /// slices are spread over the whole volume and pixels stay as they are.
  public var spacingMM: [Double]?

  /// Creates a stack.
  /// - Parameters:
  ///   - slices: Slices, the channels of the network's input.
  ///   - spacingMM: The distance of voxels along x, y, z, or nil.
  public init(slices: Int, spacingMM: [Double]? = nil) {
    self.slices = slices
    self.spacingMM = spacingMM
  }

  func check() throws(PipelinesError) {
    guard (1...512).contains(slices),
      spacingMM.map({ $0.count == 3 && $0.allSatisfy { (1e-3...1e3).contains($0) } }) ?? true
    else {
      throw .invalidPlan(reason: "a stack of \(slices) slices of \(spacingMM ?? []) mm")
    }
  }
}

extension RecognitionPlan {
  /// The numbers that a network tells of an image, and how sure it is of them.
  public struct Regression: Codable, Sendable, Equatable {
    /// One of the numbers.
    public struct Target: Codable, Sendable, Equatable {
      /// What it is.
      public var name: String
      /// Its unit; empty for counts and where none was stated.
      public var unit: String
      /// The mean over the training images, which the network's 0 stands for.
      public var mean: Double
      /// The standard deviation over them, which the network's 1 stands for.
      public var deviation: Double
      /// The smallest and the largest of them: what lies outside was never seen.
      public var range: [Double]
      /// Half the width of the interval, in the target's unit, or where the network tells a spread in
      /// such spreads; nil without calibration.
      public var quantile: Double?

      /// Creates a target.
      /// - Parameters:
      ///   - name: What it is.
      ///   - unit: Its unit.
      ///   - mean: The mean over the training images.
      ///   - deviation: The standard deviation over them.
      ///   - range: The smallest and the largest of them.
      public init(name: String, unit: String, mean: Double, deviation: Double, range: [Double]) {
        self.name = name
        self.unit = unit
        self.mean = mean
        self.deviation = deviation
        self.range = range
      }

      /// The name with its unit, such as "volume (mm3)".
      public var title: String { unit.isEmpty ? name : "\(name) (\(unit))" }
    }

    /// The numbers, in the order of the network's outputs.
    public var targets: [Target]
    /// Whether the network also tells the logarithm of each number's variance, behind the numbers.
    ///
    /// Nix and Weigend 1994, "Estimating the mean and variance of the target probability distribution".
    public var hasSpread: Bool
    /// The share of images whose number lies in the interval, in the long run.
    public var coverage: Double
    /// Images that the intervals were calibrated on, of a patient or group one; 0 without calibration.
    public var calibrationImages = 0

    /// Creates the numbers of a network, not calibrated yet.
    /// - Parameters:
    ///   - targets: The numbers.
    ///   - hasSpread: Whether the network also tells the logarithm of each number's variance.
    ///   - coverage: The share of images whose number should lie in the interval.
    public init(targets: [Target], hasSpread: Bool, coverage: Double) {
      self.targets = targets
      self.hasSpread = hasSpread
      self.coverage = coverage
    }

    /// Outputs of the network.
    public var outputs: Int { targets.count * (hasSpread ? 2 : 1) }

    func check() throws(PipelinesError) {
      func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
        if !condition { throw .invalidPlan(reason: reason) }
      }
      try require((1...1000).contains(targets.count), "\(targets.count) numbers to tell")
      try require(
        Set(targets.map(\.name)).count == targets.count && !targets.contains { $0.name.isEmpty },
        "the numbers' names are \(targets.map(\.name))"
      )
      try require(coverage > 0 && coverage < 1, "intervals that cover \(coverage)")
      for target in targets {
        try require(
          target.mean.isFinite && target.deviation > 0 && target.deviation.isFinite,
          "\(target.name) has the mean \(target.mean) and the deviation \(target.deviation)"
        )
        try require(
          target.range.count == 2 && target.range.allSatisfy(\.isFinite)
            && target.range[0] <= target.range[1],
          "\(target.name) has the range \(target.range)"
        )
        if let quantile = target.quantile {
          try require(quantile >= 0 && quantile.isFinite, "a half width of \(quantile)")
        }
      }
    }
  }
}
