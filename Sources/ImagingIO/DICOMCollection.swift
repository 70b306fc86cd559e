import Imaging
import Support

/// All series of an input.
struct DICOMCollection: Sendable {
  /// The series by series number, then UID; `--series` counts them from 1.
  let series: [DICOMSeries]
  private let path: String

  /// A volume of a series.
  struct Choice: Sendable {
    let series: DICOMSeries
    let stack: DICOMStack
  }

  /// Reads all headers and sorts them.
  ///
  /// A file whose header breaks off before it names its series is a problem of every series.
  /// - Throws: `ImagingIOError.unrecognised` when no file is DICOM; `damaged` when every file is.
  init(_ path: String, progress: any ProgressReporter) throws {
    self.path = path
    let scan = try DICOMScan(path, progress: progress)
    var problems = try DICOMDirectory(path)?.problems ?? []
    if let damaged = scan.damaged.first {
      let others = scan.damaged.count > 1 ? ", like \(scan.damaged.count - 1) more files" : ""
      let error = ImagingIOError.damaged(path: damaged, reason: "its header breaks off" + others)
      if scan.files.isEmpty { throw error }
      problems.append(
        InputProblem(
          code: "damaged-file",
          message: error.description,
          remedy: "Transfer the file again; a series may miss a slice without it."
        )
      )
      progress.warn("\(error) A series may miss a slice without it.")
    }
    guard !scan.files.isEmpty else { throw ImagingIOError.unrecognised(path: path) }
    if scan.skipped > 0 {
      progress.note(
        "\(DICOMSeries.words(scan.skipped, "file")) of \(path) skipped: not DICOM."
      )
    }
    // Careless anonymisers give the series of several studies one UID.
    let groups = Dictionary(grouping: scan.files) {
      [$0.instance.studyUID, $0.instance.seriesUID]
    }
    series = groups.sorted { $0.key[0] < $1.key[0] }
      .map { DICOMSeries($0.value, path: path, problems: problems) }
      .sorted { ($0.seriesNumber ?? .max, $0.uid) < ($1.seriesNumber ?? .max, $1.uid) }
  }

  /// The volume that a selection means.
  /// - Throws: `ImagingIOError` when it is not there, has no pixels, or several could be meant.
  func choose(_ selection: VolumeSelection) throws(ImagingIOError) -> Choice {
    if selection.series == nil, !selection.rules.isEmpty { return try chooseByRules(selection) }
    let series = try select(selection.series)
    return Choice(series: series, stack: try stack(selection.volume, of: series))
  }

  // MARK: - By number or UID

  /// The chosen series, or the only one with images.
  private func select(_ choice: String?) throws(ImagingIOError) -> DICOMSeries {
    let numbered = series.enumerated().map { (number: $0.offset + 1, series: $0.element) }
    if let choice {
      let found = numbered.filter { $0.series.uid == choice || "\($0.number)" == choice }
      guard let only = found.first else {
        throw .noSuchSelection(path: path, selection: "series \(choice)")
      }
      guard found.count == 1 else {
        throw .severalSeries(path: path, choices: found.map { $0.series.line(number: $0.number) })
      }
      guard only.series.imageCount > 0 else {
        throw .unsupported(
          path: path,
          what: "no pixels in series \(choice)",
          remedy: "choose an image series"
        )
      }
      return only.series
    }
    let candidates = numbered.filter { $0.series.imageCount > 0 }
    guard let only = candidates.first else {
      throw .unsupported(
        path: path,
        what: "DICOM files without pixels",
        remedy: "give an image series"
      )
    }
    guard candidates.count == 1 else {
      throw .severalSeries(
        path: path,
        choices: candidates.map { $0.series.line(number: $0.number) }
      )
    }
    return only.series
  }

  private func stack(
    _ number: Int?,
    of series: DICOMSeries
  ) throws(ImagingIOError) -> DICOMStack {
    if let number {
      guard series.stacks.indices.contains(number - 1) else {
        throw .noSuchSelection(path: path, selection: "volume \(number)")
      }
      return series.stacks[number - 1]
    }
    guard series.stacks.count > 1 else { return series.stacks[0] }
    for stack in series.stacks {
      let blocker: DICOMBlocker
      switch stack.layout {
      case .straight: continue
      case .crooked(_, let irregularity): blocker = irregularity.blocker(path: path)
      case .refused(let found): blocker = found
      }
      if let mixture = series.mixture { throw .mixedGeometry(path: path, what: mixture) }
      throw blocker.error
    }
    throw .severalVolumes(path: path, choices: Self.lines(series))
  }

