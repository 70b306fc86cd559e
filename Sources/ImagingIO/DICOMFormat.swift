import Imaging
import Support

/// Single-frame DICOM: one file, or a folder searched recursively for series of slices.
///
/// Files are sorted into series by Series Instance UID, and within a series into volumes by image
/// orientation, size and pixel spacing, never by name or instance number. The grid follows from
/// Image Position, Image Orientation and Pixel Spacing alone: x grows along the header's row
/// direction, y along its column direction, z along their right-handed normal, and the slice
/// spacing is the mean distance of the positions. One slice alone takes its spacing from Spacing
/// Between Slices or Slice Thickness, else it is planar. One image without patient geometry (a
/// photograph, an X-ray) is planar with an identity direction and the problem
/// `no-patient-geometry`.
///
/// Values are stored values times rescale slope plus intercept. Slices of different geometry in a
/// series are several volumes when each stands by itself (a localiser's three planes); otherwise
/// the series is refused as mixed.
public struct DICOMFormat: ImageFormat {
  /// Creates the format.
  public init() {}

  /// The format's name for people.
  public var name: String { "DICOM" }

  /// Whether a file, or any file below a folder, is DICOM by its content.
  /// - Parameter path: A file or folder.
  /// - Returns: True for "DICM" after the preamble, or a bare data set that DCMTK can parse.
  public func recognises(_ path: String) -> Bool { DICOMScan.holdsDICOM(path) }

  /// Reads all headers and lists the series, each with its volumes and problems.
  /// - Parameters:
  ///   - path: A file or folder.
  ///   - progress: Told about long reading, and about files that are not DICOM.
  /// - Returns: One summary for each series, by series number; also of series without pixels.
  /// - Throws: `ImagingIOError` when no file is DICOM or all are damaged; `SupportError` when a
  ///   file cannot be read.
  public func inspect(
    _ path: String,
    progress: any ProgressReporter
  ) throws -> [SeriesSummary] {
    try DICOMCollection(path, progress: progress).series.map(Self.summary)
  }

  /// Reads one volume.
  /// - Parameters:
  ///   - path: A file or folder.
  ///   - selection: Series and volume, when there are several.
  ///   - progress: Told about long reading.
  /// - Returns: The volume and the files of its slices.
  /// - Throws: `ImagingIOError` when there is no such volume, several are there and none was
  ///   chosen, or its slices are damaged, missing or unsupported; `SupportError` when a file cannot
  ///   be read.
  public func read(
    _ path: String,
    selection: VolumeSelection,
    progress: any ProgressReporter
  ) throws -> LoadedVolume {
    let collection = try DICOMCollection(path, progress: progress)
    let series = try collection.select(selection.series)
    let stack = try Self.stack(selection.volume, of: series, path: path)
    let geometry = try stack.geometry.mapError(\.error).get()
    let volume = try DICOMPixels(slices: stack.slices, geometry: geometry)
      .read(progress: progress)
    return LoadedVolume(
      volume: volume,
      summary: Self.summary(series),
      files: stack.slices.map(\.path)
    )
  }

  private static func stack(
    _ number: Int?,
    of series: DICOMSeries,
    path: String
  ) throws -> DICOMStack {
    if let number {
      guard series.stacks.indices.contains(number - 1) else {
        throw ImagingIOError.noSuchSelection(path: path, selection: "volume \(number)")
      }
      return series.stacks[number - 1]
    }
    guard series.stacks.count > 1 else { return series.stacks[0] }
    for stack in series.stacks {
      guard case .failure(let blocker) = stack.geometry else { continue }
      if let mixture = series.mixture {
        throw ImagingIOError.mixedGeometry(path: path, what: mixture)
      }
      throw blocker.error
    }
    throw ImagingIOError.severalVolumes(
      path: path,
      choices: series.stacks.enumerated().map { index, stack in
        "\(index + 1): \(DICOMSeries.words(stack.slices.count, "slice")), \(stack.why)"
      }
    )
  }

  /// What `info` says: volumes that can be read, and problems of those that cannot.
  private static func summary(_ series: DICOMSeries) -> SeriesSummary {
    var problems = series.problems
    var volumes: [VolumeSummary] = []
    for (index, stack) in series.stacks.enumerated() {
      switch stack.geometry {
      case .success(let geometry):
        volumes.append(
          VolumeSummary(
            number: index + 1,
            size: [geometry.size.x, geometry.size.y, geometry.size.z],
            spacingMM: [geometry.spacing.x, geometry.spacing.y, geometry.spacing.z],
            orientation: geometry.orientation.code,
            why: stack.why
          )
        )
      case .failure(let blocker): problems.append(blocker.problem)
      }
    }
    if let mixture = series.mixture {
      problems.append(
        InputProblem(
          code: "mixed-geometry",
          message: "Slices differ in \(mixture).",
          remedy: volumes.count == series.stacks.count
            ? "Choose a volume with --volume." : "Separate the slices into series."
        )
      )
    }
    return SeriesSummary(
      uid: series.uid,
      modality: series.modality,
      description: series.description,
      slices: series.imageCount,
      transferSyntax: series.transferSyntax,
      problems: problems,
      volumes: volumes
    )
  }
}

/// All series of an input.
struct DICOMCollection: Sendable {
  /// The series by series number, then UID; `--series` counts them from 1.
  let series: [DICOMSeries]
  private let path: String

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
      if scan.instances.isEmpty { throw error }
      problems.append(
        InputProblem(
          code: "damaged-file",
          message: error.description,
          remedy: "Transfer the file again; a series may miss a slice without it."
        )
      )
      progress.warn("\(error) A series may miss a slice without it.")
    }
    guard !scan.instances.isEmpty else { throw ImagingIOError.unrecognised(path: path) }
    if scan.skipped > 0 {
      progress.note(
        "\(DICOMSeries.words(scan.skipped, "file")) of \(path) skipped: not DICOM."
      )
    }
    series = Dictionary(grouping: scan.instances, by: \.seriesUID)
      .map { DICOMSeries($0.value, path: path, problems: problems) }
      .sorted { ($0.seriesNumber ?? .max, $0.uid) < ($1.seriesNumber ?? .max, $1.uid) }
  }

  /// The chosen series, or the only one with images.
  /// - Parameter choice: Series Instance UID or number, or nil.
  /// - Returns: A series with at least one image.
  /// - Throws: `ImagingIOError` when it is not there, has no pixels, or several could be meant.
  func select(_ choice: String?) throws(ImagingIOError) -> DICOMSeries {
    let numbered = series.enumerated().map { (number: $0.offset + 1, series: $0.element) }
    if let choice {
      guard
        let found = numbered.first(where: { $0.series.uid == choice || "\($0.number)" == choice })
      else { throw .noSuchSelection(path: path, selection: "series \(choice)") }
      guard found.series.imageCount > 0 else {
        throw .unsupported(
          path: path,
          what: "no pixels in series \(choice)",
          remedy: "choose an image series"
        )
      }
      return found.series
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
}
