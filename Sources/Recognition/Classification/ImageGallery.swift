import Foundation
import ImagingIO
import Layers
import Networks
import Pipelines
import Support
import Tensors

/// Finds images that show the same, by a model that embeds them.
public struct ImageGallery: Sendable {
  /// A match of a query.
  public struct Match: Codable, Sendable, Equatable {
    /// The gallery image.
    public let id: String
    /// What it shows, if the gallery says so: the folder that it is in.
    public let identity: String?
    /// The cosine of the angle between the embeddings.
    public let similarity: Double
    /// Whether it is at least the model's threshold.
    public let isSame: Bool
  }

  /// The result for one query.
  public struct Result: Codable, Sendable, Equatable {
    /// The query.
    public let id: String
    /// The nearest gallery images.
    public let matches: [Match]
  }

  private let model: ModelPackage
  private let plan: RecognitionPlan
  private let network: any VectorNetwork
  private var entries: [(id: String, identity: String?, embedding: [Float])] = []

  /// Loads a model, whose files are checked against their hashes.
  /// - Parameter model: The model.
  /// - Throws: `RecognitionError.otherTask`; `PipelinesError.damagedModel`; `LayersError`.
  public init(_ model: ModelPackage) throws {
    guard let plan = model.description.plan.recognition, plan.task == .embedding,
      let network = try model.makeNetwork() as? any VectorNetwork
    else {
      throw RecognitionError.otherTask(
        model: model.description.name,
        task: model.description.plan.summary,
        wanted: "recognition"
      )
    }
    (self.model, self.plan, self.network) = (model, plan, network)
  }

  /// The number of gallery images.
  public var count: Int { entries.count }

  /// Takes an image into the gallery.
  /// - Parameters:
  ///   - path: A picture, or a volume, of which the middle slice counts.
  ///   - id: Its name.
  ///   - identity: What it shows, or nil.
  /// - Throws: What reading throws; `RecognitionError.unsuitableImage`, `.infiniteScores`.
  public mutating func add(_ path: String, id: String, identity: String?) throws {
    entries.append((id, identity, try embedding(of: path)))
  }

  /// Finds the images of the gallery that are most like one.
  /// - Parameters:
  ///   - path: A picture, or a volume.
  ///   - id: Its name.
  ///   - limit: How many.
  /// - Returns: The matches, most similar first.
  /// - Throws: As `add`.
  public func search(_ path: String, id: String, limit: Int) throws -> Result {
    let query = try embedding(of: path)
    let found = entries.map { entry in
      (entry, zip(query, entry.embedding).reduce(Float(0)) { $0 + $1.0 * $1.1 })
    }
    return Result(
      id: id,
      matches: found.sorted { $0.1 > $1.1 }.prefix(limit).map { entry, similarity in
        Match(
          id: entry.id,
          identity: entry.identity,
          similarity: (Double(similarity) * 1e6).rounded() / 1e6,
          isSame: Double(similarity) >= (plan.sameThreshold ?? 1)
        )
      }
    )
  }

  private func embedding(of path: String) throws -> [Float] {
    // Of a volume the middle slice.
    let image = try ImageReader.images(of: path, slices: 1)[0]
    try plan.check(image, path: path, model: model.description.name)
    let input = Tensor(
      plan.fitted(image).values,
      shape: [1, plan.channels, plan.height, plan.width]
    )
    let vector = network.embedding(of: network.features(input, in: .inference), in: .inference)
      .values
    guard vector.allSatisfy(\.isFinite) else {
      throw RecognitionError.infiniteScores(model: model.description.name)
    }
    return RecognitionScoring.unit(vector)
  }
}
