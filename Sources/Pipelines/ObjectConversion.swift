import Foundation
import Imaging
import ImagingIO
import Support

/// Turns label maps into DICOM objects, and structure sets into label maps.
public struct ObjectConversion: Sendable {
  /// What `--as` names.
  public enum Form: String, Sendable, CaseIterable {
    /// DICOM SEG, binary.
    case seg
    /// DICOM Label Map Segmentation.
    case labelmap
    /// A radiotherapy structure set.
    case rtstruct
  }

  /// How a conversion is done.
  public struct Options: Sendable {
    /// The DICOM series that gives patient, study and frame of reference, or nil.
    public var reference: String?
    /// Which series of the reference.
    public var referenceSelection = VolumeSelection()
    /// Which series and volume of the input.
    public var selection = VolumeSelection()
    /// A JSON file with the labels' meanings, or nil for what lies beside the input.
    public var labelsFile: String?
    /// What the images of a series are, when the reference does not say.
    public var kind: DICOMImageSeries.Kind?
    /// When the objects are made.
    public var date = Date()

    /// Creates the defaults that the properties show.
    public init() {}
  }

  private let outputs: OutputGuard
  private let interruption: Interruption
  private let progress: any ProgressReporter

  /// Creates a converter.
  /// - Parameters:
  ///   - outputs: Writes the output.
  ///   - interruption: Stops between steps.
  ///   - progress: Told about long reading.
  public init(outputs: OutputGuard, interruption: Interruption, progress: any ProgressReporter) {
    self.outputs = outputs
    self.interruption = interruption
    self.progress = progress
  }

  // MARK: - To DICOM objects

  /// Writes labels as a DICOM object.
  ///
  /// Meanings come from the labels file, else from `run.json` or `labels.json` beside the input,
  /// else labels are named by their numbers. Labels whose axes run otherwise than the reference's
  /// are brought into its order, without a value changing.
  /// - Parameters:
  ///   - input: Label maps: an image file of whole numbers (4-D: a layer for each time point), a
  ///     result folder of `segment`, a DICOM SEG, or a structure set.
  ///   - output: The file to make.
  ///   - form: The object.
  ///   - options: How.
  /// - Returns: What was made.
  /// - Throws: `ImagingIOError` for inputs; `SupportError` for outputs.
  public func write(
    _ input: String,
    to output: String,
    as form: Form,
    options: Options
  ) throws -> ImageConversion.Result {
    try outputs.check(output)
    let reference = try reference(options)
    var loaded = try labels(input, options: options, reference: reference)
    try interruption.check()
    if let reference, loaded.shift == nil {
      let orientation = reference.volume.geometry.orientation
      loaded.layers = loaded.layers.map {
        $0.geometry.orientation == orientation ? $0 : $0.reoriented(to: orientation)
      }
    }
    var objects = SegmentationObjects(
      layers: loaded.layers,
      source: reference?.source ?? loaded.source,
      algorithmName: "Lamina convert",
      algorithmVersion: Version.current,
      date: options.date
    )
    objects.shift = loaded.shift
    objects.origin = .semiautomatic
    try outputs.writeFile(output) { temporary in
      switch form {
      case .seg: try objects.writeSegmentation(to: temporary, ontoSlices: false)
      case .labelmap:
        try objects.writeSegmentation(to: temporary, ontoSlices: false, kind: .labelMap)
      case .rtstruct: try objects.writeStructureSet(to: temporary)
      }
    }
    return ImageConversion.Result(summary: loaded.summary, files: [output], remark: nil)
  }

  /// Writes the surfaces of labels as a mesh, LPS mm.
  ///
  /// Meanings come from where `write(_:to:as:options:)` has them. Structures of several layers may
  /// overlap, which surfaces can show.
  /// - Parameters:
  ///   - input: Label maps, as `write(_:to:as:options:)` takes them.
  ///   - output: The file to make; beside an OBJ file an MTL file is made.
  ///   - format: The format.
  ///   - smoothingSteps: How much the steps of the voxels are smoothed; 0 keeps them.
  ///   - options: How.
  /// - Returns: What was made; the remark states the number of triangles.
  /// - Throws: `ImagingIOError` for inputs, and when no voxel has a label; `SupportError` for outputs.
  public func writeSurfaces(
    _ input: String,
    to output: String,
    format: MeshFormat,
    smoothingSteps: Int,
    options: Options
  ) throws -> ImageConversion.Result {
    let base = String(output.dropLast(format.rawValue.count + 1))
    let companions = format == .obj ? ["mtl"] : []
    for path in [output] + companions.map({ "\(base).\($0)" }) { try outputs.check(path) }
    let loaded = try labels(input, options: options, reference: try reference(options))
    guard loaded.shift == nil else {
      throw ImagingIOError.unsupported(
        path: input,
        what: "slices that are shifted against each other",
        remedy: "resample the labels onto a straight grid first"
      )
    }
    try interruption.check()
    let extraction = SurfaceExtraction(smoothingSteps: smoothingSteps)
    let surfaces = loaded.layers.flatMap { extraction.surfaces(of: $0) }
    guard !surfaces.isEmpty else {
      throw ImagingIOError.unsupported(
        path: input,
        what: "no labelled voxel",
        remedy: "give a label map that has structures"
      )
    }
    try interruption.check()
    let files = try MeshWriter.files(
      of: surfaces,
      as: format,
      name: URL(fileURLWithPath: base).lastPathComponent
    )
    var paths: [String] = []
    // The file asked for comes last: when it is there, what it names is there too.
    for file in files.reversed() {
      let path = file.ending == format.rawValue ? output : "\(base).\(file.ending)"
      try outputs.write(file.content, to: path)
      paths.insert(path, at: 0)
    }
    let triangles = surfaces.reduce(0) { $0 + $1.mesh.triangles.count }
    return ImageConversion.Result(
      summary: loaded.summary,
      files: paths,
      remark: "\(surfaces.count) surfaces with \(triangles) triangles, LPS mm"
        + (format == .stl ? "; STL keeps no names." : ".")
    )
  }

