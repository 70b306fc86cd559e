import Foundation
import Imaging
import Layers
import Networks
import Support

/// A model that its reader found: its plan is a chain of named steps, or that of a network for images.
package struct ForeignModel {
  package var summary: String
  package var version = "1"
  package var channels: [String]
  package var labels: [LabelDefinition]
  package var network: NetworkConfiguration
  package var plan: ModelPlan
  /// The format's name, such as "MONAI bundle".
  package var format: String
  /// What the source says of itself.
  package var facts: [String: String] = [:]
  /// Terms of use, where the source states them.
  package var licence: String?
  package var intendedUse: String?
  /// The data that it was trained on, where the source states it.
  package var dataset: String?
  /// The names within the source of the files that were read.
  package var sources: [String]
  /// The networks, where there are several.
  package var members: [ModelDescription.Member]?
  package var weights: [ImportedModel.Weights] = []
  /// Files that go into the package as they are, by name.
  package var contents: [(name: String, data: Data)] = []
  /// What the user should know.
  package var notes: [String] = []

  /// The model as the importing frame takes it.
  /// - Parameters:
  ///   - files: The source.
  ///   - options: What the user decided.
  /// - Returns: The model.
  /// - Throws: `PipelinesError.invalidPlan`; `SupportError`.
  package func imported(from files: ModelFiles, _ options: ImportOptions) throws -> ImportedModel {
    try plan.check()
    var description = ModelDescription(
      name: options.name,
      version: version,
      summary: summary,
      channels: channels,
      labels: labels,
      network: network,
      plan: plan,
      licence: options.licence ?? licence ?? "not stated by the source; ask its authors",
      intendedUse: (intendedUse.map { $0 + " " } ?? "") + Version.disclaimer,
      provenance: ModelDescription.Provenance(
        dataset: dataset ?? "not stated by the source",
        source: format,
        trainingCases: 0,
        heldOut: [],
        command: options.command,
        seed: nil,
        steps: nil,
        minutes: nil,
        program: "Lamina \(Version.current)",
        date: String(ISO8601DateFormatter().string(from: Date()).prefix(10))
      ),
      results: [],
      files: [:]
    )
    description.members = members
    var hashes: [String: String] = [:]
    for name in sources {
      if let path = files.path(name) { hashes[name] = try SHA256.hexDigest(ofFile: path) }
    }
    description.origin = ModelDescription.Origin(format: format, facts: facts, files: hashes)
    var model = ImportedModel(description: description, weights: weights)
    if !contents.isEmpty {
      let scratch = try ScratchFolder()
      for (name, data) in contents {
        let path = scratch.path + "/" + name
        do {
          try data.write(to: URL(fileURLWithPath: path))
        } catch {
          throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
        }
        model.files.append((name, path))
      }
      model.scratch = scratch
    }
    model.notes = notes
    return model
  }
}

extension ModelFiles {
  /// Texts longer than this are not believed.
  private static let maximumTextBytes = 64 << 20

  /// A text file's bytes.
  /// - Parameter name: The name within the source.
  /// - Returns: The bytes.
  /// - Throws: `PipelinesError.missingPart`, `.damagedModel`; `SupportError.unreadable`.
  package func text(_ name: String) throws -> Data {
    let path = try required(name)
    let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    guard size <= Self.maximumTextBytes else {
      throw PipelinesError.damagedModel(path: display(name), reason: "it has \(size) bytes")
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw SupportError.unreadable(path: display(name), reason: "its bytes could not be read")
    }
    return data
  }

  /// A JSON file.
  /// - Parameter name: The name within the source.
  /// - Returns: The value.
  /// - Throws: As `text`; `PipelinesError.damagedModel` when it is not JSON.
  package func json(_ name: String) throws -> JSONTree {
    do {
      return try JSONTree(try text(name))
    } catch let fault as JSONTree.Fault {
      throw PipelinesError.damagedModel(path: display(name), reason: "\(fault.reason)")
    }
  }

  /// A file as YAML, of the part that configurations are written in.
  /// - Parameter name: The name within the source.
  /// - Returns: The value.
  /// - Throws: As `text`; `PipelinesError.damagedModel` when it is not YAML, `.unsupportedModel` when it
  ///   has anchors or whatever else is not read.
  package func yaml(_ name: String) throws -> JSONTree {
    let data = try text(name)
    do {
      return try JSONTree(yaml: data)
    } catch {
      switch error {
      case .malformed(let reason):
        throw PipelinesError.damagedModel(path: display(name), reason: reason)
      case .unsupported(let reason):
        throw PipelinesError.unsupportedModel(path: display(name), reason: reason)
      }
    }
  }

  /// Where a file that must be there can be read.
  /// - Parameter name: The name within the source.
  /// - Returns: A path.
  /// - Throws: `PipelinesError.missingPart`.
  package func required(_ name: String) throws -> String {
    guard let path = path(name) else {
      throw PipelinesError.missingPart(path: source, what: name, known: [])
    }
    return path
  }
}
