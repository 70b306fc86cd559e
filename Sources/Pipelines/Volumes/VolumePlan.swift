import Networks

/// What stands between a scan and a network whose preprocessing is a chain of named steps.
///
/// Models of MONAI, of Brainchop and in ONNX files have such plans. Steps do what the program that the
/// model comes from does, and nothing else is known: a file cannot name a step that is not listed.
public struct VolumePlan: Codable, Equatable, Sendable {
  /// What becomes of a network's outputs.
  public enum Activation: String, Codable, Equatable, Sendable {
    /// Nothing; they are scores, or probabilities already.
    case none
    /// Probabilities over all outputs.
    case softmax
    /// A probability of each output.
    case sigmoid
  }

  /// What the outputs stand for.
  public enum Heads: Codable, Equatable, Sendable {
    /// Background and then the labels; the largest wins, the first of equals.
    case labels
    /// One output for each label. Where it reaches one half, the label is painted; outputs are painted
    /// in this order, later ones over earlier ones.
    case regions(order: [Int])
  }

  /// What is brought back to the scan's grid.
  public enum Inversion: String, Codable, Equatable, Sendable {
    /// Labels, by the nearest voxel.
    case labels
    /// Outputs after the activation, linearly; labels are found afterwards.
    case scores
  }

  /// Which parts of a result stay.
  public struct Components: Codable, Equatable, Sendable {
    /// Labels that are looked at; nil for all.
    public var labels: [Int]?
    /// Whether each label keeps its own largest part, or all together one.
    public var isIndependent: Bool
    /// Neighbours of a voxel: 6, 18 or 26.
    public var connectivity: Int
    /// Whether this is done on the network's grid, or on the scan's.
    public var precedesInversion: Bool

    package init(
      labels: [Int]?,
      isIndependent: Bool,
      connectivity: Int,
      precedesInversion: Bool
    ) {
      self.labels = labels
      self.isIndependent = isIndependent
      self.connectivity = connectivity
      self.precedesInversion = precedesInversion
    }
  }

  /// Version of these values.
  public var version = VolumePlan.currentVersion
  /// The program whose steps these are, such as "MONAI".
  public var program: String
  /// From the scan to the network, in order.
  public var steps: [VolumeStep]
  /// How the network sees the result.
  public var inferer: VolumeInferer
  /// What becomes of the network's outputs.
  public var activation: Activation
  /// What the outputs stand for.
  public var heads: Heads
  /// What is brought back to the scan's grid.
  public var inversion: Inversion
  /// Which parts of the result stay, one rule after another.
  public var components: [Components]

  package init(
    program: String,
    steps: [VolumeStep],
    inferer: VolumeInferer,
    activation: Activation,
    heads: Heads,
    inversion: Inversion = .labels,
    components: [Components] = []
  ) {
    self.program = program
    self.steps = steps
    self.inferer = inferer
    self.activation = activation
    self.heads = heads
    self.inversion = inversion
    self.components = components
  }

  /// The version that this program writes and reads.
  public static let currentVersion = 1

  /// Whether there are class probabilities that can be brought back onto the scan's grid.
  var givesProbabilities: Bool {
    activation != .none && !steps.contains(.conform)
      && (inversion == .scores || !components.contains(where: \.precedesInversion))
  }

  private enum CodingKeys: String, CodingKey {
    case version, program, steps, inferer, activation, heads, inversion, components
  }

