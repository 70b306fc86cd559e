import Foundation
import Layers
import Networks
import Support

/// The lines of a plan: numbers and the rules that gave them.
enum PlanRows {
  typealias Row = TrainingPlan.Row

  /// Scans of which less than this share is left by cropping are normalised within what is not 0.
  static let maskLimit = 0.75

  /// How volumes are read: spacing, normalisation, patch.
  ///
  /// Sizes are along x, y, z of the patient.
  static func volumes(
    _ candidate: PlanCandidate,
    _ family: VolumeFamily,
    target: [Double],
    isLow: Bool,
    _ dataset: SegmentationDataset,
    _ fingerprint: DatasetFingerprint
  ) -> [Row] {
    let reference = family.reference
    let (order, request) = (family.transposition, family.request)
    let topology = candidate.topology ?? family.fullTopology
    let median = fingerprint.medianSpacingMM
    let spacingRule =
      if request.spacing != nil {
        "as asked for"
      } else if isLow {
        "coarser by 3 % at a time until the patch covers a quarter of the median volume "
          + "(at \(list(target.reversed().map(number))) mm it would cover less)"
      } else if target.reversed() == median {
        "median of the cases"
      } else {
        "median of the cases; across the thick slices the 10th percentile"
      }
    let coverage =
      Double(topology.patchSize.reduce(1, *)) / reference.medianSize.reduce(1, *)
    var patchRule =
      request.patchSize != nil
      ? "as asked for, rounded up to the network's steps"
      : "256³ voxels in the shape of a voxel's inverse, cut to the median, made smaller until "
        + "nnU-Net's 8 GB suffice"
    if topology != family.fullTopology {
      patchRule =
        "smaller than nnU-Net's \(sizes(family.fullTopology.patchSize, order)), for time or memory"
    }
    let normalizations = family.channels.enumerated().map { number, value in
      normalization(
        value,
        fingerprint,
        name: family.channels.count == 1
          ? "normalisation" : "normalisation \(number), \(dataset.channelNames[number])"
      )
    }
    // A network that runs through slices has neither steps nor windows across them.
    let isSliced = request.network == NetworkConfiguration.convLSTMUNetName
    let multiples = isSliced ? [1] + topology.multiples.dropFirst() : topology.multiples
    let kernels = topology.kernels.map { isSliced ? [1] + $0.dropFirst() : $0 }
    let regions = dataset.regions.map { region in
      Row(
        "region \(region.name)",
        region.labels.map(String.init).joined(separator: " + "),
        "an output of its own, by a sigmoid; drawn with \(region.painted), in this order"
      )
    }
    return [
      Row("spacing", "\(list(turned(reference.spacing, order).map(number))) mm", spacingRule),
      Row(
        "median volume",
        "\(list(turned(reference.medianSize, order).map(number))) voxels",
        "of \(fingerprint.cases.count) cases, cropped to what is not 0, at that spacing"
      ),
    ] + normalizations + regions + [
      Row(
        "patch",
        sizes(topology.patchSize, order),
        patchRule + "; \(percent(min(1, coverage))) of the median volume"
      ),
      Row(
        "halvings",
        list(turned(multiples, order).map { "\(log2($0))" }),
        "while 8 cells are left and cells are less than twice as long as the shortest"
      ),
      Row(
        "windows",
        kernels.map { list(turned($0, order).map(String.init)) }
          .reduced,
        "1 along an axis until its cells are less than twice as long as the shortest"
      ),
    ]
  }

  /// How slices are read.
  static func slices(_ run: TrainingConfiguration) -> [Row] {
    guard let plan = run.slicePlan else { return [] }
    if let picture = plan.picture { return pictures(plan, picture) }
    return [
      Row(
        "slices",
        "\(plan.orientation)",
        "across the coarsest axis; of equal ones, across the one with most voxels"
      ),
      Row("spacing", "\(list(plan.spacingMM.map(number))) mm", "median of the cases"),
      Row("normalisation", "z-score", "of every scan by itself"),
      Row(
        "patch",
        list(plan.patchSize.reversed().map(String.init)),
        "the largest plane, up to 256, rounded up to the network's steps"
      ),
      Row(
        "neighbours",
        "\(plan.contextSlices) each side",
        "3 where slices are at most 1.5 pixels thick, else 1"
      ),
    ]
  }

