import Foundation
import Layers
import Networks
import Support

/// A folder with a model: `model.json`, `weights.safetensors`, `README.md`.
public struct ModelPackage: Sendable {
  /// The folder.
  public let path: String
  /// What `model.json` says.
  public let description: ModelDescription

  /// The weights' file name.
  public static let weightsName = "weights.safetensors"
  /// The description's file name.
  public static let descriptionName = "model.json"
  /// The model card's file name.
  public static let cardName = "README.md"

  /// Opens a package and checks its description, not yet its weights.
  /// - Parameter path: The folder.
  /// - Throws: `PipelinesError.damagedModel` when the description is missing, malformed or impossible.
  public init(path: String) throws {
    self.path = path
    let file = path + "/" + Self.descriptionName
    guard let data = FileManager.default.contents(atPath: file) else {
      throw PipelinesError.damagedModel(path: path, reason: "it has no readable model.json")
    }
    let isGraph: Bool
    do {
      description = try JSONDecoder().decode(ModelDescription.self, from: data)
      isGraph = if case .graph = description.network { true } else { false }
      try description.plan.check()
      // A graph is in a file of its own, which is checked when it is opened.
      if !isGraph { try description.network.check() }
    } catch let error as DecodingError {
      throw PipelinesError.damagedModel(path: path, reason: Self.reason(of: error))
    }
    func require(_ condition: Bool, _ reason: String) throws {
      if !condition { throw PipelinesError.damagedModel(path: path, reason: reason) }
    }
    try require(
      description.schema == ModelDescription.currentSchema,
      "model.json has the schema \(description.schema)"
    )
    try require(
      (0...SegmentationDataset.maximumLabels).contains(description.labels.count)
        && description.labels.allSatisfy { (1...65535).contains($0.id) },
      "its labels are not up to 250 numbers from 1 to 65535"
    )
    try description.plan.check(
      description.network,
      channels: description.channels.count,
      labels: description.labels.count
    )
    try require(
      description.plan.needsPreviousStage == (description.previousStage != nil),
      "its plan and its stages do not agree on an earlier one"
    )
    if let stage = description.previousStage {
      try require(
        stage.plan.isFirstStage && !stage.members.isEmpty,
        "its earlier stage is not one of nnU-Net's first stages"
      )
      try stage.plan.check()
      try stage.plan.check(
        stage.network,
        channels: description.channels.count,
        labels: description.labels.count
      )
    }
    try description.checkCompanions()
    try description.totalSegmentator?.check()
    if case .atlas(let plan) = description.plan {
      try require(
        description.files[plan.atlas] != nil,
        "model.json gives no hash of the atlas \(plan.atlas)"
      )
    }
    for member in description.ensemble + description.furtherStages.flatMap(\.members) {
      try require(
        description.files[member.weights] != nil,
        "model.json gives no hash of the weights \(member.weights)"
      )
    }
    let labels = description.labels
    try require(
      Set(labels.map(\.id)).count == labels.count && Set(labels.map(\.name)).count == labels.count,
      "two of its labels share a number or a name"
    )
    for total in description.totals ?? [] {
      try require(
        !total.labels.isEmpty && Set(total.labels).isSubset(of: labels.map(\.id)),
        "its total \(total.name) sums labels that it does not have"
      )
    }
    // What a graph enlarges by, its file says.
    try require(
      isGraph
        || description.network.outputScale == description.plan.enhancement?.networkScale ?? 1,
      "its network enlarges images otherwise than its plan says"
    )
    // A plan of named steps says itself what follows the network.
    if case .classicUNet(let values) = description.network, !description.plan.isVolume {
      try require(!values.outputsProbabilities, "its network gives probabilities, not scores")
    }
    if case .unet(let values) = description.network {
      try require(values.padding == .same, "its network's output is smaller than its input")
    }
  }

