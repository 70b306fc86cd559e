import ArgumentParser
import Foundation
import Recognition
import Reporting
import Stylization
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

  @Option(
    help: ArgumentHelp(
      "A page, .html, with the first pictures before and after.",
      valueName: "file"
    )
  )
  var report: String?

  func validate() throws {
    if let report, !report.lowercased().hasSuffix(".html") {
      throw ValidationError("--report must end in .html.")
    }
  }

  /// Checks that the outputs may be written.
  /// - Parameter context: Where to write.
  /// - Throws: `SupportError`.
  func check(in context: CommandContext) throws {
    for path in [OutputPath.normalised(output), report].compactMap(\.self) {
      try context.outputs.check(path)
    }
  }

  /// A picture that was made.
  struct Made {
    /// What it was made of.
    let content: ImagePlanes
    /// The picture.
    let picture: ImagePlanes
    /// Numbers of the run.
    let numbers: [String: Double]

    init(_ content: ImagePlanes, _ picture: ImagePlanes, _ numbers: [String: Double]) {
      (self.content, self.picture, self.numbers) = (content, picture, numbers)
    }

    /// Both beside each other, as pages show them.
    var shown: RGBImage {
      let (before, after) = (
        content.with(channels: 3).reduced(toLargestSide: PictureOutputs.shownSide),
        picture.with(channels: 3).reduced(toLargestSide: PictureOutputs.shownSide)
      )
      let parts = [before, after.resized(toHeight: before.height, width: before.width)]
        .map(\.bytes)
      let row = 3 * before.width
      let bytes = (0..<before.height).flatMap { y in
        parts.flatMap { $0[y * row..<(y + 1) * row] }
      }
      return RGBImage(width: 2 * before.width, height: before.height, bytes: bytes)
    }
  }

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
    /// For the page.
    var shown: RGBImage?

    private enum CodingKeys: String, CodingKey { case id, status, output, error, numbers }
  }

  /// Pages show so many pictures, with sides of so many pixels.
  private static let (shownCount, shownSide) = (12, 384)

  private var isFile: Bool { output.lowercased().hasSuffix(".png") }

  /// Makes pictures and writes them; one that fails is listed and the others go on.
  /// - Parameters:
  ///   - paths: The inputs.
  ///   - context: Where to report and write.
  ///   - make: Gives a picture, and numbers.
  /// - Returns: What became of each.
  /// - Throws: What made a single input fail; `ValidationError` for several inputs and one file.
  func write(
    _ paths: [String],
    in context: CommandContext,
    make: (String) throws -> Made
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
    let made = try make(path)
    try context.outputs.write(made.picture.png(), to: output)
    var one = Case(id: name(path), status: "done", output: output, numbers: made.numbers)
    if report != nil { one.shown = made.shown }
    return [one]
  }

  private func name(_ path: String) -> String { URL(fileURLWithPath: path).lastPathComponent }

  private func batch(
    _ paths: [String],
    to folder: String,
    in context: CommandContext,
    make: (String) throws -> Made
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
        let made = try make(path)
        try made.picture.png().write(to: URL(fileURLWithPath: folder + "/" + file))
        var one = Case(id: name(path), status: "done", output: file, numbers: made.numbers)
        if report != nil, cases.count < Self.shownCount { one.shown = made.shown }
        cases.append(one)
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
  ///   - title: Of the page.
  ///   - context: Where to say it.
  /// - Returns: Whether all were done.
  /// - Throws: `SupportError.unwritable`.
  func confirm(
    _ cases: [Case],
    schema: String,
    settings: [String: String],
    title: String,
    in context: CommandContext
  ) throws -> CommandOutcome {
    let failed = cases.count { $0.error != nil }
    if let report {
      try context.outputs.write(Data(page(cases, settings, title: title).utf8), to: report)
    }
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

  private func page(
    _ cases: [Case],
    _ settings: [String: String],
    title: String
  ) throws -> String {
    var page = RecognitionReportData(title: title)
    page.things = "pictures"
    page.facts =
      settings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
      + [("Command", OutputPath.command)]
    func words(_ one: Case) -> String {
      one.numbers.sorted { $0.key < $1.key }.map {
        "\($0.key) \(ReportNumber.significant($0.value, 4))"
      }
      .joined(separator: ", ")
    }
    page.pictures = [
      (
        "Before and after",
        "What is painted or coloured is made up; it shows nothing that was there.",
        cases.compactMap { one in
          one.shown.map { .init($0, caption: "\(one.id): \(words(one))") }
        }
      )
    ]
    page.cases = (
      ["picture", "what became of it"],
      cases.map { [$0.id, $0.error ?? words($0)] }
    )
    return try ReportBuilder().html(page, date: Date())
  }
}
