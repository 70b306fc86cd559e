import Foundation
import Imaging
import Layers
import Networks
import Support

/// A trained configuration of nnU-Net v2, as `nnUNet_results` or an exported zip holds it.
struct NNUNetSource {
  let files: ModelFiles
  private let options: ImportOptions
  /// The folder `Trainer__Plans__configuration` within the files.
  private let folder: ModelFiles
  private let name: String

  /// Whether the files hold a trained configuration.
  static func recognises(_ files: ModelFiles) -> Bool {
    files.names.contains { $0 == "plans.json" || $0.hasSuffix("/plans.json") }
      && files.names.contains { $0.hasSuffix(".pth") || $0.hasSuffix("dataset.json") }
  }

  /// Finds the configuration to import.
  /// - Throws: `PipelinesError.ambiguousModel` when there are several and none was chosen,
  ///   `.damagedModel` when there is none.
  init(_ files: ModelFiles, options: ImportOptions) throws {
    self.files = files
    self.options = options
    let found = Self.configurations(files)
    let wanted = found.filter { place in
      options.configuration.map { name in
        Self.configuration(of: place, files) == name
          || (place as NSString).lastPathComponent == name
      } ?? true
    }
    guard let first = wanted.first else {
      throw PipelinesError.missingPart(
        path: files.source,
        what: options.configuration.map { "configuration \($0)" }
          ?? "plans.json beside dataset.json",
        known: found.map { Self.configuration(of: $0, files) }
      )
    }
    // Parts of one task of TotalSegmentator belong together.
    let shared = wanted.count > 1 ? TotalSegmentatorParts(files, wanted).firstPlace : nil
    guard wanted.count == 1 || shared != nil else {
      throw PipelinesError.ambiguousModel(
        path: files.source,
        choices: wanted.map { ($0 as NSString).lastPathComponent }
      )
    }
    let place = shared ?? first
    folder = place.isEmpty ? files : files.below(place)
    name = place.isEmpty ? (files.source as NSString).lastPathComponent : place
  }

  /// The folders with a `plans.json` and folds.
  static func configurations(_ files: ModelFiles) -> [String] {
    files.names.compactMap { name -> String? in
      guard name == "plans.json" || name.hasSuffix("/plans.json") else { return nil }
      let place = String(name.dropLast("plans.json".count))
      guard files.path(place + "dataset.json") != nil else { return nil }
      return place.isEmpty ? "" : String(place.dropLast())
    }
  }

  /// The configuration of a folder, by its name.
  private static func configuration(of place: String, _ files: ModelFiles) -> String {
    let folder = place.isEmpty ? files.source : place
    let last = (folder as NSString).lastPathComponent
    let parts = last.components(separatedBy: "__")
    return parts.count == 3 ? parts[2] : last
  }

  /// A stage read from its folder.
  struct Stage {
    var plan: NNUNetPlan
    var network: NetworkConfiguration
    var members: [ModelDescription.Member]
    var weights: [ImportedModel.Weights]
    var facts: [String: String]
    var hashes: [String: String]
    var notes: [String]
  }

