import ArgumentParser
import Foundation
import Generation
import Pipelines
import Support

/// `lamina model import SOURCE --name NAME`.
struct ModelImportCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Makes a model package of another program's model.",
    discussion: """
      SOURCE is a results folder of nnU-Net v2 (whole, of one data set, or of one configuration) or \
      an exported zip, TotalSegmentator's among them; a MONAI bundle (folder or zip); a folder of \
      Brainchop's MeshNets or of its multi-axial networks; an ONNX file with --plan; or weights of a \
      known network, such as DnCNN, FFDNet, ESRGAN or EDSR for `lamina enhance` (.pth, .safetensors). \
      Nothing of it is executed. The package is written into $LAMINA_MODELS, else \
      ./Models; weights are checked against the architecture, and a self-test is stored.
      """
  )

  @Argument(help: "Folder, zip or file of the other program.")
  var source: String

  @Option(help: ArgumentHelp("The package's name.", valueName: "name"))
  var name: String

  @Option(
    help: ArgumentHelp(
      "Which of several configurations, such as 3d_fullres.",
      valueName: "configuration"
    )
  )
  var configuration: String?

  @Option(
    help: ArgumentHelp("The checkpoint file of each fold.", valueName: "file")
  )
  var checkpoint = "checkpoint_final.pth"

  @Option(
    help: ArgumentHelp(
      "A JSON file with what the source does not say: an ONNX file's steps, what a network for "
        + "images is for, or nnU-Net's "
        + "postprocessing.json.",
      valueName: "file"
    )
  )
  var plan: String?

  @Option(help: ArgumentHelp("Terms of use of the weights, for the card.", valueName: "text"))
  var licence: String?

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private struct Answer: Encodable {
    let model: String
    let format: String
    let parameters: Int
    let labels: [String: Int]
    let files: [String: String]
    let notes: [String]
  }

  func validate() throws {
    guard ModelStore.isName(name) else {
      throw ValidationError("--name \(name) is no name: use letters, digits, . _ and -.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let output = ModelStore().importFolder + "/" + name
    try context.outputs.check(output)
    var options = ImportOptions(name: name)
    options.configuration = configuration
    options.checkpoint = checkpoint
    options.planPath = plan
    options.licence = licence
    options.command = OutputPath.command
    var notes: [String] = []
    try context.outputs.writeFolder(output) { folder in
      notes = try ModelImporter.run(
        source,
        options: options,
        to: folder,
        progress: context.progress,
        interruption: context.interruption
      ).notes
    }
    for note in notes { context.progress.note(note) }
    let package = try ModelPackage(path: output)
    let description = package.description
    let answer = Answer(
      model: output,
      format: description.origin?.format ?? "",
      parameters: try package.makeNetwork().weightCount,
      labels: Dictionary(
        description.labels.map { ($0.name, $0.id) },
        uniquingKeysWith: { first, _ in first }
      ),
      files: description.files,
      notes: notes
    )
    try context.confirm(answer) {
      "\(output): \(description.summary)\n  \(description.ensemble.count) "
        + (description.ensemble.count == 1 ? "network" : "networks")
        + " of \(answer.parameters) weights, \(description.labels.count) labels"
    }
    return .complete
  }
}

/// The formats of `lamina model export`.
enum ExportFormat: String, ExpressibleByArgument, CaseIterable {
  /// An ONNX file of operator set 17.
  case onnx
}

/// `lamina model export NAME --to onnx FILE`.
struct ModelExportCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Writes a model's network for other programs.",
    discussion: """
      The file holds the network alone: its input is what the model's preprocessing makes of a scan, \
      its output scores before softmax. Of several folds one is written. Detectors of two stages give \
      boxes in pixels of the input, labels from 0 in the order of the model's own, scores and masks; writers of \
      sentences give the numbers of words. A generator of images takes random vectors, with a 1 at the class \
      behind them, and gives images from -1 to 1. The file's metadata tell labels, channels, classes and words, \
      and what free sizes must be multiples of.
      """
  )

  @Argument(help: "Name or folder of the model.")
  var name: String

  @Argument(help: "The file to write.")
  var file: String

  @Option(help: ArgumentHelp("The format.", valueName: "onnx"))
  var to: ExportFormat

  @Option(help: ArgumentHelp("Which fold (default: the first).", valueName: "0"))
  var fold: String?

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private struct Answer: Encodable {
    let file: String
    let inputShape: [Int]
    /// That of the only output.
    let outputShape: [Int]?
    let outputs: [ModelPackage.ExportedNetwork.Output]
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    try context.outputs.check(file)
    let export = try exported()
    try context.outputs.write(try export.encoded(), to: file)
    let shapes = export.outputs.map { $0.shape.compactMap { $0 } }
    let answer = Answer(
      file: file,
      inputShape: export.inputShape,
      outputShape: shapes.count == 1 ? shapes[0] : nil,
      outputs: export.outputs
    )
    try context.confirm(answer) {
      let outputs = export.outputs.map { output in
        "\(output.name) \(output.shape.map { $0.map { "\($0)" } ?? "any" }.joined(separator: " x "))"
      }
      return "\(file): input \(answer.inputShape.map { "\($0)" }.joined(separator: " x ")), "
        + outputs.joined(separator: ", ")
    }
    return .complete
  }

  /// The network of a model package, or of a folder that `vision generate train` made.
  private func exported() throws -> ModelPackage.ExportedNetwork {
    guard TrainedGenerator.isPresent(in: name) else {
      return try ModelStore().model(name).exportedNetwork(fold: fold)
    }
    if fold != nil { throw ValidationError("A generator has no folds; leave out --fold.") }
    return try TrainedGenerator(folder: name)
      .exportedNetwork(name: URL(fileURLWithPath: name).lastPathComponent)
  }
}

/// `lamina model remove NAME`.
struct ModelRemoveCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "remove",
    abstract: "Removes a model package that was imported or trained."
  )

  @Argument(help: "Name or folder of the model.")
  var name: String

  @OptionGroup var global: GlobalOptions

  private struct Answer: Encodable { let removed: String }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let package = try ModelStore().model(name)
    try package.remove()
    try context.confirm(Answer(removed: package.path)) { "\(package.path) was removed" }
    return .complete
  }
}
