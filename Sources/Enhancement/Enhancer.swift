import Imaging
import Networks
import Pipelines
import Support
import Tensors

/// Improves images with a model: slices, slices with their neighbours, or volumes.
///
/// Values keep their unit; what is not finite counts as the low end of the model's range of
/// intensities, so that the result is finite. A constant image stays what it is.
public struct Enhancer: ScanStage {
  /// The model.
  package let model: ModelDescription
  /// What stands between an image and the network.
  package let plan: EnhancementPlan
  /// What the record of a run says of the model.
  package let record: StageRecord
  private let network: ImageNetwork
  private let level: Float?
  private let sampling: DiffusionSampling

  /// Slices that are thinned must be this many times as thick as pixels are wide.
  private static let leastThickness = 1.5

  /// Loads a model, whose files are checked against their hashes.
  /// - Parameters:
  ///   - package: The model.
  ///   - noiseLevel: The noise that the network is told, on its scale of intensities; nil for its own
  ///     standard.
  ///   - sampling: How images are drawn from a diffusion model.
  /// - Throws: `PipelinesError.segmentingModel`, `.damagedModel`; `LayersError`;
  ///   `EnhancementError.wrongParameter` for a level or a sampling that the model does not know.
  public init(
    _ package: ModelPackage,
    noiseLevel: Double? = nil,
    sampling: DiffusionSampling = DiffusionSampling()
  ) throws {
    let description = package.description
    guard let plan = description.plan.enhancement else {
      throw PipelinesError.segmentingModel(name: description.name)
    }
    try sampling.check(plan, model: description.name)
    var told = plan
    if let leaps = sampling.leaps { told.diffusion?.leaps = leaps }
    var summary = told.summary
    if sampling.count > 1 { summary += ", the mean of \(sampling.count)" }
    if let noiseLevel {
      guard let known = plan.noiseLevel else {
        throw EnhancementError.wrongParameter(
          stage: description.name,
          reason: "it is not told how strong the noise is; leave out --noise-level"
        )
      }
      guard known.lowest...known.highest ~= noiseLevel else {
        throw EnhancementError.wrongParameter(
          stage: description.name,
          reason:
            "it knows noise of \(100 * known.lowest) to \(100 * known.highest) % of the range, "
            + "not \(100 * noiseLevel)"
        )
      }
      summary += ", noise level \(noiseLevel)"
    }
    try self.init(
      description,
      plan,
      network: package.makeNetwork(),
      level: noiseLevel ?? plan.noiseLevel?.standard,
      sampling: sampling,
      record: StageRecord(
        name: description.name,
        version: description.version,
        weightsSHA256: package.record.weightsSHA256,
        summary: summary
      )
    )
  }

  /// Creates an enhancer of a network that is being trained.
  /// - Parameters:
  ///   - model: The model's description.
  ///   - plan: Its plan.
  ///   - network: The network.
  ///   - level: The noise that it is told, or nil.
  ///   - sampling: How images are drawn from a diffusion model.
  ///   - record: What a record says of it.
  /// - Throws: `PipelinesError.invalidPlan` when network and plan do not fit.
  init(
    _ model: ModelDescription,
    _ plan: EnhancementPlan,
    network: any Network,
    level: Double?,
    sampling: DiffusionSampling = DiffusionSampling(),
    record: StageRecord
  ) throws {
    guard network.outputScale == plan.networkScale else {
      throw PipelinesError.invalidPlan(
        reason: "the network enlarges by \(network.outputScale), the plan by \(plan.networkScale)"
      )
    }
    self.model = model
    self.plan = plan
    self.record = record
    self.level = level.map { Float($0) }
    self.sampling = sampling
    self.network = try ImageNetwork(network, plan: plan, leaps: sampling.leaps)
  }

  /// Channels of an image that the model sees: 1, or 3 for colours.
  package var channelCount: Int { model.channels.count }

  package var removesNoise: Bool { plan.task == .denoise }

  package func check(_ scan: Volume<Float>, modality: String?, path: String) throws {
    func require(_ condition: Bool, _ reason: String) throws {
      if !condition { throw PipelinesError.unsuitableScan(path: path, reason: reason) }
    }
    let size = scan.geometry.size
    try require(
      plan.dimensions == 2 || size.z > 1,
      "it is one slice, and \(model.name) sees volumes"
    )
    try require(
      plan.scale[2] == 1 || !scan.geometry.isPlanar,
      "it is a picture, and \(model.name) makes slices between slices"
    )
    if plan.throughPlane == true {
      try require(!scan.geometry.isPlanar, "it is a picture, and \(model.name) thins thick slices")
      let spacing = scan.geometry.spacing
      try require(
        spacing.max() >= Self.leastThickness * spacing.min(),
        "its slices are not thicker than its pixels are wide, and \(model.name) thins thick slices"
      )
    }
    if let expected = plan.modality {
      try require(
        modality == nil || modality?.uppercased() == expected.uppercased(),
        "it is \(modality ?? ""), and \(model.name) is made for \(expected)"
      )
      let reason =
        modality == nil ? ModalityGuess.contradiction(scan.voxels, to: expected) : nil
      try require(reason == nil, "\(reason ?? ""), and \(model.name) is made for \(expected)")
    }
    try require(
      scan.voxels.contains(where: \.isFinite),
      "it has no value that is a finite number"
    )
  }

