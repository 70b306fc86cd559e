import Imaging
import Networks
import Transforms

/// What stands between an image and a network that improves it: saved with the weights.
///
/// Intensities are brought to a scale on which the network works and back again, so that they keep
/// their unit (Hounsfield units stay such). The network sees pieces of `patchSize`; of each piece the
/// outer `halo` voxels are left to its neighbours, except at the image's own edges.
public struct EnhancementPlan: Codable, Sendable, Equatable {
  /// What the network is for.
  public enum Task: String, Codable, Sendable, CaseIterable {
    /// Less noise on the same grid.
    case denoise
    /// A finer grid.
    case superResolution = "super-resolution"
    /// Other faults undone, such as blur, on the same grid.
    case restoration
    /// Images of another kind, such as another contrast, on the same grid.
    case translation
  }

  /// Where the finer grid comes from.
  public enum Enlargement: String, Codable, Sendable, CaseIterable {
    /// The network's output is larger than its input, along every axis that it sees.
    case network
    /// The image is interpolated by cubic B-splines before, and the network sees the finer grid.
    case spline
  }

  /// How pieces are joined.
  public enum Seam: String, Codable, Sendable, CaseIterable {
    /// Each voxel comes from one piece. Equal to the whole image where the halo is as wide as the
    /// network reaches.
    case exact
    /// Pieces fade into each other over twice the halo, for networks that see all of their input.
    case blended
  }

  /// The strengths of noise that a network is told, on its own scale of intensities.
  public struct NoiseLevel: Codable, Sendable, Equatable {
    /// The weakest.
    public var lowest: Double
    /// The strongest.
    public var highest: Double
    /// What it is told unless the user says otherwise.
    public var standard: Double

    /// Creates a range.
    /// - Parameters:
    ///   - lowest: The weakest noise.
    ///   - highest: The strongest noise.
    ///   - standard: What the network is told unless the user says otherwise.
    public init(lowest: Double, highest: Double, standard: Double) {
      self.lowest = lowest
      self.highest = highest
      self.standard = standard
    }
  }

  /// Version of this description.
  public var version = 1
  /// What the network is for.
  public var task: Task
  /// Axes of what the network sees: 2 for slices, 3 for volumes.
  public var dimensions: Int
  /// Neighbouring slices on each side that are channels too; beyond the volume its last slice counts.
  public var contextSlices = 0
  /// Axis codes of columns, rows and slices; nil leaves the axes as they are.
  public var orientation: Orientation?
  /// Whether the axis that becomes finer is the one along which a scan's voxels are longest, whatever its
  /// direction; the result is then the mean of the two sorts of slices that hold this axis.
  public var throughPlane: Bool?
  /// How many times finer the grid becomes along columns, rows and slices.
  public var scale = [1, 1, 1]
  /// Where the finer grid comes from; nil when no axis becomes finer.
  public var enlargement: Enlargement?
  /// How intensities are brought to the network's scale.
  public var intensity: IntensityRange
  /// Rows and columns, or slices, rows and columns, of what the network sees at once.
  public var patchSize: [Int]
  /// Voxels at each side of a piece that are left to its neighbours.
  public var halo: Int
  /// How pieces are joined.
  public var seam = Seam.exact
  /// The noise that the network is told by a further channel; nil when it is not told.
  public var noiseLevel: NoiseLevel?
  /// The modality of the scans, such as "MR" or "CT"; nil for any image.
  public var modality: String?
  /// Which intensities the network's 0 and 1 become in images of another kind; nil for those that they
  /// came from.
  public var outputRange: IntensityRange?
  /// How images are made of noise that follow the given one; nil for networks that give images at once.
  public var diffusion: DiffusionPlan?
  /// A classical filter with its values, such as `bm3d`, whose image the network sees as a channel after
  /// the given one, and corrects: the result is the filter's image plus the network's; nil for none.
  public var guide: String?

  /// Creates a plan; every other property has the default that its declaration shows.
  /// - Parameters:
  ///   - task: What the network is for.
  ///   - dimensions: Axes of what the network sees.
  ///   - intensity: How intensities are brought to the network's scale.
  ///   - patchSize: Rows and columns, or slices, rows and columns, of what it sees at once.
  ///   - halo: Voxels at each side of a piece that are left to its neighbours.
  public init(
    task: Task,
    dimensions: Int,
    intensity: IntensityRange,
    patchSize: [Int],
    halo: Int
  ) {
    self.task = task
    self.dimensions = dimensions
    self.intensity = intensity
    self.patchSize = patchSize
    self.halo = halo
  }

  /// Slices that the network sees for each one that it makes.
  public var slicesSeen: Int { 2 * contextSlices + 1 }

