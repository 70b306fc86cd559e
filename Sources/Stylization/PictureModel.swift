import Foundation
import Layers
import Networks
import Support

/// A trained network that gives pictures a style or colours: a folder with `picture-model.json`,
/// `weights.safetensors` and a card.
public struct PictureModel: Sendable {
  /// What a model does.
  public enum Task: String, Codable, Sendable {
    /// Gives a picture a style.
    case style
    /// Gives a grey picture colours.
    case colour
  }

  /// What `picture-model.json` holds.
  public struct Description: Codable, Sendable {
    /// The schema's name.
    public var schema = PictureModel.schema
    /// What it does.
    public var task: Task
    /// Its name.
    public var name: String
    /// In a sentence.
    public var summary: String
    /// The architecture.
    public var network: NetworkConfiguration
    /// The smaller side, in pixels, of photographs that it saw.
    public var side: Int
    /// Colours of the classes, if any: pairs of a* and b*.
    public var bins: [[Double]] = []
    /// The mean a* and b* of the training, if it gives colours.
    public var meanColour: [Double] = []
    /// Of the annealed mean, if it gives colours.
    public var temperature: Double?
    /// Photographs trained on.
    public var photographs: Int
    /// Files that were held out, by name.
    public var heldOut: [String] = []
    /// Measured on held-out photographs.
    public var results: [String: Double] = [:]
    /// Terms of use of the photographs.
    public var licence: String
    /// Where the photographs come from.
    public var source: String
    /// The command line.
    public var command: String
    /// Seed of every random choice.
    public var seed: UInt64
    /// Steps taken.
    public var steps: Int
    /// Lamina's version.
    public var program = "Lamina \(Version.current)"
    /// What it must not be used for.
    public var notice = Version.disclaimer
    /// SHA-256 of the weights.
    public var weightsHash = ""
  }

  static let schema = "lamina.picture-model/1"
  static let descriptionName = "picture-model.json"
  static let weightsName = "weights.safetensors"

  /// The folder.
  public let path: String
  /// What it is.
  public let description: Description
  /// The network, its weights loaded.
  package let network: any Network

  /// Opens a model and checks it.
  /// - Parameters:
  ///   - path: Its folder.
  ///   - task: What it must be for.
  /// - Throws: `StylizationError.noModel`, `.damagedModel` or `.otherTask`; `NetworksError`;
  ///   `LayersError`.
  public init(path: String, task: Task) throws {
    let wanted = task == .style ? "styles" : "colours"
    func file(_ name: String) -> String { path + "/" + name }
    guard FileManager.default.fileExists(atPath: file(Self.descriptionName)) else {
      if FileManager.default.fileExists(atPath: file("model.json")) {
        throw StylizationError.otherTask(path: path, wanted: wanted)
      }
      throw StylizationError.noModel(path: path)
    }
    func damaged(_ reason: String) -> StylizationError {
      .damagedModel(path: path, reason: reason)
    }
    guard let data = FileManager.default.contents(atPath: file(Self.descriptionName)),
      let description = try? JSONDecoder().decode(Description.self, from: data),
      description.schema == Self.schema
    else { throw damaged("\(Self.descriptionName) is not of the schema \(Self.schema)") }
    guard description.task == task else {
      throw StylizationError.otherTask(path: path, wanted: wanted)
    }
    guard (ImagePlanesLimits.sides).contains(description.side) else {
      throw damaged("its side is \(description.side)")
    }
    let network = description.network
    switch task {
    case .style:
      guard network.inputChannels == 3, network.outputChannels == 3, network.dimensions == 2 else {
        throw damaged("its network is none of colour pictures")
      }
    case .colour:
      guard network.inputChannels == 1, network.dimensions == 2, !description.bins.isEmpty,
        network.outputChannels == description.bins.count,
        (description.bins + [description.meanColour]).allSatisfy({
          $0.count == 2 && $0.allSatisfy { abs($0) <= 128 }
        }), let temperature = description.temperature, temperature > 0, temperature <= 1
      else { throw damaged("its network and its colours do not fit") }
    }
    guard FileManager.default.fileExists(atPath: file(Self.weightsName)) else {
      throw damaged("\(Self.weightsName) is missing")
    }
    guard try SHA256.hexDigest(ofFile: file(Self.weightsName)) == description.weightsHash else {
      throw damaged("the hash of \(Self.weightsName) differs")
    }
    let made = try Parameter.withoutRandomWeights {
      var random = RandomStream(seed: 0)
      return try network.makeNetwork(random: &random)
    }
    try made.load(
      Safetensors(contentsOf: file(Self.weightsName)),
      from: file(Self.weightsName)
    )
    self.path = path
    self.description = description
    self.network = made
  }

  /// Writes a model.
  /// - Parameters:
  ///   - folder: A folder that exists.
  ///   - description: What it is; the hash is filled in.
  ///   - network: The network.
  /// - Throws: `SupportError`; what encoding throws.
  package static func write(
    to folder: String,
    _ description: Description,
    network: any Network
  ) throws {
    var description = description
    let weights = try network.weights.encoded(as: .float32)
    description.weightsHash = try SHA256.hexDigest(of: weights)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let files = [
      (weightsName, weights), (descriptionName, try encoder.encode(description)),
      ("README.md", Data(card(description).utf8)),
    ]
    for (name, data) in files {
      let path = folder + "/" + name
      do {
        try data.write(to: URL(fileURLWithPath: path))
      } catch {
        throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
      }
    }
  }

  private static func card(_ description: Description) -> String {
    let verb = description.task == .style ? "stylise" : "colourise"
    var lines = [
      "# \(description.name)", "", description.summary, "", "**\(description.notice)**", "",
      "```", "lamina vision \(verb) run PICTURE --model \(description.name) --output OUT.png",
      "```",
      "",
      "- \(description.photographs) photographs; \(description.source). Licence: "
        + "\(description.licence).",
      "- Network: \(description.network.name). \(description.steps) steps, seed "
        + "\(description.seed).",
      "- Command: `\(description.command)`", "- Program: \(description.program).",
    ]
    if !description.heldOut.isEmpty {
      lines.append("- Held out: \(description.heldOut.joined(separator: ", ")).")
    }
    if !description.results.isEmpty {
      lines += ["", "| on held-out photographs | value |", "| --- | --- |"]
      lines += description.results.sorted { $0.key < $1.key }.map { "| \($0.key) | \($0.value) |" }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

/// Sizes that models may have.
enum ImagePlanesLimits {
  static let sides = 32...4096
}