  package func apply(
    _ scan: Volume<Float>,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> Volume<Float> {
    let channels = [Volume<Float>](repeating: scan, count: channelCount)
    let result = try apply(channels, progress: progress, interruption: interruption)
    guard result.count == 3 else { return result[0] }
    // A grey image seen as a colour one: the colours' mean is grey again.
    return Volume(
      geometry: result[0].geometry,
      voxels: result[0].voxels.indices.map {
        (result[0].voxels[$0] + result[1].voxels[$0] + result[2].voxels[$0]) / 3
      }
    )
  }

  /// Improves an image of several channels.
  /// - Parameters:
  ///   - channels: As many as the model sees, on one grid.
  ///   - progress: Told about pieces.
  ///   - interruption: Looked at between pieces.
  /// - Returns: The improved channels.
  /// - Throws: `EnhancementError.infiniteValues`; `ImagingError` when the finer grid is too large;
  ///   `SupportError.interrupted`.
  /// - Precondition: The number of channels is the model's.
  package func apply(
    _ channels: [Volume<Float>],
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> [Volume<Float>] {
    guard sampling.count > 1 else {
      return try drawn(channels, draw: 0, progress: progress, interruption: interruption)
    }
    let drawn = try samples(
      of: channels[0],
      count: sampling.count,
      progress: progress,
      interruption: interruption
    )
    return [drawn.mean]
  }

  /// One result; of a diffusion model one of many.
  func drawn(
    _ channels: [Volume<Float>],
    draw: Int,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> [Volume<Float>] {
    precondition(channels.count == channelCount, "\(channels.count) channels for \(channelCount)")
    let views = try orientations(for: channels[0].geometry)
    var results = try improved(
      channels,
      as: views[0],
      draw: draw,
      progress: progress,
      interruption: interruption
    )
    for view in views.dropFirst() {
      let further = try improved(
        channels,
        as: view,
        draw: draw,
        progress: progress,
        interruption: interruption
      )
      for (place, channel) in further.enumerated() {
        results[place] = Volume(
          geometry: results[place].geometry,
          voxels: zip(results[place].voxels, channel.voxels).map { ($0 + $1) / 2 }
        )
      }
    }
    return results
  }

  /// The ways in which the axes are laid before the network; nil leaves them.
  private func orientations(for geometry: ImageGeometry) throws -> [Orientation?] {
    guard plan.throughPlane == true else { return [plan.orientation] }
    let thick = (0..<3).max { geometry.spacing[$0] < geometry.spacing[$1] } ?? 2
    let thin = (0..<3).filter { $0 != thick }
    return try [thin, thin.reversed()].map { axes in
      let order = plan.scale[0] > 1 ? [thick, axes[0], axes[1]] : [axes[0], thick, axes[1]]
      return try geometry.orientation(ofAxes: order)
    }
  }

  /// The improved channels, computed with the axes in some order.
  private func improved(
    _ channels: [Volume<Float>],
    as orientation: Orientation?,
    draw: Int,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> [Volume<Float>] {
    let original = channels[0].geometry
    let oriented =
      orientation.map { wanted in channels.map { $0.reoriented(to: wanted) } } ?? channels
    let target = try oriented[0].geometry.refined(by: plan.scale)
    let values = channels.count == 1 ? oriented[0].voxels : oriented.flatMap(\.voxels)
    let results: [[Float]]
    if let scale = plan.intensity.scale(for: values) {
      let made = plan.outputRange?.scale(for: []) ?? scale
      var images = oriented.map { image in image.map { scale.scaled($0) } }
      if plan.enlargement == .spline {
        images = images.map { $0.resampled(to: target, interpolation: .cubicBSpline) }
      }
      results = try network.apply(
        images,
        level: level,
        seed: sampling.seed,
        draw: draw,
        progress: progress,
        interruption: interruption
      ).map { $0.map { made.restored($0) } }
      guard results.allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
        throw EnhancementError.infiniteValues(model: model.name)
      }
    } else {
      // What is constant has no counterpart in images of another kind but their darkest value.
      let constant =
        plan.outputRange?.scale(for: [])?.low ?? values.first(where: \.isFinite) ?? 0
      results = channels.map { _ in [Float](repeating: constant, count: target.voxelCount) }
    }
    return results.map { voxels in
      let back = Volume(geometry: target, voxels: voxels).reoriented(to: original.orientation)
      // The image's own geometry, not the twice reordered one, which differs by rounding.
      return plan.enlargement == nil ? Volume(geometry: original, voxels: back.voxels) : back
    }
  }
}
