import ArgumentParser

/// `lamina vision`: networks for whole images, on the same engine.
struct VisionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vision",
    abstract: "Trains and runs networks that say what images show, scans or others.",
    discussion: """
      Pictures (PNG, JPEG, TIFF, BMP), slices of volumes, image sequences, and electrocardiograms. Each \
      task has train and run.
      """,
    subcommands: [
      VisionClassifyCommand.self, VisionRegressCommand.self, VisionDetectCommand.self,
      VisionRecogniseCommand.self, VisionExplainCommand.self, VisionSequenceCommand.self,
      VisionECGCommand.self, VisionCaptionCommand.self, VisionCompressCommand.self,
      VisionDecompressCommand.self, VisionAnomalyCommand.self, VisionInpaintCommand.self,
      VisionGenerateCommand.self, VisionStyliseCommand.self, VisionColouriseCommand.self,
    ]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// `lamina vision classify`.
struct VisionClassifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "classify",
    abstract: "Tells which class, or which findings, an image shows.",
    subcommands: [
      VisionClassifyTrainCommand.self, VisionClassifyRunCommand.self,
      VisionClassifyEvaluateCommand.self,
    ]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

/// `lamina vision recognise`.
struct VisionRecogniseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recognise",
    abstract: "Tells whether images show the same, and finds it in a gallery.",
    subcommands: [VisionRecogniseTrainCommand.self, VisionRecogniseRunCommand.self]
  )

  func run() throws {
    throw MissingVerb(help: LaminaCommand.helpMessage(for: Self.self))
  }
}

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
