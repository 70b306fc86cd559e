import Foundation
import Networks

/// Chooses spacing, patch, network and batch from sizes and spacings as nnU-Net's planner does.
///
/// Isensee et al. 2021, "Inferred parameters", in the arithmetic of `ExperimentPlanner` of version
/// 2.8, against whose results it is tested. Axes are z, y, x.
package struct NNUNetPlanner: Sendable {
  /// Voxels of every case, cropped to what is not 0.
  package let sizes: [[Int]]
  /// Spacing of every case, mm.
  package let spacings: [[Double]]
  /// Classes, background included.
  package let classes: Int
  /// Memory for which patch and batch are chosen, GB; nnU-Net's is 8.
  package let memoryGB: Double
  /// Channels of the first stage.
  package let baseFeatures: Int

  /// A configuration of nnU-Net; axes transposed.
  package struct Configuration: Equatable, Sendable {
    /// Spacing that the network sees, mm.
    package var spacing: [Double]
    /// Median voxels of a case at that spacing.
    package var medianSize: [Double]
    /// Steps, windows and the patch.
    package var topology: UNetTopology
    /// Samples of a step.
    package var batchSize: Int
    /// Channels of the stages.
    package var features: [Int]
    /// Values of a sample's feature maps, by which patch and batch were chosen.
    package var mapValues: Int
  }

  /// Creates a planner.
  /// - Parameters:
  ///   - sizes: Voxels of every case, at least one.
  ///   - spacings: Spacing of every case, mm.
  ///   - classes: Classes, background included.
  ///   - memoryGB: Memory for which patch and batch are chosen, GB.
  ///   - baseFeatures: Channels of the first stage.
  package init(
    sizes: [[Int]],
    spacings: [[Double]],
    classes: Int,
    memoryGB: Double = 8,
    baseFeatures: Int = 32
  ) {
    precondition(!sizes.isEmpty && sizes.count == spacings.count, "a data set without cases")
    self.sizes = sizes
    self.spacings = spacings
    self.classes = classes
    self.memoryGB = memoryGB
    self.baseFeatures = baseFeatures
  }

  /// nnU-Net's limit of spacings and of sizes beyond which an axis is anisotropic.
  package static let anisotropy = 3.0
  /// Map values of a sample at `referenceGB`, samples of a step, and the most channels (its source's
  /// `UNet_reference_val_3d`, `UNet_reference_val_corresp_bs_3d`, `UNet_max_features_3d`; then 2-D).
  private static let volumeReference = (
    values: 560e6, batch: 2.0, features: 320, voxels: 256.0 * 256 * 256
  )
  private static let sliceReference = (
    values: 85e6, batch: 12.0, features: 512, voxels: 2048.0 * 2048
  )
  private static let referenceGB = 8.0
  /// The share of all voxels that a batch may hold, and the fewest samples.
  private static let (batchShare, minimumBatch) = (0.05, 2)
  /// A patch of less than this share of the median volume calls for a lower resolution.
  package static let lowResolutionShare = 0.25

  /// The spacing of full resolution: the median, but the 10th percentile along an axis that is coarse
  /// and has few voxels.
  package var targetSpacing: [Double] {
    var target = (0..<3).map { axis in Self.percentile(spacings.map { $0[axis] }, 50) }
    let size = (0..<3).map { axis in Self.percentile(sizes.map { Double($0[axis]) }, 50) }
    let worst = Self.firstLargest(target)
    let others = (0..<3).filter { $0 != worst }
    let coarsestOther = others.map { target[$0] }.max() ?? 0
    guard target[worst] > Self.anisotropy * coarsestOther,
      size[worst] * Self.anisotropy < others.map({ size[$0] }).min() ?? 0
    else { return target }
    target[worst] = Self.percentile(spacings.map { $0[worst] }, 10)
    if target[worst] < coarsestOther { target[worst] = coarsestOther + 1e-5 }
    return target
  }

  /// Which of the axes z, y, x each transposed one is: the coarsest comes first.
  /// - Parameter spacing: Along z, y, x.
  /// - Returns: A permutation of 0, 1, 2.
  package static func transposition(for spacing: [Double]) -> [Int] {
    let coarsest = firstLargest(spacing)
    return [coarsest] + (0..<3).filter { $0 != coarsest }
  }

  /// Median voxels of the cases at a spacing.
  /// - Parameter spacing: Along z, y, x.
  /// - Returns: Along z, y, x.
  package func medianSize(at spacing: [Double]) -> [Double] {
    (0..<3).map { axis in
      let resampled = zip(sizes, spacings).map { size, own in
        (own[axis] / spacing[axis] * Double(size[axis])).rounded(.toNearestOrEven)
      }
      return Self.percentile(resampled, 50)
    }
  }

  /// The configuration of full resolution in three dimensions, `3d_fullres`.
  /// - Parameter target: Spacing along z, y, x, or nil for `targetSpacing`.
  /// - Returns: The configuration; nil where the cases are single slices.
  package func volumes(target: [Double]? = nil) -> Configuration? {
    let (spacing, size) = transposed(target)
    guard size[0] != 1 else { return nil }
    return configuration(spacing, medianSize: size, voxels: size.reduce(1, *) * caseCount)
  }

  /// The configuration of low resolution, `3d_lowres`, where the patch of full resolution covers less
  /// than a quarter of the median volume.
  /// - Parameter full: What `volumes` chose.
  /// - Returns: The configuration; nil where there is no need, or too little gain.
  package func lowResolution(of full: Configuration) -> Configuration? {
    let all = full.medianSize.reduce(1, *)
    var covered = Double(full.topology.patchSize.reduce(1, *))
    var voxels = all
    var spacing = full.spacing
    var result: Configuration?
    while covered / voxels < Self.lowResolutionShare {
      let coarsest = spacing.max() ?? 1
      let lagging = spacing.indices.filter { coarsest / spacing[$0] > 2 }
      for axis in lagging.isEmpty ? Array(spacing.indices) : lagging { spacing[axis] *= 1.03 }
      let size = spacing.indices.map { full.spacing[$0] / spacing[$0] * full.medianSize[$0] }
      voxels = size.reduce(1, *)
      let found = configuration(
        spacing,
        medianSize: size.map { $0.rounded(.toNearestOrEven) },
        voxels: voxels * caseCount
      )
      covered = Double(found.topology.patchSize.reduce(1, *))
      result = found
    }
    return all / voxels < 2 ? nil : result
  }

  /// The configuration of slices, `2d`.
  /// - Returns: The configuration.
  package func slices() -> Configuration {
    let (spacing, size) = transposed(nil)
    return configuration(
      Array(spacing.dropFirst()),
      medianSize: Array(size.dropFirst()),
      voxels: size.reduce(1, *) * caseCount
    )
  }

  /// A patch with less along the axis that has most of the median's extent; nnU-Net's way to a patch
  /// that fits.
  /// - Parameters:
  ///   - topology: The patch and its steps.
  ///   - spacing: Of the axes.
  ///   - medianSize: Of the axes.
  /// - Returns: The smaller patch with its steps.
  package static func shrunk(
    _ topology: UNetTopology,
    spacing: [Double],
    medianSize: [Double]
  ) -> UNetTopology {
    let shares = zip(topology.patchSize, medianSize).map { Double($0) / $1 }
    let axis = lastLargest(shares)
    // One multiple less may be one that fewer halvings would have left whole: the step is found anew.
    var smaller = topology.patchSize
    smaller[axis] = max(1, smaller[axis] - topology.multiples[axis])
    let step = UNetTopology(spacing: spacing, patchSize: smaller).multiples[axis]
    smaller[axis] = max(1, topology.patchSize[axis] - step)
    return UNetTopology(spacing: spacing, patchSize: smaller)
  }

  private var caseCount: Double { Double(sizes.count) }

  private func transposed(_ target: [Double]?) -> (spacing: [Double], size: [Double]) {
    let target = target ?? targetSpacing
    let order = Self.transposition(for: target)
    let size = medianSize(at: target)
    return (order.map { target[$0] }, order.map { size[$0] })
  }

  private func configuration(
    _ spacing: [Double],
    medianSize: [Double],
    voxels: Double
  ) -> Configuration {
    let reference = spacing.count == 2 ? Self.sliceReference : Self.volumeReference
    let budget = reference.values * memoryGB / Self.referenceGB
    let inverse = spacing.map { 1 / $0 }
    let scale = pow(reference.voxels / inverse.reduce(1, *), 1 / Double(spacing.count))
    let initial = zip(inverse, medianSize).map {
      min(($0 * scale).rounded(.toNearestOrEven), $1)
    }
    var topology = UNetTopology(spacing: spacing, size: initial)
    func features() -> [Int] {
      topology.strides.indices.map { min(reference.features, baseFeatures << min($0, 20)) }
    }
    var estimate = Double(mapValues(topology, features()))
    while estimate / reference.batch * Double(Self.minimumBatch) > budget {
      topology = Self.shrunk(topology, spacing: spacing, medianSize: medianSize)
      estimate = Double(mapValues(topology, features()))
    }
    let fitting = (budget / estimate * reference.batch).rounded(.toNearestOrEven)
    let patch = Double(topology.patchSize.reduce(1, *))
    let covering = (voxels * Self.batchShare / patch).rounded(.toNearestOrEven)
    return Configuration(
      spacing: spacing,
      medianSize: medianSize,
      topology: topology,
      batchSize: Int(max(min(fitting, covering), Double(Self.minimumBatch))),
      features: features(),
      mapValues: Int(estimate)
    )
  }

  private func mapValues(_ topology: UNetTopology, _ features: [Int]) -> Int {
    var network = NNUNetConfiguration(
      inputChannels: 1,
      outputChannels: classes,
      features: features,
      dimensions: topology.patchSize.count,
      unitsPerStage: features.map { _ in 2 },
      decoderUnitsPerStage: features.dropLast().map { _ in 2 }
    )
    network.strides = topology.strides
    network.kernelSizes = topology.kernels
    return NetworkConfiguration.plainConvUNet(network).cost(inputSize: topology.patchSize)?
      .mapValues ?? 0
  }

  /// A percentile with linear interpolation between neighbours, as NumPy's default.
  static func percentile(_ values: [Double], _ percent: Double) -> Double {
    let sorted = values.sorted()
    guard let last = sorted.indices.last else { return .nan }
    let place = percent / 100 * Double(last)
    let low = min(last, Int(place))
    let high = min(last, low + 1)
    return sorted[low] + (sorted[high] - sorted[low]) * (place - Double(low))
  }

  private static func firstLargest(_ values: [Double]) -> Int {
    values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 }
  }

  private static func lastLargest(_ values: [Double]) -> Int {
    values.indices.reduce(0) { values[$1] >= values[$0] ? $1 : $0 }
  }
}
