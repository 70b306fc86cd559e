import ArgumentParser
import Foundation
import Pipelines
import Support

/// `lamina plan`: checks a data set and shows the training that suits it.
struct PlanCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Checks a labelled data set and plans a training for it, within memory and time.",
    discussion: """
      DATASET is a folder in nnU-Net's raw layout or the Medical Segmentation Decathlon's. Every \
      scan and label map is opened, and everything wrong or odd is listed with its remedy. The plan \
      follows nnU-Net's published rules (Isensee et al. 2021), each number with the rule that gave \
      it. This machine is timed for some seconds; with --minutes samples of a step, channels and \
      patch are reduced, in this order, until at least \(TrainingPlan.leastSteps) steps are left. \
      lamina train uses the same plan.

      --fix writes a mended copy beside the data set or to --output; the originals stay as they are. \
      Label maps less than 0.01 mm off their scan get its place, labels stored as fractions become \
      whole numbers, copies of a scan and cases with other faults are left out; all is listed.
      """
  )

  @Argument(help: "Folder with dataset.json.")
  var dataset: String

  @OptionGroup var planning: PlanningOptions

  @Option(help: ArgumentHelp("Wall time of the training (default: none).", valueName: "min"))
  var minutes: Double?

  @Flag(help: "Write a mended copy of the data set.")
  var fix = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Folder of the mended copy (default: DATASET-fixed).", valueName: "folder")
  )
  var output: String?

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    try planning.check(minutes: minutes)
    if output != nil, !fix { throw ValidationError("--output is for the copy that --fix writes.") }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let target = OutputPath.normalised(output ?? OutputPath.normalised(dataset) + "-fixed")
    if fix { try context.outputs.check(target) }
    let source = try SegmentationDataset(path: dataset, description: planning.description)
    guard source.synthesis == nil else {
      throw PipelinesError.notADataset(
        path: dataset,
        reason: "it describes label maps alone, for lamina train --synthesize"
      )
    }
    let (check, plan) = try DatasetPlanner.plan(
      source,
      request: planning.request(minutes: minutes),
      progress: context.progress,
      interruption: context.interruption
    )
    var actions: [DatasetMending.Action]?
    if fix {
      try context.outputs.writeFolder(target) { folder in
        actions = try DatasetMending(source, check: check).write(
          to: folder,
          progress: context.progress,
          interruption: context.interruption
        )
      }
    }
    let answer = PlanAnswer(
      dataset: source,
      check: check,
      plan: plan,
      fixed: actions.map { PlanAnswer.Fixed(path: target, actions: $0) }
    )
    try context.answer(answer) { PlanText.describe(answer) }
    guard check.faults.isEmpty || fix else {
      throw PipelinesError.faultyDataset(path: dataset, faults: check.faults)
    }
    return .complete
  }
}

/// The JSON of `lamina plan`.
struct PlanAnswer: Encodable {
  /// What `--fix` wrote.
  struct Fixed: Encodable {
    /// The folder.
    let path: String
    /// What was done.
    let actions: [DatasetMending.Action]
  }

  private struct Label: Encodable {
    let id: Int
    let name: String
  }

  let dataset: SegmentationDataset
  let check: DatasetCheck
  let plan: TrainingPlan?
  let fixed: Fixed?

  private struct Region: Encodable {
    let name: String
    let labels: [Int]
    let painted: Int
  }

  private enum Keys: String, CodingKey {
    case schema, name, cases, channels, labels, regions, findings, copies, fingerprint, plan, fixed
  }
  private enum PlanKeys: String, CodingKey {
    case rows, estimate, speed, references, configuration
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Keys.self)
    try container.encode("lamina.plan/1", forKey: .schema)
    try container.encode(dataset.name, forKey: .name)
    try container.encode(dataset.cases.count, forKey: .cases)
    try container.encode(
      dataset.labels.map { Label(id: $0.id, name: $0.name) },
      forKey: .labels
    )
    try container.encode(dataset.channelNames, forKey: .channels)
    try container.encode(
      dataset.regions.map { Region(name: $0.name, labels: $0.labels, painted: $0.painted) },
      forKey: .regions
    )
    try container.encode(check.findings, forKey: .findings)
    try container.encode(check.copies, forKey: .copies)
    try container.encode(check.fingerprint, forKey: .fingerprint)
    try container.encode(fixed, forKey: .fixed)
    guard let plan else { return try container.encodeNil(forKey: .plan) }
    var nested = container.nestedContainer(keyedBy: PlanKeys.self, forKey: .plan)
    try nested.encode(plan.rows, forKey: .rows)
    try nested.encode(plan.estimate, forKey: .estimate)
    try nested.encode(plan.speed, forKey: .speed)
    try nested.encode(plan.references, forKey: .references)
    try nested.encode(plan.configuration, forKey: .configuration)
  }
}

/// The words of `lamina plan`.
enum PlanText {
  static func describe(_ answer: PlanAnswer) -> String {
    let (faults, all) = (answer.check.faults.count, answer.check.findings)
    var lines = [
      "\(answer.dataset.name): \(answer.dataset.cases.count) cases, "
        + "\(structures(answer.dataset)), \(faults) "
        + "\(faults == 1 ? "fault" : "faults"), \(all.count - faults) remarks"
    ]
    for finding in all {
      lines.append("  \(finding.isFault ? "fault" : "remark"): \(finding.message)")
      lines.append("    \(finding.remedy)")
    }
    if let fixed = answer.fixed {
      lines += ["", "\(fixed.path): the mended copy"]
      if fixed.actions.isEmpty { lines.append("  nothing was changed") }
      lines += fixed.actions.map {
        "  \($0.kind == .mended ? "mended" : "left out"): \($0.caseID): \($0.reason)"
      }
    }
    if let plan = answer.plan { lines += [""] + table(plan) }
    return lines.joined(separator: "\n")
  }

  private static func structures(_ dataset: SegmentationDataset) -> String {
    let channels = dataset.channelNames.count
    let words =
      dataset.regions.isEmpty
      ? "\(dataset.labels.count) structures" : "\(dataset.regions.count) regions"
    return channels > 1 ? "\(channels) channels, \(words)" : words
  }

  /// The plan's numbers with their rules, and a warning where they do not suffice.
  static func table(_ plan: TrainingPlan) -> [String] {
    let names = plan.rows.map(\.name.count).max() ?? 0
    let values = min(28, plan.rows.map(\.value.count).max() ?? 0)
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.count))
    }
    var lines = plan.rows.map { row in
      "\(padded(row.name, names))  \(padded(row.value, values))  \(row.rule)"
    }
    if !plan.estimate.fits {
      lines.append("This is the smallest plan, and still too large for the memory or the time.")
    }
    return lines
  }
}
