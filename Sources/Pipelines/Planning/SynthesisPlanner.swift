import Imaging
import Networks
import Support
import Transforms

/// Plans trainings on images that are made from label maps.
///
/// The grid is the user's or SynthSeg's: 1 mm along all axes (Billot et al. 2023). Volumes are seen in
/// patches of 96 x 112 x 96 voxels, slices across the axis to the head in patches of 192 x 192 pixels
/// with one neighbour on each side.
public struct SynthesisPlanner: Sendable {
  private let dataset: SegmentationDataset
  private let recipe: SynthesisRecipe
  private let request: PlanRequest

  private static let volumePatch = SIMD3(96, 112, 96)
  private static let slicePatch = [192, 192]
  /// Stages and most channels of the network of slices.
  private static let (sliceStages, mostFeatures) = (5, 256)

  /// Creates a planner; nil when the data set has no table.
  /// - Parameters:
  ///   - dataset: Label maps with a table of what their numbers mean.
  ///   - request: What the plan must respect; memory and time are not looked at.
  public init?(_ dataset: SegmentationDataset, request: PlanRequest) {
    guard let table = dataset.synthesis else { return nil }
    self.dataset = dataset
    self.request = request
    recipe = SynthesisRecipe(table: table)
  }

  /// Puts the run together.
  /// - Returns: All numbers of the run.
  public func configuration() -> TrainingConfiguration {
    var values = request.shape == .slices && !isAtlas ? slices : volumes
    values.batchSize = request.batchSize ?? values.batchSize
    values.steps = request.steps
    values.loss = request.loss ?? values.loss
    return values
  }

  /// The request for a coarse network that finds the place of an atlas.
  public static let atlasNetwork = "atlas"
  /// Spacing, patch and features of that network: a whole head at once.
  private static let (atlasSpacing, atlasPatch, atlasFeatures) = (
    SIMD3<Double>(4, 4, 4), SIMD3(64, 64, 64), 12
  )

  private var isAtlas: Bool { request.network == Self.atlasNetwork }

  private var spacing: SIMD3<Double> {
    request.spacing ?? (isAtlas ? Self.atlasSpacing : SIMD3(1, 1, 1))
  }

  private var volumes: TrainingConfiguration {
    var planner = VolumePlanner(
      spacing: spacing,
      patchSize: request.patchSize ?? (isAtlas ? Self.atlasPatch : Self.volumePatch)
    )
    planner.baseFeatures = request.baseFeatures ?? (isAtlas ? Self.atlasFeatures : 24)
    return planner.configuration(
      labels: dataset.labels,
      normalization: .robust,
      samples: .synthesis(recipe)
    )
  }

  private var slices: TrainingConfiguration {
    let wanted = request.patchSize.map { [$0.y, $0.x] } ?? Self.slicePatch
    let multiple = 1 << (Self.sliceStages - 1)
    let plan = SegmentationPlan(
      orientation: .ras,
      spacingMM: [spacing.x, spacing.y, spacing.z],
      patchSize: wanted.map { ($0 + multiple - 1) / multiple * multiple },
      contextSlices: 1,
      normalization: .robust
    )
    let base = request.baseFeatures ?? 24
    var values = TrainingConfiguration(
      network: .unet(
        UNetConfiguration(
          inputChannels: plan.inputChannels,
          outputChannels: dataset.labels.count + 1,
          features: (0..<Self.sliceStages).map { min(Self.mostFeatures, base << $0) }
        )
      ),
      plan: .slices(plan),
      samples: .synthesis(recipe)
    )
    values.batchSize = 8
    values.learningRate = 1e-3
    return values
  }
}
