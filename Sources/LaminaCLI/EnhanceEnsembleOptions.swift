import ArgumentParser
import Enhancement

/// The options of `lamina enhance` that look at an image from eight sides.
struct EnhanceEnsembleOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Average the results over the 8 symmetries of planes (self-ensemble).",
      discussion: "Over the 4 mirror images where columns and rows have other spacings or scales."
    )
  )
  var tta = false

  @Option(
    help: ArgumentHelp(
      "A file for the standard deviation over these symmetries, in the image's unit.",
      discussion: """
        .nii.gz, .nii, .nrrd or .mha; .png for pictures, in 16 bits, 257 of which are one grey level of \
        8 bits. It shows where the network is unsure, not where it is wrong.
        """,
      valueName: "file"
    )
  )
  var uncertainty: String?

  /// What is made of an image's symmetries.
  var ensemble: EnhancementChain.Ensemble {
    var ensemble = EnhancementChain.Ensemble()
    ensemble.averages = tta
    ensemble.wantsSpread = uncertainty != nil
    return ensemble
  }
}
