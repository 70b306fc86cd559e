import Foundation
import Imaging
import ImagingIO
import Layers
import Networks
import Support
import Tensors

/// A model that makes images.
public struct TrainedGenerator: Sendable {
  /// What a model's folder says of it.
  public struct Description: Codable, Sendable, Equatable {
    /// "lamina.generator/1".
    public let format: String
    /// The values.
    public let configuration: GenerationConfiguration
    /// Of the weights' file.
    public let weightsHash: String
    /// Which command made it.
    public let command: String
    /// The training images' name, source and terms of use.
    public let data: String
    /// What it is not for.
    public let intendedUse: String
  }

  /// The values.
  public let configuration: GenerationConfiguration
  let model: GeneratorModel

  private static let format = "lamina.generator/1"
  static let descriptionName = "generator.json"
  private static let weightsName = "weights.safetensors"
  /// Images made at once.
  private static let atOnce = 64

  package init(_ configuration: GenerationConfiguration, weights: Safetensors) throws {
    var random = RandomStream(seed: 0)
    self.configuration = configuration
    model = try GeneratorModel(configuration, random: &random)
    try model.layer.load(weights, from: Self.weightsName)
  }

  /// Reads a model.
  /// - Parameter folder: What `write` wrote.
  /// - Throws: `SupportError.notFound`; `GenerationError.damagedModel`, `.unfit`; `LayersError`.
  public init(folder: String) throws {
    let path = folder + "/" + Self.descriptionName
    guard FileManager.default.fileExists(atPath: folder) else {
      throw SupportError.notFound(path: folder)
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw GenerationError.damagedModel(path: folder, reason: "it has no \(Self.descriptionName)")
    }
    guard let description = try? JSONDecoder().decode(Description.self, from: data),
      description.format == Self.format
    else {
      throw GenerationError.damagedModel(
        path: path,
        reason: "it is not a description of the kind \(Self.format)"
      )
    }
    let file = folder + "/" + Self.weightsName
    guard FileManager.default.fileExists(atPath: file),
      try SHA256.hexDigest(ofFile: file) == description.weightsHash
    else {
      throw GenerationError.damagedModel(
        path: file,
        reason: "its weights are not those it was made with"
      )
    }
    try self.init(description.configuration, weights: Safetensors(contentsOf: file))
  }

  /// Makes images; the same whatever is made besides.
  /// - Parameters:
  ///   - count: How many.
  ///   - seed: The seed.
  ///   - name: The only class that is made; nil for all in turn.
  ///   - truncation: Random values beyond it are drawn again; nil for none.
  ///   - leaps: Leaps of a diffusion model.
  ///   - interruption: Looked at between batches.
  /// - Returns: `[N, C, H, W]`, −1 to 1, and the class of each, if the model is told classes.
  /// - Throws: `GenerationError.unknownClass`, `.unfit`; `SupportError.interrupted`.
  package func images(
    count: Int,
    seed: UInt64,
    class name: String? = nil,
    truncation: Double? = nil,
    leaps: Int = 50,
    interruption: Interruption = Interruption()
  ) throws -> (images: Tensor, labels: [Int]?) {
    let names = configuration.classNames
    if let name, !names.contains(name) {
      throw GenerationError.unknownClass(name: name, known: names)
    }
    guard (1...1000).contains(leaps) else {
      throw GenerationError.unfit(reason: "--steps must be 1 to 1000")
    }
    guard truncation == nil || configuration.model != .diffusion else {
      throw GenerationError.unfit(reason: "--truncation is not for diffusion models")
    }
    let chosen = name.flatMap { names.firstIndex(of: $0) }
    let labels = names.isEmpty ? nil : (0..<count).map { chosen ?? $0 % names.count }
    var parts: [Tensor] = []
    for start in stride(from: 0, to: count, by: Self.atOnce) {
      try interruption.check()
      var random = RandomStream(seed: seed).split(0x6D61_6B65, start)
      let end = min(count, start + Self.atOnce)
      let made = model.images(
        end - start,
        labels: labels.map { Array($0[start..<end]) },
        truncation: truncation,
        leaps: leaps,
        random: &random
      )
      guard made.values.allSatisfy(\.isFinite) else {
        throw GenerationError.damagedModel(path: "The model", reason: "its images are not finite")
      }
      parts.append(made)
    }
    return (concatenation(parts, axis: 0), labels)
  }

