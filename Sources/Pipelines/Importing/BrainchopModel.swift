import Foundation
import Imaging
import Layers
import Networks
import Support

/// A MeshNet of Brainchop (Masoud, Hu and Plis 2023).
///
/// The preprocessing is that of `brainchop-cli`, which the files do not state: the conformed volume of
/// FreeSurfer, scaled by the 2 % and 98 % quantiles (MeshNet's files of PyTorch), by the image's range
/// or by the quantiles that the file's comment names (files of TensorFlow.js); of the result, what is
/// connected with the largest part stays.
enum BrainchopModel {
  /// The format's name in model descriptions.
  static let format = "Brainchop"

  // MARK: - MeshNet

  private static let descriptionName = "model.json"
  private static let weightsNames = ["model.pth", "model.bin"]

  /// Whether a folder holds a MeshNet.
  static func recognisesMeshNet(_ files: ModelFiles) -> Bool {
    guard weightsNames.contains(where: { files.path($0) != nil }),
      let tree = try? files.json(descriptionName)
    else { return false }
    return tree["layers"]?.list?.first?["dilation"] != nil || tree["modelTopology"] != nil
  }

  /// Reads a folder.
  /// - Parameter files: The folder.
  /// - Returns: The model.
  /// - Throws: What `MeshNetModel` throws; `PipelinesError.unsupportedModel`.
  static func readMeshNet(_ files: ModelFiles) throws -> ForeignModel {
    let folder = (try files.required(descriptionName) as NSString).deletingLastPathComponent
    let model = try MeshNetModel(folder: folder)
    let tree = try files.json(descriptionName)
    let weightsName = weightsNames.first { files.path($0) != nil } ?? weightsNames[0]
    let classes = model.configuration.outputChannels
    guard model.configuration.inputChannels == 1, classes >= 2 else {
      throw PipelinesError.unsupportedModel(
        path: files.source,
        reason: "its network takes \(model.configuration.inputChannels) channels and gives "
          + "\(classes)"
      )
    }
    let scaling: VolumeStep
    if weightsName == "model.pth" {
      scaling = .scaleQuantiles(lower: 2, upper: 98, margin: 1e-3, clips: true)
    } else if tree["_comment"]?.text?.contains("max = 95% quantile") == true {
      scaling = .scaleQuantiles(lower: 5, upper: 95, margin: 0, clips: false)
    } else {
      scaling = .scale(newLow: 0, newHigh: 1, channelWise: false)
    }
    var result = ForeignModel(
      summary: tree["header"]?.text
        ?? "A MeshNet of Brainchop with \(classes) classes for T1-weighted head MRI.",
      channels: ["T1-weighted MRI"],
      labels: labels(files, classes: classes),
      network: .meshNet(model.configuration),
      plan: .volume(
        VolumePlan(
          program: format,
          steps: [.conform, scaling],
          inferer: .whole,
          activation: .none,
          heads: .labels,
          components: [
            VolumePlan.Components(
              labels: nil,
              isIndependent: false,
              connectivity: 26,
              precedesInversion: true
            )
          ]
        )
      ),
      format: format,
      sources: [descriptionName, weightsName]
    )
    result.facts["preprocessing"] = "as brainchop-cli's; the model's files do not state it"
    if !model.ignored.isEmpty {
      result.notes.append(
        "\(model.ignored.joined(separator: ", ")) is in the file but not in the model's "
          + "description, and was left out, as Brainchop does."
      )
    }
    let weights = model.weights
    result.weights = [ImportedModel.Weights(file: ModelPackage.weightsName) { weights }]
    return result
  }

  /// The colours and names of a `colormap*.json` that has as many as there are classes.
  private static func labels(_ files: ModelFiles, classes: Int) -> [LabelDefinition] {
    let tables = files.names.filter { $0.hasPrefix("colormap") && $0.hasSuffix(".json") }
    for table in tables {
      guard let tree = try? files.json(table),
        let names = tree["labels"]?.list?.compactMap(\.text), names.count == classes
      else { continue }
      let colors = ["R", "G", "B"].map { tree[$0]?.ints ?? [] }
      var used: Set<String> = []
      return (1..<classes).map { index in
        var name = names[index]
        while !used.insert(name).inserted { name += " (\(index))" }
        let parts = colors.map { $0.indices.contains(index) ? UInt8(clamping: $0[index]) : nil }
        var color = LabelDefinition.defaultColor(index - 1)
        if let red = parts[0], let green = parts[1], let blue = parts[2] {
          color = LabelColor(red: red, green: green, blue: blue)
        }
        return LabelDefinition(id: index, name: name, color: color)
      }
    }
    let known: [Int: [String]] = [2: ["Brain"], 3: ["White Matter", "Grey Matter"]]
    return (1..<classes).map { index in
      LabelDefinition(
        id: index,
        name: known[classes]?[index - 1] ?? "Label \(index)",
        color: LabelDefinition.defaultColor(index - 1)
      )
    }
  }
}
