import Imaging
import Networks
import Support
import Transforms

/// Chooses a plan of three dimensions and its U-Net for a patch and a spacing.
///
/// The topology follows nnU-Net's rules (Isensee et al. 2021, "Inferred parameters"): an axis is
/// halved while at least `minimumBottleneck` cells remain, an axis coarser than twice the finest one
/// only once the others have caught up, with windows of one along it until then.
public struct VolumePlanner: Sendable {
  /// Spacing that the network sees along x, y, z, mm.
  public var spacing: SIMD3<Double>
  /// Voxels that it sees at once along x, y, z; rounded up to what its steps need.
  public var patchSize: SIMD3<Int>
  /// Channels of the first stage; every further stage has twice as many.
  public var baseFeatures = 32
  /// The most channels of a stage (nnU-Net's in three dimensions).
  public var maximumFeatures = 320
  /// Convolutions of a stage, each way.
  public var unitsPerStage = 2
  /// The most stages.
  public var maximumStages = 6

  /// The fewest cells along an axis of the deepest stage.
  private static let minimumBottleneck = 4

  /// Creates a planner.
  /// - Parameters:
  ///   - spacing: Spacing that the network sees along x, y, z, mm.
  ///   - patchSize: Voxels that it sees at once along x, y, z.
  public init(spacing: SIMD3<Double>, patchSize: SIMD3<Int>) {
    self.spacing = spacing
    self.patchSize = patchSize
  }

  /// Steps and windows of every stage along z, y, x, and the patch that they need.
  func topology() -> (strides: [[Int]], kernels: [[Int]], patch: [Int]) {
    var size = [patchSize.z, patchSize.y, patchSize.x]
    var spacing = [spacing.z, spacing.y, spacing.x]
    var strides = [[1, 1, 1]]
    var kernels = [spacing.map { $0 > 2 * (spacing.min() ?? 1) ? 1 : 3 }]
    while strides.count < maximumStages {
      let finest = spacing.min() ?? 1
      let halved = (0..<3).map {
        spacing[$0] < 2 * finest && size[$0] >= 2 * Self.minimumBottleneck
      }
      guard halved.contains(true) else { break }
      let steps = halved.map { $0 ? 2 : 1 }
      for axis in 0..<3 {
        size[axis] = (size[axis] + steps[axis] - 1) / steps[axis]
        spacing[axis] *= Double(steps[axis])
      }
      strides.append(steps)
      kernels.append(
        (0..<3).map {
          spacing[$0] > 2 * (spacing.min() ?? 1) && kernels[kernels.count - 1][$0] == 1 ? 1 : 3
        }
      )
    }
    let multiples = (0..<3).map { axis in strides.reduce(1) { $0 * $1[axis] } }
    let patch = zip([patchSize.z, patchSize.y, patchSize.x], multiples).map {
      ($0 + $1 - 1) / $1 * $1
    }
    return (strides, kernels, patch)
  }

  /// Puts a run together.
  /// - Parameters:
  ///   - labels: The structures after background.
  ///   - normalization: How a scan's values become the network's.
  ///   - samples: What the network is shown.
  ///   - mirrorAxes: Axes of the patch (0 z, 1 y, 2 x) over which prediction may mirror.
  ///   - reader: How a scan's axes are turned.
  /// - Returns: A configuration with every training value at its default for patches.
  public func configuration(
    labels: [LabelDefinition],
    normalization: NNUNetPlan.Normalization,
    samples: TrainingSamples,
    mirrorAxes: [Int] = [],
    reader: NNUNetPlan.Reader = .reorienting
  ) -> TrainingConfiguration {
    let (strides, kernels, patch) = topology()
    let stages = strides.count
    var network = NNUNetConfiguration(
      inputChannels: 1,
      outputChannels: labels.count + 1,
      features: (0..<stages).map { min(maximumFeatures, baseFeatures << $0) },
      dimensions: 3,
      unitsPerStage: [Int](repeating: unitsPerStage, count: stages),
      decoderUnitsPerStage: [Int](repeating: unitsPerStage, count: max(1, stages - 1))
    )
    network.strides = strides
    network.kernelSizes = kernels
    network.hasDeepSupervision = true
    let isCoarse = spacing.max() / spacing.min() > 3
    var plan = NNUNetPlan(
      configuration: "3d_fullres",
      channels: [normalization],
      transposeForward: [0, 1, 2],
      spacing: [spacing.z, spacing.y, spacing.x],
      patchSize: patch,
      data: .spline(order: 3, orderAcross: 0, separates: isCoarse ? nil : false),
      segmentation: .spline(order: 1, orderAcross: 0, separates: isCoarse ? nil : false),
      probabilities: .spline(order: 1, orderAcross: 0, separates: isCoarse ? nil : false),
      mirrorAxes: mirrorAxes,
      heads: .labels([0] + labels.map(\.id)),
      previousStage: nil
    )
    plan.reader = reader
    var result = TrainingConfiguration(
      network: .plainConvUNet(network),
      plan: .nnUNet(plan),
      samples: samples
    )
    result.batchSize = 2
    result.learningRate = 1e-3
    return result
  }
}
