import ArgumentParser
import Evaluation
import Foundation
import Pipelines
import Support

/// `lamina evaluate`: how well predictions agree with references.
struct EvaluateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Compares predictions with references: metrics per structure, and their statistics.",
    discussion: """
      Two files, or two folders whose cases are paired by name. A result folder of \
      `lamina segment` is a case of its folder's name. A case that fails or has no partner is \
      listed with its problem and gives exit status 2; the others are evaluated.
      """
  )

  @Argument(help: "Label map, result folder of `lamina segment`, or folder of either.")
  var prediction: String

  @Argument(help: "Label map taken as true, or folder of such.")
  var reference: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Where the results go: .json (everything) or .csv (one row per case and structure).",
      valueName: "file"
    )
  )
  var output: String?

  @Option(
    help: ArgumentHelp(
      "JSON {name: label | [labels]} of the structures to compare; a list is the union "
        + "(default: every label).",
      valueName: "file"
    )
  )
  var labels: String?

  @Option(
    help: ArgumentHelp(
      "The same for the reference, matched by name (default: as --labels).",
      valueName: "file"
    )
  )
  var referenceLabels: String?

  @Option(
    help: ArgumentHelp(
      "Metrics, separated by commas, or all: \(Metric.all.map(\.key).joined(separator: ", ")).",
      valueName: "list"
    )
  )
  var metrics = "all"

  @Option(help: "What empty masks mean.")
  var empty = EmptyPolicy.lamina

  @Option(help: ArgumentHelp("Tolerance of the surface Dice (nsd) in mm.", valueName: "mm"))
  var tolerance = Evaluator.defaultToleranceMM

  @Flag(help: "Bring predictions on another grid onto the reference's, by nearest neighbour.")
  var resamplePrediction = false

  @Flag(help: "Compare images, not label maps.")
  var image = false

  @Option(
    help: ArgumentHelp(
      "With --image: the range of the true values, such as 255, which psnr and ssim need.",
      valueName: "range"
    )
  )
  var dataRange: Double?

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }

  func validate() throws {
    if let output, !output.lowercased().hasSuffix(".json"), !output.lowercased().hasSuffix(".csv") {
      throw ValidationError("--output \(output) must end in .json or .csv.")
    }
    if referenceLabels != nil, labels == nil {
      throw ValidationError("--reference-labels needs --labels.")
    }
    if dataRange != nil, !image { throw ValidationError("--data-range needs --image.") }
    if image, resamplePrediction {
      throw ValidationError("--resample-prediction is for label maps, not for --image.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    if let output { try context.outputs.check(output) }
    let evaluator = try Evaluator(
      metrics: try Metric.parse(metrics, from: image ? Metric.image : Metric.segmentation),
      emptyPolicy: empty,
      labels: try labels.map(Self.labelSet),
      referenceLabels: try referenceLabels.map(Self.labelSet),
      toleranceMM: tolerance
    )
    let run = EvaluationRun(
      evaluator: evaluator,
      content: image ? .images(dataRange: dataRange) : .labelMaps,
      resamplesPrediction: resamplePrediction
    )
    let (report, failedCount) = try run.evaluate(
      try CasePairing(prediction: prediction, reference: reference),
      progress: context.progress,
      interruption: context.interruption
    )
    if let output {
      let isTable = output.lowercased().hasSuffix(".csv")
      try context.outputs.write(
        isTable ? Data(report.csv().utf8) : try report.json(),
        to: output
      )
    }
    try context.answer(report) {
      EvaluationText.describe(report, failedCount: failedCount, output: output)
    }
    return failedCount == 0 ? .complete : .partial
  }

  private static func labelSet(_ path: String) throws -> LabelSet {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw FileManager.default.fileExists(atPath: path)
        ? SupportError.unreadable(path: path, reason: "it is no file that may be read")
        : SupportError.notFound(path: path)
    }
    return try LabelSet(json: data)
  }
}

extension EmptyPolicy: ExpressibleByArgument {}

/// The words of `lamina evaluate`.
private enum EvaluationText {
  /// The metrics of the table for people; the files hold them all.
  private static let shown = ["dice", "iou", "hd95", "assd", "psnr", "ssim3d", "mae"]

  static func describe(_ report: EvaluationReport, failedCount: Int, output: String?) -> String {
    let available = report.metrics
    let chosen = available.filter { shown.contains($0.key) }
    let metrics = chosen.isEmpty ? Array(available.prefix(4)) : chosen
    var rows = [
      ["structure", "n"]
        + metrics.map { $0.unit.isEmpty ? $0.key : "\($0.key) (\($0.unit))" }
    ]
    for structure in report.structures {
      let summary = report.summary[structure.key] ?? [:]
      let count = metrics.compactMap { summary[$0.key]?.n }.max() ?? 0
      rows.append([structure.name, "\(count)"] + metrics.map { cell(summary[$0.key]) })
    }
    let cases = report.cases.count - failedCount
    var lines = ["\(cases) case\(cases == 1 ? "" : "s"); mean and standard deviation:"]
    lines += TextTable.lines(rows)
    if failedCount > 0 {
      lines.append("\(failedCount) case\(failedCount == 1 ? "" : "s") failed:")
      lines += report.cases.filter { $0.labels.isEmpty }
        .map { "  \($0.id): \($0.problems.joined(separator: " "))" }
    }
    if let output { lines.append("Written to \(output)") }
    return lines.joined(separator: "\n")
  }

  private static func cell(_ statistics: SummaryStatistics?) -> String {
    guard let statistics, let mean = statistics.mean else { return "undefined" }
    guard let deviation = statistics.sd, statistics.n > 1 else { return decimals(mean) }
    return "\(decimals(mean)) +- \(decimals(deviation))"
  }

  private static func decimals(_ value: Double) -> String { String(format: "%.3f", value) }
}

/// Lines of aligned columns: the first to the left, the others to the right.
enum TextTable {
  /// Lays out rows.
  /// - Parameter rows: Cells; all rows have the same number.
  /// - Returns: One line a row.
  static func lines(_ rows: [[String]]) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      row.enumerated().map { column, cell in
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + padding : padding + cell
      }.joined(separator: "  ")
    }
  }
}