  /// How pictures are read.
  private static func pictures(_ plan: SegmentationPlan, _ picture: PicturePlan) -> [Row] {
    let rows = [
      Row("normalisation", "z-score", "of the grey values of every picture by itself"),
      Row(
        "patch",
        list(plan.patchSize.reversed().map(String.init)),
        "the median of the pictures' shorter sides, up to 192, rounded up to the network's steps"
      ),
    ]
    guard let separation = picture.separation else { return rows }
    return rows + [
      Row(
        "classes",
        "background, inside, border of \(separation.borderWidth) pixels",
        "labels count objects, which may touch"
      )
    ]
  }

  /// Channels, samples and size of the network.
  static func network(
    _ run: TrainingConfiguration,
    candidate: PlanCandidate,
    first: PlanCandidate,
    request: PlanRequest
  ) -> [Row] {
    let features =
      switch run.network {
      case .unet(let values): values.features
      case .plainConvUNet(let values), .convLSTMUNet(let values): values.features
      case .fcn(let values): values.features
      case .unetPlusPlus(let values): values.features
      case .resUNet(let values): values.features
      case .attentionUNet(let values): values.features
      case .segResNet(let values): values.blocksDown.indices.map { values.initialFeatures << $0 }
      case .deepLab(let values): values.blocksPerStage.indices.map { values.features << $0 }
      default: [Int]()
      }
    let most =
      switch run.network {
      case .plainConvUNet, .convLSTMUNet: "nnU-Net's 320"
      default: "256"
      }
    return [
      Row(
        "channels",
        list(features.map(String.init), by: ", "),
        reduction(
          from: first.baseFeatures,
          to: candidate.baseFeatures,
          asked: request.baseFeatures,
          usual: "doubled at every halving, up to \(most)"
        )
      ),
      Row(
        "batch",
        "\(run.batchSize)",
        reduction(
          from: first.batchSize,
          to: candidate.batchSize,
          asked: request.batchSize,
          usual: first.topology == nil
            ? "a default" : "what nnU-Net's 8 GB hold, up to 5 % of all voxels, at least 2"
        )
      ),
    ]
  }

  /// How it is trained.
  static func training(_ run: TrainingConfiguration) -> [Row] {
    let axes = run.plan.mirrorAxes.count
    return [
      Row(
        "mirroring",
        axes == 0 ? "none" : "\(axes) \(axes == 1 ? "axis" : "axes")",
        "all axes but those that names of structures tell apart, or that slices show"
      ),
      Row("loss", run.loss.words(ofRegions: run.regions != nil), lossRule(run.loss)),
      Row("foreground", "\(percent(run.foregroundShare)) of samples", "nnU-Net's share"),
      Row(
        "learning rate",
        "\(number(run.learningRate)), after \(run.warmupSteps) steps",
        "falls as nnU-Net's, with the power 0.9 of what is left"
      ),
    ]
  }

  private static func lossRule(_ loss: SegmentationLoss) -> String {
    loss == .crossEntropyAndDice ? "nnU-Net's" : "as asked for"
  }

