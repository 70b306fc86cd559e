import ArgumentParser
import ClassicalSegmentation
import Enhancement
import Evaluation
import Foundation
import ImagingIO
import Pipelines
import Recognition
import Reporting
import Support

extension PrecisionChoice: ExpressibleByArgument {}
extension VolumeIntervals.Scale: ExpressibleByArgument {}

/// `lamina segment`: label maps from scans.
struct SegmentCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "segment",
    abstract: "Segments scans with a model or a classical method.",
    discussion: """
      INPUT is an image file, a folder or zip of DICOM, or a folder of NIfTI files (a batch: one \
      folder per case, and manifest.json; a case that fails is listed there and never stops the \
      others). The label map lies on exactly the scan's grid.

      Classical methods stand in the place of a model, with their settings after a colon \
      (otsu:classes=3): \(classicalMethods). Those marked * also improve a model's labels by \
      --refine. lamina model show METHOD says what each can be told.

      atlas:FOLDER lays the labelled scans of a data set (imagesTr, labelsTr) over the scan and joins \
      their labels; with settings after commas, such as \
      atlas:FOLDER,transform=bspline,fusion=locally-weighted: transform is rigid, affine or bspline, \
      fusion majority, staple or locally-weighted, metric mi, ncc or ms, spacing that of the control \
      points in mm.
      """
  )

  /// The names of the classical methods.
  private static var classicalMethods: String {
    let refining = ClassicalMethodCatalog.refinements.map { $0.name }
    return ClassicalMethodCatalog.all.map { type in
      type.name + (refining.contains(type.name) ? "*" : "")
    }.joined(separator: ", ")
  }

  /// What `--write` adds to a result folder.
  enum Extra: String, ExpressibleByArgument, CaseIterable {
    /// A DICOM SEG.
    case seg
    /// A DICOM structure set.
    case rtstruct
    /// A DICOM measurement report.
    case sr
    /// Class probabilities as numpy reads them.
    case probabilities
    /// Maps of how unsure the model is of each voxel, and scores of the case and its structures.
    case uncertainty
    /// A picture in each of the three planes.
    case preview
    /// An HTML page.
    case report
  }

  @Argument(help: "NIfTI file, DICOM file or folder, or folder of NIfTI files.")
  var inputs: [String]

  @Option(
    name: .shortAndLong,
    parsing: .singleValue,
    help: ArgumentHelp(
      "A model's name or folder (`lamina model list`); of several the probabilities are averaged. "
        + "Or a classical method, or atlas:FOLDER.",
      valueName: "model"
    )
  )
  var model: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A .nii or .nii.gz file for one label map; otherwise a folder.",
      valueName: "out"
    )
  )
  var output: String

  @Option(
    name: .customLong("stage"),
    parsing: .singleValue,
    help: ArgumentHelp(
      "A model or filter of `lamina enhance` that improves the scan before; repeatable.",
      discussion: "The label map lies on the scan's own grid all the same.",
      valueName: "model"
    )
  )
  var stages: [String] = []

  @Option(
    name: .customLong("refine"),
    parsing: .singleValue,
    help: ArgumentHelp(
      "A classical method that improves the labels by the scan, such as crf:space=5; repeatable.",
      valueName: "method"
    )
  )
  var refinements: [String] = []

  @Option(
    help: ArgumentHelp(
      "Seeds for a classical method: a label map on the scan's grid, 0 where nothing is known; for "
        + "a batch a folder with one for each case.",
      valueName: "file"
    )
  )
  var seeds: String?

  @Option(
    name: .customLong("write"),
    parsing: .singleValue,
    help: ArgumentHelp(
      "What to add to a result folder; repeatable.",
      valueName: "seg|rtstruct|sr|probabilities|uncertainty|preview|report"
    )
  )
  var extras: [Extra] = []

  @Option(
    name: .customLong("explain"),
    parsing: .singleValue,
    help: ArgumentHelp(
      "Show what moved each structure's score, as maps and pictures beside the labels; repeatable.",
      discussion: "For networks of slices and of nnU-Net's kind, one input channel.",
      valueName: ExplanationMethod.allCases.map(\.rawValue).joined(separator: "|")
    )
  )
  var explanations: [ExplanationMethod] = []

  @Option(
    help: ArgumentHelp(
      "With --write uncertainty: how often the dropout of the model's networks is drawn (2 to 1000); "
        + "without it networks and mirror images are compared as they are.",
      valueName: "n"
    )
  )
  var uncertaintySamples: Int?

  @Option(
    help: ArgumentHelp("Seed of --uncertainty-samples (default: 1).", valueName: "seed")
  )
  var seed: UInt64?

  @Option(
    help: ArgumentHelp(
      "Give each volume an interval that holds the true one in most cases like those of FILE.",
      discussion:
        "FILE is what lamina evaluate wrote of held-out cases of this model (split conformal prediction).",
      valueName: "file"
    )
  )
  var volumeIntervals: String?

  @Option(
    help: ArgumentHelp(
      "With --volume-intervals: the share of cases whose true volume lies within, 0.5 to 0.999 "
        + "(default: \(VolumeIntervals.usualLevel)).",
      valueName: "share"
    )
  )
  var coverage: Double?

  @Option(
    help: ArgumentHelp(
      "With --volume-intervals: what intervals widen with, the volume or the volume times the "
        + "uncertainty (default: volume; uncertainty takes --write uncertainty and evaluate "
        + "--uncertainty).",
      valueName: "volume|uncertainty"
    )
  )
  var intervalScale: VolumeIntervals.Scale?

  @Option(
    help: ArgumentHelp(
      "With --write report: unit of the scan's values, such as HU (default: what the scan says).",
      valueName: "unit"
    )
  )
  var unit: String?

  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Average over mirror images along the axes that the model allows.",
      discussion: "On by default for models of nnU-Net, as in nnU-Net."
    )
  )
  var tta: Bool?

  @Option(
    help: ArgumentHelp(
      "Numbers to compute with; auto is the fastest that the model's self-test allows on this "
        + "processor.",
      valueName: "f32|bf16|int8|auto"
    )
  )
  var precision = PrecisionChoice.f32

  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Reproduce the arithmetic of the program that the model comes from.",
      discussion: "On by default for models of nnU-Net in f32; off is faster."
    )
  )
  var exact: Bool?

  @Option(
    help: ArgumentHelp(
      "Which of the model's folds to average, separated by commas (default: all).",
      valueName: "0,1"
    )
  )
  var folds: String?

  @Option(
    help: ArgumentHelp(
      "Distance of neighbouring tiles as a share of their size, above 0 and at most 1 (default: "
        + "the model's, 0.5 for nnU-Net).",
      valueName: "share"
    )
  )
  var step: Double?

  @Option(
    help: ArgumentHelp(
      "A ceiling of memory, GB (10^9 bytes); the result is the same.",
      valueName: "GB"
    )
  )
  var memory: Double?

  @Flag(
    help: ArgumentHelp(
      "Compute only the first of the tiles that hold nothing but air (CT models of nnU-Net).",
      discussion: "Serves the others with its scores if those are background by a wide margin."
    )
  )
  var skipAir = false

  @Option(
    help: ArgumentHelp(
      "Structures to keep, separated by commas (default: all).",
      discussion: "Of TotalSegmentator's models only those that know one of them run.",
      valueName: "a,b"
    )
  )
  var labels: String?

  @Flag(help: "Keep only the largest connected component of each structure.")
  var postprocess = false

  @Flag(help: "Leave out cases of a batch whose results are there.")
  var resume = false

  @Option(
    help: ArgumentHelp(
      "Tasks of --slurm, each of which segments a part of the cases (default: 8, or one a case).",
      valueName: "n"
    )
  )
  var slurmTasks: Int?

  @OptionGroup var slurmOptions: SlurmOptions
  @OptionGroup var selectionOptions: SelectionOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  private struct Answer: Encodable {
    let output: String
    let structures: [StructureStatistics]
    let objects: ObjectStatistics?
    let totals: [VolumeTotal]?
    let uncertainty: UncertaintyStatistics?
    let seconds: Double
    let peakMemoryMB: Double
    let problems: [InputProblem]

    init(_ result: SegmentationRun.Result, output: String) throws {
      self.output = output
      let statistics = try result.statistics()
      structures = statistics.structures
      objects = statistics.objects
      totals = statistics.totals
      uncertainty = statistics.uncertainty
      seconds = (result.record.seconds * 1000).rounded() / 1000
      peakMemoryMB = result.record.peakMemoryMB
      problems = result.record.problems
    }

    var text: String {
      let lines =
        objects.map { objects in
          let size = objects.medianVoxels.map { ", median \($0) pixels" } ?? ""
          return ["  \(objects.name): \(objects.count)\(size)"]
        }
        ?? structures.map {
          "  \($0.name): \(ReportNumber.millilitres($0.volumeML)) ml"
            + ($0.volumeInterval.map { " (\(SegmentCommand.words($0)))" } ?? "")
        } + (totals ?? []).map { "  \($0.name): \(ReportNumber.millilitres($0.volumeML)) ml" }
      let doubt = uncertainty?.meanEntropy.map {
        ["  uncertainty, 0 to 1: \(ReportNumber.significant($0, 3))"]
      }
      return (["\(output): \(ReportNumber.duration(seconds))"] + lines + (doubt ?? []))
        .joined(separator: "\n")
    }
  }

  private var writesOneFile: Bool {
    let name = output.lowercased()
    return name.hasSuffix(".nii") || name.hasSuffix(".nii.gz")
  }

  func validate() throws {
    if writesOneFile, !extras.isEmpty {
      throw ValidationError("--write needs a folder as --output, not \(output).")
    }
    if writesOneFile, extras.contains(.probabilities) {
      throw ValidationError("--write probabilities needs a folder as --output.")
    }
    if uncertaintySamples != nil, !extras.contains(.uncertainty) {
      throw ValidationError("--uncertainty-samples is for --write uncertainty; add it.")
    }
    if let uncertaintySamples, !(2...1000).contains(uncertaintySamples) {
      throw ValidationError("--uncertainty-samples must be 2 to 1000.")
    }
    if seed != nil, uncertaintySamples == nil {
      throw ValidationError("--seed is for --uncertainty-samples; nothing else is drawn.")
    }
    if !explanations.isEmpty {
      if writesOneFile {
        throw ValidationError("--explain needs a folder as --output, not \(output).")
      }
      if !stages.isEmpty {
        throw ValidationError("--explain looks at the scan itself; leave out --stage.")
      }
    }
    if volumeIntervals == nil, coverage != nil || intervalScale != nil {
      throw ValidationError("--coverage and --interval-scale are for --volume-intervals; add it.")
    }
    if let coverage, !VolumeIntervals.levels.contains(coverage) {
      throw ValidationError("--coverage \(coverage) is not 0.5 to 0.999.")
    }
    if intervalScale == .uncertainty, !extras.contains(.uncertainty) {
      throw ValidationError("--interval-scale uncertainty takes --write uncertainty; add it.")
    }
    if volumeIntervals != nil, writesOneFile {
      throw ValidationError("--volume-intervals needs a folder as --output, not \(output).")
    }
    if unit != nil, !extras.contains(.report) {
      throw ValidationError("--unit is for the page; add --write report.")
    }
    if let step, !(step > 0 && step <= 1) {
      throw ValidationError("--step \(step) is not above 0 and at most 1.")
    }
    if let memory, !(memory > 0 && memory < 1e6) {
      throw ValidationError("--memory \(memory) is no number of GB.")
    }
    if slurmOptions.slurm, outputOptions.force {
      throw ValidationError("--slurm goes on from what is there; remove it instead of --force.")
    }
    if let slurmTasks, !slurmOptions.slurm || !(1...1000).contains(slurmTasks) {
      throw ValidationError("--slurm-tasks must be 1 to 1000, with --slurm.")
    }
    if let labels, labels.allSatisfy({ $0 == "," || $0.isWhitespace }) {
      throw ValidationError("--labels names no structure.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let store = ModelStore()
    let finder = try LabelFinder(model, store: store)
    try check(finder)
    let inputs = try SegmentationInputs(inputs, picturesAreCases: finder.takesPictures)
    if writesOneFile, inputs.cases.count > 1 {
      throw ValidationError(
        "\(inputs.cases.count) cases need a folder as --output, not the file \(output)."
      )
    }
    let output = OutputPath.normalised(output)
    let writesBatch = inputs.isBatch && !writesOneFile
    if !writesBatch, resume || slurmOptions.slurm || slurmOptions.part != nil {
      throw ValidationError("--resume, --slurm and --part are for a batch of scans.")
    }
    if !resume, slurmOptions.part == nil { try context.outputs.check(output) }
    if slurmOptions.slurm {
      let tasks = min(slurmTasks ?? 8, inputs.cases.count)
      try slurmOptions.submit("segment", output: output, parts: tasks, in: context)
      return .complete
    }
    var options = SegmentationRun.Options()
    options.selection = selectionOptions.selection
    options.usesMirroring = tta
    options.structures = labels.map {
      $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    options.postprocesses = postprocess
    options.precision = precision
    options.isExact = exact
    options.step = step
    options.skipsAir = skipAir
    options.folds = folds.map {
      $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    }
    options.memoryLimit = memory.map { Int($0 * 1e9) }
    options.wantsProbabilities = extras.contains(.probabilities)
    options.wantsUncertainty = extras.contains(.uncertainty)
    options.explanations = explanations.map(\.rawValue)
    options.uncertaintySamples = uncertaintySamples
    options.seed = seed ?? 1
    options.stages = try stages.map { try StageCatalog.stage($0, store: store) }
    options.refinements = try refinements.map {
      try ClassicalMethodCatalog.refinement(describedBy: $0)
    }
    options.seeds = seeds
    options.volumeIntervals = try intervals(finder, structures: options.structures)
    options.command = OutputPath.command
    let run = try finder.run(
      options,
      progress: context.progress,
      interruption: context.interruption
    )
    if precision == .auto {
      let chosen = run.precision
      context.progress.note("Precision \(chosen.precision.rawValue) (\(chosen.reason)).")
    }
    let explaining = try SegmentationExplaining(finder, methods: explanations, in: context)
    if writesBatch {
      return try batch(
        inputs,
        into: output,
        run: run,
        model: finder.name,
        explaining: explaining,
        in: context
      )
    }
    let result = try run.segment(inputs.cases[0])
    warn(result, in: context)
    if writesOneFile {
      try context.outputs.writeFile(output) { try NIfTIWriter.write(result.labelMap, to: $0) }
    } else {
      try context.outputs.writeFolder(output) {
        try write(result, to: $0, explaining: explaining)
      }
    }
    let answer = try Answer(result, output: output)
    try context.confirm(answer) { answer.text }
    return .complete
  }

  /// Options that mean nothing for what finds the labels.
  private func check(_ finder: LabelFinder) throws {
    let name: String
    switch finder {
    case .models where seeds == nil: return
    case .models: throw ValidationError("--seeds is for classical methods; a model needs none.")
    case .atlases where seeds != nil:
      throw ValidationError("--seeds is for classical methods; atlases need none.")
    case .atlases: name = "atlas"
    case .method(let method): name = type(of: method).name
    }
    let unfit = [
      ("--explain", !explanations.isEmpty), ("--tta", tta != nil),
      ("--precision", precision != .f32), ("--exact", exact != nil),
      ("--folds", folds != nil), ("--step", step != nil), ("--skip-air", skipAir),
    ].filter(\.1).map(\.0)
    if !unfit.isEmpty {
      throw ValidationError(
        "\(unfit.joined(separator: ", ")) is for models; \(name) takes its "
          + "settings after a colon."
      )
    }
  }
}
