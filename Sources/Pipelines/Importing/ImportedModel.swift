import Foundation
import Layers
import Networks
import Support

/// What the user decides about an import.
public struct ImportOptions: Sendable {
  /// The package's name.
  public var name: String
  /// nnU-Net's configuration, such as "3d_fullres", where the source has several.
  public var configuration: String?
  /// nnU-Net's checkpoint file.
  public var checkpoint = "checkpoint_final.pth"
  /// Terms of use, where the user knows them.
  public var licence: String?
  /// A file with further facts, such as a plan or a postprocessing; nil without.
  public var planPath: String?
  /// The command line, for the record.
  public var command = ""

  /// Creates options.
  /// - Parameter name: The package's name.
  public init(name: String) { self.name = name }
}

/// A model of another program, read and checked, ready to be written as a package.
package struct ImportedModel {
  /// A file of weights that is made when it is written, so that one at a time is in memory.
  package struct Weights {
    /// The file's name in the package.
    package var file: String
    /// Reads and checks the weights.
    package var load: () throws -> Safetensors

    package init(file: String, load: @escaping () throws -> Safetensors) {
      self.file = file
      self.load = load
    }
  }

  /// The description; hashes and self-test are filled in.
  package var description: ModelDescription
  /// The weights of every member and stage.
  package var weights: [Weights]
  /// Further files: the name in the package, and where it lies.
  package var files: [(name: String, path: String)] = []
  /// What the user should know.
  package var notes: [String] = []
  /// A folder that some of the files lie in, kept until they are copied.
  package var scratch: ScratchFolder?

  package init(description: ModelDescription, weights: [Weights]) {
    self.description = description
    self.weights = weights
  }

  /// Writes the package, loads every network of it once, and stores a self-test.
  /// - Parameters:
  ///   - folder: A folder that exists and is empty.
  ///   - progress: Told about each file.
  ///   - interruption: Looked at between files.
  /// - Returns: The package.
  /// - Throws: `LayersError` when weights and network do not fit; `SupportError.unwritable`.
  package func write(
    to folder: String,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> ModelPackage {
    var complete = description
    complete.files = [:]
    progress.begin("importing \(weights.count) networks", total: weights.count)
    for (index, file) in weights.enumerated() {
      try interruption.check()
      let data = try file.load().encoded()
      complete.files[file.file] = try SHA256.hexDigest(of: data)
      try ModelPackage.write(data, file.file, in: folder)
      progress.update(index + 1, detail: file.file)
    }
    progress.end()
    for file in files {
      do {
        try FileManager.default.copyItem(atPath: file.path, toPath: folder + "/" + file.name)
      } catch {
        throw SupportError.unwritable(path: folder, reason: OutputGuard.reason(of: error))
      }
      complete.files[file.name] = try SHA256.hexDigest(ofFile: folder + "/" + file.name)
    }
    try ModelPackage.writeDescription(complete, to: folder)
    let draft = try ModelPackage(path: folder)
    let network = try draft.checkNetworks(interruption: interruption)
    let single = try PlannedNetwork(network)
    complete.selfTest = ModelSelfTest(
      seed: ModelSelfTest.standardSeed,
      scores: ModelSelfTest.sampledScores(of: single, patches: complete.testPatches),
      precisions: [:],
      source: "the import"
    )
    try ModelPackage.writeDescription(complete, to: folder)
    try ModelPackage.write(
      Data(card(complete, weightCount: network.weightCount).utf8),
      ModelPackage.cardName,
      in: folder
    )
    return try ModelPackage(path: folder)
  }

  /// The model card, Markdown.
  private func card(_ description: ModelDescription, weightCount: Int) -> String {
    let networks = description.ensemble.count
    var lines = [
      "# \(description.name)", "", description.summary, "", "**\(Version.disclaimer)**", "",
      "## Use", "", "```",
      description.plan.enhancement == nil
        ? "lamina segment SCAN --model \(description.name) --output OUT"
        : "lamina enhance IMAGE --model \(description.name) --output OUT", "```",
      "",
      description.intendedUse, "", "Licence: \(description.licence)", "",
      networks == 1
        ? "The network has \(weightCount) weights."
        : "The first of \(networks) networks has \(weightCount) weights.", "",
      "| input channel |", "| --- |",
    ]
    lines += description.channels.map { "| \($0) |" }
    if !description.labels.isEmpty {
      lines += ["", "| label | structure |", "| --- | --- |"]
      lines += description.labels.map { "| \($0.id) | \($0.name) |" }
    }
    lines += ["", "## Origin", ""]
    if let origin = description.origin {
      lines.append("Imported from \(origin.format).")
      lines.append("")
      lines += origin.facts.sorted { $0.key < $1.key }.map { "- \($0.key): \($0.value)" }
      lines += ["", "| file | SHA-256 |", "| --- | --- |"]
      lines += origin.files.sorted { $0.key < $1.key }.map { "| \($0.key) | \($0.value) |" }
    }
    if !notes.isEmpty { lines += ["", "## Notes", ""] + notes.map { "- \($0)" } }
    return lines.joined(separator: "\n") + "\n"
  }
}

/// Imports models of other programs.
public enum ModelImporter {
  /// Reads a source in whichever format it is and writes a package.
  /// - Parameters:
  ///   - source: A folder, zip archive or file.
  ///   - options: What the user decides.
  ///   - folder: An empty folder that becomes the package.
  ///   - progress: Told about each step.
  ///   - interruption: Looked at between steps.
  /// - Returns: The package, and what the user should know.
  /// - Throws: `PipelinesError.unknownModelFormat`; what the format's reader throws.
  public static func run(
    _ source: String,
    options: ImportOptions,
    to folder: String,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (package: ModelPackage, notes: [String]) {
    let files = try ModelFiles(source, progress: progress)
    guard let format = formats.first(where: { $0.recognises(files) }) else {
      throw PipelinesError.unknownModelFormat(path: source, known: formats.map(\.name))
    }
    let model = try format.read(files, options)
    let package = try model.write(to: folder, progress: progress, interruption: interruption)
    return (package, model.notes)
  }

  /// A format of models: one entry for each program.
  private struct Format {
    let name: String
    let recognises: (ModelFiles) -> Bool
    let read: (ModelFiles, ImportOptions) throws -> ImportedModel
  }

  /// The formats, tried in order.
  private static var formats: [Format] {
    [
      Format(
        name: "nnU-Net v2 results",
        recognises: NNUNetSource.recognises,
        read: { try NNUNetSource($0, options: $1).model() }
      ),
      Format(
        name: MONAIBundle.format,
        recognises: MONAIBundle.recognises,
        read: { try MONAIBundle.read($0).imported(from: $0, $1) }
      ),
      Format(
        name: "\(BrainchopModel.format) MeshNet",
        recognises: BrainchopModel.recognisesMeshNet,
        read: { try BrainchopModel.readMeshNet($0).imported(from: $0, $1) }
      ),
      Format(
        name: MultiaxialModel.format,
        recognises: MultiaxialModel.recognises,
        read: { try MultiaxialModel.read($0).imported(from: $0, $1) }
      ),
      Format(
        name: GraphFileModel.Format.allCases.map(\.rawValue).joined(separator: ", "),
        recognises: { GraphFileModel.format($0) != nil },
        read: { files, options in
          let format = GraphFileModel.format(files) ?? .onnx
          return try GraphFileModel.read(files, format, planPath: options.planPath)
            .imported(from: files, options)
        }
      ),
      Format(
        name: WeightsFileModel.format,
        recognises: WeightsFileModel.recognises,
        read: { try WeightsFileModel.read($0, planPath: $1.planPath).imported(from: $0, $1) }
      ),
    ]
  }
}
