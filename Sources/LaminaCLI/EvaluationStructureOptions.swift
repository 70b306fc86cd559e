import ArgumentParser
import Evaluation
import Foundation
import Support

/// Which structures `lamina evaluate` compares, and by which metrics and conventions.
struct EvaluationStructureOptions: ParsableArguments {
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

  @Flag(
    help: ArgumentHelp(
      "Label values count objects of one kind, which pq, sq, rq and the lesion metrics match one by "
        + "one, also where they touch."
    )
  )
  var instances = false

  @Option(
    help: ArgumentHelp(
      "Voxels of this label of the reference are left out of every count and surface.",
      valueName: "n"
    )
  )
  var ignoreLabel: Int?

  @Option(
    help: ArgumentHelp(
      "Metrics, separated by commas, or all: \(Metric.all.map(\.key).joined(separator: ", ")).",
      valueName: "list"
    )
  )
  var metrics = "all"

  @Option(help: "What empty masks mean.")
  var empty = EmptyPolicy.lamina

  @Option(
    help: ArgumentHelp(
      "Tolerance of the surface Dice (nsd) in mm, or JSON {name: mm} with one for each structure; "
        + "structures that it does not name have \(Evaluator.defaultToleranceMM) (default: "
        + "\(Evaluator.defaultToleranceMM)).",
      valueName: "mm|file.json"
    )
  )
  var tolerance: String?

  func validate() throws {
    if referenceLabels != nil, labels == nil {
      throw ValidationError("--reference-labels needs --labels.")
    }
    if instances, labels != nil {
      throw ValidationError("--instances and --labels exclude each other.")
    }
    if let ignoreLabel, !(1...65535).contains(ignoreLabel) {
      throw ValidationError("--ignore-label is \(ignoreLabel) but must be 1 to 65535.")
    }
  }

  /// What evaluates as the options say.
  func evaluator(forImages: Bool) throws -> Evaluator {
    let (general, own) = try tolerances()
    return try Evaluator(
      metrics: try Metric.parse(metrics, from: forImages ? Metric.image : Metric.segmentation),
      emptyPolicy: empty,
      labels: try labels.map { try LabelSet(json: InputFile.read($0)) },
      referenceLabels: try referenceLabels.map { try LabelSet(json: InputFile.read($0)) },
      toleranceMM: general,
      tolerances: own,
      ignoredReferenceLabel: ignoreLabel,
      objectName: instances ? "object" : nil
    )
  }

  /// The tolerance of every structure, and those of structures that have their own, mm.
  private func tolerances() throws -> (general: Double, own: [String: Double]) {
    guard let tolerance else { return (Evaluator.defaultToleranceMM, [:]) }
    if let general = Double(tolerance) { return (general, [:]) }
    do {
      let own = try JSONDecoder().decode([String: Double].self, from: InputFile.read(tolerance))
      return (Evaluator.defaultToleranceMM, own)
    } catch is DecodingError {
      throw EvaluationError.invalidTolerances(name: tolerance)
    }
  }
}

extension EmptyPolicy: ExpressibleByArgument {}

/// Small files that options name.
enum InputFile {
  /// Reads a file.
  /// - Parameter path: The file.
  /// - Returns: Its content.
  /// - Throws: `SupportError.notFound` or `.unreadable`.
  static func read(_ path: String) throws -> Data {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw FileManager.default.fileExists(atPath: path)
        ? SupportError.unreadable(path: path, reason: "it is no file that may be read")
        : SupportError.notFound(path: path)
    }
    return data
  }
}
