import Imaging
import ImagingIO
import Layers
import Networks
import Support
import Transforms

/// Chooses a slice-wise plan and a network for a data set by a few stated rules.
///
/// - Slices lie across the axis of the coarsest median spacing; among equal ones across the axis with
///   the most voxels, which gives the smallest planes and the most slices.
/// - The spacing is the median over the cases.
/// - The patch covers the largest plane at that spacing, up to `maximumPatch`.
/// - The resolution is halved while at least `minimumBottleneck` pixels remain.
/// - Three neighbours on each side are channels where slices are about as thin as pixels are wide, one
///   otherwise.
public struct TrainingPlanner: Sendable {
  /// The largest patch along an axis, pixels.
  private static let maximumPatch = 256
  /// The smallest plane at the deepest stage, pixels along its shorter axis.
  private static let minimumBottleneck = 5
  /// The most stages of the U-Net.
  private static let maximumStages = 6
  /// The most channels of a stage.
  private static let maximumFeatures = 256
  /// Slices thicker than this many pixels are anisotropic.
  private static let isotropyLimit = 1.5

  /// Words by which a structure's name tells its place along the patient's axes: left-right,
  /// front-back, feet-head.
  private static let directionWords: [Set<String>] = [
    [
      "left", "right", "l", "r", "lh", "rh", "lt", "rt", "sin", "dex", "sinister", "dexter",
    ],
    ["anterior", "posterior", "front", "back", "ventral", "dorsal"],
    ["superior", "inferior", "upper", "lower", "cranial", "caudal", "top", "bottom"],
  ]

  /// Creates a planner.
  public init() {}

  /// Chooses by the headers of the data set's scans; voxels are not read.
  /// - Parameters:
  ///   - dataset: The data set.
  ///   - networkName: One of `networkNames`.
  ///   - baseFeatures: Channels of the first stage.
  /// - Returns: A configuration with every training value at its default.
  /// - Throws: What reading a header throws; `NetworksError.unknownNetwork`.
  public func configuration(
    for dataset: SegmentationDataset,
    networkName: String = "unet",
    baseFeatures: Int = 24
  ) throws -> TrainingConfiguration {
    let (extents, spacing, size) = try medians(of: dataset)
    let coarsest = spacing.max() ?? 1
    let sliceAxis =
      (0..<3).filter { spacing[$0] > 0.99 * coarsest }.max { size[$0] < size[$1] } ?? 2
    let inPlane = (0..<3).filter { $0 != sliceAxis }
    let codes = ["R", "A", "S"]
    let orientation = try Orientation(code: (inPlane + [sliceAxis]).map { codes[$0] }.joined())

    let largest = inPlane.map { axis in
      extents.map { Double($0[axis].size) * $0[axis].spacing / spacing[axis] }.max() ?? 1
    }
    let needed = largest.map { Int(min(Double(Self.maximumPatch), max(16, $0)).rounded(.up)) }
    var stages = 1
    while stages < Self.maximumStages,
      (needed.min() ?? 0) >> stages >= Self.minimumBottleneck
    {
      stages += 1
    }
    let multiple = Self.sizeMultiple(of: networkName, stages: stages)
    let patch = needed.map { ($0 + multiple - 1) / multiple * multiple }
    let pixel = max(spacing[inPlane[0]], spacing[inPlane[1]])
    let plan = SegmentationPlan(
      orientation: orientation,
      spacingMM: (inPlane + [sliceAxis]).map { spacing[$0] },
      patchSize: [patch[1], patch[0]],
      contextSlices: spacing[sliceAxis] <= Self.isotropyLimit * pixel ? 3 : 1
    )
    let features = (0..<stages).map { min(Self.maximumFeatures, baseFeatures << $0) }
    var configuration = TrainingConfiguration(
      network: try network(
        networkName,
        inputChannels: plan.inputChannels,
        classes: dataset.labels.count + 1,
        features: features
      ),
      plan: .slices(plan),
      samples: .slices(SliceAugmentation())
    )
    if !hasSides(dataset), sliceAxis != 0 {
      var (mirrored, augmentation) = (plan, SliceAugmentation())
      augmentation.mirrorProbability = 0.5
      mirrored.mirrorAxes = [0]
      configuration.plan = .slices(mirrored)
      configuration.samples = .slices(augmentation)
    }
    return configuration
  }

  /// Sizes and spacings along the patient's axes (0 left-right, 1 front-back, 2 feet-head), of every
  /// scan whose header can be read, and their medians.
  private func medians(of dataset: SegmentationDataset) throws -> (
    extents: [[(size: Int, spacing: Double)]], spacing: [Double], size: [Double]
  ) {
    // What cannot be read is for the data set's check to list.
    let volumes = dataset.cases.compactMap { entry in
      try? ImageFormats.inspect(entry.image).first?.volumes.first
    }.filter { $0.size.count == 3 && $0.spacingMM.allSatisfy { (1e-3...1e3).contains($0) } }
    guard !volumes.isEmpty else { throw PipelinesError.noInputs(path: dataset.path) }
    // Per patient axis (0 left-right, 1 front-back, 2 feet-head), whatever the storage order.
    let extents = try volumes.map { volume -> [(size: Int, spacing: Double)] in
      let axes = try Orientation(code: volume.orientation).axes
      return try (0..<3).map { patientAxis in
        guard let axis = axes.firstIndex(where: { $0.patientAxis == patientAxis }) else {
          throw PipelinesError.noInputs(path: dataset.path)
        }
        return (volume.size[axis], volume.spacingMM[axis])
      }
    }
    let spacing = (0..<3).map { axis in median(extents.map { $0[axis].spacing }) }
    let size = (0..<3).map { axis in
      median(extents.map { Double($0[axis].size) * $0[axis].spacing / spacing[axis] })
    }
    return (extents, spacing, size)
  }

  /// Left and right are told apart by name only; without such names mirror images are more data.
  func hasSides(_ dataset: SegmentationDataset) -> Bool { names(dataset, tellApart: 0) }

  /// The patient's axes (0 left-right, 1 front-back, 2 feet-head) along which no name tells the place.
  func mirrorAxes(_ dataset: SegmentationDataset) -> [Int] {
    Self.directionWords.indices.filter { !names(dataset, tellApart: $0) }
  }

  private func names(_ dataset: SegmentationDataset, tellApart axis: Int) -> Bool {
    dataset.labels.contains { label in
      let words = label.name.lowercased().split { !$0.isLetter }
      return words.contains { Self.directionWords[axis].contains(String($0)) }
    }
  }

  private func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return 1 }
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}
