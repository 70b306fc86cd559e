import Imaging
import Support

/// DICOM images: one file, or a folder searched recursively for series.
///
/// A series is a set of frames: files of one image, frames of enhanced and older multi-frame
/// objects, tiles of Siemens mosaics. Frames are sorted into series by Series Instance UID, and
/// within a series into volumes by frame of reference, orientation, size, pixel spacing and kind
/// (localiser, derived, phase, ...), never by name or instance number. Frames at one place are told
/// apart by what their headers say (echo, kernel, b-value, time, ...); points in time and b-values
/// of equal grids are one 4-D volume, of which `VolumeSelection.timePoint` picks one. The grid follows from
/// Image Position, Image Orientation and Pixel Spacing alone: x grows along the header's row
/// direction, y along its column direction, z along their right-handed normal, and the slice
/// spacing is the mean distance of the positions. One slice alone takes its spacing from Spacing
/// Between Slices or Slice Thickness, else it is planar. One image without patient geometry (a
/// photograph, an X-ray) is planar with an identity direction and the problem
/// `no-patient-geometry`.
///
/// Values are stored values times rescale slope plus intercept, or those of the modality look-up
/// table. Slices of different geometry in a series are several volumes when each stands by itself
/// (a localiser's three planes); otherwise the series is refused as mixed. Tilted, shifted and
/// unevenly spaced slices are refused, or resampled when `VolumeSelection.regrids` is set.
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
  ///   - selection: Series, volume and time point, when there are several.
  ///   - progress: Told about long reading.
  /// - Returns: The volume, the files of its slices and, for images with a place in the patient,
  ///   the slices themselves.
  /// - Throws: `ImagingIOError` when there is no such volume, several are there and none was
  ///   chosen, or its slices are damaged, missing or unsupported; `SupportError` when a file cannot
  ///   be read.
  public func read(
    _ path: String,
    selection: VolumeSelection,
    progress: any ProgressReporter
  ) throws -> LoadedVolume {
    let collection = try DICOMCollection(path, progress: progress)
    let choice = try collection.choose(selection)
    let (slices, layout) = try Self.slices(selection, of: choice, path: path)
    var problems: [InputProblem] = []
    let frames = try Self.withUptake(slices, selection: selection, path: path, &problems)

    let pixels = DICOMPixels(frames: frames)
    var volume: AnyVolume
    switch layout {
    case .straight(let geometry):
      let read = try pixels.read(progress: progress)
      volume = read.volume(geometry)
      problems += pixels.paddingProblems(read.paddingCount)
    case .crooked(let regridding, let irregularity):
      let read = try pixels.readSingles(progress: progress)
      let straight = regridding.resample(read.values, outside: read.values.min() ?? 0)
      volume = .float32(straight)
      problems += pixels.paddingProblems(read.paddingCount)
      problems.append(irregularity.regridded(straight.geometry))
    case .refused(let blocker): throw blocker.error
    }
    problems += VolumeSanity.problems(of: volume, modality: choice.series.modality)

    var summary = Self.summary(choice.series)
    summary.problems += problems.filter { !summary.problems.contains($0) }
    return LoadedVolume(
      volume: volume,
      summary: summary,
      files: Self.files(of: slices),
      source: DICOMSource(slices, sliceSpacing: volume.geometry.spacing.z)
    )
  }

  /// The slices of the chosen point, and how they lie.
  private static func slices(
    _ selection: VolumeSelection,
    of choice: DICOMCollection.Choice,
    path: String
  ) throws(ImagingIOError) -> ([DICOMFrame], DICOMStack.Layout) {
    let stack = choice.stack
    switch stack.layout {
    case .straight: break
    case .crooked(_, let irregularity):
      guard selection.regrids else { throw irregularity.blocker(path: path).error }
    case .refused(let blocker): throw blocker.error
    }
    guard let number = selection.timePoint else {
      guard stack.points.count == 1 else {
        throw .severalTimePoints(
          path: path,
          choices: stack.labels.enumerated().map { "\($0 + 1): \($1)" }
        )
      }
      return (stack.points[0], stack.layout)
    }
    guard stack.points.indices.contains(number - 1) else {
      throw .noSuchSelection(path: path, selection: "time point \(number)")
    }
    return (stack.points[number - 1], stack.layout)
  }

  /// Applies the factor of standardised uptake when that is asked for; else says what is possible.
  private static func withUptake(
    _ slices: [DICOMFrame],
    selection: VolumeSelection,
    path: String,
    _ problems: inout [InputProblem]
  ) throws(ImagingIOError) -> [DICOMFrame] {
    let uptakes = slices.map(\.instance.uptake)
    let factors = uptakes.map { $0?.bodyWeightFactor ?? .failure(.notPET) }
    var missing: DICOMUptake.Missing?
    for factor in factors {
      if case .failure(let reason) = factor { missing = missing ?? reason }
    }
    guard selection.usesSUV else {
      if slices[0].instance.modality == "PT" {
        problems.append(DICOMUptake.note(missing))
      }
      return slices
    }
    if let missing {
      throw .unsupported(
        path: path,
        what: "values that cannot become standardised uptake values: \(missing.words)",
        remedy: "read them as they are, or export the series with what is missing"
      )
    }
    return zip(slices, factors).map { slice, factor in
      guard case .success(let factor) = factor else { return slice }
      var scaled = slice
      scaled.slope *= factor
      scaled.intercept *= factor
      return scaled
    }
  }

  /// The files of slices, each once, in the order of the slices.
  private static func files(of slices: [DICOMFrame]) -> [String] {
    var seen: Set<String> = []
    return slices.map(\.instance.path).filter { seen.insert($0).inserted }
  }

  /// What `info` says: volumes that can be read, and problems of those that cannot.
  private static func summary(_ series: DICOMSeries) -> SeriesSummary {
    var problems = series.problems
    var volumes: [VolumeSummary] = []
    for (index, stack) in series.stacks.enumerated() {
      switch stack.layout {
      case .straight(let geometry):
        let size = [geometry.size.x, geometry.size.y, geometry.size.z]
        volumes.append(
          VolumeSummary(
            number: index + 1,
            size: stack.points.count > 1 ? size + [stack.points.count] : size,
            spacingMM: [geometry.spacing.x, geometry.spacing.y, geometry.spacing.z],
            orientation: geometry.orientation.code,
            why: stack.why
          )
        )
      case .crooked(_, let irregularity):
        problems.append(irregularity.blocker(path: "Volume \(index + 1)").problem)
      case .refused(let blocker): problems.append(blocker.problem)
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

extension DICOMIrregularity {
  /// Says that slices were resampled.
  fileprivate func regridded(_ geometry: ImageGeometry) -> InputProblem {
    let size = "\(geometry.size.x) x \(geometry.size.y) x \(geometry.size.z) voxels"
    let spacing = [geometry.spacing.x, geometry.spacing.y, geometry.spacing.z]
      .map(Self.words).joined(separator: " x ")
    return InputProblem(
      code: "regridded",
      message: "The image holds \(words); it was resampled to \(size) of \(spacing) mm.",
      remedy: "Take masks back to the original slices before measuring on those."
    )
  }
}

extension DICOMSource {
  /// The source of slices in the order of a volume, or nil when one has no place in the patient.
  init?(_ frames: [DICOMFrame], sliceSpacing: Double) {
    guard let first = frames.first?.instance else { return nil }
    var slices: [Slice] = []
    for frame in frames {
      guard let plane = frame.plane, let pixelSpacing = frame.pixelSpacing else { return nil }
      slices.append(
        Slice(
          path: frame.instance.path,
          classUID: frame.instance.classUID,
          instanceUID: frame.instance.instanceUID,
          frame: frame.number,
          plane: plane,
          pixelSpacing: pixelSpacing,
          size: frame.size
        )
      )
    }
    self.init(
      slices: slices,
      sliceSpacing: sliceSpacing,
      studyUID: first.studyUID,
      seriesUID: first.seriesUID,
      frameOfReferenceUID: first.frameOfReferenceUID
    )
  }
}
