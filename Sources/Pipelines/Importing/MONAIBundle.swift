import Foundation
import Imaging
import Layers
import Networks
import Support
import Tensors

/// A bundle of MONAI: `configs/metadata.json`, `configs/inference.json` or `.yaml`, and weights.
///
/// MONAI bundle specification, version 1; where both kinds of configuration are there, JSON's counts. Nothing of the configuration is executed: transforms, inferers
/// and networks that are known become steps and values (`BundleTransforms`, `BundleNetworks`), and
/// another is an error that names it.
package enum MONAIBundle {
  /// The format's name in model descriptions.
  package static let format = "MONAI bundle"

  private static let metadataName = "configs/metadata.json"
  private static let configurations = [
    "configs/inference.json", "configs/inference.yaml", "configs/inference.yml",
  ]
  private static let weightsNames = ["models/model.pt", "models/model.ts"]

  /// Whether a folder or archive is a bundle.
  package static func recognises(_ files: ModelFiles) -> Bool { root(of: files) != nil }

  /// The folder within the files that holds `configs`, with a slash, or nothing.
  private static func root(of files: ModelFiles) -> String? {
    if files.path(metadataName) != nil { return "" }
    let found = files.names.filter { $0.hasSuffix("/" + metadataName) }
    guard found.count == 1 else { return nil }
    return String(found[0].dropLast(metadataName.count))
  }

  /// Reads a bundle.
  /// - Parameter files: The bundle's files.
  /// - Returns: The model.
  /// - Throws: `PipelinesError.missingPart`, `.damagedModel` for what is missing or malformed,
  ///   `.unsupportedModel` for what is not known; `LayersError` for weights that do not fit.
  package static func read(_ files: ModelFiles) throws -> ForeignModel {
    let root = root(of: files) ?? ""
    let metadata = try files.json(root + metadataName)
    guard let name = configurations.first(where: { files.path(root + $0) != nil }) else {
      throw PipelinesError.missingPart(
        path: files.source,
        what: "configs/inference.json",
        known: []
      )
    }
    let place = files.display(root + name)
    let tree = name.hasSuffix(".json") ? try files.json(root + name) : try files.yaml(root + name)
    let bundle = BundleConfiguration(tree)
    do {
      return try model(bundle, metadata, files, root: root, configuration: name)
    } catch let fault as BundleFault {
      throw PipelinesError.unsupportedModel(path: place, reason: fault.reason)
    }
  }

  private static func model(
    _ bundle: BundleConfiguration,
    _ metadata: JSONTree,
    _ files: ModelFiles,
    root: String,
    configuration: String
  ) throws -> ForeignModel {
    let transforms = BundleTransforms(configuration: bundle)
    guard let preprocessing = try bundle.value("preprocessing") else {
      throw BundleFault("it has no preprocessing")
    }
    guard let postprocessing = try bundle.value("postprocessing") else {
      throw BundleFault("it has no postprocessing, which says how labels are decided")
    }
    guard let definition = try bundle.value("network_def") ?? bundle.value("net"),
      let component = try bundle.component(definition)
    else { throw BundleFault("it has no network_def") }
    let network = try BundleNetworks.configuration(component)

    let after = try transforms.postprocessing(transforms.chain(postprocessing))
    let labels = try labels(metadata, outputs: network.outputChannels, after)
    let plan = VolumePlan(
      program: "MONAI",
      steps: try transforms.steps(transforms.chain(preprocessing)),
      inferer: try transforms.inferer(bundle.value("inferer")),
      activation: after.activation,
      heads: after.isThreshold ? .regions(order: order(of: labels.map(\.name))) : .labels,
      inversion: after.inversion ?? .labels,
      components: after.components
    )
    guard let weightsName = weightsNames.first(where: { files.path(root + $0) != nil }) else {
      throw PipelinesError.missingPart(
        path: files.source,
        what: weightsNames[0],
        known: files.names.filter { $0.hasPrefix(root + "models/") }
      )
    }
    func fact(_ key: String) -> String? { metadata[key]?.text.map { String($0.prefix(500)) } }
    var model = ForeignModel(
      summary: fact("description") ?? fact("task") ?? "A model of a MONAI bundle.",
      channels: channels(metadata, count: network.inputChannels),
      labels: labels,
      network: network,
      plan: .volume(plan),
      format: format,
      sources: [metadataName, configuration, weightsName].map { root + $0 }
    )
    model.version = fact("version") ?? "1"
    for key in ["version", "monai_version", "task", "authors", "copyright"] {
      model.facts[key] = fact(key)
    }
    model.licence = fact("license") ?? fact("licence")
    model.intendedUse = fact("intended_use")
    model.dataset = fact("data_source")
    let path = try files.required(root + weightsName)
    let place = files.display(root + weightsName)
    model.weights = [
      ImportedModel.Weights(file: ModelPackage.weightsName) {
        try ForeignWeights.read(path, named: place, for: network)
      }
    ]
    return model
  }

  // MARK: - Metadata

  private static func names(_ tree: JSONTree?) -> [Int: String] {
    var names: [Int: String] = [:]
    for member in tree?["channel_def"]?.members ?? [] {
      if let number = Int(member.key), let text = member.value.text { names[number] = text }
    }
    return names
  }

  private static func channels(_ metadata: JSONTree, count: Int) -> [String] {
    let inputs = metadata["network_data_format"]?["inputs"]
    let image = inputs?["image"] ?? inputs?.members?.first?.value
    let names = names(image)
    let modality = image?["modality"]?.text
    return (0..<count).map {
      names[$0] ?? (count == 1 ? modality ?? "image" : "channel \($0)")
    }
  }

  private static func labels(
    _ metadata: JSONTree,
    outputs count: Int,
    _ after: BundleTransforms.Postprocessing
  ) throws(BundleFault) -> [LabelDefinition] {
    let outputs = metadata["network_data_format"]?["outputs"]
    let names = names(outputs?["pred"] ?? outputs?.members?.first?.value)
    let numbers = after.isThreshold ? Array(0..<count) : Array(1..<max(count, 1))
    guard !numbers.isEmpty else { throw BundleFault("its network has one output for an argmax") }
    var used: Set<String> = []
    return numbers.enumerated().map { index, number in
      // A binary network's one output may be listed behind a background that it does not have.
      let listed = names[number] ?? (count == 1 ? names[1] : nil)
      var name = listed ?? "Label \(after.isThreshold ? number + 1 : number)"
      while !used.insert(name).inserted { name += " (\(number))" }
      return LabelDefinition(
        id: after.isThreshold ? number + 1 : number,
        name: name,
        color: LabelDefinition.defaultColor(index)
      )
    }
  }

  /// The order in which overlapping regions are painted: the nested ones of brain tumours from the
  /// outermost, others as they come.
  package static func order(of names: [String]) -> [Int] {
    let nested = ["whole tumor", "tumor core", "enhancing tumor"]
    let ranks = names.map { name in
      nested.firstIndex {
        name.lowercased().replacingOccurrences(of: "tumour", with: "tumor") == $0
      }
    }
    guard names.count == nested.count, ranks.allSatisfy({ $0 != nil }) else {
      return Array(names.indices)
    }
    return names.indices.sorted { (ranks[$0] ?? 0) < (ranks[$1] ?? 0) }
  }
}
