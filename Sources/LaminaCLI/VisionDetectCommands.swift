import ArgumentParser
import Foundation
import ImagingIO
import Networks
import Pipelines
import Recognition
import Reporting
import Support

extension YOLOConfiguration.Scale: ExpressibleByArgument {}

/// `lamina vision detect`.
struct VisionDetectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "detect",
    abstract: "Finds objects as boxes, in pictures and in volumes.",
    subcommands: [
      VisionDetectTrainCommand.self, VisionDetectRunCommand.self, VisionDetectEvaluateCommand.self,
    ]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// `lamina vision detect train`.
struct VisionDetectTrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a YOLO on pictures with boxes.",
    discussion: """
      DATA is a folder in Pascal VOC's layout (Annotations, JPEGImages, ImageSets/Main) or a JSON file in \
      COCO's. Boxes outside their picture, missing files and unknown classes are left out and counted.
      """
  )

  @Argument(help: "Folder in Pascal VOC's layout, or JSON file in COCO's.")
  var data: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("Where the model goes: a new folder.", valueName: "model")
  )
  var output: String

  @Option(
    help: ArgumentHelp("List of the pictures to train on (VOC; default: all).", valueName: "name")
  )
  var split: String?

  @Option(
    help: ArgumentHelp(
      "List of the pictures to look at on the way (VOC), or a JSON file (COCO); default: a tenth.",
      valueName: "name"
    )
  )
  var heldOut: String?

  @Option(
    help: ArgumentHelp(
      "Folder of the pictures (COCO; default: beside the file).",
      valueName: "folder"
    )
  )
  var images: String?

  @Option(help: ArgumentHelp("Size of the network.", valueName: "nano|small"))
  var scale = YOLOConfiguration.Scale.nano

  @Option(help: ArgumentHelp("Longest side of what the network sees.", valueName: "pixels"))
  var size = 416

  @Flag(help: "Grids of 4, 8 and 16 pixels, for small objects.")
  var small = false

  @Flag(help: "See colour pictures as grey ones.")
  var grey = false

  @Flag(
    name: .customLong("flip-down"),
    help: "Turn pictures upside down at random, where no side is up."
  )
  var flipsDown = false

  @Option(help: ArgumentHelp("Pictures of one step.", valueName: "n"))
  var batch = 16

  @Option(help: ArgumentHelp("Learning rate at the start (AdamW, cosine).", valueName: "rate"))
  var learningRate = 1e-3

  @Option(help: ArgumentHelp("Train for so many minutes.", valueName: "minutes"))
  var minutes: Double?

  @Option(help: ArgumentHelp("Train for so many steps (default: 2000).", valueName: "n"))
  var steps: Int?

  @Option(help: ArgumentHelp("Seed of every random choice.", valueName: "n"))
  var seed: UInt64 = 1

  @Flag(help: "Go on from the last checkpoint.")
  var resume = false

  @Option(help: ArgumentHelp("Terms of use of the pictures, for the card.", valueName: "text"))
  var licence = "not stated"

  @Option(help: ArgumentHelp("Where the pictures come from, for the card.", valueName: "text"))
  var source = "not stated"

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  /// Share of the pictures that is looked at where no list is named.
  private static let heldOutShare = 0.1
  private static let usualSteps = 2000

  private struct Answer: Encodable {
    let model: String
    let steps: Int
    let seconds: Double
    let results: [ModelDescription.Result]
    let notes: [String]
  }

  func validate() throws {
    if !(32...4096).contains(size) { throw ValidationError("--size must be 32 to 4096 pixels.") }
    if !(1...1024).contains(batch) { throw ValidationError("--batch must be 1 to 1024.") }
    if !(learningRate > 0 && learningRate < 10) {
      throw ValidationError("--learning-rate must be above 0 and below 10.")
    }
    if minutes != nil, steps != nil {
      throw ValidationError("--minutes and --steps exclude each other.")
    }
    if let minutes, !(minutes > 0 && minutes < 1e6) {
      throw ValidationError("--minutes must be more than 0.")
    }
    if let steps, !(1...100_000_000).contains(steps) {
      throw ValidationError("--steps must be at least 1.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    let checkpoints = output + ".training"
    try context.outputs.check(output)
    if !resume, !outputOptions.force, FileManager.default.fileExists(atPath: checkpoints) {
      throw UnfinishedTraining(path: checkpoints)
    }
    let (training, looked) = try dataSets(context)
    for note in training.notes { context.progress.warn(note) }
    let configuration = configuration(for: training)
    let trainer = DetectionTrainer(
      training: training,
      heldOut: looked,
      checkpointFolder: checkpoints,
      outputs: OutputGuard(mayReplace: true, interruption: context.interruption),
      progress: context.progress,
      interruption: context.interruption
    )
    let outcome = try trainer.run(
      configuration,
      budget: minutes.map { .minutes($0) } ?? .steps,
      resumes: resume
    )
    let model = TrainedDetector(
      outcome: outcome,
      name: URL(fileURLWithPath: output).lastPathComponent,
      dataset: training.name,
      licence: licence,
      source: source,
      command: OutputPath.command
    )
    try context.outputs.writeFolder(output) { try model.write(to: $0) }
    trainer.discardCheckpoints()
    let answer = Answer(
      model: output,
      steps: outcome.configuration.learning.steps,
      seconds: outcome.epochs.last?.seconds ?? 0,
      results: model.results,
      notes: outcome.notes
    )
    try context.confirm(answer) {
      let minutes = (answer.seconds / 6).rounded() / 10
      return
        (["\(output): \(answer.steps) steps in \(minutes) minutes"]
        + answer.results.map {
          "\($0.structure)  \($0.metric)  \($0.mean) (\(outcome.heldOutNames.count) held-out pictures)"
        }).joined(separator: "\n")
    }
    return .complete
  }

  private func dataSets(
    _ context: CommandContext
  ) throws -> (training: DetectionDataset, heldOut: DetectionDataset) {
    let all = try DetectionDataset.open(
      data,
      split: split,
      images: images,
      interruption: context.interruption
    )
    guard let heldOut else { return all.split(heldOut: Self.heldOutShare, seed: seed) }
    let isFile = heldOut.lowercased().hasSuffix(".json")
    let others = try DetectionDataset.open(
      isFile ? heldOut : data,
      split: isFile ? nil : heldOut,
      images: images,
      classes: all.classes,
      interruption: context.interruption
    )
    return (all, others)
  }

  private func configuration(for data: DetectionDataset) -> DetectionConfiguration {
    let network = YOLOConfiguration(
      scale,
      inputChannels: grey ? 1 : 3,
      classes: data.classes.count,
      findsSmallObjects: small
    )
    // The usual picture's shape: the median of width over height.
    let shapes = data.images.sorted { $0.width * $1.height < $1.width * $0.height }
    let usual = shapes.isEmpty ? nil : shapes[shapes.count / 2]
    var result = DetectionConfiguration(
      network: network,
      imageSize: DetectionConfiguration.imageSize(
        longestSide: size,
        width: usual?.width ?? 1,
        height: usual?.height ?? 1,
        strides: network.strides
      )
    )
    if flipsDown { result.augmentation.flipDown = 0.5 }
    result.learning.batchSize = batch
    result.learning.learningRate = learningRate
    result.learning.steps = steps ?? Self.usualSteps
    result.learning.seed = seed
    return result
  }
}

/// `lamina vision detect evaluate`.
struct VisionDetectEvaluateCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures a detector on pictures with boxes: average precision as COCO's.",
    discussion: "DATA is as for train; classes are those of the model."
  )

  @Argument(help: "Folder in Pascal VOC's layout, or JSON file in COCO's.")
  var data: String

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's name or folder.", valueName: "model"))
  var model: String

  @Option(help: ArgumentHelp("List of the pictures (VOC; default: all).", valueName: "name"))
  var split: String?

  @Option(
    help: ArgumentHelp(
      "Folder of the pictures (COCO; default: beside the file).",
      valueName: "folder"
    )
  )
  var images: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A .json file for the results.", valueName: "file")
  )
  var output: String

  @Option(help: ArgumentHelp("A page, .html.", valueName: "file"))
  var report: String?

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    if !output.lowercased().hasSuffix(".json") {
      throw ValidationError("--output must end in .json.")
    }
    if let report, !report.lowercased().hasSuffix(".html") {
      throw ValidationError("--report must end in .html.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    for path in [output, report].compactMap(\.self) { try context.outputs.check(path) }
    let detector = try Detector(ModelStore().model(model))
    let data = try DetectionDataset.open(
      data,
      split: split,
      images: images,
      classes: detector.classes,
      interruption: context.interruption
    )
    for note in data.notes { context.progress.warn(note) }
    let measured = try DetectionMeasurement(
      detector,
      on: data,
      progress: context.progress,
      interruption: context.interruption
    )
    let summary = measured.summary
    try context.outputs.write(try JSONOutput.data(summary), to: output)
    if let report {
      let page = try DetectionReportInput.page(
        measured,
        detector,
        data,
        split: split
      )
      try context.outputs.write(Data(try ReportBuilder().html(page, date: Date()).utf8), to: report)
    }
    func text(_ value: Double?) -> String {
      value.map { ReportNumber.significant($0, 4) } ?? ReportNumber.undefined
    }
    try context.confirm(summary) {
      ([
        "\(output): \(summary.images) pictures, mAP@0.5 \(text(summary.map50)), mAP \(text(summary.map))"
      ]
        + summary.classes.map {
          "  \($0.name): AP@0.5 \(text($0.ap50)), AP \(text($0.ap)) (\($0.objects) objects)"
        }).joined(separator: "\n")
    }
    return summary.notes.isEmpty ? .complete : .partial
  }
}
