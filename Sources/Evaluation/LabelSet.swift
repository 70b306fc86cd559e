import Foundation
import Imaging

/// The structures to evaluate: names, each with one label or the union of several.
public struct LabelSet: Equatable, Sendable {
  /// One structure.
  public struct Structure: Equatable, Sendable {
    /// The structure's name.
    public let name: String
    /// The labels whose union is the structure, rising, without repeats.
    public let ids: [Int]

    /// Creates a structure.
    /// - Parameters:
    ///   - name: The structure's name.
    ///   - ids: Its labels, 1 to 65535, at least one.
    public init(name: String, ids: [Int]) {
      self.name = name
      self.ids = Set(ids).sorted()
    }

    /// The structure's key in the JSON output: its label, or a union's labels joined by "+".
    public var key: String { ids.map(String.init).joined(separator: "+") }
  }

  /// The structures in the order of their labels.
  public let structures: [Structure]

  /// Creates a set.
  /// - Parameter structures: The structures.
  /// - Throws: `EvaluationError.invalidLabels` when there is none, a name repeats, two structures
  ///   have the same labels, or a label is not in 1...65535.
  public init(_ structures: [Structure]) throws(EvaluationError) {
    guard !structures.isEmpty else { throw .invalidLabels(reason: "it names no structure") }
    var names = Set<String>()
    var keys = Set<String>()
    for structure in structures {
      guard !structure.ids.isEmpty, structure.ids.allSatisfy((1...65535).contains) else {
        throw .invalidLabels(
          reason: "\"\(structure.name)\" needs labels from 1 to 65535"
        )
      }
      guard names.insert(structure.name).inserted else {
        throw .invalidLabels(reason: "\"\(structure.name)\" stands twice")
      }
      guard keys.insert(structure.key).inserted else {
        throw .invalidLabels(reason: "\"\(structure.name)\" has the labels of another structure")
      }
    }
    self.structures = structures.sorted { Self.precedes($0.key, $1.key) }
  }

  /// Reads a set from JSON: `{name: int | [ints]}`, a list being the union.
  ///
  /// The background, label 0 alone, may be named and is left out.
  /// - Parameter json: The file's content.
  /// - Throws: `EvaluationError.invalidLabels` for any other form.
  public init(json: Data) throws(EvaluationError) {
    let entries: [String: IDs]
    do {
      entries = try JSONDecoder().decode([String: IDs].self, from: json)
    } catch {
      throw .invalidLabels(reason: "it is not an object of names and labels")
    }
    try self.init(
      entries.filter { $0.value.ids != [0] }.sorted { $0.key < $1.key }
        .map { Structure(name: $0.key, ids: $0.value.ids) }
    )
  }

  /// The structures of label tables, and of labels that occur without being in one.
  /// - Parameters:
  ///   - tables: Label tables; the first that names a label wins.
  ///   - occurring: Labels seen in the voxels.
  /// - Returns: One structure a label, or nil when there is none.
  public static func union(
    of tables: [[LabelDefinition]],
    occurring: some Sequence<Int> = []
  ) -> LabelSet? {
    var names: [Int: String] = [:]
    for definition in tables.joined() where names[definition.id] == nil && definition.id != 0 {
      names[definition.id] = definition.name
    }
    for id in occurring where names[id] == nil && id != 0 { names[id] = "label \(id)" }
    var taken = Set<String>()
    let structures = names.sorted { $0.key < $1.key }.map { id, name in
      Structure(name: taken.insert(name).inserted ? name : "\(name) (\(id))", ids: [id])
    }
    return try? LabelSet(structures)
  }

  /// Whether a key stands before another: numbers by size, not by their digits.
  static func precedes(_ a: String, _ b: String) -> Bool {
    let left = a.split(separator: "+").map { Int($0) ?? .max }
    let right = b.split(separator: "+").map { Int($0) ?? .max }
    if left == right { return a < b }
    return left.lexicographicallyPrecedes(right)
  }

  private struct IDs: Decodable {
    let ids: [Int]

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      ids = try (try? [container.decode(Int.self)]) ?? container.decode([Int].self)
    }
  }
}
