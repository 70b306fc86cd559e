import ArgumentParser
import Pipelines
import Recognition

/// How a training brings whole images to one size, and changes them at random.
struct ImageFittingOptions: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Rows and columns that the network sees (default: those of the images, at most 224).",
      valueName: "pixels"
    )
  )
  var size: [Int] = []

  @Option(
    help: ArgumentHelp(
      "How images of another size are fitted.",
      valueName: "stretch|letterbox|crop|pad"
    )
  )
  var fit = RecognitionPlan.Fitting.stretch

  @Flag(help: "See colour images as grey ones.")
  var grey = false

  @Flag(help: "Mirror images at random; not where left and right differ.")
  var mirror = false

  @Flag(name: .customLong("no-augmentation"), help: "Change images in no way.")
  var plain = false

  func validate() throws {
    if ![0, 1, 2].contains(size.count) || !size.allSatisfy({ (8...4096).contains($0) }) {
      throw ValidationError("--size must be one or two numbers, 8 to 4096 pixels.")
    }
  }

  /// Rows and columns; nil for those of the images.
  var imageSize: [Int]? { size.count == 1 ? [size[0], size[0]] : size.isEmpty ? nil : size }
  /// Channels; nil for those of the images.
  var channels: Int? { grey ? 1 : nil }

  /// Puts what was asked for in place of defaults.
  /// - Parameter augmentation: How images are changed at random.
  func apply(to augmentation: inout RecognitionAugmentation) {
    if plain { augmentation = .none }
    if mirror { augmentation.mirrorProbability = 0.5 }
  }
}

/// What a training keeps back of data sets without splits.
struct KeptBackOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Share of the data kept for the test, if the data set has none.",
      valueName: "share"
    )
  )
  var testShare = 0.2

  @Option(
    help: ArgumentHelp(
      "Share of the others for looks on the way and calibration, if the data set has none.",
      valueName: "share"
    )
  )
  var validationShare = 0.1

  func validate() throws {
    for (name, share) in [("test", testShare), ("validation", validationShare)]
    where !(0..<1).contains(share) {
      throw ValidationError("--\(name)-share must be 0 to below 1.")
    }
  }
}
