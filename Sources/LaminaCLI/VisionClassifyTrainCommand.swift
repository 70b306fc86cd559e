import ArgumentParser
import Recognition

/// `lamina vision classify train`.
struct VisionClassifyTrainCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a network on labelled images, calibrates it and measures it on a test.",
    discussion: """
      DATA is a folder with a folder for each class (also within train, val and test), a table (image, \
      label; or a column of 0 and 1 for each finding; split, patient and further columns are used), an \
      .npz as MedMNIST's, or a table of pixels. Patients stay on one side of a split.
      """
  )

  @Argument(help: "Folder, table or .npz.")
  var data: String

  @Option(
    help: ArgumentHelp(
      "Share of the reference spread over all classes, 0 to 1.",
      valueName: "share"
    )
  )
  var labelSmoothing = 0.0

  @Option(
    help: ArgumentHelp(
      "Share of images whose true class should be in the conformal set.",
      valueName: "share"
    )
  )
  var coverage = 0.9

  @OptionGroup var training: VisionTrainingOptions
  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  func validate() throws {
    guard (0..<1).contains(labelSmoothing) else {
      throw ValidationError("--label-smoothing must be 0 to below 1.")
    }
    guard coverage > 0, coverage < 1 else {
      throw ValidationError("--coverage must be between 0 and 1.")
    }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    var request = training.request
    request.coverage = coverage
    if labelSmoothing > 0 { request.loss = .crossEntropy(labelSmoothing: labelSmoothing) }
    try training.train(data, request, mayReplace: outputOptions.force, in: context)
    return .complete
  }
}
