import ArgumentParser
import Enhancement
import Foundation
import Imaging
import Pipelines
import Transforms

extension ImageNoise.Kind: ExpressibleByArgument {}
extension ImageDamage.Kind: ExpressibleByArgument {}
extension EnhancementConfiguration.Loss: ExpressibleByArgument {}
extension EnhancementConfiguration.SelfSupervision: ExpressibleByArgument {}
extension EnhancementPlan.Task: ExpressibleByArgument {
  /// The task by its name, or by what is done.
  public init?(argument: String) {
    self.init(rawValue: argument == "translate" ? "translation" : argument)
  }
}

/// What `lamina train` does with `--enhance`.
struct EnhanceTrainingOptions: ParsableArguments {
  /// The slices that a network of slices sees.
  enum Plane: String, ExpressibleByArgument, CaseIterable {
    case axial, coronal, sagittal

    /// Axis codes of columns, rows and slices.
    var code: String {
      switch self {
      case .axial: "RAS"
      case .coronal: "RSA"
      case .sagittal: "ASR"
      }
    }
  }

  @Option(
    help: ArgumentHelp(
      "Train a network that improves images, and read no labels.",
      valueName: "denoise|super-resolution|restoration|translate"
    )
  )
  var enhance: EnhancementPlan.Task?