  /// Checks that every file has the hash that the description gives.
  /// - Throws: `PipelinesError.damagedModel` naming the first file that is missing or different.
  public func verify() throws {
    for (name, expected) in description.files.sorted(by: { $0.key < $1.key }) {
      guard !name.contains("/"), name != "..",
        FileManager.default.fileExists(atPath: path + "/" + name)
      else {
        throw PipelinesError.damagedModel(path: path, reason: "\(name) is missing")
      }
      let found = try SHA256.hexDigest(ofFile: path + "/" + name)
      guard found == expected else {
        throw PipelinesError.damagedModel(
          path: path,
          reason: "\(name) has the SHA-256 \(found.prefix(12))…, not \(expected.prefix(12))…"
        )
      }
    }
  }

  /// Builds the first network with the verified weights.
  /// - Returns: The network.
  /// - Throws: What `verify` throws; `LayersError` when weights and network do not fit.
  public func makeNetwork() throws -> any Network {
    try verify()
    return try makeNetwork(
      description.ensemble[0],
      description.network,
      patchSize: description.plan.patchSize
    )
  }

  /// Builds every network once, the verified weights loaded, and keeps the first.
  /// - Parameter interruption: Looked at between networks.
  /// - Returns: The first network.
  /// - Throws: What `verify` throws; `LayersError` when weights and network do not fit.
  func checkNetworks(interruption: Interruption) throws -> any Network {
    let first = try makeNetwork()
    for member in description.ensemble.dropFirst() {
      try interruption.check()
      _ = try makeNetwork(member, description.network, patchSize: description.plan.patchSize)
    }
    for stage in description.furtherStages {
      for member in stage.members {
        try interruption.check()
        _ = try makeNetwork(member, stage.network, patchSize: stage.plan.patchSize)
      }
    }
    return first
  }

  /// Builds one of the networks; the files' hashes are not checked again.
  /// - Parameters:
  ///   - member: Which weights.
  ///   - configuration: The architecture.
  ///   - patchSize: What the network will see at once.
  /// - Returns: The network.
  /// - Throws: `PipelinesError.invalidPlan`; `LayersError` when weights and network do not fit.
  func makeNetwork(
    _ member: ModelDescription.Member,
    _ configuration: NetworkConfiguration,
    patchSize: [Int]
  ) throws -> any Network {
    if case .graph(let values) = configuration {
      return try openGraph(member, values, patchSize: patchSize)
    }
    var random = RandomStream(seed: 0)
    let network = try Parameter.withoutRandomWeights {
      try configuration.makeNetwork(random: &random)
    }
    try check(patchSize, multiples: network.axisMultiples)
    let weights = path + "/" + member.weights
    try network.load(Safetensors(contentsOf: weights), from: weights)
    return network
  }

  /// What repeating the self-test gave.
  public struct SelfTestResult: Codable, Sendable, Equatable {
    /// Error of single precision's scores relative to the stored ones.
    public let scoreError: Double
    /// The precision that `auto` takes here.
    public let automaticPrecision: String
    /// Why it does.
    public let reason: String
  }

  /// Repeats the self-test on this machine.
  /// - Parameter network: The package's network.
  /// - Returns: What it gave; nil when the package has none.
  /// - Throws: `PipelinesError.failedSelfTest`.
  public func checkSelfTest(_ network: any Network) throws -> SelfTestResult? {
    guard let test = description.selfTest else { return nil }
    let (error, holds) = try test.check(network, patches: description.testPatches)
    guard holds else { throw PipelinesError.failedSelfTest(path: path, error: error) }
    let decision = try PrecisionDecision(.auto, model: description, network: network)
    return SelfTestResult(
      scoreError: error,
      automaticPrecision: decision.precision.rawValue,
      reason: decision.reason
    )
  }

  func check(_ patchSize: [Int], multiples: [Int]) throws {
    let needed = multiples.count == 1 ? patchSize.map { _ in multiples[0] } : multiples
    guard needed.count == patchSize.count, zip(patchSize, needed).allSatisfy({ $0 % $1 == 0 })
    else {
      throw PipelinesError.invalidPlan(
        reason: "patchSize \(patchSize) is not a multiple of \(needed)"
      )
    }
  }

