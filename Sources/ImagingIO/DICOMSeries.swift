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

  /// Sorts the files of a series.
  /// - Parameters:
  ///   - files: All files of one series, at least one, by path.
  ///   - path: The input, for messages.
  ///   - inputProblems: Problems of the input as a whole.
  init(_ files: [DICOMScan.File], path: String, problems inputProblems: [InputProblem] = []) {
    let first = files[0].instance
    uid = first.seriesUID
    modality = first.modality
    description = first.seriesDescription
    seriesNumber = first.seriesNumber
    transferSyntax = first.transferSyntax

    var problems = inputProblems
    // A break after whole pixel data costs nothing; one before it may have cost an image.
    let (images, copies, clashes) = Self.withoutCopies(
      files.filter { $0.instance.isImage || !$0.instance.isComplete }
    )
    let frames = images.flatMap(\.frames)
    imageCount = frames.count
    if copies > 0 {
      problems.append(
        InputProblem(
          code: "duplicate-file",
          message: "\(Self.words(copies, "file")) repeats the instance of another file.",
          remedy: "Remove the copies; one of each was read."
        )
      )
    }
    if clashes > 0 {
      problems.append(
        InputProblem(
          code: "shared-instance-uid",
          message: "\(Self.words(clashes, "file")) has the SOP Instance UID of another image.",
          remedy: "Export the series again; all of its images were read."
        )
      )
    }
    self.problems = problems + Self.oddities(files, images: images, modality: modality)

    let classes = DICOMGrouping.classes(frames)
    mixture = DICOMGrouping.mixture(classes)
    stacks = classes.flatMap { Self.stacks($0, isOnly: classes.count == 1, path: path) }
      .enumerated()
      .sorted { ($1.element.sliceCount, $0.offset) < ($0.element.sliceCount, $1.offset) }
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

  // MARK: - Files

  /// Leaves out files that repeat another: the same SOP Instance UID and the same place.
  private static func withoutCopies(
    _ files: [DICOMScan.File]
  ) -> (images: [DICOMScan.File], copies: Int, clashes: Int) {
    var seen: [String: [DICOMScan.File]] = [:]
    var kept: [DICOMScan.File] = []
    var clashes = 0
    for file in files {
      let uid = file.instance.instanceUID
      if !uid.isEmpty, let others = seen[uid] {
        if others.contains(where: { isCopy($0, file) }) { continue }
        clashes += 1
      }
      seen[uid, default: []].append(file)
      kept.append(file)
    }
    return (kept, files.count - kept.count, clashes)
  }

  private static func isCopy(_ a: DICOMScan.File, _ b: DICOMScan.File) -> Bool {
    a.instance.pixels?.frames == b.instance.pixels?.frames
      && a.instance.instanceNumber == b.instance.instanceNumber
      && a.frames.first?.size == b.frames.first?.size
      && a.frames.first?.plane == b.frames.first?.plane
  }

  /// What the headers of a series say that users should know.
  private static func oddities(
    _ files: [DICOMScan.File],
    images: [DICOMScan.File],
    modality: String?
  ) -> [InputProblem] {
    var problems: [InputProblem] = []
    if images.isEmpty {
      problems.append(
        InputProblem(
          code: "not-an-image",
          message: "\(words(files.count, "file")) without pixels.",
          remedy: "Choose an image series with --series."
        )
      )
    }
    if images.contains(where: { $0.instance.photometric == "MONOCHROME1" }) {
      problems.append(
        InputProblem(
          code: "monochrome1",
          message: "High values mean dark (MONOCHROME1); the stored values are kept.",
          remedy: "Invert the values if the model expects bright high values."
        )
      )
    }
    let frames = images.lazy.flatMap(\.frames)
    if modality == "CT", !images.isEmpty,
      !frames.allSatisfy({ $0.hasRescale || $0.instance.modalityTable != nil })
    {
      problems.append(
        InputProblem(
          code: "no-rescale",
          message: "CT slices do not say how values become Hounsfield units.",
          remedy: "Check the values; export the series with rescale slope and intercept."
        )
      )
    }
    if images.contains(where: { $0.instance.hasRealWorldValues }) {
      problems.append(
        InputProblem(
          code: "real-world-values",
          message: "The header maps values to real world values; that map is not applied.",
          remedy: "Apply the Real World Value Mapping Sequence where its unit is needed."
        )
      )
    }
    if !images.isEmpty, frames.allSatisfy({ $0.plane == nil }),
      frames.count == 1 || frames.allSatisfy({ $0.instance.isPicture || $0.number != nil })
    {
      problems.append(
        InputProblem(
          code: "no-patient-geometry",
          message: "The image has no place in the patient; axes are those of the picture.",
          remedy: "Use it for 2-D work only."
        )
      )
    }
    return problems
  }

  // MARK: - Volumes

  /// The volumes of one geometry: one, or one for each value of what tells equal places apart.
  ///
  /// Points in time and b-values of equal grids are one volume of four dimensions.
  private static func stacks(
    _ frames: [DICOMFrame],
    isOnly: Bool,
    path: String
  ) -> [DICOMStack] {
    let modality = frames[0].instance.modality
    let kind = frames[0].kind.words
    let base =
      !kind.isEmpty && !isOnly
      ? kind : isOnly ? "all slices of the series" : "slices of one orientation, size and spacing"
    let passes = DICOMGrouping.passes(frames)
    if passes.count == 1 {
      return [DICOMStack(passes: passes, labels: [base], path: path, why: base)]
    }
    var order: [[DICOMPass.Step]] = []
    var groups: [[DICOMPass.Step]: [DICOMPass]] = [:]
    for (number, pass) in passes.enumerated() {
      var apart = pass.path.filter { !$0.discriminator.isSeriesOfPoints(modality: modality) }
      if pass.path.isEmpty {
        // Pictures of several files: each stands alone.
        let fact = DICOMFact.number(Double(number + 1))
        apart = [DICOMPass.Step(discriminator: .dimension, fact: fact)]
      }
      if groups[apart] == nil { order.append(apart) }
      groups[apart, default: []].append(pass)
    }
    return order.flatMap { apart -> [DICOMStack] in
      let members = groups[apart] ?? []
      let shared = apart.map(\.words).joined(separator: ", ")
      func label(_ pass: DICOMPass) -> String {
        pass.path.isEmpty
          ? "a picture of its own"
          : pass.path.filter { !apart.contains($0) }.map(\.words).joined(separator: ", ")
      }
      let labels = members.map(label)
      let prefix = [kind, shared].filter { !$0.isEmpty }.joined(separator: ", ")
      guard members.dropFirst().allSatisfy({ DICOMStack.haveEqualGrids(members[0], $0) }) else {
        return zip(members, labels).map { pass, label in
          let why = [prefix, label].filter { !$0.isEmpty }.joined(separator: ", ")
          return DICOMStack(passes: [pass], labels: [label], path: path, why: why)
        }
      }
      if members.count == 1 {
        let why = members[0].path.isEmpty ? labels[0] : prefix
        return [DICOMStack(passes: members, labels: labels, path: path, why: why)]
      }
      let names = Set(members.flatMap(\.path).map(\.discriminator)).subtracting(
        apart.map(\.discriminator)
      ).sorted { $0.rawValue < $1.rawValue }.map(\.name)
      let points = "\(members.count) points by \(names.joined(separator: " and "))"
      let why = [prefix, points].filter { !$0.isEmpty }.joined(separator: ", ")
      return [DICOMStack(passes: members, labels: labels, path: path, why: why)]
    }
  }
}
