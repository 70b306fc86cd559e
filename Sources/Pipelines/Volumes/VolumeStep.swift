/// One step between a scan and a network, in the terms of the program that defined it.
///
/// An array has the axes 0, 1 and 2, as in NumPy the last fastest; without `orient` they are the scan's
/// x, y and z. Steps named by a MONAI transform do what MONAI 1.3 and later do.
public enum VolumeStep: Codable, Equatable, Sendable {
  /// How values between samples are found.
  public enum Interpolation: String, Codable, Equatable, Sendable {
    case linear
    case nearest
  }

  /// What lies beyond an image.
  public enum Padding: String, Codable, Equatable, Sendable {
    /// The nearest value.
    case border
    /// 0.
    case zeros
  }

  /// Axes turned so that indices grow towards these sides, such as "RAS" (`Orientation`).
  case orient(code: String)
  /// Another distance of samples along each axis, mm; the first sample stays, in
  /// tilted grids the middle (`Spacing`).
  case space(mm: [Double], interpolation: Interpolation, padding: Padding)
  /// 256 samples of 1 mm along each axis, values 0 to 255 by the histogram, axes left, inferior,
  /// anterior (FreeSurfer's conformed volume, with 2 % of the voxels above 255).
  case conform
  /// 1 mm along each axis by scikit-image's `resize`, order 1 with its smoothing.
  case resizeToMillimetres
  /// A box of this many samples along each axis: centred, but along axis 2 at the head's top.
  case headBox(size: Int)
  /// `low` to `high` become `newLow` to `newHigh`, others clipped on request (`ScaleIntensityRange`).
  case scaleRange(low: Double, high: Double, newLow: Double?, newHigh: Double?, clips: Bool)
  /// Centred and scaled by given numbers or the image's own mean and deviation
  /// (`NormalizeIntensity`).
  case normalize(mean: [Double]?, deviation: [Double]?, nonzero: Bool, channelWise: Bool)
  /// The image's own range becomes another (`ScaleIntensity`).
  case scale(newLow: Double, newHigh: Double, channelWise: Bool)
  /// Two percentiles of the image become other numbers (`ScaleIntensityRangePercentiles`).
  case scalePercentiles(
    lower: Double,
    upper: Double,
    newLow: Double?,
    newHigh: Double?,
    clips: Bool,
    relative: Bool,
    channelWise: Bool
  )
  /// Two percentiles become 0 and 1; `margin` is added to their distance.
  case scaleQuantiles(lower: Double, upper: Double, margin: Double, clips: Bool)
  /// Divided by a percentile of the image.
  case dividePercentile(Double)
  /// Cut to the box of the positive values and a margin (`CropForeground`).
  case cropForeground(margin: [Int], multiple: [Int], allowsSmaller: Bool)
  /// Zeros around, up to a multiple of samples (`DivisiblePad`), on both sides or at the end.
  case padToMultiple(of: [Int], isSymmetric: Bool)
  /// Zeros around, up to a number of samples (`SpatialPad`), on both sides or at the end.
  case padToSize([Int], isSymmetric: Bool)

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan`.
  package func check() throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    func percentiles(_ lower: Double, _ upper: Double) throws(PipelinesError) {
      try require(
        0 <= lower && lower < upper && upper <= 100,
        "the percentiles are \(lower) and \(upper)"
      )
    }
    func finite(_ values: [Double?]) throws(PipelinesError) {
      try require(values.allSatisfy { $0?.isFinite ?? true }, "an intensity is not finite")
    }
    func axes(_ values: [Int], _ range: ClosedRange<Int>, _ name: String) throws(PipelinesError) {
      try require(values.count == 3 && values.allSatisfy(range.contains), "\(name) is \(values)")
    }
    switch self {
    case .orient(let code):
      let letters = Set(
        code.map {
          "RLAPSI".firstIndex(of: $0).map {
            "RLAPSI".distance(from: "RLAPSI".startIndex, to: $0) / 2
          } ?? -1
        }
      )
      try require(code.count == 3 && letters == [0, 1, 2], "\(code) is no orientation")
    case .space(let mm, _, _):
      try require(mm.count == 3 && mm.allSatisfy { $0 > 1e-3 && $0 < 1e3 }, "spacing is \(mm)")
    case .conform, .resizeToMillimetres: break
    case .headBox(let size): try require((16...1024).contains(size), "a box of \(size)")
    case .scaleRange(let low, let high, let newLow, let newHigh, _):
      try finite([low, high, newLow, newHigh])
      try require(low != high, "the range \(low) to \(high) is empty")
    case .normalize(let mean, let deviation, _, let channelWise):
      try finite((mean ?? []) + (deviation ?? []))
      try require(
        channelWise || ((mean?.count ?? 1) == 1 && (deviation?.count ?? 1) == 1),
        "one mean or deviation for each channel needs channelWise"
      )
    case .scale(let newLow, let newHigh, _): try finite([newLow, newHigh])
    case .scalePercentiles(let lower, let upper, let newLow, let newHigh, _, let relative, _):
      try percentiles(lower, upper)
      try finite([newLow, newHigh])
      try require(!relative || (newLow != nil && newHigh != nil), "relative needs both new values")
    case .scaleQuantiles(let lower, let upper, let margin, _):
      try percentiles(lower, upper)
      try finite([margin])
    case .dividePercentile(let percentile):
      try require(percentile > 0 && percentile <= 100, "the percentile is \(percentile)")
    case .cropForeground(let margin, let multiple, _):
      try axes(margin, 0...1024, "margin")
      try axes(multiple, 1...1024, "multiple")
    case .padToMultiple(let multiple, _): try axes(multiple, 1...1024, "multiple")
    case .padToSize(let size, _): try axes(size, 0...4096, "size")
    }
  }

  /// Whether samples move, so that a result must be moved back.
  var isGeometric: Bool {
    switch self {
    case .orient, .space, .conform, .resizeToMillimetres, .headBox, .cropForeground,
      .padToMultiple, .padToSize:
      true
    default: false
    }
  }
}