  /// Writes an image as a DICOM series of single-frame files.
  /// - Parameters:
  ///   - input: An image, with one time point.
  ///   - output: The folder to make.
  ///   - options: How; the reference gives patient, study and the kind of image.
  /// - Returns: What was made; the remark states the rounding.
  /// - Throws: `ImagingIOError.unsupported` when neither the reference nor `kind` says whether the
  ///   values are CT or MR; `SupportError` for outputs.
  public func writeSeries(
    _ input: String,
    to output: String,
    options: Options
  ) throws -> ImageConversion.Result {
    try outputs.check(output)
    let reference = try reference(options)
    let loaded = try ImageFormats.read(input, selection: options.selection, progress: progress)
    try interruption.check()
    let source = reference?.source ?? loaded.source
    var volume = loaded.volume
    if let geometry = reference?.volume.geometry {
      volume = volume.reoriented(to: geometry.orientation)
    }
    var series = DICOMImageSeries(
      seriesDescription: "Converted image",
      derivation: "Converted from another format",
      algorithmName: "Lamina convert",
      algorithmVersion: Version.current,
      date: options.date
    )
    series.kind = options.kind
    var written: DICOMImageSeries.Written?
    try outputs.writeFolder(output) { written = try series.write(volume, source: source, to: $0) }
    let error = written?.largestError ?? 0
    return ImageConversion.Result(
      summary: loaded.summary,
      files: (written?.files ?? []).map {
        output + "/" + URL(fileURLWithPath: $0).lastPathComponent
      },
      remark: error > 0 ? "Values were rounded to 16 bits, by at most \(error)." : nil
    )
  }

  /// Writes a report as a DICOM document: a PDF as it is, or pictures as a secondary capture.
  ///
  /// What the pages show is not looked at; the document therefore says that they may name the patient.
  /// - Parameters:
  ///   - input: A PDF file; or a picture, or a folder of pictures of one size by name.
  ///   - output: The file to make.
  ///   - options: How; the reference gives patient and study.
  /// - Returns: What was made.
  /// - Throws: `ImagingIOError` for inputs; `SupportError` for outputs.
  public func writeDocument(
    _ input: String,
    to output: String,
    options: Options
  ) throws -> ImageConversion.Result {
    try outputs.check(output)
    guard FileManager.default.fileExists(atPath: input) else {
      throw SupportError.notFound(path: input)
    }
    let source = try reference(options)?.source
    let document = DICOMReportDocument(
      title: "Report",
      showsPatient: true,
      algorithmName: "Lamina convert",
      algorithmVersion: Version.current,
      date: options.date
    )
    if input.lowercased().hasSuffix(".pdf") {
      guard let pdf = FileManager.default.contents(atPath: input) else {
        throw SupportError.unreadable(path: input, reason: "it could not be read")
      }
      try outputs.writeFile(output) { try document.write(pdf: pdf, source: source, to: $0) }
    } else {
      let pages = try Self.pictures(input).map { path in
        let image = try ColorImage.read(path)
        return DICOMReportDocument.Page(width: image.width, height: image.height, rgb: image.pixels)
      }
      try outputs.writeFile(output) { try document.write(pages: pages, source: source, to: $0) }
    }
    return ImageConversion.Result(
      summary: Self.summary(problems: []),
      files: [output],
      remark: nil
    )
  }

  /// A picture, or those of a folder by name.
  private static func pictures(_ input: String) throws -> [String] {
    guard FileManager.default.isFolder(input) else { return [input] }
    let names = try FileManager.default.contentsOfDirectory(atPath: input)
      .filter { name in PictureFormat.endings.contains { name.lowercased().hasSuffix($0) } }
      .sorted { $0.compare($1, options: .numeric) == .orderedAscending }
    guard !names.isEmpty else { throw PipelinesError.noInputs(path: input) }
    return names.map { input + "/" + $0 }
  }

  // MARK: - From DICOM objects

  /// Whether a path is a structure set, which only becomes a label map on a reference.
  /// - Parameter path: A file or folder.
  /// - Returns: True for a DICOM file of that class.
  public static func isStructureSet(_ path: String) -> Bool {
    DICOMObjectKind.of(path) == .structureSet
  }

