import ArgumentParser
import Recognition

/// Which part of a data set is measured.
struct SplitOptions: ParsableArguments {
  @Option(
    name: .customLong("split"),
    help: ArgumentHelp(
      "Which part of a data set with splits.",
      valueName: "training|validation|test"
    )
  )
  var name: String?

  func validate() throws {
    if let name, LabelledImages.Split(name: name) == nil {
      throw ValidationError("--split must be training, validation or test.")
    }
  }

  /// The part; nil for all.
  var wanted: LabelledImages.Split? { name.flatMap { LabelledImages.Split(name: $0) } }
  /// The part of a data set.
  /// - Parameters:
  ///   - images: All images.
  ///   - path: Where they come from, for messages.
  /// - Returns: The images of the part.
  /// - Throws: `RecognitionError.noImages` when it has none.
  func part(of images: LabelledImages, path: String) throws -> LabelledImages {
    guard let wanted else { return images }
    let part = images.part(wanted)
    guard part.count > 0 else {
      throw RecognitionError.noImages(path: path, reason: "it has no \(wanted.rawValue) images")
    }
    return part
  }

  /// The part as it was named, after a comma; empty for all.
  var words: String { name.map { ", \($0)" } ?? "" }
}