  @Option(
    help: ArgumentHelp(
      "Noise that is added to the images (default with denoise: gaussian); low-dose-ct is that of the "
        + "projections of CT, where 1 % of --level is 41 HU.",
      valueName: "gaussian|rician|poisson-gaussian|low-dose-ct"
    )
  )
  var noise: ImageNoise.Kind?

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Weakest and strongest noise, percent of the range of intensities (default: 0 20; sigma 25 of "
        + "pictures of 8 bits is 9.8).",
      valueName: "%"
    )
  )
  var level: [Double] = []

  @Option(
    help: ArgumentHelp(
      "Damage that is done to the images, with restoration: old-photograph is fading, blotches, scratches, "
        + "grain and compression; scan-faults are stripes, dropped-lines, spikes and zipper.",
      valueName: ImageDamage.Kind.allCases.map(\.rawValue).joined(separator: "|")
    )
  )
  var damage: ImageDamage.Kind?

  @Option(
    name: .customLong("damage-level"),
    parsing: .upToNextOption,
    help: ArgumentHelp("Weakest and strongest damage, percent (default: 20 100).", valueName: "%")
  )
  var damageLevel: [Double] = []

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "How many times finer images become: one number for planes, or three along x, y, z.",
      valueName: "n"
    )
  )
  var scale: [Int] = []

  @Option(
    help: ArgumentHelp(
      "Train on noisy images alone; noise2noise takes repeats (CASE_0000, CASE_0001, or time points), or "
        + "clean images with --noise.",
      valueName: "noise2void|noise2noise"
    )
  )
  var selfSupervised: EnhancementConfiguration.SelfSupervision?

  @Option(
    help: ArgumentHelp(
      "Convolutions, stages or blocks in a row (default: by the network).",
      valueName: "n"
    )
  )
  var depth: Int?

  @Option(
    help: ArgumentHelp(
      "Neighbouring slices on each side that the network sees too.",
      valueName: "n"
    )
  )
  var context = 0

  @Option(
    help: ArgumentHelp(
      "Slices of a network of slices (default: along the scans' third axis).",
      valueName: "axial|coronal|sagittal"
    )
  )
  var slices: Plane?

  @Option(
    name: .customLong("scan-modality"),
    help: ArgumentHelp(
      "What the scans are, such as MR or CT; other scans are refused later (default: what files say).",
      valueName: "modality"
    )
  )
  var modality: String?

  @Option(
    name: .customLong("image-loss"),
    help: ArgumentHelp("What is minimised (default: l1).", valueName: "l1|l2|charbonnier")
  )
  var loss: EnhancementConfiguration.Loss?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Larger pictures are reduced, by the whole number that brings their longest side nearest to this; "
        + "may be given again for several sizes of each.",
      valueName: "pixels"
    )
  )
  var shrinkTo: [Int] = []

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Test images: what resembles one of them is not trained on; may be given again.",
      valueName: "folder"
    )
  )
  var notLike: [String] = []

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Further images to train on, a file or a folder; may be given again.",
      valueName: "path"
    )
  )
  var also: [String] = []

  @Option(
    help: ArgumentHelp(
      "Made pictures of overlapping textured leaves to train on too, with pictures.",
      valueName: "n"
    )
  )
  var textures: Int?

  @Option(
    help: ArgumentHelp(
      "A classical filter whose image the network sees beside the noisy one and corrects, such as bm3d.",
      valueName: "filter"
    )
  )
  var guide: String?

  @Option(
    help: ArgumentHelp(
      "Scans made from label maps with --synthesize (default: 20).",
      valueName: "n"
    )
  )
  var heads: Int?

  @Option(help: ArgumentHelp("Terms of use of the images, for the card.", valueName: "text"))
  var licence = "not stated"

  @Option(help: ArgumentHelp("Where the images come from, for the card.", valueName: "text"))
  var source = "not stated"

  /// Checks the options.
  /// - Parameters:
  ///   - planning: The options of plans, of which some are for segmentations.
  ///   - synthesizes: Whether scans are made from label maps.
  /// - Throws: `ValidationError`.
  func check(_ planning: PlanningOptions, synthesizes: Bool) throws {
    if enhance == nil {
      if noise != nil || !level.isEmpty || !scale.isEmpty || selfSupervised != nil
        || depth != nil || context != 0 || slices != nil || modality != nil || loss != nil
        || !shrinkTo.isEmpty || !notLike.isEmpty || !also.isEmpty || heads != nil || textures != nil
        || damage != nil || !damageLevel.isEmpty || guide != nil
      {
        throw ValidationError(
          "--noise, --level, --damage, --damage-level, --scale, --self-supervised, --depth, --context, --slices, "
            + "--scan-modality, --image-loss, --shrink-to, --not-like, --also, --textures, --heads "
            + "and --guide are for --enhance."
        )
      }
      return
    }
    if !level.isEmpty,
      level.count != 2 || !(0 <= level[0] && level[0] <= level[1]) || !(level[1] <= 200)
        || level[1] == 0
    {
      throw ValidationError("--level must be two percentages, the weakest and the strongest.")
    }
    if !scale.isEmpty,
      ![1, 3].contains(scale.count) || !scale.allSatisfy({ (1...16).contains($0) })
    {
      throw ValidationError("--scale must be one number or three, each 1 to 16.")
    }
    if let guide {
      do {
        _ = try VolumeFilterCatalog.filter(describedBy: guide)
      } catch {
        throw ValidationError("--guide \(guide): \(error.description)")
      }
      if enhance != .denoise || selfSupervised != nil {
        throw ValidationError("--guide is for --enhance denoise with clean images.")
      }
    }
    if enhance == .superResolution, scale.allSatisfy({ $0 == 1 }) {
      throw ValidationError("--enhance super-resolution needs --scale.")
    }
    if enhance != .superResolution, !scale.isEmpty {
      throw ValidationError("--scale is for --enhance super-resolution.")
    }
    if enhance == .restoration, noise == nil, damage == nil {
      throw ValidationError("--enhance restoration needs --damage or --noise.")
    }
    if damage != nil, enhance != .restoration || selfSupervised != nil {
      throw ValidationError("--damage is for --enhance restoration.")
    }
    if !damageLevel.isEmpty {
      guard damage != nil, damageLevel.count == 2, 0 <= damageLevel[0],
        damageLevel[0] <= damageLevel[1], damageLevel[1] > 0, damageLevel[1] <= 100
      else {
        throw ValidationError(
          "--damage-level must be two percentages up to 100, with --damage: weakest and strongest."
        )
      }
    }
    if enhance == .translation, noise != nil || selfSupervised != nil {
      throw ValidationError("--enhance translate takes no --noise and no --self-supervised.")
    }
    if !level.isEmpty, noise == nil, enhance != .denoise || selfSupervised != nil {
      throw ValidationError("--level is of the noise that is added; name it with --noise.")
    }
    if planning.loss != nil {
      throw ValidationError("--loss is of segmentations; --enhance takes --image-loss.")
    }
    if !planning.spacing.isEmpty || planning.memory != nil {
      throw ValidationError("--enhance takes no --spacing and no --memory.")
    }
    if !synthesizes, planning.description != nil || heads != nil {
      throw ValidationError("--description and --heads are for --enhance with --synthesize.")
    }
    if let heads, !(1...10_000).contains(heads) {
      throw ValidationError("--heads must be 1 to 10000.")
    }
    if let textures, !(1...10_000).contains(textures) {
      throw ValidationError("--textures must be 1 to 10000.")
    }
    if !shrinkTo.allSatisfy((16...100_000).contains) {
      throw ValidationError("--shrink-to must be 16 to 100000 pixels.")
    }
    if Set(planning.patch).count > 1 {
      throw ValidationError(
        "--enhance takes pieces of equal sides: give --patch one number thrice."
      )
    }
    if !(0...16).contains(context) { throw ValidationError("--context must be 0 to 16.") }
    if let depth, !(1...64).contains(depth) {
      throw ValidationError("--depth must be 1 to 64.")
    }
  }

  /// What the options ask for.
  /// - Parameters:
  ///   - task: What the network is for.
  ///   - planning: Network, features, batch and samples.
  /// - Returns: The request.
  /// - Throws: `ImagingError` never: the planes' codes are sound.
  func request(
    for task: EnhancementPlan.Task,
    _ planning: PlanningOptions
  ) throws -> EnhancementRequest {
    var request = EnhancementRequest(task: task)
    let isNoisy = noise != nil || (task == .denoise && selfSupervised == nil)
    if isNoisy {
      request.noise = ImageNoise(
        kind: noise ?? .gaussian,
        lowest: (level.first ?? 0) / 100,
        highest: (level.last ?? 20) / 100
      )
    }
    request.damage = damage.map { kind in
      damageLevel.isEmpty
        ? ImageDamage(kind: kind)
        : ImageDamage(kind: kind, lowest: damageLevel[0] / 100, highest: damageLevel[1] / 100)
    }
    request.selfSupervision = selfSupervised
    if scale.count == 3 { request.scale = scale }
    if scale.count == 1 { request.scale = [scale[0], scale[0], 1] }
    request.network = planning.namedNetwork
    request.features = planning.features
    request.depth = depth
    request.dimensions = planning.shape == .threeDimensional ? 3 : 2
    request.contextSlices = context
    request.orientation = try slices.map { try Orientation(code: $0.code) }
    request.patch = planning.patch.first
    request.batchSize = planning.batch
    request.modality = modality
    request.loss = loss
    request.guide = guide
    return request
  }

  /// The options as they are repeated in a model card.
  var words: [String] {
    var words: [String] = []
    if let enhance { words += ["--enhance", enhance.rawValue] }
    if let noise { words += ["--noise", noise.rawValue] }
    if !level.isEmpty { words += ["--level"] + level.map { "\($0)" } }
    if let damage { words += ["--damage", damage.rawValue] }
    if !damageLevel.isEmpty { words += ["--damage-level"] + damageLevel.map { "\($0)" } }
    if !scale.isEmpty { words += ["--scale"] + scale.map { "\($0)" } }
    if let selfSupervised { words += ["--self-supervised", selfSupervised.rawValue] }
    if let depth { words += ["--depth", "\(depth)"] }
    if context > 0 { words += ["--context", "\(context)"] }
    if let slices { words += ["--slices", slices.rawValue] }
    if let modality { words += ["--scan-modality", modality] }
    if let loss { words += ["--image-loss", loss.rawValue] }
    for side in shrinkTo { words += ["--shrink-to", "\(side)"] }
    if let guide { words += ["--guide", guide] }
    if let textures { words += ["--textures", "\(textures)"] }
    if let heads { words += ["--heads", "\(heads)"] }
    for path in notLike { words += ["--not-like", URL(fileURLWithPath: path).lastPathComponent] }
    for path in also { words += ["--also", URL(fileURLWithPath: path).lastPathComponent] }
    return words
  }
}
