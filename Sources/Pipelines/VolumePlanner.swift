import Imaging
import Networks
import Support
import Transforms

/// Chooses a plan of three dimensions and its U-Net for a patch and a spacing.
///
/// The topology follows nnU-Net's rules (`UNetTopology`).
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
  /// Whether the first of the network's axes is a sequence of slices (`ConvLSTMUNet`).
  public var runsThroughSlices = false
  /// Which of the axes z, y, x each axis of the network's arrays is; nnU-Net puts the coarsest first.
  public var transposeForward = [0, 1, 2]

  /// Creates a planner.
  /// - Parameters:
  ///   - spacing: Spacing that the network sees along x, y, z, mm.
  ///   - patchSize: Voxels that it sees at once along x, y, z.
  public init(spacing: SIMD3<Double>, patchSize: SIMD3<Int>) {
    self.spacing = spacing
    self.patchSize = patchSize
  }

  /// Steps and windows of every stage and the patch that they need, axes transposed.
  func topology() -> UNetTopology {
    UNetTopology(
      spacing: transposed([spacing.z, spacing.y, spacing.x]),
      patchSize: transposed([patchSize.z, patchSize.y, patchSize.x]),
      maximumStages: maximumStages
    )
  }

  private func transposed<Value>(_ values: [Value]) -> [Value] {
    transposeForward.map { values[$0] }
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
    configuration(
      heads: .labels([0] + labels.map(\.id)),
      channels: [normalization],
      samples: samples,
      mirrorAxes: mirrorAxes,
      reader: reader
    )
  }

  /// Puts a run of several channels or of regions together; the regions themselves are the caller's.
  /// - Parameters:
  ///   - heads: What the network's outputs stand for.
  ///   - channels: How each channel's values become the network's.
  ///   - samples: What the network is shown.
  ///   - mirrorAxes: Axes of the patch (0 z, 1 y, 2 x) over which prediction may mirror.
  ///   - reader: How a scan's axes are turned.
  /// - Returns: A configuration with every training value at its default for patches.
  package func configuration(
    heads: NNUNetPlan.Heads,
    channels: [NNUNetPlan.Normalization],
    samples: TrainingSamples,
    mirrorAxes: [Int] = [],
    reader: NNUNetPlan.Reader = .reorienting
  ) -> TrainingConfiguration {
    let topology = topology()
    let stages = topology.strides.count
    var network = NNUNetConfiguration(
      inputChannels: channels.count,
      outputChannels: heads.count,
      features: (0..<stages).map { min(maximumFeatures, baseFeatures << $0) },
      dimensions: 3,
      unitsPerStage: [Int](repeating: unitsPerStage, count: stages),
      decoderUnitsPerStage: [Int](repeating: unitsPerStage, count: max(1, stages - 1))
    )
    network.strides = topology.strides
    network.kernelSizes = topology.kernels
    network.hasDeepSupervision = true
    let isCoarse = spacing.max() / spacing.min() > 3
    var plan = NNUNetPlan(
      configuration: "3d_fullres",
      channels: channels,
      transposeForward: transposeForward,
      spacing: transposed([spacing.z, spacing.y, spacing.x]),
      patchSize: topology.patchSize,
      data: .spline(order: 3, orderAcross: 0, separates: isCoarse ? nil : false),
      segmentation: .spline(order: 1, orderAcross: 0, separates: isCoarse ? nil : false),
      probabilities: .spline(order: 1, orderAcross: 0, separates: isCoarse ? nil : false),
      mirrorAxes: mirrorAxes,
      heads: heads,
      previousStage: nil
    )
    plan.reader = reader
    var result = TrainingConfiguration(
      network: runsThroughSlices
        ? .convLSTMUNet(network.throughSlices) : .plainConvUNet(network),
      plan: .nnUNet(plan),
      samples: samples
    )
    result.batchSize = 2
    result.learningRate = 1e-3
    return result
  }
}