  /// Reads the model.
  /// - Returns: The model, its weights still to be read.
  /// - Throws: `PipelinesError.damagedModel` or `.missingPart` naming what is wrong or missing;
  ///   `LayersError` for checkpoints.
  func model() throws -> ImportedModel {
    let dataset = try NNUNetDataset(try required("dataset.json", in: folder))
    let stage = try stage(folder, dataset: dataset, prefix: "")
    var weights = stage.weights
    var hashes = stage.hashes
    var notes = stage.notes
    var previous: ModelDescription.Stage?
    if let name = stage.plan.previousStage {
      let earlier = try self.stage(
        previousFolder(name),
        dataset: dataset,
        prefix: "previous_"
      )
      previous = ModelDescription.Stage(
        network: earlier.network,
        plan: .nnUNet(earlier.plan),
        members: earlier.members
      )
      weights += earlier.weights
      hashes.merge(earlier.hashes.map { ("\(name)/\($0.key)", $0.value) }) { first, _ in first }
      notes += earlier.notes
    }
    let labels = dataset.labelDefinitions
    let datasetName = datasetName
    var description = ModelDescription(
      name: options.name,
      version: "1.0.0",
      summary: "Segments \(Self.list(labels.map(\.name))): nnU-Net \(stage.plan.configuration) of "
        + "\(datasetName).",
      channels: dataset.channels,
      labels: labels,
      network: stage.network,
      plan: .nnUNet(stage.plan),
      licence: options.licence ?? dataset.licence.map { "data: \($0); weights: not stated" }
        ?? "not stated by the source; ask its authors",
      intendedUse: "Research on scans like those of \(datasetName). \(Version.disclaimer)",
      provenance: ModelDescription.Provenance(
        dataset: datasetName,
        source: dataset.reference ?? "trained with nnU-Net v2 by its authors",
        trainingCases: dataset.trainingCount,
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
    description.members = stage.members
    description.previousStage = previous
    description.postprocessing = try postprocessing()
    description.origin = ModelDescription.Origin(
      format: "nnU-Net v2",
      facts: stage.facts,
      files: hashes
    )
    var model = ImportedModel(description: description, weights: weights)
    model.notes = notes
    try addTotalSegmentator(to: &model, dataset: dataset, datasetName: datasetName)
    return model
  }

  private static func list(_ names: [String]) -> String {
    names.count <= 6
      ? names.joined(separator: ", ")
      : names.prefix(4).joined(separator: ", ") + " and \(names.count - 4) other structures"
  }

  private var datasetName: String {
    let parts = (files.source + "/" + folder.folderName).split(separator: "/").map(String.init)
    return parts.last { $0.hasPrefix("Dataset") } ?? name
  }

  private func required(_ file: String, in folder: ModelFiles) throws -> String {
    guard let path = folder.path(file) else {
      throw PipelinesError.missingPart(path: files.source, what: file, known: [])
    }
    return path
  }

  /// The first stage of a cascade: the folder beside that differs by its configuration alone.
  private func previousFolder(_ configuration: String) throws -> ModelFiles {
    let own = folder.folderName.isEmpty ? files.source : folder.folderName
    let last = (own as NSString).lastPathComponent
    let parts = last.components(separatedBy: "__")
    let stem = parts.count == 3 ? parts[0] + "__" + parts[1] + "__" : ""
    if folder.folderName.isEmpty {
      // The folder was named itself: its neighbour lies outside.
      let path = URL(fileURLWithPath: files.source).standardizedFileURL.deletingLastPathComponent()
        .appendingPathComponent(stem + configuration).path
      guard FileManager.default.fileExists(atPath: path + "/plans.json") else {
        throw PipelinesError.missingPart(
          path: files.source,
          what: "the first stage \(stem + configuration) beside it",
          known: []
        )
      }
      return try ModelFiles(path, progress: SilentProgress())
    }
    let parent = (folder.folderName as NSString).deletingLastPathComponent
    let place = parent.isEmpty ? stem + configuration : parent + "/" + stem + configuration
    guard files.path(place + "/plans.json") != nil else {
      throw PipelinesError.missingPart(
        path: files.source,
        what: "the first stage \(place)",
        known: Self.configurations(files)
      )
    }
    return files.below(place)
  }

  /// The folds that have a checkpoint: 0 and up, or "all" when there is nothing else.
  private func folds(_ folder: ModelFiles) throws -> (names: [String], notes: [String]) {
    let all = folder.folders.filter { $0.hasPrefix("fold_") }
    let complete = all.filter { folder.path($0 + "/" + options.checkpoint) != nil }
    let numbered = complete.filter { $0 != "fold_all" }.sorted {
      $0.compare($1, options: .numeric) == .orderedAscending
    }
    let chosen = numbered.isEmpty ? complete : numbered
    guard !chosen.isEmpty else {
      throw PipelinesError.missingPart(
        path: files.source,
        what: "fold_0/\(options.checkpoint)",
        known: folder.names.filter { $0.hasSuffix(".pth") }
      )
    }
    let left = all.filter { !chosen.contains($0) && $0 != "fold_all" }
    let notes = left.map { "\($0) has no \(options.checkpoint) and was left out." }
    return (chosen, notes)
  }

  func stage(
    _ folder: ModelFiles,
    dataset: NNUNetDataset,
    prefix: String
  ) throws -> Stage {
    let (folds, notes) = try folds(folder)
    let plans = try NNUNetPlansFile(try required("plans.json", in: folder))
    let first = try TorchFile(try required(folds[0] + "/" + options.checkpoint, in: folder))
    let own = folder.folderName.isEmpty ? files.source : folder.folderName
    let parts = (own as NSString).lastPathComponent.components(separatedBy: "__")
    guard
      let configuration = first.text(at: ["init_args", "configuration"])
        ?? (parts.count == 3 ? parts[2] : nil)
    else {
      throw PipelinesError.missingPart(
        path: files.source,
        what: "a configuration's name in the checkpoint",
        known: plans.configurationNames
      )
    }
    let mirrorAxes = first.integers(at: ["inference_allowed_mirroring_axes"]) ?? []
    let (plan, network) = try plans.plan(
      configuration,
      dataset: dataset,
      mirrorAxes: mirrorAxes
    )
    try plan.check()
    let last = network.lastHead
    var hashes: [String: String] = [:]
    for name in ["plans.json", "dataset.json"] + folds.map({ $0 + "/" + options.checkpoint }) {
      if let path = folder.path(name) { hashes[name] = try SHA256.hexDigest(ofFile: path) }
    }
    let members = folds.map { fold in
      ModelDescription.Member(
        name: fold.replacingOccurrences(of: "_", with: " "),
        weights: prefix + fold + ".safetensors"
      )
    }
    let weights = try zip(folds, members).map { fold, member in
      let path = try required(fold + "/" + options.checkpoint, in: folder)
      return ImportedModel.Weights(file: member.weights) {
        try Self.weights(path, lastHead: last)
      }
    }
    var facts = ["configuration": configuration]
    if let trainer = first.text(at: ["trainer_name"]) { facts["trainer"] = trainer }
    if parts.count == 3 { facts["plans"] = parts[1] }
    return Stage(
      plan: plan,
      network: network,
      members: members,
      weights: weights,
      facts: facts,
      hashes: hashes,
      notes: notes
    )
  }

  /// The weights of a checkpoint under the network's names.
  ///
  /// Heads of lower resolution serve training alone and are left out.
  private static func weights(_ path: String, lastHead: Int?) throws -> Safetensors {
    let file = try TorchFile(path)
    let names = StateDictionaryNames.pyTorch
    let stored = try file.tensors(at: ["network_weights"], skipping: { names($0) == nil })
    guard !stored.isEmpty else {
      throw LayersError.damagedWeights(path: path, reason: "it holds no network_weights")
    }
    let all = try Safetensors(tensors: stored).renamed(by: names, from: path)
    guard let lastHead else { return all }
    let prefix = "decoder.seg_layers."
    return Safetensors(
      tensors: all.tensors.filter { name, _ in
        !name.hasPrefix(prefix) || name.hasPrefix("\(prefix)\(lastHead).")
      }
    )
  }

  /// The postprocessing that the cross-validation chose, if it lies there.
  private func postprocessing() throws -> NNUNetPostprocessing? {
    if let path = options.planPath { return try NNUNetPostprocessing(contentsOf: path) }
    let names = folder.names.filter {
      $0 == "postprocessing.json"
        || $0.hasPrefix("crossval_results_folds_") && $0.hasSuffix("/postprocessing.json")
    }
    // The one over most folds.
    guard let name = names.max(by: { $0.count < $1.count }), let path = folder.path(name) else {
      return nil
    }
    return try NNUNetPostprocessing(contentsOf: path)
  }
}

extension NetworkConfiguration {
  /// The number of nnU-Net's head of full resolution, or nil for other networks.
  fileprivate var lastHead: Int? {
    switch self {
    case .plainConvUNet(let values), .residualEncoderUNet(let values): values.features.count - 2
    default: nil
    }
  }
}
