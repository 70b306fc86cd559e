import ArgumentParser
import ClassicalSegmentation
import Foundation
import Pipelines
import Support

/// `lamina model`: the model packages on this machine.
struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Lists, shows and checks model packages.",
    discussion:
      "Searched in $LAMINA_MODELS, then ./Models, then beside the executable and above it.",
    subcommands: [
      ModelListCommand.self, ModelShowCommand.self, ModelVerifyCommand.self,
      ModelImportCommand.self, ModelJoinCommand.self, ModelExportCommand.self,
      ModelRemoveCommand.self,
    ]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// `lamina model list`.
struct ModelListCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists the models."
  )

  @OptionGroup var global: GlobalOptions

  private struct Answer: Encodable {
    struct Entry: Encodable {
      let name: String
      let version: String?
      let summary: String?
      let licence: String?
      let folder: String?
      let error: String?
    }
    let models: [Entry]
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let models = ModelStore().all().map { name, result in
      switch result {
      case .success(let package):
        Answer.Entry(
          name: name,
          version: package.description.version,
          summary: package.description.summary,
          licence: package.description.licence,
          folder: package.path,
          error: nil
        )
      case .failure(let error):
        Answer.Entry(
          name: name,
          version: nil,
          summary: nil,
          licence: nil,
          folder: nil,
          error: ExitReport(error, parser: LaminaCommand.self).sentence
        )
      }
    }
    try context.answer(Answer(models: models)) {
      guard !models.isEmpty else { return "No model is in ./Models or $LAMINA_MODELS." }
      return models.map { model in
        "\(model.name) \(model.version ?? "")\n  \(model.error ?? model.summary ?? "")"
          + (model.licence.map { "\n  \($0)" } ?? "")
      }.joined(separator: "\n")
    }
    return .complete
  }
}

/// `lamina model show NAME`.
struct ModelShowCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Shows a model's card; with --json its whole description. Or a classical method's."
  )

  @Argument(help: "Name or folder of the model, or the name of a classical method.")
  var name: String

  @OptionGroup var global: GlobalOptions

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let finder = try LabelFinder([name], store: ModelStore())
    guard case .models(let packages) = finder, let package = packages.first else {
      if case .method(let method) = finder {
        let card = ClassicalMethodCard(type(of: method))
        try context.answer(card) { card.text }
      } else {
        throw ValidationError("\(name) is no model; its data set is described by its own files.")
      }
      return .complete
    }
    let card = package.path + "/" + ModelPackage.cardName
    try context.answer(package.description) {
      guard let data = FileManager.default.contents(atPath: card) else {
        return "\(package.description.name): \(package.description.summary)"
      }
      return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .newlines)
    }
    return .complete
  }
}

/// `lamina model verify NAME`.
struct ModelVerifyCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Recomputes a model's hashes, loads its weights and repeats its self-test."
  )

  @Argument(help: "Name or folder of the model.")
  var name: String

  @Option(
    help: ArgumentHelp(
      "Measure the self-test anew on the labelled scans of a data set, and store it in the model.",
      discussion: "Compares the precisions with f32 on held-out scans, and finds int8's scales.",
      valueName: "folder"
    )
  )
  var data: String?

  @OptionGroup var global: GlobalOptions

  var usesEngine: Bool { true }

  private struct Answer: Encodable {
    let model: String
    let files: [String: String]
    let parameters: Int
    let selfTest: ModelPackage.SelfTestResult?
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    var package = try ModelStore().model(name)
    if let data {
      package = try package.storingSelfTest(
        measuredOn: SegmentationDataset(path: data),
        progress: context.progress,
        interruption: context.interruption
      )
    }
    let network = try package.makeNetwork()
    let answer = Answer(
      model: package.path,
      files: package.description.files,
      parameters: network.weightCount,
      selfTest: try package.checkSelfTest(network)
    )
    try context.answer(answer) {
      "\(answer.model): \(answer.files.count) file as described, \(answer.parameters) weights, "
        + (answer.selfTest.map { "self-test passed (relative error \($0.scoreError))" }
          ?? "no self-test stored")
    }
    return .complete
  }
}