  /// Writes the label map of a structure set, on the grid of the reference.
  /// - Parameters:
  ///   - input: The structure set.
  ///   - output: A NIfTI file; overlapping structures become time points.
  ///   - options: How; the reference is needed.
  /// - Returns: What was made.
  /// - Throws: `ImagingIOError` for inputs; `SupportError` for outputs.
  public func writeStructures(
    _ input: String,
    to output: String,
    options: Options
  ) throws -> ImageConversion.Result {
    try outputs.check(output)
    guard let reference = try reference(options) else { throw Self.needsReference(input) }
    let structures = try DICOMStructureSetReader.read(input, onto: reference)
    try interruption.check()
    var remark: String?
    if structures.layers.count > 1 {
      remark =
        "Structures overlap: the file has \(structures.layers.count) time points, one for each "
        + "layer."
    }
    try outputs.writeFile(output) { try Self.write(structures.layers, to: $0) }
    var summary = reference.summary
    summary.problems = structures.problems
    return ImageConversion.Result(summary: summary, files: [output], remark: remark)
  }

  /// One layer as a label map, several as time points.
  private static func write(_ layers: [LabelMap], to path: String) throws {
    guard layers.count > 1 else {
      if let layer = layers.first { try NIfTIWriter.write(layer, to: path) }
      return
    }
    let isSmall = layers.allSatisfy { $0.labels.allSatisfy { $0 < 256 } }
    let points: [AnyVolume] = layers.map { layer in
      isSmall
        ? .uint8(Volume(geometry: layer.geometry, voxels: layer.labels.map { UInt8($0) }))
        : .uint16(Volume(geometry: layer.geometry, voxels: layer.labels))
    }
    try NIfTIWriter.write(timePoints: points, secondsApart: 0, to: path)
  }

  private static func needsReference(_ path: String) -> ImagingIOError {
    .unsupported(
      path: path,
      what: "contours, which lie on the slices of an image series",
      remedy: "name that series with --reference"
    )
  }

  // MARK: - Reading

  /// Labels as read from any source.
  private struct Loaded {
    var layers: [LabelMap]
    var shift: SliceShift?
    var source: DICOMSource?
    var summary: SeriesSummary
  }

  private func reference(_ options: Options) throws -> LoadedVolume? {
    guard let path = options.reference else { return nil }
    let loaded = try DICOMFormat().read(
      path,
      selection: options.referenceSelection,
      progress: progress
    )
    guard loaded.source != nil else {
      throw ImagingIOError.unsupported(
        path: path,
        what: "no slices with a place in the patient",
        remedy: "give the series that was segmented as --reference"
      )
    }
    return loaded
  }

  private func labels(
    _ input: String,
    options: Options,
    reference: LoadedVolume?
  ) throws -> Loaded {
    if DICOMObjectKind.of(input) == .structureSet {
      guard let reference else { throw Self.needsReference(input) }
      let structures = try DICOMStructureSetReader.read(input, onto: reference)
      var summary = reference.summary
      summary.problems = structures.problems
      return Loaded(layers: structures.layers, shift: nil, source: nil, summary: summary)
    }
    if DICOMObjectKind.of(input) == .segmentation {
      let segmentation = try DICOMSegmentationReader.read(input, source: reference?.source)
      return Loaded(
        layers: segmentation.layers,
        shift: segmentation.shift,
        source: nil,
        summary: Self.summary(problems: segmentation.problems)
      )
    }
    let path = Self.labelMapFile(input)
    let points = try ImageConversion.timePoints(
      of: path,
      selection: options.selection,
      interruption: interruption,
      progress: progress
    )
    let table = try Self.table(options.labelsFile, beside: path)
    let layers = try points.map {
      try NIfTIReader.labelMap(from: $0.volume, table: table, path: path).namingAllLabels()
    }
    return Loaded(
      layers: layers,
      shift: points.first?.shift,
      source: points.first?.source,
      summary: points.first?.summary ?? Self.summary(problems: [])
    )
  }

  private static func summary(problems: [InputProblem]) -> SeriesSummary {
    SeriesSummary(
      uid: "",
      modality: nil,
      description: nil,
      slices: 0,
      transferSyntax: nil,
      problems: problems,
      volumes: []
    )
  }

  /// The label map of a result folder, or the path itself.
  private static func labelMapFile(_ input: String) -> String {
    let inFolder = input + "/" + CasePairing.resultFileName
    return FileManager.default.fileExists(atPath: inFolder) ? inFolder : input
  }

  /// The meanings of the labels: as told, else what a run or a table beside the file says.
  private static func table(_ file: String?, beside path: String) throws -> [LabelDefinition] {
    if let file {
      let table = LabelTableFile.read(file)
      guard !table.isEmpty else {
        throw ImagingIOError.damaged(path: file, reason: "it names no labels")
      }
      return table
    }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    guard URL(fileURLWithPath: path).lastPathComponent == CasePairing.resultFileName else {
      return []
    }
    if let record = RunRecord.read(folder + "/" + RunRecord.fileName) { return record.labels }
    return LabelTableFile.read(folder + "/labels.json")
  }
}