  /// Removes the files that the description names, the description and the card, and then the folder.
  ///
  /// The folder stays, with whatever else lies in it, when there is more.
  /// - Throws: `SupportError.unwritable`.
  public func remove() throws {
    let names =
      description.files.keys.sorted() + [
        Self.cardName, TrainingRecord.fileName, TrainingRecord.heldOutName,
        TrainingPictures.fileName, Self.descriptionName,
      ]
    for name in names where !name.contains("/") && name != ".." {
      guard FileManager.default.fileExists(atPath: path + "/" + name) else { continue }
      guard unlink(path + "/" + name) == 0 else {
        throw SupportError.unwritable(path: path, reason: String(cString: strerror(errno)))
      }
    }
    rmdir(path)
  }

  /// Writes a package into a folder that exists.
  /// - Parameters:
  ///   - path: The folder.
  ///   - description: The description; the files' hashes are filled in.
  ///   - weights: The weights.
  ///   - type: How they are stored.
  ///   - card: The model card, Markdown.
  ///   - further: Contents of further files by name.
  /// - Throws: `SupportError.unwritable`, or what encoding throws.
  public static func write(
    to path: String,
    description: ModelDescription,
    weights: Safetensors,
    as type: Safetensors.ScalarType = .float32,
    card: String,
    further: [String: Data] = [:]
  ) throws {
    var complete = description
    let data = try weights.encoded(as: type)
    complete.files = [weightsName: try SHA256.hexDigest(of: data)]
    for (name, content) in further.sorted(by: { $0.key < $1.key }) {
      complete.files[name] = try SHA256.hexDigest(of: content)
      try write(content, name, in: path)
    }
    try write(data, weightsName, in: path)
    try writeDescription(complete, to: path)
    try write(Data(card.utf8), cardName, in: path)
  }

  /// Writes records beside a package's files, as JSON.
  /// - Parameters:
  ///   - records: File names with what they hold.
  ///   - folder: The package.
  /// - Throws: `SupportError.unwritable`; `EncodingError`.
  package static func write(
    records: [(name: String, content: any Encodable)],
    to folder: String
  ) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    for (name, content) in records { try write(encoder.encode(content), name, in: folder) }
  }

  /// Writes `model.json`, whole or not at all.
  static func writeDescription(_ description: ModelDescription, to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try write(try encoder.encode(description) + Data("\n".utf8), descriptionName, in: path)
  }

  /// Writes a file of a package, whole or not at all.
  static func write(_ content: Data, _ name: String, in path: String) throws {
    do {
      try content.write(to: URL(fileURLWithPath: path + "/" + name), options: .atomic)
    } catch {
      throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
    }
  }

  /// Copies a file into a package.
  /// - Parameters:
  ///   - source: The file.
  ///   - folder: The package's folder.
  ///   - name: The file's name there.
  /// - Returns: The copy's SHA-256.
  /// - Throws: `SupportError.unwritable`.
  static func copy(_ source: String, to folder: String, as name: String) throws -> String {
    do {
      try FileManager.default.copyItem(atPath: source, toPath: folder + "/" + name)
    } catch {
      throw SupportError.unwritable(path: folder, reason: OutputGuard.reason(of: error))
    }
    return try SHA256.hexDigest(ofFile: folder + "/" + name)
  }

  /// What is wrong with a JSON file, and where.
  static func reason(of error: DecodingError, file: String = descriptionName) -> String {
    func place(_ context: DecodingError.Context) -> String {
      context.codingPath.isEmpty
        ? "" : " at " + context.codingPath.map(\.stringValue).joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "\(file) lacks \(key.stringValue)\(place(context))"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "\(file) has a value of the wrong type\(place(context))"
    case .dataCorrupted(let context):
      return "\(file) is not valid\(place(context))"
    @unknown default: return "\(file) is not valid"
    }
  }
}