  /// What it takes.
  static func estimate(
    _ estimate: TrainingPlan.Estimate,
    request: PlanRequest
  ) -> [Row] {
    var rows: [Row] = []
    if let parameters = estimate.parameters, let count = estimate.multiplicationsPerStep {
      rows.append(Row("weights", "\(number(Double(parameters) / 1e6)) million", "of the network"))
      rows.append(
        Row("work", "\(number(Double(count) / 1e9)) · 10⁹ products", "of a step's forward pass")
      )
    }
    if let bytes = estimate.memoryBytes {
      rows.append(
        Row(
          "memory",
          "\(ProcessMemory.gigabytes(bytes)) GB",
          "\(DatasetPlanner.bytesPerMapValue) bytes a value of the maps, "
            + "\(DatasetPlanner.bytesPerParameter) a weight, \(DatasetPlanner.bytesPerVoxel) a voxel"
            + (request.memoryGB.map { "; may be \(number($0))" } ?? "")
        )
      )
    }
    if let seconds = estimate.secondsPerStep {
      rows.append(
        Row(
          "time a step",
          "\(number(1000 * seconds)) ms",
          "timed here with \(DatasetPlanner.probeFeatures.0) and \(DatasetPlanner.probeFeatures.1) "
            + "channels, scaled by values and products"
        )
      )
    }
    let least = TrainingPlan.leastSteps
    rows.append(
      Row(
        "steps",
        "\(estimate.steps)",
        request.minutes.map {
          estimate.secondsPerStep == nil
            ? "not timed; the training times its first steps and ends after \(number($0)) minutes"
            : "\(number($0)) minutes at that speed; at least \(least) "
              + (estimate.steps < least ? "would be needed" : "are wanted")
        }
          ?? "\(request.steps / TrainingConfiguration.stepsPerEpoch) epochs of "
          + "\(TrainingConfiguration.stepsPerEpoch) steps"
      )
    )
    if request.minutes == nil, let seconds = estimate.secondsPerStep {
      rows.append(
        Row(
          "duration",
          "\(number(Double(estimate.steps) * seconds / 60)) minutes",
          "steps by time a step"
        )
      )
    }
    return rows
  }

  private static func normalization(
    _ value: NNUNetPlan.Normalization,
    _ fingerprint: DatasetFingerprint,
    name: String
  ) -> Row {
    switch value {
    case .ct(let mean, let deviation, let low, let high):
      return Row(
        name,
        "\(number(low)) to \(number(high)), (v − \(number(mean))) / \(number(deviation))",
        "CT by its name: percentiles 0.5 and 99.5, mean and deviation within structures"
      )
    case .zScore(let usesMask):
      let share = percent(fingerprint.medianRelativeSize)
      return Row(
        name,
        usesMask ? "z-score of what is not 0" : "z-score",
        "not CT by its name; cropping leaves \(share), the limit is \(percent(maskLimit))"
      )
    case .rescaleTo01: return Row(name, "0 to 1", "by the channel's name")
    case .rgbTo01: return Row(name, "divided by 255", "by the channel's name")
    case .robust: return Row(name, "robust", "of synthetic images")
    case .none: return Row(name, "none", "by the channel's name")
    }
  }

  private static func reduction(from: Int, to: Int, asked: Int?, usual: String) -> String {
    if asked != nil { return "as asked for" }
    return from == to ? usual : "less than \(from), for time or memory; \(usual)"
  }

  /// Values of transposed arrays along x, y, z.
  private static func turned<Value>(_ values: [Value], _ order: [Int]) -> [Value] {
    (0..<3).map { axis in values[order.firstIndex(of: 2 - axis) ?? axis] }
  }

  private static func sizes(_ patch: [Int], _ order: [Int]) -> String {
    list(turned(patch, order).map(String.init))
  }

  private static func list(_ words: [String], by separator: String = " x ") -> String {
    words.joined(separator: separator)
  }

  private static func percent(_ share: Double) -> String { "\(Int((100 * share).rounded())) %" }

  private static func log2(_ multiple: Int) -> Int { multiple.trailingZeroBitCount }

  /// Three significant digits, more for large whole parts.
  static func number(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
    let digits = max(0, 2 - Int(Foundation.log10(abs(value)).rounded(.down)))
    let scale = Foundation.pow(10.0, Double(digits))
    let rounded = (value * scale).rounded() / scale
    return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
  }
}

extension [String] {
  /// Runs of equal words as one with their number.
  fileprivate var reduced: String {
    var runs: [(word: String, count: Int)] = []
    for word in self {
      if runs.last?.word == word { runs[runs.count - 1].count += 1 } else { runs.append((word, 1)) }
    }
    return runs.map { $0.count == 1 ? $0.word : "\($0.word) in \($0.count)" }
      .joined(separator: ", ")
  }
}
