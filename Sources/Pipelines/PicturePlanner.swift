import Imaging
import ImagingIO
import Layers
import Networks
import Support
import Transforms

/// Chooses a plan for pictures and its network by a few stated rules.
///
/// - The patch is a square as large as the median of the pictures' shorter sides, up to `maximumPatch`.
/// - The resolution is halved while at least `minimumBottleneck` pixels remain, up to `maximumStages`.
/// - Pictures are turned and mirrored unless names of structures tell left and right.
public struct PicturePlanner: Sendable {
  /// The largest patch along an axis, pixels: several cells wide, and steps of the training stay short.
  private static let maximumPatch = 192
  /// The smallest patch along an axis, pixels.
  private static let minimumPatch = 32
  /// The smallest plane at the deepest stage, pixels.
  private static let minimumBottleneck = 8
  /// The most stages of the U-Net.
  private static let maximumStages = 5
  /// The most channels of a stage.
  private static let maximumFeatures = 256
  /// Channels of the first stage without a limit of time.
  public static let defaultFeatures = 24
  /// Pieces of a step without a limit of time.
  public static let defaultBatch = 8

  private let dataset: SegmentationDataset
  private let wanted: Int

  /// Looks at the sizes of a data set's pictures.
  /// - Parameter dataset: The data set; pictures that cannot be read are left out.
  /// - Throws: `PipelinesError.noInputs` when no picture can be read.
  public init(_ dataset: SegmentationDataset) throws {
    let sides = dataset.cases.compactMap { entry -> Int? in
      guard let size = try? GreyPicture.read(entry.image).geometry.size else { return nil }
      return min(size.x, size.y)
    }.sorted()
    guard !sides.isEmpty else { throw PipelinesError.noInputs(path: dataset.path) }
    self.dataset = dataset
    wanted = min(Self.maximumPatch, max(Self.minimumPatch, sides[sides.count / 2]))
  }

  /// Puts a run together.
  /// - Parameters:
  ///   - networkName: One of `TrainingPlanner.networkNames`.
  ///   - baseFeatures: Channels of the first stage.
  ///   - batchSize: Pieces of a step.
  /// - Returns: A configuration with every other value at its default.
  /// - Throws: `NetworksError.unknownNetwork`.
  public func configuration(
    networkName: String = "unet",
    baseFeatures: Int = defaultFeatures,
    batchSize: Int = defaultBatch
  ) throws -> TrainingConfiguration {
    var stages = 1
    while stages < Self.maximumStages, wanted >> stages >= Self.minimumBottleneck { stages += 1 }
    let multiple = TrainingPlanner.sizeMultiple(of: networkName, stages: stages)
    let side = (wanted + multiple - 1) / multiple * multiple

    let turns = !TrainingPlanner().hasSides(dataset)
    var plan = SegmentationPlan(
      orientation: try Orientation(code: "LPS"),
      spacingMM: [1, 1, 1],
      patchSize: [side, side],
      contextSlices: 0,
      mirrorAxes: turns ? [0, 1] : []
    )
    plan.picture = PicturePlan(separation: dataset.countsObjects ? ObjectSeparation() : nil)
    var augmentation = PictureAugmentation()
    augmentation.turns = turns
    var configuration = TrainingConfiguration(
      network: try TrainingPlanner().network(
        networkName,
        inputChannels: plan.inputChannels,
        classes: plan.classes(dataset.labels).count + 1,
        features: (0..<stages).map { min(Self.maximumFeatures, baseFeatures << $0) }
      ),
      plan: .slices(plan),
      samples: .pictures(augmentation)
    )
    configuration.batchSize = batchSize
    return configuration
  }
}
