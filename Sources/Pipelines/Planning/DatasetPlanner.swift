import Foundation
import Imaging
import Networks
import Support
import Transforms

/// Plans a training for a data set, within memory and time.
///
/// Spacing, normalisation, patch, network and batch follow nnU-Net's published rules
/// (`NNUNetPlanner`), slices `TrainingPlanner`'s. What then does not fit into the memory, or leaves fewer than
/// `TrainingPlan.leastSteps` steps in the time, is reduced in this order: samples of a step (nnU-Net
/// too gives up samples before the patch), channels, patch.
///
/// Several channels and regions are planned in three dimensions: slices take one channel and labels that
/// exclude each other.
public struct DatasetPlanner: Sendable {
  private let dataset: SegmentationDataset
  private let fingerprint: DatasetFingerprint
  private let request: PlanRequest
  private let example: DatasetCheck.LoadedCase?

  /// Share of a time that steps may fill, as the trainer has it.
  private static let usableShare = 0.95
  /// Bytes that a training holds for each value of a feature map of a step: the map itself, what
  /// normalisation and activation keep of it, and its gradient.
  static let bytesPerMapValue = 16
  /// Bytes for each weight: itself, its gradient, two moments, the average and the copy that a step can
  /// go back to; all single precision.
  static let bytesPerParameter = 24
  /// Bytes for each voxel of a prepared case: its value, its class, and its place.
  static let bytesPerVoxel = 10
  /// Bytes for its value in each further channel.
  static let bytesPerChannelVoxel = 4
  /// Channels of the two networks by which the machine is timed.
  static let probeFeatures = (8, 24)
  /// Cases of more voxels are not used to time the drawing of samples: preparing them takes too long.
  private static let largestExample = 8_000_000

