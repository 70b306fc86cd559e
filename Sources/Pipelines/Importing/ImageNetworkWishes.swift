import Imaging
import Networks
import Support

/// What a plan file says of a network that gives images: the key `enhancement`.
///
/// What is left out follows from the network where it can: `{"enhancement": {}}` is a plan for a network
/// whose weights are recognised.
struct ImageNetworkWishes: Decodable, Sendable, Equatable {
  /// What the network is for; default: by the architecture, where it has one use.
  var task: EnhancementPlan.Task?
  /// How intensities are brought to the network's scale; default: those of pictures of 8 bits, for
  /// networks that are recognised.
  var intensity: IntensityRange?
  /// Which intensities the network's 0 and 1 become in images of another kind; default: those that they
  /// came from.
  var outputRange: IntensityRange?
  /// How many times finer the grid is made by splines before, along columns, rows and slices.
  var scale: [Int]?
  /// Neighbouring slices on each side that are channels too; default 0.
  var contextSlices: Int?
  /// Axis codes of columns, rows and slices; default: the axes as they are.
  var orientation: Orientation?
  /// The noise that the network is told by its last channel; default: 0 to 75 of 255, and 25, for FFDNet.
  var noiseLevel: EnhancementPlan.NoiseLevel?
  /// The modality of the scans; default: any image.
  var modality: String?
}

/// A network that gives images, and what is known of it.
struct ImageNetworkFacts {
  /// The network's file, for messages.
  var path: String
  /// The format's name, such as "ONNX".
  var format: String
  var configuration: NetworkConfiguration
  /// The network with its weights.
  var network: any Network
  /// The value that stands for white in the network's images; nil where nobody knows.
  var largestValue: Float?

  /// Intensities of pictures of 8 bits that the authors of FFDNet trained for, and what they show most.
  private static let noise = (highest: 75.0 / 255, standard: 25.0 / 255)

  /// A model of the network.
  /// - Parameters:
  ///   - plan: The plan file.
  ///   - name: The name of the network's file within the source.
  /// - Returns: The model without its weights.
  /// - Throws: `PipelinesError.unsupportedModel` that names what is missing, `.invalidPlan`;
  ///   `NetworksError`.
  func model(_ plan: ImportPlan, name: String) throws -> ForeignModel {
    guard plan.steps == nil else {
      throw unsupported(
        "its network (\(configuration.name)) gives images, not scores of classes; leave out steps"
      )
    }
    let wishes = plan.enhancement ?? ImageNetworkWishes()
    let channels = configuration.outputChannels
    guard [1, 3].contains(channels) else {
      throw unsupported("its network gives \(channels) channels, and images have 1 or 3")
    }
    let (made, notes) = try enhancementPlan(wishes, channels: channels)
    let names = channels == 3 ? ["red", "green", "blue"] : [made.modality ?? "grey"]
    if let wanted = plan.channels, wanted.count != channels {
      throw unsupported("the plan names \(wanted.count) channels and the network has \(channels)")
    }
    var result = ForeignModel(
      summary: plan.summary ?? summary(made, name),
      channels: plan.channels ?? names,
      labels: [],
      network: configuration,
      plan: .enhancement(made),
      format: format,
      sources: [name]
    )
    result.licence = plan.licence
    result.intendedUse =
      "Images like those of its training. Enhancement can invent or remove structures: keep the "
      + "original beside the result."
    result.notes = notes
    return result
  }

  private func unsupported(_ reason: String) -> PipelinesError {
    .unsupportedModel(path: path, reason: reason)
  }

  private func summary(_ plan: EnhancementPlan, _ name: String) -> String {
    let deed =
      switch plan.task {
      case .denoise: "Removes noise from images"
      case .superResolution:
        "Makes images finer by " + plan.scale.map(String.init).joined(separator: " x ")
      case .restoration: "Restores images"
      case .translation: "Makes images of another kind"
      }
    return "\(deed) with a \(configuration.name) network imported from \(name)."
  }

