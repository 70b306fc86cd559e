import Imaging

/// The images of one Series Instance UID, sorted into volumes.
struct DICOMSeries: Sendable {
  /// Series Instance UID.
  let uid: String
  /// Facts that all files of a series share.
  let modality: String?
  let description: String?
  let seriesNumber: Int?
  let transferSyntax: String?
  /// The number of images.
  let imageCount: Int
  /// The volumes, largest first; `--volume` counts them from 1.
  let stacks: [DICOMStack]
  /// By what the planes of the stacks differ, or nil when they share one geometry.
  let mixture: String?
  /// What is odd but does not stop the series from being read.
  let problems: [InputProblem]

  /// Directions may differ by this in a cosine within a volume, 0.06 degrees.
  static let orientationTolerance = 1e-3
  /// Pixel spacings may differ by this fraction within a volume.
  static let spacingTolerance = 1e-3

  /// Sorts the files of a series.
  /// - Parameters:
  ///   - instances: All files of one series, at least one, by path.
  ///   - path: The input, for messages.
  ///   - inputProblems: Problems of the input as a whole.
  init(_ instances: [DICOMInstance], path: String, problems inputProblems: [InputProblem] = []) {
    let first = instances[0]
    uid = first.seriesUID
    modality = first.modality
    description = first.seriesDescription
    seriesNumber = first.seriesNumber
    transferSyntax = first.transferSyntax

    var problems = inputProblems
    // A break after whole pixel data costs nothing; one before it may have cost an image.
    let (images, copies) = Self.withoutCopies(instances.filter { $0.isImage || !$0.isComplete })
    imageCount = images.count
    if images.isEmpty {
      problems.append(
        InputProblem(
          code: "not-an-image",
          message: "\(Self.words(instances.count, "file")) without pixels.",
          remedy: "Choose an image series with --series."
        )
      )
    }
    if copies > 0 {
      problems.append(
        InputProblem(
          code: "duplicate-file",
          message: "\(Self.words(copies, "file")) repeats the instance of another file.",
          remedy: "Remove the copies; one of each was read."
        )
      )
    }
    if images.contains(where: { $0.photometric == "MONOCHROME1" }) {
      problems.append(
        InputProblem(
          code: "monochrome1",
          message: "High values mean dark (MONOCHROME1); the stored values are kept.",
          remedy: "Invert the values if the model expects bright high values."
        )
      )
    }
    if modality == "CT", !images.isEmpty, !images.allSatisfy(\.hasRescale) {
      problems.append(
        InputProblem(
          code: "no-rescale",
          message: "CT slices do not say how values become Hounsfield units.",
          remedy: "Check the values; export the series with rescale slope and intercept."
        )
      )
    }
    if images.count == 1, images[0].plane == nil {
      problems.append(
        InputProblem(
          code: "no-patient-geometry",
          message: "The image has no place in the patient; axes are those of the picture.",
          remedy: "Use it for 2-D work only."
        )
      )
    }
    self.problems = problems

    let classes = Self.geometryClasses(images)
    mixture = Self.mixture(classes)
    stacks = classes.flatMap { Self.stacks($0, isOnly: classes.count == 1, path: path) }
      .enumerated()
      .sorted { ($1.element.slices.count, $0.offset) < ($0.element.slices.count, $1.offset) }
      .map(\.element)
  }

  /// One line for a list of choices.
  func line(number: Int) -> String {
    let title = description.map { ", \"\($0.prefix(40))\"" } ?? ""
    return "\(number): \(modality ?? "unknown modality")\(title), "
      + Self.words(imageCount, "slice")
  }

  static func words(_ count: Int, _ noun: String) -> String {
    count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
  }

  // MARK: - Grouping

  private static func withoutCopies(
    _ images: [DICOMInstance]
  ) -> (images: [DICOMInstance], copies: Int) {
    var seen: Set<String> = []
    let kept = images.filter { $0.instanceUID.isEmpty || seen.insert($0.instanceUID).inserted }
    return (kept, images.count - kept.count)
  }

  /// Images whose planes are parallel and of one size and spacing.
  private static func geometryClasses(_ images: [DICOMInstance]) -> [[DICOMInstance]] {
    var classes: [[DICOMInstance]] = []
    for image in images {
      if let index = classes.firstIndex(where: { difference($0[0], image).isEmpty }) {
        classes[index].append(image)
      } else {
        classes.append([image])
      }
    }
    return classes
  }

  /// In what the planes of two images differ.
  private static func difference(_ a: DICOMInstance, _ b: DICOMInstance) -> [String] {
    var words: [String] = []
    switch (a.plane, b.plane) {
    case (nil, nil): break
    case (let a?, let b?):
      let turn = max(difference(a.row, b.row), difference(a.column, b.column))
      if turn > orientationTolerance { words.append("orientation") }
    default: words.append("orientation")
    }
    if a.pixels?.rows != b.pixels?.rows || a.pixels?.columns != b.pixels?.columns {
      words.append("size")
    }
    switch (a.pixelSpacing, b.pixelSpacing) {
    case (nil, nil): break
    case (let a?, let b?):
      let gap = max(abs(a.x - b.x) / a.x, abs(a.y - b.y) / a.y)
      if gap > spacingTolerance { words.append("pixel spacing") }
    default: words.append("pixel spacing")
    }
    return words
  }

  private static func difference(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> Double {
    let gap = a - b
    return max(abs(gap.x), abs(gap.y), abs(gap.z))
  }

  private static func mixture(_ classes: [[DICOMInstance]]) -> String? {
    guard classes.count > 1 else { return nil }
    let found = Set(classes.dropFirst().flatMap { difference(classes[0][0], $0[0]) })
    let words = ["orientation", "size", "pixel spacing"].filter(found.contains)
    let counts = classes.map { "\($0.count)" }.prefix(5).joined(separator: " + ")
    return "\(words.joined(separator: " and ")) (\(counts)\(classes.count > 5 ? " + ..." : ""))"
  }

  /// The volumes of one geometry: one, or one for each value of what tells equal places apart.
  private static func stacks(
    _ images: [DICOMInstance],
    isOnly: Bool,
    path: String
  ) -> [DICOMStack] {
    let why = isOnly ? "all slices of the series" : "slices of one orientation, size and spacing"
    guard let normal = images[0].plane?.direction.columns[2],
      DICOMStack.hasDuplicates(DICOMStack.ordered(images, along: normal), along: normal)
    else { return [DICOMStack(slices: images, path: path, why: why)] }
    for discriminator in DICOMDiscriminator.allCases {
      let values = Set(images.compactMap { $0.discriminators[discriminator] }).sorted()
      let groups = values.map { value in
        DICOMStack.ordered(
          images.filter { $0.discriminators[discriminator] == value },
          along: normal
        )
      }
      guard values.count > 1, groups.reduce(0, { $0 + $1.count }) == images.count,
        !groups.contains(where: { DICOMStack.hasDuplicates($0, along: normal) })
      else { continue }
      return zip(values, groups).map { value, group in
        DICOMStack(slices: group, path: path, why: discriminator.words(value))
      }
    }
    return [DICOMStack(slices: images, path: path, why: why)]
  }
}
