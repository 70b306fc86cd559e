/// How a network sees a volume.
public enum VolumeInferer: Codable, Equatable, Sendable {
  /// The whole volume at once.
  case whole
  /// Overlapping windows.
  case windows(SlidingWindowPlan)
  /// Slices along each of the three axes by a network of its own, and a fourth that joins their
  /// results with the image voxel by voxel (Birnbaum et al. 2025, "Full-head segmentation of MRI with
  /// abnormal brain anatomy", J. Med. Imaging 12(5)).
  case consensus(ConsensusPlan)
}

/// Overlapping windows, placed and joined as MONAI's `SlidingWindowInferer` does.
public struct SlidingWindowPlan: Codable, Equatable, Sendable {
  /// How windows weigh where they overlap.
  public enum Blending: String, Codable, Equatable, Sendable {
    /// Alike.
    case constant
    /// By a Gaussian around the window's centre.
    case gaussian
  }

  /// What surrounds a volume that is smaller than a window.
  public enum Padding: String, Codable, Equatable, Sendable {
    /// A number.
    case constant
    /// The nearest value.
    case replicate
  }

  /// Samples of a window along each axis; 0 for the whole axis.
  public var size: [Int]
  /// Share of a window that the next one overlaps, for each axis.
  public var overlap: [Double]
  /// How windows weigh where they overlap.
  public var blending: Blending
  /// The Gaussian's standard deviation as a share of the window's size.
  public var sigmaScale: [Double]
  /// What surrounds a volume that is smaller than a window.
  public var padding: Padding
  /// The number that surrounds it.
  public var paddingValue: Double
  /// The axis that a two-dimensional network does not see, where windows have one sample; or nil.
  public var sliceAxis: Int?
  /// Slices on either side that are further channels, in rising order; only with `sliceAxis`.
  public var neighbours: Int

  package init(
    size: [Int],
    overlap: [Double] = [0.25, 0.25, 0.25],
    blending: Blending = .constant,
    sigmaScale: [Double] = [0.125, 0.125, 0.125],
    padding: Padding = .constant,
    paddingValue: Double = 0,
    sliceAxis: Int? = nil,
    neighbours: Int = 0
  ) {
    self.size = size
    self.overlap = overlap
    self.blending = blending
    self.sigmaScale = sigmaScale
    self.padding = padding
    self.paddingValue = paddingValue
    self.sliceAxis = sliceAxis
    self.neighbours = neighbours
  }

  private enum CodingKeys: String, CodingKey {
    case size, overlap, blending, sigmaScale, padding, paddingValue, sliceAxis, neighbours
  }

  /// Reads a plan; all but `size` may be left out.
  /// - Parameter decoder: Where to read.
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(size: try values.decode([Int].self, forKey: .size))
    if let value = try values.decodeIfPresent([Double].self, forKey: .overlap) { overlap = value }
    if let value = try values.decodeIfPresent(Blending.self, forKey: .blending) { blending = value }
    if let value = try values.decodeIfPresent([Double].self, forKey: .sigmaScale) {
      sigmaScale = value
    }
    if let value = try values.decodeIfPresent(Padding.self, forKey: .padding) { padding = value }
    if let value = try values.decodeIfPresent(Double.self, forKey: .paddingValue) {
      paddingValue = value
    }
    sliceAxis = try values.decodeIfPresent(Int.self, forKey: .sliceAxis)
    if let value = try values.decodeIfPresent(Int.self, forKey: .neighbours) { neighbours = value }
  }

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan`.
  func check() throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    try require(
      size.count == 3 && size.allSatisfy((0...4096).contains),
      "the window's size is \(size)"
    )
    try require(
      overlap.count == 3 && overlap.allSatisfy { $0 >= 0 && $0 < 1 },
      "the windows' overlap is \(overlap)"
    )
    try require(
      sigmaScale.count == 3 && sigmaScale.allSatisfy { $0 > 0 && $0 < 100 },
      "the windows' sigmaScale is \(sigmaScale)"
    )
    try require(paddingValue.isFinite, "the windows' paddingValue is not finite")
    if let sliceAxis {
      try require(
        (0..<3).contains(sliceAxis) && size[sliceAxis] == 1,
        "a window of \(size) for slices along the axis \(sliceAxis)"
      )
    }
    try require(
      (0...32).contains(neighbours) && (neighbours == 0 || sliceAxis != nil),
      "\(neighbours) neighbouring slices"
    )
  }
}

/// Three networks of slices and one that joins them.
public struct ConsensusPlan: Codable, Equatable, Sendable {
  /// What the networks see beside the image: where a voxel is.
  public enum Coordinates: String, Codable, Equatable, Sendable {
    /// Three channels of the voxel's place relative to the middle, in units of 256 voxels.
    case centred
    /// Three channels of 0.
    case zeros
  }

  /// What the networks see beside the image.
  public var coordinates: Coordinates
  /// Classes of each network.
  public var classes: Int
  /// Samples along each side of a slice.
  public var sliceSize: Int

  package init(coordinates: Coordinates, classes: Int, sliceSize: Int) {
    self.coordinates = coordinates
    self.classes = classes
    self.sliceSize = sliceSize
  }
}