  private func enhancementPlan(
    _ wishes: ImageNetworkWishes,
    channels: Int
  ) throws -> (plan: EnhancementPlan, notes: [String]) {
    var notes: [String] = []
    let dimensions = configuration.dimensions
    var intensity = wishes.intensity
    if intensity == nil, let largestValue, !isTranslation {
      // White of 8 bits becomes what the network has for white.
      intensity = .fixed(low: 0, high: 255 / Double(largestValue))
      notes.append(
        "Intensities are taken for those of pictures of 8 bits, 0 to 255; for others give the key "
          + "intensity of enhancement in a plan file."
      )
    }
    guard let intensity else {
      throw unsupported(
        "it does not tell which intensities its network works on; give a plan file with the key "
          + "enhancement, as {\"enhancement\": {\"task\": \"denoise\", \"intensity\": {\"fixed\": "
          + "{\"low\": 0, \"high\": 255}}}}"
      )
    }
    var plan = EnhancementPlan(
      task: .restoration,
      dimensions: dimensions,
      intensity: intensity,
      patchSize: [Int](repeating: 16, count: dimensions),
      halo: 0
    )
    plan.orientation = wishes.orientation
    plan.modality = wishes.modality
    plan.contextSlices = wishes.contextSlices ?? 0
    plan.noiseLevel = wishes.noiseLevel
    if case .ffdNet = configuration, plan.noiseLevel == nil {
      plan.noiseLevel = EnhancementPlan.NoiseLevel(
        lowest: 0,
        highest: Self.noise.highest,
        standard: Self.noise.standard
      )
      notes.append(
        "The network is told noise of 25 of 255 unless --noise-level says otherwise, at most 75, as "
          + "its authors trained it."
      )
    }
    try setScale(of: &plan, wishes)
    plan.task = try wishes.task ?? task(of: plan)
    if plan.task == .translation { plan.outputRange = wishes.outputRange ?? intensity }
    let inputs = channels * plan.slicesSeen + (plan.noiseLevel == nil ? 0 : 1)
    guard configuration.inputChannels == inputs else {
      throw unsupported(
        "its network sees \(configuration.inputChannels) channels and not the \(inputs) of the image; "
          + "give the keys contextSlices or noiseLevel of enhancement if it sees neighbouring slices or "
          + "is told the noise"
      )
    }
    try plan.setPatch(for: network, channels: channels)
    return (plan, notes)
  }

  /// CycleGAN's and Pix2Pix's images lie around 0.
  private var isTranslation: Bool {
    switch configuration {
    case .cycleGAN, .pix2Pix, .adaIN: true
    default: false
    }
  }

  private func setScale(of plan: inout EnhancementPlan, _ wishes: ImageNetworkWishes) throws {
    let factor = network.outputScale
    if factor > 1 {
      guard wishes.scale == nil else {
        throw unsupported("its network enlarges by \(factor) itself; leave out the key scale")
      }
      plan.scale = [factor, factor, plan.dimensions == 3 ? factor : 1]
      plan.enlargement = .network
    } else if let scale = wishes.scale {
      plan.scale = scale
      plan.enlargement = .spline
    } else if wishes.task == nil || wishes.task == .superResolution, seesEnlargedImages {
      throw unsupported(
        "its network (\(configuration.name)) sees images that are enlarged already, and does not tell "
          + "by how much; give a plan file with the scale, as {\"enhancement\": {\"scale\": [2, 2, 1]}}"
      )
    }
  }

  private var seesEnlargedImages: Bool {
    switch configuration {
    case .srcnn, .vdsr: true
    default: false
    }
  }

  private func task(of plan: EnhancementPlan) throws -> EnhancementPlan.Task {
    if plan.enlargement != nil { return .superResolution }
    switch configuration {
    case .dnCNN, .ffdNet, .denoisingAutoencoder: return .denoise
    case .rrdb, .edsr, .srResNet, .msrResNet, .compactSR, .fsrcnn, .espcn: return .restoration
    default:
      throw unsupported(
        "it does not tell what its network is for; give a plan file with the task, as "
          + "{\"enhancement\": {\"task\": \"denoise\"}}; the others are restoration and "
          + "super-resolution"
      )
    }
  }
}