  /// Checks a data set, and plans for its cases without a fault.
  /// - Parameters:
  ///   - dataset: The data set.
  ///   - request: What the plan must respect.
  ///   - progress: Told about every case.
  ///   - interruption: Looked at between cases.
  /// - Returns: The findings, and the plan; nil when no case is without a fault.
  /// - Throws: `SupportError.interrupted`; what planning throws.
  public static func plan(
    _ dataset: SegmentationDataset,
    request: PlanRequest,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (check: DatasetCheck, plan: TrainingPlan?) {
    var example: DatasetCheck.LoadedCase?
    let check = try DatasetCheck.check(
      dataset,
      progress: progress,
      interruption: interruption
    ) { loaded in
      if example == nil, loaded.scan.geometry.voxelCount <= largestExample { example = loaded }
    }
    guard let fingerprint = check.fingerprint else { return (check, nil) }
    let planner = DatasetPlanner(
      dataset,
      fingerprint: fingerprint,
      request: request,
      example: example
    )
    return (check, try planner.plan(interruption: interruption))
  }

  /// Creates a planner.
  /// - Parameters:
  ///   - dataset: The data set.
  ///   - fingerprint: Its sizes, spacings and intensities.
  ///   - request: What the plan must respect.
  package init(
    _ dataset: SegmentationDataset,
    fingerprint: DatasetFingerprint,
    request: PlanRequest
  ) {
    self.init(dataset, fingerprint: fingerprint, request: request, example: nil)
  }

  private init(
    _ dataset: SegmentationDataset,
    fingerprint: DatasetFingerprint,
    request: PlanRequest,
    example: DatasetCheck.LoadedCase?
  ) {
    self.dataset = dataset
    self.fingerprint = fingerprint
    self.request = request
    self.example = example
  }

  /// What was chosen of a family.
  private struct Choice {
    let configuration: TrainingConfiguration
    let candidate: PlanCandidate
    let first: PlanCandidate
    let speed: StepSpeed?
    let estimate: TrainingPlan.Estimate
  }

  /// Plans.
  /// - Parameters:
  ///   - interruption: Looked at between steps.
  ///   - speed: The speed of this machine, or nil to measure it.
  /// - Returns: The plan.
  /// - Throws: `PipelinesError.invalidPlan` where volumes are asked for but the cases are single slices,
  ///   or slices of several channels or regions.
  package func plan(interruption: Interruption, speed: StepSpeed? = nil) throws -> TrainingPlan {
    let sizes = fingerprint.cases.map { Array($0.size.reversed()) }
    let spacings = fingerprint.cases.map { Array($0.spacingMM.reversed()) }
    let rules = NNUNetPlanner(
      sizes: sizes,
      spacings: spacings,
      classes: dataset.heads.count
    )
    let target = request.spacing.map { [$0.z, $0.y, $0.x] } ?? rules.targetSpacing
    // Pages of a picture are no volume.
    let full = dataset.isPictures ? nil : rules.volumes(target: target)
    let low =
      request.spacing == nil && request.patchSize == nil ? full.flatMap(rules.lowResolution) : nil
    let slices: any PlanFamily =
      dataset.isPictures
      ? try PictureFamily(dataset: dataset, request: request)
      : SliceFamily(dataset: dataset, request: request)
    let volumes = (low ?? full).map { reference in
      VolumeFamily(
        reference: reference,
        transposition: NNUNetPlanner.transposition(for: target),
        heads: dataset.heads,
        regions: dataset.regions.isEmpty ? nil : dataset.regions.map(\.labels),
        channels: dataset.channelNames.indices.map(normalization),
        mirrorAxes: TrainingPlanner().mirrorAxes(dataset),
        request: request
      )
    }
    try checkShape(hasVolumes: volumes != nil)
    var (shape, reason) = shape(target, hasVolumes: volumes != nil)
    guard shape == .slices || volumes != nil else {
      throw PipelinesError.invalidPlan(reason: "3d was asked for, but the cases are single slices")
    }
    if shape == .slices, request.spacing != nil || request.patchSize != nil {
      throw PipelinesError.invalidPlan(
        reason: "a spacing or a patch was asked for, but slices are planned: \(reason)"
      )
    }
    var choice: Choice
    if shape == .volumes, let volumes {
      choice = try choose(volumes, speed, interruption)
      if request.shape == .automatic, request.network == "unet", volumeNeed == nil,
        request.spacing == nil,
        request.patchSize == nil,
        !choice.estimate.fits
      {
        let other = try choose(slices, speed, interruption)
        if other.estimate.fits {
          (shape, choice) = (.slices, other)
          reason = "volumes would not leave \(TrainingPlan.leastSteps) steps, slices do"
        }
      }
    } else {
      choice = try choose(slices, speed, interruption)
    }
    var configuration = choice.configuration
    configuration.steps = choice.estimate.steps
    configuration.loss = request.loss ?? configuration.loss
    let kind = shape == .volumes ? "3d" : dataset.isPictures ? "2d, pictures" : "2d, slices"
    var rows = [TrainingPlan.Row("kind", kind, reason)]
    if shape == .volumes, let volumes {
      rows += PlanRows.volumes(
        choice.candidate,
        volumes,
        target: target,
        isLow: low != nil,
        dataset,
        fingerprint
      )
    } else {
      rows += PlanRows.slices(choice.configuration)
    }
    rows += PlanRows.network(
      configuration,
      candidate: choice.candidate,
      first: choice.first,
      request: request
    )
    rows += PlanRows.training(configuration)
    rows += PlanRows.estimate(choice.estimate, request: request)
    return TrainingPlan(
      configuration: configuration,
      rows: rows,
      estimate: choice.estimate,
      speed: choice.speed,
      references: [("2d", rules.slices()), ("3d_fullres", full), ("3d_lowres", low)]
        .compactMap { name, found in found.map { TrainingPlan.Reference(name, $0) } }
    )
  }

  /// nnU-Net's choice by a channel's name.
  private func normalization(_ channel: Int) -> NNUNetPlan.Normalization {
    switch dataset.channelNames[channel].lowercased() {
    case "ct":
      guard fingerprint.channelIntensities.indices.contains(channel) else {
        return .zScore(usesMask: false)
      }
      let values = fingerprint.channelIntensities[channel]
      return .ct(
        mean: values.mean,
        deviation: values.sd,
        low: values.percentile00_5,
        high: values.percentile99_5
      )
    case "nonorm": return .none
    case "rescale_to_0_1": return .rescaleTo01
    case "rgb_to_0_1": return .rgbTo01
    default: return .zScore(usesMask: fingerprint.medianRelativeSize < PlanRows.maskLimit)
    }
  }

  /// Why the data set needs volumes, in a word or two; nil where slices do too.
  private var volumeNeed: String? {
    if !dataset.regions.isEmpty { return "regions" }
    return dataset.channelNames.count > 1 ? "several channels" : nil
  }

  private func checkShape(hasVolumes: Bool) throws {
    if request.network == NetworkConfiguration.convLSTMUNetName,
      request.shape == .slices || !hasVolumes
    {
      throw PipelinesError.invalidPlan(
        reason: "\(request.network) runs through the slices of volumes; "
          + (hasVolumes ? "leave out 2d" : "the cases are single slices")
      )
    }
    guard let need = volumeNeed else { return }
    let rule = "\(need) are trained in 3-D"
    if request.shape == .slices {
      throw PipelinesError.invalidPlan(reason: "2d was asked for, but \(rule)")
    }
    if !request.takesVolumes {
      throw PipelinesError.invalidPlan(
        reason: "\(request.network) is a network of slices, but \(rule)"
      )
    }
    guard hasVolumes else {
      throw PipelinesError.invalidPlan(reason: "\(rule), but the cases are single slices")
    }
  }

  private func shape(_ target: [Double], hasVolumes: Bool) -> (PlanRequest.Shape, String) {
    if request.shape != .automatic { return (request.shape, "as asked for") }
    if let need = volumeNeed { return (.volumes, "\(need) are trained in 3-D") }
    if request.network == NetworkConfiguration.convLSTMUNetName {
      return (.volumes, "\(request.network) runs through the slices of volumes")
    }
    if request.network != "unet" { return (.slices, "\(request.network) is a network of slices") }
    if !hasVolumes {
      return (
        .slices,
        dataset.isPictures ? "pictures are seen one by one" : "the cases are single slices"
      )
    }
    let sorted = target.sorted()
    let ratio = sorted[2] / sorted[1]
    let limit = NNUNetPlanner.anisotropy
    return ratio > limit
      ? (
        .slices, "slices lie \(PlanRows.number(ratio)) pixels apart, more than nnU-Net's limit of 3"
      )
      : (.volumes, "slices lie \(PlanRows.number(ratio)) pixels apart, within nnU-Net's limit of 3")
  }

  /// The first candidate that fits, or else the last.
  private func choose(
    _ family: any PlanFamily,
    _ known: StepSpeed?,
    _ interruption: Interruption
  ) throws -> Choice {
    let speed = try known ?? measure(family, interruption)
    let candidates = family.candidates
    var found: Choice?
    for candidate in candidates {
      let configuration = try family.configuration(candidate)
      let estimate = estimate(configuration, speed)
      found = Choice(
        configuration: configuration,
        candidate: candidate,
        first: candidates[0],
        speed: speed,
        estimate: estimate
      )
      if estimate.fits { break }
    }
    guard let found else { throw PipelinesError.invalidPlan(reason: "it has no candidates") }
    return found
  }

  private func measure(_ family: any PlanFamily, _ interruption: Interruption) throws -> StepSpeed?
  {
    // A network without structures has no loss to time.
    guard !dataset.labels.isEmpty else { return nil }
    let narrow = try family.configuration(family.probe(baseFeatures: Self.probeFeatures.0))
    let wide = try family.configuration(family.probe(baseFeatures: Self.probeFeatures.1))
    guard narrow.network.cost(inputSize: narrow.plan.patchSize) != nil else { return nil }
    return try StepSpeed.measure(
      narrow: narrow,
      wide: wide,
      sampler: example.map {
        try TrainingMaterial.sampler([$0], dataset, narrow, narrow.samples, interruption)
      },
      interruption: interruption
    )
  }

  private func estimate(
    _ run: TrainingConfiguration,
    _ speed: StepSpeed?
  ) -> TrainingPlan.Estimate {
    var result = TrainingPlan.Estimate(steps: request.steps, fits: true)
    let patch = run.plan.patchSize
    guard let cost = run.network.cost(inputSize: patch) else { return result }
    result.parameters = cost.parameters
    result.multiplicationsPerStep = cost.multiplications * run.batchSize
    let bytes =
      cost.mapValues * run.batchSize * Self.bytesPerMapValue
      + cost.parameters * Self.bytesPerParameter + datasetVoxels * bytesPerCaseVoxel
    result.memoryBytes = bytes
    let limit =
      request.memoryGB.map { $0 * 1e9 }
      ?? PlanRequest.defaultMemoryShare * Double(ProcessInfo.processInfo.physicalMemory)
    result.fits = Double(bytes) <= limit
    guard let speed else { return result }
    let seconds = speed.seconds(cost, batchSize: run.batchSize, voxels: patch.reduce(1, *))
    result.secondsPerStep = seconds
    if let minutes = request.minutes, seconds > 0 {
      result.steps = max(1, Int(min(1e9, Self.usableShare * minutes * 60 / seconds)))
      result.fits = result.fits && result.steps >= TrainingPlan.leastSteps
    }
    return result
  }

  private var bytesPerCaseVoxel: Int {
    Self.bytesPerVoxel + (dataset.channelNames.count - 1) * Self.bytesPerChannelVoxel
  }

  /// Voxels of all cases, as the files have them.
  private var datasetVoxels: Int {
    fingerprint.cases.reduce(0) {
      // A case's size is that of the box around what is not 0.
      $0 + Int((Double($1.size.reduce(1, *)) / $1.relativeSize).rounded())
    }
  }
}

extension TrainingPlan.Reference {
  init(_ name: String, _ found: NNUNetPlanner.Configuration) {
    let patch = found.topology.patchSize
    self.init(
      name: name,
      spacingMM: found.spacing,
      patchSize: patch,
      batchSize: found.batchSize,
      strides: found.topology.strides,
      kernels: found.topology.kernels,
      features: found.features,
      coverage: min(1, Double(patch.reduce(1, *)) / found.medianSize.reduce(1, *))
    )
  }
}
