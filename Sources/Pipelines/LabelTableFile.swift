import Foundation
import Imaging
import Support

/// The `labels.json` beside a label map: what its numbers mean.
///
/// Four forms are read: `{"name": 1}`, which `lamina evaluate --labels` takes too; a list of
/// definitions with colours and codes; and either of them under the key `labels`.
public enum LabelTableFile {
  /// Reads the meanings, or none when the file is not there or has another form.
  /// - Parameter path: A `labels.json`.
  /// - Returns: The meanings by rising number; empty when they are not known.
  public static func read(_ path: String) -> [LabelDefinition] {
    guard let data = FileManager.default.contents(atPath: path) else { return [] }
    let decoder = JSONDecoder()
    if let table = try? decoder.decode(Table.self, from: data) { return table.definitions }
    if let wrapped = try? decoder.decode([String: Table].self, from: data) {
      return wrapped["labels"]?.definitions ?? []
    }
    return []
  }

  /// The file's content in the form that `lamina evaluate --labels` takes: `{"name": number}`.
  /// - Parameter table: The meanings; of two equal names the later gets its number appended.
  /// - Returns: UTF-8 text that ends in a line feed.
  /// - Throws: Never for a label table.
  public static func json(_ table: [LabelDefinition]) throws -> Data {
    var names: [String: Int] = [:]
    for definition in table {
      let isTaken = names[definition.name] != nil
      names[isTaken ? "\(definition.name) (\(definition.id))" : definition.name] = definition.id
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(names) + Data("\n".utf8)
  }

  private struct Table: Decodable {
    let definitions: [LabelDefinition]

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let list = try? container.decode([LabelDefinition].self) {
        definitions = list.sorted { $0.id < $1.id }
        return
      }
      let names = try container.decode([String: Int].self).filter { (1...65535).contains($0.value) }
      definitions = names.sorted { $0.value < $1.value }.enumerated().map { index, entry in
        LabelDefinition(
          id: entry.value,
          name: entry.key,
          color: LabelDefinition.defaultColor(index)
        )
      }
    }
  }
}