  /// Reads a plan; `version`, `program`, `inversion` and `components` may be left out.
  /// - Parameter decoder: Where to read.
  /// - Throws: `DecodingError`.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    version = try values.decodeIfPresent(Int.self, forKey: .version) ?? Self.currentVersion
    program = try values.decodeIfPresent(String.self, forKey: .program) ?? "Lamina"
    steps = try values.decode([VolumeStep].self, forKey: .steps)
    inferer = try values.decode(VolumeInferer.self, forKey: .inferer)
    activation = try values.decode(Activation.self, forKey: .activation)
    heads = try values.decode(Heads.self, forKey: .heads)
    inversion = try values.decodeIfPresent(Inversion.self, forKey: .inversion) ?? .labels
    components = try values.decodeIfPresent([Components].self, forKey: .components) ?? []
  }

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan` naming the value that is out of range.
  package func check() throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    try require(version == Self.currentVersion, "its version is \(version)")
    try require(steps.count <= 64, "it has \(steps.count) steps")
    for step in steps { try step.check() }
    switch inferer {
    case .whole: break
    case .windows(let plan): try plan.check()
    case .consensus(let plan):
      try require(
        (2...1024).contains(plan.classes) && (16...1024).contains(plan.sliceSize),
        "\(plan.classes) classes on slices of \(plan.sliceSize)"
      )
      try require(
        steps.contains(.headBox(size: plan.sliceSize))
          || plan.sliceSize == 256 && steps.contains(.conform),
        "no step makes its volume \(plan.sliceSize) samples along each axis"
      )
    }
    // Results are carried back axis by axis, and turned only at the end.
    if let turn = steps.lastIndex(where: { if case .orient = $0 { true } else { false } }) {
      try require(
        !steps[..<turn].contains { step in
          if case .orient = step { return false }
          return step.isGeometric
        },
        "axes are turned after samples have moved"
      )
    }
    if inversion == .scores {
      try require(!steps.contains(.conform), "scores of a conformed volume cannot be carried back")
    }
    if case .regions(let order) = heads {
      try require(
        order.sorted() == Array(0..<order.count) && !order.isEmpty,
        "the order of its outputs is \(order)"
      )
    }
    for rule in components {
      try require(
        [6, 18, 26].contains(rule.connectivity)
          && (rule.labels ?? []).allSatisfy((1...65535).contains),
        "a rule on connected parts is impossible"
      )
    }
  }

  /// Checks that a network suits the plan.
  /// - Parameters:
  ///   - network: The network's values.
  ///   - channels: Channels of a scan.
  ///   - labels: Structures after background.
  /// - Throws: `PipelinesError.invalidPlan` naming what does not fit.
  package func check(
    _ network: NetworkConfiguration,
    channels: Int,
    labels: Int
  ) throws(PipelinesError) {
    func require(_ condition: Bool, _ reason: String) throws(PipelinesError) {
      if !condition { throw .invalidPlan(reason: reason) }
    }
    let outputs: Int
    switch heads {
    case .labels: outputs = labels + 1
    case .regions(let order):
      outputs = labels
      try require(order.count == labels, "it paints \(order.count) of \(labels) labels")
    }
    try require(
      network.outputChannels == outputs,
      "the network has \(network.outputChannels) outputs for \(labels) labels"
    )
    var inputs = channels * channelsPerChannel
    if case .consensus(let plan) = inferer {
      try require(plan.classes == outputs, "its networks of slices have \(plan.classes) classes")
      try require(channels == 1, "it has \(channels) channels")
      inputs = 1 + 3
    }
    try require(
      network.inputChannels == inputs,
      "the network has \(network.inputChannels) input channels for \(channels) of the scan"
    )
    try require(
      network.dimensions == patchSize.count,
      "the network has \(network.dimensions) axes and sees \(patchSize.count)"
    )
  }

  /// What a self-test shows the network, and a window where there is one.
  var patchSize: [Int] {
    switch inferer {
    case .whole: return [64, 64, 64]
    case .windows(let plan):
      return (0..<3).filter { $0 != plan.sliceAxis }.map { plan.size[$0] == 0 ? 64 : plan.size[$0] }
    case .consensus(let plan): return [plan.sliceSize, plan.sliceSize]
    }
  }

  /// Channels that the network sees for each of the scan's.
  var channelsPerChannel: Int {
    if case .windows(let plan) = inferer { return 2 * plan.neighbours + 1 }
    return 1
  }

  /// The plan in a few words.
  var summary: String {
    switch inferer {
    case .whole: return "\(program), the whole volume"
    case .windows(let plan):
      let size = plan.size.map { $0 == 0 ? "all" : "\($0)" }.joined(separator: " x ")
      return plan.sliceAxis == nil
        ? "\(program), windows of \(size)" : "\(program), slices of \(size)"
    case .consensus: return "\(program), slices along three axes and their consensus"
    }
  }
}
