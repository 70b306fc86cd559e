import ArgumentParser
import Enhancement
import Foundation
import Pipelines
import Stylization
import Support

extension HarmonizationStage.Method: ExpressibleByArgument {}

/// `lamina vision stylise harmonise`.
struct VisionHarmoniseCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "harmonise",
    abstract: "Brings scans to the look of a scanner's or site's, and says what changed.",
    discussion: """
      Intensities change, the grid does not. landmarks is Nyul's standardisation, histogram follows the whole \
      distribution, details also makes details of three sizes as strong as the group's; --model takes a \
      network of lamina train --enhance translate instead. Reported for every scan: how far its intensities \
      are from the group's before and after, PSNR and SSIM against itself, the correlation of gradients, and \
      Dice of three tissues before and after. What exceeds the limits is warned of: anatomy must not change. \
      Of several scans one that fails is listed and stops no other.
      """
  )

  @Argument(help: "Image files, DICOM folders, or folders of image files.")
  var inputs: [String]

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Scans that show how they are to look, folders of them, or a .json file of --save-group.",
      valueName: "scan"
    )
  )
  var reference: [String]

  @Option(
    help: ArgumentHelp(
      "What outputs call the look of --reference (default: the number of scans).",
      valueName: "name"
    )
  )
  var groupName: String?

  @Option(
    help: ArgumentHelp(
      "How (default: histogram).",
      valueName: HarmonizationStage.Method.allCases.map(\.rawValue).joined(separator: "|")
    )
  )
  var method: HarmonizationStage.Method?

  @Option(name: .shortAndLong, help: ArgumentHelp("A network that translates.", valueName: "model"))
  var model: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      ".nii.gz, .nii, .nrrd or .mha; of several scans a folder.",
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
      "Write DICOM series that are derived from the inputs', which must be CT or MR.",
      valueName: "dicom"
    )
  )
  var form: Form?

  @Option(
    help: ArgumentHelp(
      "A new folder for maps: the scan after less the scan before on one scale.",
      valueName: "folder"
    )
  )
  var differences: String?

  @Option(
    help: ArgumentHelp("A .json file for the statistics of --reference.", valueName: "file")
  )
  var saveGroup: String?

  @Option(
    help: ArgumentHelp(
      "A model by which scans are segmented before and after, to see what becomes of structures.",
      valueName: "model"
    )
  )
  var segmentWith: String?

  @Option(help: ArgumentHelp("Warn of less Dice of a tissue.", valueName: "dice"))
  var leastDice = 0.9

  @Option(help: ArgumentHelp("Warn of a lower correlation of gradients.", valueName: "r"))
  var leastCorrelation = 0.9

  @Option(help: ArgumentHelp("A page, .html, with middle slices.", valueName: "file"))
  var report: String?

  @OptionGroup var selectionOptions: SelectionOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private struct Answer: Encodable {
    let schema = "lamina.harmonisation/1"
    let output: String
    let method: String
    let reference: String
    let referenceScans: Int
    let cases: [HarmonisedCase]
    let definition =
      "distances: mean difference of values of equal rank of the foreground, percent of the reference's "
      + "1st to 99th percentile; quality: against the scan before on the best straight line; a distance "
      + "that is absent and Dice that is null are undefined, as the foreground has too few values"
    let notice: String
  }

  func validate() throws {
    if reference.isEmpty { throw ValidationError("Give --reference.") }
    if let groupName {
      if groupName.isEmpty { throw ValidationError("--group-name must not be empty.") }
      if readsGroup {
        throw ValidationError("A file of --save-group has a name; leave out --group-name.")
      }
    }
    if model != nil, method != nil {
      throw ValidationError("--method and --model exclude each other.")
    }
    if let report, !report.lowercased().hasSuffix(".html") {
      throw ValidationError("--report must end in .html.")
    }
    if let saveGroup, !saveGroup.lowercased().hasSuffix(".json") {
      throw ValidationError("--save-group must end in .json.")
    }
    if !(0...1).contains(leastDice) || !(0...1).contains(leastCorrelation) {
      throw ValidationError("--least-dice and --least-correlation must be 0 to 1.")
    }
  }

  /// Whether `--reference` is a file of `--save-group`.
  private var readsGroup: Bool {
    reference.count == 1 && reference[0].lowercased().hasSuffix(".json")
  }

  private func group(in context: CommandContext) throws -> IntensityGroup {
    if readsGroup { return try IntensityGroup(contentsOf: reference[0]) }
    return try IntensityGroup(
      name: groupName,
      paths: Self.scans(SegmentationInputs(reference, picturesAreCases: true)).map(\.path),
      selection: selectionOptions.selection,
      progress: context.progress,
      interruption: context.interruption
    )
  }

  /// Every channel of a batch is a scan of its own.
  private static func scans(_ inputs: SegmentationInputs) -> [SegmentationInputs.Case] {
    inputs.isBatch ? inputs.separated : inputs.cases
  }

  /// The network of `--model`, which must translate.
  private static func translator(_ name: String) throws -> any ScanStage {
    let stage = try StageCatalog.stage(name)
    guard let enhancer = stage as? Enhancer, enhancer.plan.task == .translation else {
      throw EnhancementError.wrongParameter(
        stage: stage.record.name,
        reason: "it is no network that translates; give a model of lamina train --enhance translate"
      )
    }
    return enhancer
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    for path in [output, report, saveGroup, differences].compactMap(\.self) {
      try context.outputs.check(path)
    }
    let inputs = try SegmentationInputs(inputs, picturesAreCases: true)
    let translator = try model.map { try Self.translator($0) }
    let group = try group(in: context)
    let stage: any ScanStage =
      translator ?? HarmonizationStage(group, method: method ?? .histogram)
    var options = HarmonizationRun.Options()
    options.selection = selectionOptions.selection
    (options.limits.dice, options.limits.gradientCorrelation) = (leastDice, leastCorrelation)
    options.derivesSeries = form == .dicom
    options.command = OutputPath.command
    let run = HarmonizationRun(
      stage,
      group: group,
      options: options,
      progress: context.progress,
      interruption: context.interruption
    )
    func write(_ result: HarmonizationRun.Result, _ path: String) throws {
      if form == .dicom {
        try context.outputs.writeFolder(path) { try run.writeSeries(result, to: $0) }
      } else {
        try context.outputs.writeFile(path) { try run.write(result, to: $0) }
      }
    }
    var cases: [HarmonisedCase] = []
    if inputs.isBatch {
      try context.outputs.writeFolder(output) { folder in
        cases = try harmonise(inputs, by: run, in: context) { result, id in
          try write(result, folder + "/" + id + (form == .dicom ? "" : result.ending))
        }
      }
    } else {
      cases = try harmonise(inputs, by: run, in: context) { result, _ in
        try write(result, output)
      }
    }
    if let saveGroup { try context.outputs.write(JSONOutput.data(group), to: saveGroup) }
    let how = stage.record.name
    if let report {
      let facts: [(name: String, value: String)] = [
        ("Reference", group.words), ("Method", how),
        ("Limits", "Dice of a tissue \(leastDice), correlation of gradients \(leastCorrelation)"),
        ("Command", OutputPath.command),
      ]
      let html = HarmonisationPage.html(cases, facts: facts, date: Date())
      try context.outputs.write(Data(html.utf8), to: report)
    }
    let answer = Answer(
      output: output,
      method: how,
      reference: group.name,
      referenceScans: group.scans,
      cases: cases,
      notice: Version.disclaimer
    )
    let failed = cases.count { $0.error != nil }
    try context.confirm(answer) {
      let head =
        "\(output): \(cases.count - failed) scans" + (failed > 0 ? ", \(failed) failed" : "")
      return ([head] + cases.flatMap(\.lines)).joined(separator: "\n")
    }
    return failed > 0 ? .partial : .complete
  }

  /// Harmonises every scan in turn; of a batch, what fails is listed, leaves no output and never stops
  /// the others.
  private func harmonise(
    _ inputs: SegmentationInputs,
    by run: HarmonizationRun,
    in context: CommandContext,
    write: (HarmonizationRun.Result, String) throws -> Void
  ) throws -> [HarmonisedCase] {
    var segmenting = EnhanceSegmentingOptions()
    (segmenting.segmentWith, segmenting.labels) = (segmentWith, nil)
    let comparison = try EnhanceSegmentingOptions.Comparison(segmenting, in: context)
    let maps = try differences.map { _ in try ScratchFolder() }
    var cases: [HarmonisedCase] = []
    for item in Self.scans(inputs) {
      try context.interruption.check()
      do {
        let result = try run.harmonise(item.path)
        var one = HarmonisedCase(id: item.id, status: "done", change: result.change)
        one.segmentation = try comparison?.change(
          result.before,
          result.after,
          clean: nil,
          problems: result.enhanced.problems,
          path: item.path
        )
        let shown = cases.count { $0.pictures != nil }
        if report != nil, shown < HarmonisationPage.shownCount {
          one.pictures = try HarmonisationPage.pictures(of: result, one)
        }
        // Nothing but writing can fail from here on.
        let map = maps.map { $0.path + "/" + item.id + ".nii.gz" }
        do {
          if let map { try result.writeDifference(to: map) }
          try write(result, item.id)
        } catch {
          if let map { try? FileManager.default.removeItem(atPath: map) }
          throw error
        }
        for warning in result.change.warnings { context.progress.warn("\(item.id): \(warning)") }
        cases.append(one)
      } catch let error as any ClassifiedError where error.failure == .interrupted {
        throw error
      } catch {
        guard inputs.isBatch else { throw error }
        let sentence = ExitReport(error, parser: LaminaCommand.self).sentence
        context.progress.warn("\(item.id): \(sentence)")
        cases.append(HarmonisedCase(id: item.id, status: "failed", error: sentence))
      }
    }
    if let differences, let maps {
      try context.outputs.writeFolder(OutputPath.normalised(differences)) { folder in
        for name in try FileManager.default.contentsOfDirectory(atPath: maps.path) {
          try FileManager.default.moveItem(
            atPath: maps.path + "/" + name,
            toPath: folder + "/" + name
          )
        }
      }
    }
    return cases
  }
}
