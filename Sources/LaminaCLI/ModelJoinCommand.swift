import ArgumentParser
import Foundation
import Pipelines
import Support

/// `lamina model join MODEL MODEL... --name NAME`.
struct ModelJoinCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "join",
    abstract: "Makes one model of several that segment the same structures.",
    discussion: """
      The class probabilities of the models are averaged, as nnU-Net's ensembles of configurations \
      do; every model counts alike. With --data the joined model is measured on the cases that all \
      of them held out. The package is written into $LAMINA_MODELS, else ./Models.
      """
  )

  @Argument(help: "Names or folders of two or more models.")
  var models: [String]

  @Option(help: ArgumentHelp("The package's name.", valueName: "name"))
  var name: String

  @Option(
    help: ArgumentHelp("The data set whose held-out cases measure the model.", valueName: "folder")
  )
  var data: String?

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private struct Answer: Encodable {
    let model: String
    let parts: [String]
    let results: [ModelDescription.Result]
  }

  func validate() throws {
    guard ModelStore.isName(name) else {
      throw ValidationError("--name \(name) is no name: use letters, digits, . _ and -.")
    }
    guard models.count > 1 else { throw ValidationError("Name two or more models.") }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let store = ModelStore()
    let output = store.importFolder + "/" + name
    try context.outputs.check(output)
    let packages = try models.map { try store.model($0) }
    let joining = try ModelJoining(packages)
    let dataset = try data.map { try SegmentationDataset(path: $0) }
    let parts = packages.map(\.description.name)
    var words = ["lamina model join"] + parts + ["--name", name]
    if let data { words += ["--data", URL(fileURLWithPath: data).lastPathComponent] }
    var results: [ModelDescription.Result] = []
    try context.outputs.writeFolder(output) { folder in
      results = try joining.write(
        to: folder,
        name: name,
        command: words.joined(separator: " "),
        dataset: dataset,
        progress: context.progress,
        interruption: context.interruption
      ).results
    }
    let answer = Answer(model: output, parts: parts, results: results)
    try context.confirm(answer) {
      (["\(output): \(parts.joined(separator: ", "))"]
        + results.map {
          "\($0.structure)  \($0.metric)  \($0.mean) (SD \($0.sd), n \($0.cases))"
        }).joined(separator: "\n")
    }
    return .complete
  }
}
