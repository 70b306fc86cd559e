import ArgumentParser
import Foundation
import Support

/// Where pictures of a batch go: one PNG file, or a folder of them.
struct PictureOutputs: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A .png file, or a new folder for several pictures.",
      valueName: "file|folder"
    )
  )
  var output: String

  /// What became of a picture.
  struct Case: Encodable {
    /// The input's name.
    let id: String
    /// "done" or "failed".
    let status: String
    /// The file that was written, within a folder by its name.
    var output: String?
    /// Why it failed.
    var error: String?
    /// Numbers of the run.
    var numbers: [String: Double] = [:]
  }

  private var isFile: Bool { output.lowercased().hasSuffix(".png") }

  /// Makes pictures and writes them; one that fails is listed and the others go on.
  /// - Parameters:
  ///   - paths: The inputs.
  ///   - context: Where to report and write.
  ///   - make: Gives the bytes of a PNG file, and numbers.
  /// - Returns: What became of each.
  /// - Throws: What made a single input fail; `ValidationError` for several inputs and one file.
  func write(
    _ paths: [String],
    in context: CommandContext,
    make: (String) throws -> (Data, [String: Double])
  ) throws -> [Case] {
    guard isFile else {
      var cases: [Case] = []
      try context.outputs.writeFolder(OutputPath.normalised(output)) { folder in
        cases = try batch(paths, to: folder, in: context, make: make)
      }
      return cases
    }
    guard paths.count == 1, let path = paths.first else {
      throw ValidationError("--output must be a folder for \(paths.count) pictures.")
    }
    let (data, numbers) = try make(path)
    try context.outputs.write(data, to: output)
    return [Case(id: name(path), status: "done", output: output, numbers: numbers)]
  }

  private func name(_ path: String) -> String { URL(fileURLWithPath: path).lastPathComponent }

  private func batch(
    _ paths: [String],
    to folder: String,
    in context: CommandContext,
    make: (String) throws -> (Data, [String: Double])
  ) throws -> [Case] {
    var taken: Set<String> = []
    var cases: [Case] = []
    for path in paths {
      try context.interruption.check()
      let stem = URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent
      var file = stem + ".png"
      var count = 1
      while !taken.insert(file).inserted {
        count += 1
        file = "\(stem)-\(count).png"
      }
      do {
        let (data, numbers) = try make(path)
        try data.write(to: URL(fileURLWithPath: folder + "/" + file))
        cases.append(Case(id: name(path), status: "done", output: file, numbers: numbers))
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        guard paths.count > 1 else { throw error }
        context.progress.warn("\(name(path)): \(error.description)")
        cases.append(Case(id: name(path), status: "failed", error: error.description))
      }
    }
    return cases
  }

  private struct Answer: Encodable {
    let schema: String
    let output: String
    let cases: [Case]
    let settings: [String: String]
    let notice: String
  }

  /// Says what became of the pictures.
  /// - Parameters:
  ///   - cases: Of `write`.
  ///   - schema: Of the JSON document.
  ///   - settings: What the run was made with.
  ///   - context: Where to say it.
  /// - Returns: Whether all were done.
  /// - Throws: `SupportError.unwritable`.
  func confirm(
    _ cases: [Case],
    schema: String,
    settings: [String: String],
    in context: CommandContext
  ) throws -> CommandOutcome {
    let failed = cases.count { $0.error != nil }
    let answer = Answer(
      schema: schema,
      output: output,
      cases: cases,
      settings: settings,
      notice: Version.disclaimer
    )
    try context.confirm(answer) {
      let numbers = cases.count == 1 ? cases[0].numbers : [:]
      let words = numbers.sorted { $0.key < $1.key }.map { ", \($0.key) \($0.value)" }.joined()
      return "\(output): \(cases.count - failed) pictures\(words)"
        + (failed > 0 ? "; \(failed) failed" : "")
    }
    return failed > 0 ? .partial : .complete
  }
}