  /// How many times larger the network's output must be than its input.
  public var networkScale: Int { enlargement == .network ? scale[0] : 1 }

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan` naming the value that is out of range.
  public func check() throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    try require(version == 1, "its version is \(version), this program knows 1")
    try require([2, 3].contains(dimensions), "dimensions is \(dimensions)")
    try require((0...16).contains(contextSlices), "contextSlices is \(contextSlices)")
    try require(
      dimensions == 2 || contextSlices == 0,
      "a network of volumes sees no contextSlices, but there are \(contextSlices)"
    )
    try require(
      scale.count == 3 && scale.allSatisfy((1...16).contains),
      "scale is \(scale)"
    )
    try require(
      (enlargement == nil) == (scale == [1, 1, 1]),
      "the scale \(scale) and the enlargement do not agree"
    )
    try require(
      isFiner == (enlargement != nil),
      "a plan for \(task.rawValue) has the scale \(scale)"
    )
    try require(
      throughPlane != true
        || dimensions == 2 && scale[2] == 1 && scale.filter { $0 > 1 }.count == 1,
      "thick slices become thinner along columns or rows, not by \(scale)"
    )
    if enlargement == .network {
      let seen = dimensions == 3 ? scale : Array(scale.prefix(2))
      try require(
        Set(seen).count == 1 && (dimensions == 3 || scale[2] == 1),
        "a network cannot enlarge by \(scale)"
      )
    }
    try require(
      patchSize.count == dimensions && patchSize.allSatisfy((4...4096).contains),
      "patchSize is \(patchSize)"
    )
    try require(
      halo >= 0 && patchSize.allSatisfy { halo < ($0 + 1) / 2 },
      "a halo of \(halo) leaves nothing of \(patchSize)"
    )
    if let noiseLevel {
      try require(
        0 <= noiseLevel.lowest && noiseLevel.lowest <= noiseLevel.standard
          && noiseLevel.standard <= noiseLevel.highest && noiseLevel.highest <= 10,
        "noiseLevel is out of order"
      )
    }
    try intensity.check()
    try require(
      (task == .translation) == (outputRange != nil),
      "a plan for \(task.rawValue) has "
        + (outputRange == nil ? "no range of its results" : "a range of its results")
    )
    if let outputRange {
      guard case .fixed = outputRange else {
        throw .invalidPlan(reason: "the range of its results is not one of intensities")
      }
      try outputRange.check()
    }
    try diffusion?.check()
    if let guide {
      do {
        _ = try VolumeFilterCatalog.filter(describedBy: guide)
      } catch {
        throw .invalidPlan(reason: "its guide cannot be used: \(error.description.dropLast())")
      }
      try require(
        task == .denoise && contextSlices == 0 && diffusion == nil,
        "a filter guides networks that remove noise from single images"
      )
    }
    try require(
      diffusion == nil || (contextSlices == 0 && enlargement != .network && noiseLevel == nil),
      "a diffusion model sees one image on the grid that it makes"
    )
  }

  private var isFiner: Bool { task == .superResolution }

  /// Channels of what the network is given: slices; a filter's image; the noise level; of a diffusion
  /// model the image that is made, and its step.
  /// - Parameter channels: Channels of an image.
  /// - Returns: The number.
  package func inputChannels(of channels: Int = 1) -> Int {
    channels * (slicesSeen + (guide == nil ? 0 : 1)) + (noiseLevel == nil ? 0 : 1)
      + (diffusion == nil ? 0 : channels + 1)
  }

  /// Checks that a network suits the plan.
  /// - Parameters:
  ///   - network: The network's values.
  ///   - channels: Channels of an image.
  ///   - labels: Structures, of which there must be none.
  /// - Throws: `PipelinesError.invalidPlan` naming what does not fit.
  func check(
    _ network: NetworkConfiguration,
    channels: Int,
    labels: Int
  ) throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    try require(labels == 0, "a network that improves images has \(labels) labels")
    try require([1, 3].contains(channels), "it has \(channels) channels, not 1 or 3")
    try require(channels == 1 || diffusion == nil, "a diffusion model sees no colours")
    try require(channels == 1 || guide == nil, "a network that a filter guides sees no colours")
    let inputs = inputChannels(of: channels)
    if let diffusion, case .diffusionUNet(let values) = network {
      try require(
        values.steps == diffusion.process.schedule.steps,
        "the network knows \(values.steps) steps, the plan \(diffusion.process.schedule.steps)"
      )
    }
    try require(
      network.inputChannels == inputs,
      "the network has \(network.inputChannels) input channels, the plan \(inputs)"
    )
    try require(
      network.outputChannels == channels,
      "the network has \(network.outputChannels) output channels for \(channels) of the image"
    )
    try require(
      network.dimensions == dimensions,
      "the network has \(network.dimensions) axes, the plan \(dimensions)"
    )
  }

  /// The plan in a few words, such as "denoise, slices, patches of 128 x 128".
  public var summary: String {
    let size = patchSize.map(String.init).joined(separator: " x ")
    let what =
      dimensions == 3 ? "volumes" : contextSlices == 0 ? "slices" : "slices with neighbours"
    let finer = enlargement == nil ? "" : " " + scale.map(String.init).joined(separator: " x ")
    let leaps = diffusion.map { ", diffusion in \($0.leaps) leaps" } ?? ""
    let guided = guide.map { ", guided by \($0)" } ?? ""
    return "\(task.rawValue)\(finer), \(what), patches of \(size)\(leaps)\(guided)"
  }
}