  private static func lines(_ series: DICOMSeries) -> [String] {
    series.stacks.enumerated().map { index, stack in
      "\(index + 1): \(DICOMSeries.words(stack.sliceCount, "slice")), \(stack.why)"
    }
  }

  // MARK: - By rules

  private func chooseByRules(_ selection: VolumeSelection) throws(ImagingIOError) -> Choice {
    var found: [(number: Int, choice: Choice)] = []
    for (index, series) in series.enumerated() {
      for (place, stack) in series.stacks.enumerated()
      where selection.volume.map({ $0 == place + 1 }) ?? true {
        if selection.rules.failure(of: stack, in: series) == nil {
          found.append((index + 1, Choice(series: series, stack: stack)))
        }
      }
    }
    guard let only = found.first else {
      let all = series.enumerated().filter { $0.element.imageCount > 0 }.map { index, series in
        let reasons = series.stacks.compactMap { selection.rules.failure(of: $0, in: series) }
        return series.line(number: index + 1) + (reasons.first.map { ": \($0)" } ?? "")
      }
      throw .noSuchSelection(
        path: path,
        selection: "series that fulfils the rules (\(all.joined(separator: "; ")))"
      )
    }
    guard found.count > 1 else { return only.choice }
    let numbers = Set(found.map(\.number))
    guard numbers.count == 1 else {
      throw .severalSeries(
        path: path,
        choices: numbers.sorted().map { series[$0 - 1].line(number: $0) }
      )
    }
    throw .severalVolumes(path: path, choices: Self.lines(only.choice.series))
  }
}

extension SeriesRules {
  /// Why a volume is not what the rules ask for, or nil when it is.
  func failure(of stack: DICOMStack, in series: DICOMSeries) -> String? {
    if let modality, modality.uppercased() != series.modality?.uppercased() {
      return "its modality is \(series.modality ?? "unknown")"
    }
    if let descriptionPattern,
      !Self.matches(series.description ?? "", pattern: descriptionPattern)
    {
      return "its description does not match"
    }
    if let minimumSlices, stack.slices.count < minimumSlices {
      return "a volume of it has \(DICOMSeries.words(stack.slices.count, "slice"))"
    }
    let normal = stack.slices[0].plane?.direction.columns[2]
    if let plane {
      let found = normal.map(Self.plane)
      if found != plane.lowercased() { return "its plane is \(found ?? "unknown")" }
    }
    if let maximumSliceSpacingMM {
      let spacing: Double? =
        switch stack.layout {
        case .straight(let geometry): geometry.isPlanar ? nil : geometry.spacing.z
        case .crooked(let regridding, _): regridding.geometry.spacing.z
        case .refused: nil
        }
      guard let spacing, spacing <= maximumSliceSpacingMM * (1 + 1e-6) else {
        return "its slice spacing is \(spacing.map { "\($0) mm" } ?? "unknown")"
      }
    }
    return nil
  }

  /// The plane whose normal is nearest.
  static func plane(_ normal: SIMD3<Double>) -> String {
    let sizes = [abs(normal.x), abs(normal.y), abs(normal.z)]
    let names = ["sagittal", "coronal", "axial"]
    return names[sizes.indices.max { sizes[$0] < sizes[$1] } ?? 2]
  }

  /// Whether text matches a pattern of `*` and `?`, in any case of letters.
  static func matches(_ text: String, pattern: String) -> Bool {
    let text = Array(text.lowercased())
    let pattern = Array(pattern.lowercased())
    var (at, place) = (0, 0)
    // The last star, and where the text stood when it began to take in more.
    var star: (pattern: Int, text: Int)?
    while at < text.count {
      if place < pattern.count, pattern[place] == "*" {
        star = (place, at)
        place += 1
      } else if place < pattern.count, pattern[place] == "?" || pattern[place] == text[at] {
        at += 1
        place += 1
      } else if let last = star {
        star = (last.pattern, last.text + 1)
        place = last.pattern + 1
        at = last.text + 1
      } else {
        return false
      }
    }
    return pattern[place...].allSatisfy { $0 == "*" }
  }
}
