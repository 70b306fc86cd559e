/// How well a value of each voxel tells which voxels are wrong, from counts alone.
///
/// Values from 0 to 1 are counted in steps of 1/4096, so that any number of voxels takes the same memory
/// and counts of cases can be added.
public struct VoxelDoubt: Equatable, Sendable {
  /// The steps from 0 to 1.
  static let steps = 4096

  private var right = [Int](repeating: 0, count: steps + 1)
  private var wrong = [Int](repeating: 0, count: steps + 1)

  /// Starts without voxels.
  public init() {}

  /// Adds a voxel.
  /// - Parameters:
  ///   - value: How doubtful it is, 0 to 1.
  ///   - isWrong: Whether its label is not the reference's.
  public mutating func add(_ value: Float, isWrong: Bool) {
    let share = value > 0 ? min(value, 1) : 0
    let step = Int((share * Float(Self.steps)).rounded())
    if isWrong { wrong[step] += 1 } else { right[step] += 1 }
  }

  /// Adds the counts of other voxels.
  /// - Parameter other: The counts.
  public mutating func add(_ other: VoxelDoubt) {
    for step in right.indices {
      right[step] += other.right[step]
      wrong[step] += other.wrong[step]
    }
  }

  /// The number of voxels.
  public var count: Int { right.reduce(0, +) + errors }
  /// The number of wrong voxels.
  public var errors: Int { wrong.reduce(0, +) }

  /// The area under the receiver's operating curve: the share of pairs of a wrong and a right voxel in
  /// which the wrong one is more doubtful, ties by half; nil without one of the two.
  public var area: Double? {
    let (rights, wrongs) = (count - errors, errors)
    guard rights > 0, wrongs > 0 else { return nil }
    var (below, sum) = (0, 0.0)
    for step in right.indices {
      sum += Double(wrong[step]) * (Double(below) + Double(right[step]) / 2)
      below += right[step]
    }
    return sum / Double(rights) / Double(wrongs)
  }
}

/// Counts for a reliability diagram of any number of voxels.
///
/// As `Calibration`, of the winners' probabilities alone: bins of equal width, half-open, (0, 1/n] and so
/// on. Confidences are added up in steps of 2^-24, alike in every order.
public struct ReliabilityCounts: Equatable, Sendable {
  private static let one: Float = 0x1p24
  private var counts: [Int]
  private var sums: [Int]
  private var hits: [Int]

  /// Starts without voxels.
  /// - Parameter binCount: The number of bins.
  public init(binCount: Int = Calibration.defaultBinCount) {
    precondition(binCount > 0, "\(binCount) bins")
    counts = [Int](repeating: 0, count: binCount)
    sums = counts
    hits = counts
  }

  /// Adds a voxel.
  /// - Parameters:
  ///   - confidence: The probability of the label that was chosen, 0 to 1.
  ///   - isRight: Whether it is the reference's.
  public mutating func add(_ confidence: Float, isRight: Bool) {
    let share = confidence > 0 ? min(confidence, 1) : 0
    let place = Int((share * Float(counts.count)).rounded(.up)) - 1
    let bin = min(max(place, 0), counts.count - 1)
    counts[bin] += 1
    sums[bin] += Int((share * Self.one).rounded())
    if isRight { hits[bin] += 1 }
  }

  /// Adds the counts of other voxels.
  /// - Parameter other: Counts of as many bins.
  public mutating func add(_ other: ReliabilityCounts) {
    for bin in counts.indices {
      counts[bin] += other.counts[bin]
      sums[bin] += other.sums[bin]
      hits[bin] += other.hits[bin]
    }
  }

  /// The bins by rising confidence; empty ones have zeros.
  public var bins: [Calibration.Bin] {
    counts.indices.map { bin in
      let count = Double(counts[bin])
      return Calibration.Bin(
        count: counts[bin],
        confidence: counts[bin] == 0 ? 0 : Double(sums[bin]) / Double(Self.one) / count,
        accuracy: counts[bin] == 0 ? 0 : Double(hits[bin]) / count
      )
    }
  }

  /// The expected calibration error of Guo and others, 2017; nil without voxels.
  public var expectedError: Double? {
    let count = counts.reduce(0, +)
    guard count > 0 else { return nil }
    return bins.reduce(0) { $0 + Double($1.count) * abs($1.accuracy - $1.confidence) }
      / Double(count)
  }
}
