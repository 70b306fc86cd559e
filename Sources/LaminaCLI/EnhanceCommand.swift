import ArgumentParser
import Enhancement
import Foundation
import Imaging
import Pipelines
import Reporting
import Support

/// `lamina enhance`: images with less noise, or on a finer grid.
struct EnhanceCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "enhance",
    abstract: "Removes noise from images or makes them finer, with models and filters.",
    discussion: """
      INPUT is an image file, a folder or zip of DICOM, or a folder of image files (a batch: one file \
      per case, and manifest.json; a case that fails is listed there and never stops the others). \
      Values keep their unit, and images of whole numbers stay such. The spacing is divided by the \
      model's scale, and the outer edges stay in place. A model that sees grey values is given \
      the luma of colours, and to remove noise their differences to it too; else these are kept.

      \(EnhancementRecord.standardWarning)
      """
  )

  @Argument(help: "Image file, DICOM folder, or folder of image files.")
  var inputs: [String]

  @Option(
    name: .shortAndLong,
    parsing: .singleValue,
    help: ArgumentHelp(
      "A model's name or folder (`lamina model list`), or a filter with its values; several are "
        + "applied one after the other.",
      valueName: "model"
    )
  )
  var model: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      ".nii.gz, .nii, .nrrd or .mha, or .png for pictures; of a batch a folder.",
      valueName: "out"
    )
  )
  var output: String

  /// What `--write` makes of a result.
  enum Form: String, ExpressibleByArgument, CaseIterable {
    /// A DICOM series derived from the input's.
    case dicom
  }

  @Option(
    name: .customLong("write"),
    help: ArgumentHelp(
      "Write a folder with a DICOM series that is derived from the input's, which must be CT or MR.",
      valueName: "dicom"
    )
  )
  var form: Form?

  @Option(
    help: ArgumentHelp(
      "How many times finer the planes must become; a model of another scale is refused.",
      valueName: "n"
    )
  )
  var scale: Int?

  @Option(
    help: ArgumentHelp(
      "Strength of the noise, percent of the range of intensities, for models that are told it.",
      valueName: "%"
    )
  )
  var noiseLevel: Double?

  @Option(
    help: ArgumentHelp(
      "Steps of a diffusion model from noise to an image (default: the model's, usually 10).",
      valueName: "n"
    )
  )
  var steps: Int?

  @Option(
    help: ArgumentHelp(
      "Images of a diffusion model of which the result is the mean.",
      valueName: "n"
    )
  )
  var samples = 1

  @Flag(help: "Keep the fractions of results of images of whole numbers.")
  var float = false

  @Option(
    help: ArgumentHelp(
      "An image that the result should be: gives PSNR, SSIM, mean absolute and gradient error.",
      valueName: "file"
    )
  )
  var reference: String?

  @Option(
    help: ArgumentHelp(
      "Range of the reference's values (default: 255 for pictures, else what it holds; with --degrade "
        + "from the least value to the 99.5th percentile).",
      valueName: "range"
    )
  )
  var dataRange: Double?

  @Option(
    help: ArgumentHelp(
      "Pixels at each side that the comparison leaves out (default: 0; the factor for pictures that "
        + "--degrade reduces).",
      valueName: "n"
    )
  )
  var border: Int?

  @Option(
    help: ArgumentHelp(
      "One self-contained page with before, after and difference; of a batch with --degrade.",
      valueName: "file.html"
    )
  )
  var report: String?

  @OptionGroup var ensembleOptions: EnhanceEnsembleOptions
  @OptionGroup var segmentingOptions: EnhanceSegmentingOptions
  @OptionGroup var measuring: EnhanceMeasuringOptions
  @OptionGroup var selectionOptions: SelectionOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  private var writesDICOM: Bool { form == .dicom }

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if model.isEmpty { throw ValidationError("Missing the model; name it with --model.") }
    if let scale, !(1...16).contains(scale) {
      throw ValidationError("--scale must be 1 to 16.")
    }
    if let noiseLevel, !(0...100).contains(noiseLevel) {
      throw ValidationError("--noise-level must be 0 to 100 percent.")
    }
    if let steps, !(1...100_000).contains(steps) {
      throw ValidationError("--steps must be 1 to 100000.")
    }
    if !(1...1000).contains(samples) { throw ValidationError("--samples must be 1 to 1000.") }
    if let report, !report.lowercased().hasSuffix(".html"), !report.lowercased().hasSuffix(".htm") {
      throw ValidationError("--report \(report) must end in .html.")
    }
    if reference == nil, !measuring.isOn,
      dataRange != nil || border != nil || measuring.luma != nil
    {
      throw ValidationError("--data-range, --border and --luma are for --reference or --degrade.")
    }
    if reference != nil, measuring.isOn {
      throw ValidationError("--degrade takes the inputs themselves as --reference; leave one out.")
    }
    if let dataRange, !(dataRange > 0) || !dataRange.isFinite {
      throw ValidationError("--data-range must be more than 0.")
    }
    if writesDICOM, measuring.isOn || Self.isImageFile(output) {
      throw ValidationError(
        "--write dicom makes a folder of what a scan became; leave out --degrade and the file's ending."
      )
    }
    if let border, !(0...1000).contains(border) {
      throw ValidationError("--border must be 0 to 1000.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let cases = try SegmentationInputs(inputs, picturesAreCases: true)
    let output = OutputPath.normalised(output)
    try context.outputs.check(output)
    for path in [report, ensembleOptions.uncertainty].compactMap(\.self) {
      try context.outputs.check(path)
    }
    if cases.isBatch, ensembleOptions.uncertainty != nil || segmentingOptions.segmentWith != nil {
      throw ValidationError("--uncertainty and --segment-with are for one image, not for a batch.")
    }
    if cases.isBatch, (report != nil && !measuring.isOn) || reference != nil {
      throw ValidationError(
        "--reference is for one image, not for a batch, and --report only with --degrade."
      )
    }
    let stages = try model.map {
      try StageCatalog.stage(
        $0,
        noiseLevel: noiseLevel.map { $0 / 100 },
        sampling: DiffusionSampling(leaps: steps, count: samples)
      )
    }
    if let scale { try StageCatalog.check(stages, scale: scale) }
    if measuring.isOn {
      return try measure(cases, chain: EnhancementChain(stages), into: output, in: context)
    }
    var options = EnhancementRun.Options()
    options.selection = selectionOptions.selection
    options.keepsFractions = float
    options.reference = reference
    options.dataRange = dataRange
    options.border = border ?? 0
    options.usesLuma = measuring.luma ?? false
    options.averagesSymmetries = ensembleOptions.tta
    options.wantsSpread = ensembleOptions.uncertainty != nil
    options.derivesSeries = writesDICOM
    options.command = OutputPath.command
    let run = EnhancementRun(
      stages: stages,
      options: options,
      progress: context.progress,
      interruption: context.interruption
    )
    if cases.isBatch { return try batch(cases, into: output, run, stages, in: context) }
    let item = cases.cases[0]
    let segmenting = try EnhanceSegmentingOptions.Comparison(segmentingOptions, in: context)
    var result = try run.improve(item.path)
    warn(result, in: context)
    result.record.segmentation = try segmenting?.change(
      result.before.grey,
      result.after.asStored(keepsFractions: float).grey,
      clean: result.reference,
      problems: result.problems,
      path: item.path
    )
    for warning in result.record.segmentation?.warnings ?? [] { context.progress.warn(warning) }
    if writesDICOM {
      try context.outputs.writeFolder(output) { try run.writeSeries(result, to: $0) }
    } else {
      try context.outputs.writeFile(output) { try run.write(result, to: $0) }
    }
    if let path = ensembleOptions.uncertainty {
      try context.outputs.writeFile(path) { try run.writeSpread(result, to: $0) }
    }
    if let report {
      let html = try ReportBuilder().html(page(of: result, name: item.id), date: Date())
      try context.outputs.write(Data(html.utf8), to: report)
    }
    try context.confirm(result.record) { text(of: result.record, output) }
    return .complete
  }

  private func warn(_ result: EnhancementRun.Result, in context: CommandContext) {
    for problem in result.problems {
      context.progress.warn("\(result.record.input): \(problem.message) \(problem.remedy)")
    }
  }

  private func text(of record: EnhancementRecord, _ output: String) -> String {
    func size(_ values: [Int]) -> String { values.map(String.init).joined(separator: " x ") }
    var lines = [
      "\(output): \(size(record.sizeAfter)) voxels in \(ReportNumber.duration(record.seconds))"
    ]
    if record.sizeBefore != record.sizeAfter { lines[0] += " (from \(size(record.sizeBefore)))" }
    if let quality = record.quality {
      lines += Self.rows(quality).map { row in
        func number(_ value: Double?) -> String {
          value.map { ReportNumber.significant($0, 4) } ?? ReportNumber.undefined
        }
        let unit = row.unit.isEmpty ? "" : " " + row.unit
        return "  \(row.name): \(number(row.before)) before, \(number(row.after)) after\(unit)"
      }
    }
    if let spread = record.spread { lines.append("  " + MeasurementText.sentence(spread)) }
    lines += record.segmentation?.lines ?? []
    return lines.joined(separator: "\n")
  }

  private static func rows(
    _ quality: EnhancementRecord.Quality
  ) -> [EnhancementReportData.QualityRow] {
    let (before, after) = (quality.before, quality.after)
    return [
      .init(name: "PSNR", unit: "dB", before: before.psnr, after: after.psnr),
      .init(name: "SSIM", unit: "", before: before.ssim, after: after.ssim),
      .init(name: "mean absolute error", unit: "", before: before.mae, after: after.mae),
      .init(
        name: "gradient error",
        unit: "",
        before: before.gradientError,
        after: after.gradientError
      ),
    ]
  }

  private func page(of result: EnhancementRun.Result, name: String) -> EnhancementReportData {
    let record = result.record
    let isPicture = if case .picture = result.after { true } else { false }
    var data = EnhancementReportData(
      name: name,
      before: result.before.grey,
      after: result.after.grey,
      reference: result.reference,
      isPicture: isPicture,
      warning: EnhancementRecord.standardWarning
    )
    data.facts =
      record.stages.map { ("Step", "\($0.name): \($0.summary)") }
      + [
        ("Voxels before", record.sizeBefore.map(String.init).joined(separator: " x ")),
        ("Voxels after", record.sizeAfter.map(String.init).joined(separator: " x ")),
        ("Time", ReportNumber.duration(record.seconds)),
        ("Peak memory", "\(record.peakMemoryMB) MB"),
        ("Command", record.command),
      ]
    data.spread = result.spread
    data.structures = record.segmentation?.report
    data.notes = record.notes + (record.spread.map { [MeasurementText.sentence($0)] } ?? [])
    data.quality = record.quality.map(Self.rows) ?? []
    return data
  }

  /// Every case in turn; what fails is listed and never stops the others.
  private func batch(
    _ inputs: SegmentationInputs,
    into output: String,
    _ run: EnhancementRun,
    _ stages: [any ScanStage],
    in context: CommandContext
  ) throws -> CommandOutcome {
    let names = stages.map(\.record.name).joined(separator: " + ")
    let manifest = try manifest(of: inputs, model: names, in: output, context) { item in
      let result = try run.improve(item.path)
      warn(result, in: context)
      let path = output + "/" + item.id
      if writesDICOM {
        try context.outputs.writeFolder(path) { try run.writeSeries(result, to: $0) }
      } else {
        let file = path + EnhancementRun.ending(of: result)
        try context.outputs.writeFile(file) { try run.write(result, to: $0) }
      }
      return result.record.seconds
    }
    let failed = manifest.failureCount
    try context.confirm(manifest) {
      "\(output): \(manifest.cases.count - failed) of \(manifest.cases.count) images improved"
        + (failed > 0 ? ", \(failed) failed (see \(SegmentationManifest.fileName))" : "")
    }
    return failed > 0 ? .partial : .complete
  }
}