  /// Makes images.
  /// - Returns: One array of −1 to 1 for each, plane after plane, and its class.
  /// - Throws: As the other.
  public func pictures(
    count: Int,
    seed: UInt64,
    class name: String? = nil,
    truncation: Double? = nil,
    leaps: Int = 50,
    interruption: Interruption
  ) throws -> (values: [[Float]], labels: [Int]?) {
    let made = try images(
      count: count,
      seed: seed,
      class: name,
      truncation: truncation,
      leaps: leaps,
      interruption: interruption
    )
    return (ImageSheet.split(made.images), made.labels)
  }

  /// Writes a model.
  /// - Parameters:
  ///   - folder: A folder that exists.
  ///   - command: Which command made it.
  ///   - data: The training images' name, source and terms of use.
  /// - Throws: `SupportError.unwritable`, or what encoding throws.
  public func write(to folder: String, command: String, data: String) throws {
    let weights = try model.layer.weights.encoded()
    let description = Description(
      format: Self.format,
      configuration: configuration,
      weightsHash: try SHA256.hexDigest(of: weights),
      command: command,
      data: data,
      intendedUse: "Research. \(Version.disclaimer)"
    )
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let c = configuration
    let card = """
      # A model of images (\(c.model.rawValue))

      **\(Version.disclaimer)** Its images can resemble those it learnt from.

      - Images: \(c.height) x \(c.width), \(c.channels == 1 ? "grey" : "colour").
      - Classes: \(c.classNames.isEmpty ? "none" : c.classNames.joined(separator: ", ")).
      - Data: \(data).
      - \(c.steps) steps of \(c.batchSize) images, seed \(c.seed).
      - \(model.layer.trainableCount) weights.
      - Command: `\(command)`
      - Program: Lamina \(Version.current).

      """
    let files = OutputGuard(mayReplace: true)
    try files.write(weights, to: folder + "/" + Self.weightsName)
    try files.write(try encoder.encode(description), to: folder + "/" + Self.descriptionName)
    try files.write(Data(card.utf8), to: folder + "/README.md")
  }
}

/// Images side by side.
public enum ImageSheet {
  /// One array for each image of a batch.
  package static func split(_ images: Tensor) -> [[Float]] {
    let (values, size) = (images.values, images.shape.dropFirst().reduce(1, *))
    return stride(from: 0, to: values.count, by: size).map { Array(values[$0..<$0 + size]) }
  }

  /// Lays images out in rows.
  /// - Parameters:
  ///   - images: Of −1 to 1, plane after plane.
  ///   - size: Rows, columns, channels.
  ///   - columns: Images in a row.
  ///   - factor: Each pixel becomes so many squared.
  /// - Returns: Width, height, and three bytes a pixel.
  public static func laid(
    _ images: [[Float]],
    size: [Int],
    columns: Int,
    factor: Int = 1
  ) -> (width: Int, height: Int, bytes: [UInt8]) {
    let (h, w) = (size[0] * factor + 1, size[1] * factor + 1)
    let rows = (images.count + columns - 1) / columns
    let (width, height) = (w * columns, h * rows)
    var bytes = [UInt8](repeating: 128, count: 3 * width * height)
    for (index, image) in images.enumerated() {
      let (top, left) = (index / columns * h, index % columns * w)
      for y in 0..<h - 1 {
        for x in 0..<w - 1 {
          for channel in 0..<3 {
            let plane = size[2] == 3 ? channel : 0
            let value = image[(plane * size[0] + y / factor) * size[1] + x / factor]
            bytes[3 * ((top + y) * width + left + x) + channel] = byte(value)
          }
        }
      }
    }
    return (width, height, bytes)
  }

  /// One image as a PNG file.
  /// - Throws: `SupportError.libraryFailure`.
  public static func png(_ image: [Float], size: [Int]) throws -> Data {
    let area = size[0] * size[1]
    return try PNGEncoder.encode(
      PNGImage(
        width: size[1],
        height: size[0],
        channels: size[2],
        samples: .eightBit(
          (0..<area).flatMap { at in (0..<size[2]).map { byte(image[$0 * area + at]) } }
        )
      )
    )
  }

  private static func byte(_ value: Float) -> UInt8 {
    UInt8(((min(max(value, -1), 1) + 1) * 127.5).rounded())
  }
}
