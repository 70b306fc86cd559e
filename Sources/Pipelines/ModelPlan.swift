import Networks

/// What stands between a scan and a model's networks, by the program that the model comes from.
///
/// In JSON: Lamina's own plan as it is, others as `{"kind": "nnU-Net", "values": {...}}` or with the kind
/// "volume", "enhancement", "atlas", "recognition", "sequence", "compression", "autoencoder" or "stylization".
public enum ModelPlan: Sendable, Equatable {
  /// Lamina's own slice-wise plan.
  case slices(SegmentationPlan)
  /// A configuration of nnU-Net.
  case nnUNet(NNUNetPlan)
  /// A chain of named steps, as of MONAI.
  case volume(VolumePlan)
  /// A network that improves images.
  case enhancement(EnhancementPlan)
  /// An atlas that is fitted, and a network that finds its place.
  case atlas(AtlasPlan)
  /// A network that says what an image shows.
  case recognition(RecognitionPlan)
  /// A network that says what a sequence shows.
  case sequence(SequencePlan)
  /// A network that compresses images.
  case compression(CompressionPlan)
  /// A network that gives images back, or fills their holes.
  case autoencoder(AutoencoderPlan)
  /// A network that gives pictures a style or colours.
  case stylization(StylizationPlan)

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan` naming the value that is out of range.
  public func check() throws(PipelinesError) {
    switch self {
    case .slices(let plan): try plan.check()
    case .nnUNet(let plan): try plan.check()
    case .volume(let plan): try plan.check()
    case .enhancement(let plan): try plan.check()
    case .atlas(let plan): try plan.check()
    case .recognition(let plan): try plan.check()
    case .sequence(let plan): try plan.check()
    case .compression(let plan): try plan.check()
    case .autoencoder(let plan): try plan.check()
    case .stylization(let plan): try plan.check()
    }
  }

  /// Checks that a network suits the plan.
  /// - Parameters:
  ///   - network: The network's values.
  ///   - channels: Channels of a scan.
  ///   - labels: Structures after background.
  /// - Throws: `PipelinesError.invalidPlan` naming what does not fit.
  func check(_ network: NetworkConfiguration, channels: Int, labels: Int) throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    switch self {
    case .slices(let plan):
      if plan.separation != nil {
        try require(
          network.outputChannels == ObjectSeparation.classCount && labels == 1,
          "the network has \(network.outputChannels) classes and \(labels) labels, where objects "
            + "have \(ObjectSeparation.classCount) and 1"
        )
      } else {
        try require(
          network.outputChannels == labels + 1,
          "the network has \(network.outputChannels) classes for \(labels) labels and background"
        )
      }
      try require(
        network.inputChannels == plan.inputChannels * channels,
        "the network has \(network.inputChannels) input channels, the plan \(plan.inputChannels)"
      )
      try require(network.dimensions == 2, "its network is not two-dimensional")
      try require(channels == 1, "it has \(channels) channels")
    case .nnUNet(let plan):
      try require(
        network.outputChannels == plan.heads.count,
        "the network has \(network.outputChannels) outputs, the plan \(plan.heads.count)"
      )
      try require(plan.channels.count == channels, "the plan has \(plan.channels.count) channels")
      try require(
        network.dimensions == plan.patchSize.count,
        "the network has \(network.dimensions) axes, the patch \(plan.patchSize.count)"
      )
      try require(
        network.inputChannels == channels + plan.previousLabels.count,
        "the network has \(network.inputChannels) input channels for \(channels) of the scan and "
          + "\(plan.previousLabels.count) of an earlier stage"
      )
    case .volume(let plan): try plan.check(network, channels: channels, labels: labels)
    case .enhancement(let plan): try plan.check(network, channels: channels, labels: labels)
    case .atlas(let plan):
      try ModelPlan.nnUNet(plan.locator).check(network, channels: channels, labels: labels)
      try require(channels == 1, "it has \(channels) channels")
      try require(
        plan.locator.heads.count == labels + 1,
        "its network has \(plan.locator.heads.count) classes for \(labels) labels and background"
      )
    case .recognition(let plan): try plan.check(network, channels: channels, labels: labels)
    case .sequence(let plan): try plan.check(network, channels: channels, labels: labels)
    case .compression(let plan): try plan.check(network, channels: channels, labels: labels)
    case .autoencoder(let plan): try plan.check(network, channels: channels, labels: labels)
    case .stylization(let plan): try plan.check(network, channels: channels, labels: labels)
    }
  }

  /// Rows and columns, or depth too, of what the network sees at once.
  var patchSize: [Int] {
    switch self {
    case .slices(let plan): plan.patchSize
    case .nnUNet(let plan): plan.patchSize
    case .volume(let plan): plan.patchSize
    case .enhancement(let plan): plan.patchSize
    case .atlas(let plan): plan.locator.patchSize
    case .recognition(let plan): plan.imageSize
    case .sequence(let plan): plan.patchSize
    case .compression(let plan): plan.pieceSize
    case .autoencoder(let plan): plan.images.imageSize
    case .stylization(let plan): plan.patchSize
    }
  }

  /// Axes of the patch over which prediction may mirror.
  var mirrorAxes: [Int] {
    switch self {
    case .slices(let plan): plan.mirrorAxes
    case .nnUNet(let plan): plan.mirrorAxes
    case .volume, .enhancement, .atlas, .recognition, .sequence, .compression, .autoencoder,
      .stylization:
      []
    }
  }

  /// What kind of image is read.
  var scanKind: ScanKind {
    if case .nnUNet(let plan) = self {
      return plan.reader == .picture ? .colours : plan.isPlanar ? .slice : .scan
    }
    return isPicture ? .picture : .scan
  }

  /// Whether labels of an earlier stage are further inputs.
  var needsPreviousStage: Bool {
    if case .nnUNet(let plan) = self { return plan.previousStage != nil }
    return false
  }

  /// Whether this can be the first stage of a cascade.
  var isFirstStage: Bool {
    if case .nnUNet(let plan) = self { return plan.previousStage == nil }
    return false
  }

  /// Patches of a self-test: as many as prediction gives the network at once.
  var testBatchSize: Int {
    switch self {
    case .slices: PatchScorer.defaultBatchSize
    case .nnUNet, .volume, .enhancement, .atlas, .recognition, .sequence, .compression,
      .autoencoder, .stylization:
      patchSize.count == 2 ? PatchScorer.defaultBatchSize : 1
    }
  }

  /// Whether the plan is a chain of named steps.
  var isVolume: Bool {
    if case .volume = self { true } else { false }
  }

  /// The plan of a network that improves images; nil for others.
  public var enhancement: EnhancementPlan? {
    if case .enhancement(let plan) = self { plan } else { nil }
  }

  /// The plan of a network that says what an image shows; nil for others.
  public var recognition: RecognitionPlan? {
    if case .recognition(let plan) = self { plan } else { nil }
  }

  /// The plan of a network that says what a sequence shows; nil for others.
  public var sequence: SequencePlan? {
    if case .sequence(let plan) = self { plan } else { nil }
  }

  /// The plan of a network that compresses images; nil for others.
  public var compression: CompressionPlan? {
    if case .compression(let plan) = self { plan } else { nil }
  }

  /// The plan of a network that gives images back or fills their holes; nil for others.
  public var autoencoder: AutoencoderPlan? {
    if case .autoencoder(let plan) = self { plan } else { nil }
  }

  /// The plan of a network that gives pictures a style or colours; nil for others.
  public var stylization: StylizationPlan? {
    if case .stylization(let plan) = self { plan } else { nil }
  }

  /// The plan in a few words, such as "coronal slices, patches of 64 x 64".
  public var summary: String {
    let size = patchSize.map(String.init).joined(separator: " x ")
    switch self {
    case .slices(let plan) where plan.picture != nil: return "pictures, patches of \(size)"
    case .slices(let plan): return "slices along \(plan.orientation), patches of \(size)"
    case .nnUNet(let plan): return "nnU-Net \(plan.configuration), patches of \(size)"
    case .volume(let plan): return plan.summary
    case .enhancement(let plan): return plan.summary
    case .recognition(let plan): return plan.summary
    case .sequence(let plan): return plan.summary
    case .compression(let plan): return plan.summary
    case .autoencoder(let plan): return plan.summary
    case .stylization(let plan): return plan.summary
    case .atlas(let plan): return "an atlas, found by \(ModelPlan.nnUNet(plan.locator).summary)"
    }
  }
}

extension ModelPlan: Codable {
  private enum CodingKeys: String, CodingKey { case kind, values }
  private static let nnUNetKind = "nnU-Net"
  private static let volumeKind = "volume"
  private static let enhancementKind = "enhancement"
  private static let atlasKind = "atlas"
  private static let recognitionKind = "recognition"
  private static let sequenceKind = "sequence"
  private static let compressionKind = "compression"
  private static let autoencoderKind = "autoencoder"
  private static let stylizationKind = "stylization"

  /// Reads a plan of any kind.
  /// - Parameter decoder: Where to read.
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    switch try container.decodeIfPresent(String.self, forKey: .kind) {
    case nil: self = .slices(try SegmentationPlan(from: decoder))
    case Self.nnUNetKind: self = .nnUNet(try container.decode(NNUNetPlan.self, forKey: .values))
    case Self.volumeKind: self = .volume(try container.decode(VolumePlan.self, forKey: .values))
    case Self.enhancementKind:
      self = .enhancement(try container.decode(EnhancementPlan.self, forKey: .values))
    case Self.atlasKind: self = .atlas(try container.decode(AtlasPlan.self, forKey: .values))
    case Self.recognitionKind:
      self = .recognition(try container.decode(RecognitionPlan.self, forKey: .values))
    case Self.sequenceKind:
      self = .sequence(try container.decode(SequencePlan.self, forKey: .values))
    case Self.compressionKind:
      self = .compression(try container.decode(CompressionPlan.self, forKey: .values))
    case Self.autoencoderKind:
      self = .autoencoder(try container.decode(AutoencoderPlan.self, forKey: .values))
    case Self.stylizationKind:
      self = .stylization(try container.decode(StylizationPlan.self, forKey: .values))
    case .some(let kind):
      throw DecodingError.dataCorruptedError(
        forKey: .kind,
        in: container,
        debugDescription: "unknown kind of plan \(kind)"
      )
    }
  }

  /// Writes the plan.
  /// - Parameter encoder: Where to write.
  /// - Throws: `EncodingError`.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .slices(let plan): try plan.encode(to: encoder)
    case .nnUNet(let plan):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(Self.nnUNetKind, forKey: .kind)
      try container.encode(plan, forKey: .values)
    case .volume(let plan):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(Self.volumeKind, forKey: .kind)
      try container.encode(plan, forKey: .values)
    case .enhancement(let plan):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(Self.enhancementKind, forKey: .kind)
      try container.encode(plan, forKey: .values)
    case .atlas(let plan):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(Self.atlasKind, forKey: .kind)
      try container.encode(plan, forKey: .values)
    case .recognition(let plan):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(Self.recognitionKind, forKey: .kind)
      try container.encode(plan, forKey: .values)
    case .sequence(let plan):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(Self.sequenceKind, forKey: .kind)
      try container.encode(plan, forKey: .values)
    case .compression(let plan):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(Self.compressionKind, forKey: .kind)
      try container.encode(plan, forKey: .values)
    case .autoencoder(let plan):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(Self.autoencoderKind, forKey: .kind)
      try container.encode(plan, forKey: .values)
    case .stylization(let plan):
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(Self.stylizationKind, forKey: .kind)
      try container.encode(plan, forKey: .values)
    }
  }
}
