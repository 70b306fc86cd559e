import ArgumentParser

/// What `lamina train` does with scans that nobody labelled.
struct UnlabelledOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Learn to fill in blanked blocks of scans; no label is read.",
      discussion: "Scans lie in imagesTr, imagesUn and imagesTs. The model is for --from."
    )
  )
  var pretrain = false

  @Option(
    help: ArgumentHelp(
      "Scans to train on too, labelled by the model of --from.",
      valueName: "folder"
    )
  )
  var pseudoLabels: String?

  @Option(
    help: ArgumentHelp(
      "Probability from which on such a voxel counts, 0 to 1.",
      valueName: "p"
    )
  )
  var confidence = 0.9

  @Option(
    help: ArgumentHelp(
      "Do not train: name the n scans without labels that are most worth labelling.",
      discussion: "By the doubts of the model of --from, and how different the scans are.",
      valueName: "n"
    )
  )
  var suggest: Int?

  /// Checks the options against each other.
  /// - Parameters:
  ///   - from: The model of `--from`.
  ///   - synthesize: Whether images are made from label maps.
  ///   - output: The new model's folder; empty when none was given.
  /// - Throws: `ValidationError`.
  func check(from: String?, synthesize: Bool, output: String) throws {
    if let suggest, !(1...100_000).contains(suggest) {
      throw ValidationError("--suggest must be 1 to 100000.")
    }
    guard confidence > 0, confidence <= 1 else {
      throw ValidationError("--confidence must be more than 0 and at most 1.")
    }
    if from == nil, suggest != nil || pseudoLabels != nil {
      throw ValidationError("--suggest and --pseudo-labels need a model; name it with --from.")
    }
    let modes = [suggest != nil, pseudoLabels != nil, pretrain, synthesize].count { $0 }
    guard modes <= 1 else {
      throw ValidationError(
        "--suggest, --pseudo-labels, --pretrain and --synthesize exclude each other."
      )
    }
    if output.isEmpty, suggest == nil {
      throw ValidationError("Missing the folder of the new model; name it with --output.")
    }
  }

  /// The options as they are repeated in a model card.
  var words: [String] {
    var words = pretrain ? ["--pretrain"] : []
    if let pseudoLabels {
      words += ["--pseudo-labels", pseudoLabels.split(separator: "/").last.map(String.init) ?? ""]
      words += ["--confidence", "\(confidence)"]
    }
    return words
  }
}
