import ArgumentParser
import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support

extension ScanSynthesis.Contrast: ExpressibleByArgument {}

/// `lamina synthesize`: scans made from label maps.
struct SynthesizeCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "synthesize",
    abstract: "Makes scans from label maps, with the labels that they show.",
    discussion: """
      LABELMAPS is a folder of label maps; --description names the JSON file with their labels and the \
      table of intensities, as train --synthesize takes it. Every head is deformed anew and written in each \
      --contrast: OUT/CONTRAST/NAME.nii.gz, and OUT/labels/NAME.nii.gz. Heads of one name are the same \
      in all contrasts, so that train --enhance translate --paired can learn one from another. Made scans \
      are no patients; what a model shows on them says little of real ones.
      """
  )

  @Argument(help: "Folder of label maps.")
  var labelmaps: String

  @Option(
    help: ArgumentHelp("Labels and table of intensities, if not dataset.json.", valueName: "file")
  )
  var description: String?

  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Intensities of tissues; may be given again (default: random).",
      valueName: "random|t1|t2"
    )
  )
  var contrast: [ScanSynthesis.Contrast] = []

  @Option(help: ArgumentHelp("How many heads; they take turns at the maps.", valueName: "n"))
  var count = 10

  @Flag(help: "With noise, coarse resolution, stripped skulls and cut fields, as in trainings.")
  var varied = false

  @Option(help: ArgumentHelp("Seed of every random choice.", valueName: "n"))
  var seed: UInt64 = 1

  @Option(name: .shortAndLong, help: ArgumentHelp("A new folder.", valueName: "out"))
  var output: String

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }

  func validate() throws {
    if !(1...100_000).contains(count) { throw ValidationError("--count must be 1 to 100000.") }
    if Set(contrast).count < contrast.count {
      throw ValidationError("--contrast names one contrast twice.")
    }
  }

  private struct Answer: Encodable {
    let output: String
    let heads: Int
    let contrasts: [String]
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    try context.outputs.check(output)
    let dataset = try SegmentationDataset(path: labelmaps, description: description)
    let contrasts = contrast.isEmpty ? [.random] : contrast
    let synthesis = ScanSynthesis(dataset, contrasts: contrasts, isVaried: varied)
    try context.outputs.writeFolder(output) { path in
      for name in contrasts.map(\.rawValue) + ["labels"] {
        try FileManager.default.createDirectory(
          atPath: path + "/" + name,
          withIntermediateDirectories: true
        )
      }
      try synthesis.make(
        count,
        seed: seed,
        progress: context.progress,
        interruption: context.interruption
      ) { made in
        let name = "/\(made.id).nii.gz"
        try NIfTIWriter.write(
          .float32(made.scan),
          to: path + "/" + made.contrast.rawValue + name
        )
        if made.contrast == contrasts[0] {
          try NIfTIWriter.write(made.labelMap, to: path + "/labels" + name)
        }
      }
      let note = """
        Made from the label maps of \(dataset.name) by `\(OutputPath.command)`, Lamina \
        \(Version.current). These scans show no patients. \(Version.disclaimer)

        """
      try OutputGuard(mayReplace: true).write(Data(note.utf8), to: path + "/README.md")
    }
    let answer = Answer(output: output, heads: count, contrasts: contrasts.map(\.rawValue))
    try context.confirm(answer) {
      "\(output): \(count) heads, \(answer.contrasts.joined(separator: ", ")), and labels"
    }
    return .complete
  }
}
