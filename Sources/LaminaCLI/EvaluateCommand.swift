import ArgumentParser
import Evaluation
import Foundation
import Pipelines
import Reporting
import Support

/// `lamina evaluate`: how well predictions agree with references.
struct EvaluateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Compares predictions with references: metrics per structure, and their statistics.",
    discussion: """
      Two files, or two folders whose cases are paired by name: equal names first, then names that \
      are equal without words such as _pred and _seg, then equal numbers in names of one pattern; \
      the outputs say which. A result folder of `lamina segment` is a case of its folder's name. A \
      case that fails or has no partner is listed with its problem and gives exit status 2; the \
      others are evaluated.
      """
  )

  @Argument(help: "Label map, result folder of `lamina segment`, or folder of either.")
  var prediction: String

  @Argument(help: "Label map taken as true, or folder of such.")
  var reference: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Where the results go: .json (everything), .csv (one row per case and structure) or .md (for "
        + "reading); may be repeated.",
      valueName: "file"
    )
  )
  var output: [String] = []

  @Option(
    help: ArgumentHelp("One self-contained page of the results.", valueName: "file.html")
  )
  var report: String?

  @OptionGroup(title: "Structures and metrics") var structures: EvaluationStructureOptions
  @OptionGroup(title: "Cohort") var cohort: EvaluationCohortOptions

  @Flag(help: "Bring predictions on another grid onto the reference's, by nearest neighbour.")
  var resamplePrediction = false

  @Flag(
    help: ArgumentHelp(
      "Compare the uncertainty beside each prediction (segment --write uncertainty) with its errors.",
      discussion: "With --write probabilities also how well the probabilities are calibrated."
    )
  )
  var uncertainty = false

  @Flag(help: "Compare images, not label maps.")
  var image = false

  @Option(
    help: ArgumentHelp(
      "With --image: the range of the true values, such as 255, which psnr and ssim need.",
      valueName: "range"
    )
  )
  var dataRange: Double?

  @Option(
    help: ArgumentHelp(
      "With --image: a label map for all cases, or a folder of them paired by name; errors are over "
        + "the voxels with a label.",
      valueName: "path"
    )
  )
  var mask: String?

  @Option(
    help: ArgumentHelp(
      "How many cases to evaluate at a time; each holds its volumes in memory (default: "
        + "\(EvaluationRun.defaultJobs), or fewer threads).",
      valueName: "n"
    )
  )
  var jobs: Int?

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }

  func validate() throws {
    for path in output where EvaluationOutput(path) == nil {
      throw ValidationError("--output \(path) must end in .json, .csv or .md.")
    }
    if let report, !report.lowercased().hasSuffix(".html"), !report.lowercased().hasSuffix(".htm") {
      throw ValidationError("--report \(report) must end in .html.")
    }
    let all = output + [report].compactMap(\.self)
    if Set(all).count < all.count { throw ValidationError("Two outputs have the same name.") }
    if dataRange != nil, !image { throw ValidationError("--data-range needs --image.") }
    if mask != nil, !image { throw ValidationError("--mask needs --image.") }
    if image, resamplePrediction {
      throw ValidationError("--resample-prediction is for label maps, not for --image.")
    }
    if uncertainty,
      image || resamplePrediction || structures.labels != nil || structures.ignoreLabel != nil
        || structures.instances
    {
      throw ValidationError(
        "--uncertainty compares the labels of result folders as they are; leave out --image, "
          + "--resample-prediction, --labels, --ignore-label and --instances."
      )
    }
    if let jobs, jobs < 1 { throw ValidationError("--jobs is \(jobs) but must be at least 1.") }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    for path in output + [report].compactMap(\.self) { try context.outputs.check(path) }
    let run = EvaluationRun(
      evaluator: try structures.evaluator(forImages: image),
      content: image ? .images(dataRange: dataRange) : .labelMaps,
      resamplesPrediction: resamplePrediction,
      jobs: jobs
    )
    var cohort = try cohort.cohort(reference: reference)
    cohort.mask = try mask.map { try Self.mask($0, reference: reference) }
    let pairing = try CasePairing(prediction: prediction, reference: reference)
    let evaluated = try run.evaluate(
      pairing,
      cohort: cohort,
      progress: context.progress,
      interruption: context.interruption
    )
    var result = evaluated.report
    let failedCount = evaluated.failedCount
    var lostCount = 0
    if uncertainty {
      let (found, problems) = try UncertaintyCheck().evaluate(
        pairing,
        progress: context.progress,
        interruption: context.interruption
      )
      result.uncertainty = found
      result.problems += problems
      lostCount = problems.count
    }
    for path in output {
      guard let form = EvaluationOutput(path) else { continue }
      try context.outputs.write(try form.data(of: result), to: path)
    }
    if let report {
      try context.outputs.write(Data(try page(of: result).utf8), to: report)
    }
    try context.answer(result) {
      EvaluationText.describe(
        result,
        failedCount: failedCount,
        outputs: output + [report].compactMap(\.self)
      )
    }
    return failedCount == 0 && lostCount == 0 ? .complete : .partial
  }

  private static func mask(_ path: String, reference: String) throws -> EvaluationCohort.Mask {
    try FileManager.default.isExistingFolder(path)
      ? .ofCases(try CasePairing(prediction: path, reference: reference)) : .common(path: path)
  }

  private func page(of result: EvaluationReport) throws -> String {
    var provenance = ProvenanceRecord(
      programVersion: Version.current,
      // Folders may bear patients' names; the page is made to be shown around.
      inputs: [("prediction", prediction), ("reference", reference)].map { role, path in
        .init(role: role, path: URL(fileURLWithPath: path).lastPathComponent)
      }
    )
    provenance.seed = result.bootstrap.seed
    provenance.date = Date()
    provenance.command = OutputPath.command
    return try ReportBuilder().html(
      [
        .evaluation(
          EvaluationReportData(
            title: URL(fileURLWithPath: OutputPath.normalised(prediction)).lastPathComponent,
            report: result,
            provenance: provenance
          )
        )
      ],
      date: Date()
    )
  }
}

/// The form of an output of `lamina evaluate`, by its ending.
enum EvaluationOutput: String, CaseIterable {
  case json, csv, md

  /// The form of a path; nil for other endings.
  init?(_ path: String) {
    guard let form = Self.allCases.first(where: { path.lowercased().hasSuffix("." + $0.rawValue) })
    else { return nil }
    self = form
  }

  /// The content of an evaluation in this form.
  func data(of report: EvaluationReport) throws -> Data {
    switch self {
    case .json: try JSONOutput.data(report)
    case .csv: Data(report.csv().utf8)
    case .md: Data(report.markdown().utf8)
    }
  }
}
