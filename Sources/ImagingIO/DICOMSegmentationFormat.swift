import Foundation
import Imaging
import Support

/// DICOM segmentations as volumes of label numbers: one SEG file, or a folder of nothing else.
///
/// Each file is a series, and each of its layers a volume: files whose segments overlap have
/// several. Values are 8 bits wide where the label numbers allow it, else 16.
public struct DICOMSegmentationFormat: ImageFormat {
  /// Creates the format.
  public init() {}

  /// The format's name.
  public let name = "DICOM SEG"

  /// Whether the path is a SEG file of PS3.10, or a folder whose DICOM files all are.
  public func recognises(_ path: String) -> Bool { !Self.files(path).isEmpty }

  /// Lists the segmentations, each with its layers and problems.
  /// - Parameters:
  ///   - path: A file or folder.
  ///   - progress: Told about long reading.
  /// - Returns: One summary for each file, by path.
  /// - Throws: As `DICOMSegmentationReader.read`; in a folder a file that cannot be read is a
  ///   problem of its series.
  public func inspect(
    _ path: String,
    progress: any ProgressReporter
  ) throws -> [SeriesSummary] {
    let files = Self.files(path)
    guard !files.isEmpty else { throw ImagingIOError.unrecognised(path: path) }
    progress.begin("reading segmentations", total: files.count)
    defer { progress.end() }
    return try files.enumerated().map { index, file in
      defer { progress.update(index + 1, detail: nil) }
      do {
        return try Self.summary(file, DICOMSegmentationReader.read(file))
      } catch let error as ImagingIOError where files.count > 1 {
        var summary = try Self.summary(file, nil)
        summary.problems.append(
          InputProblem(
            code: "unreadable-segmentation",
            message: error.description,
            remedy: "Export the segmentation again, or choose another series."
          )
        )
        return summary
      }
    }
  }

  /// Reads the label numbers of one layer.
  /// - Parameters:
  ///   - path: A file or folder.
  ///   - selection: The series (by UID, or the file's number in `inspect`), and the layer as the
  ///     volume or the time point, when there are several.
  ///   - progress: Told about long reading.
  /// - Returns: The layer's labels, with the shift of its slices if they are sheared.
  /// - Throws: As `DICOMSegmentationReader.read`; `ImagingIOError.severalSeries`,
  ///   `.severalTimePoints` and `.noSuchSelection`.
  public func read(
    _ path: String,
    selection: VolumeSelection,
    progress: any ProgressReporter
  ) throws -> LoadedVolume {
    let file = try Self.select(Self.files(path), selection.series, path: path)
    let loaded = try DICOMSegmentationReader.read(file)
    let count = loaded.layers.count
    let number = selection.volume ?? selection.timePoint
    if number == nil, count > 1 {
      throw ImagingIOError.severalTimePoints(
        path: path,
        choices: loaded.layers.enumerated().map { index, layer in
          "\(index + 1): layer \(index + 1), \(Self.words(layer))"
        }
      )
    }
    guard (1...count).contains(number ?? 1) else {
      throw ImagingIOError.noSuchSelection(path: path, selection: "volume \(number ?? 1)")
    }
    let map = loaded.layers[(number ?? 1) - 1]
    let volume: AnyVolume =
      map.labels.contains { $0 > 255 }
      ? .uint16(Volume(geometry: map.geometry, voxels: map.labels))
      : .uint8(
        Volume(geometry: map.geometry, voxels: map.labels.map { UInt8(truncatingIfNeeded: $0) })
      )
    return LoadedVolume(
      volume: volume,
      summary: try Self.summary(file, loaded),
      files: [file],
      shift: loaded.shift
    )
  }

  private static func select(
    _ files: [String],
    _ choice: String?,
    path: String
  ) throws -> String {
    guard let first = files.first else { throw ImagingIOError.unrecognised(path: path) }
    if choice == nil, files.count == 1 { return first }
    let series = try files.map { try summary($0, nil) }
    if let choice {
      guard
        let index = files.indices.first(where: {
          choice == "\($0 + 1)" || series[$0].uid == choice
        })
      else { throw ImagingIOError.noSuchSelection(path: path, selection: "series \(choice)") }
      return files[index]
    }
    throw ImagingIOError.severalSeries(
      path: path,
      choices: series.enumerated().map { index, one in
        "\(index + 1): SEG" + (one.description.map { ", \"\($0.prefix(40))\"" } ?? "")
      }
    )
  }

  private static func summary(
    _ path: String,
    _ loaded: LoadedSegmentation?
  ) throws -> SeriesSummary {
    let file = try DICOMDerivedObject.open(path)
    let layers = loaded?.layers ?? []
    return SeriesSummary(
      uid: file.text(DICOMTag.seriesUID) ?? "",
      modality: "SEG",
      description: file.text(DICOMTag.seriesDescription),
      slices: layers.first?.geometry.size.z ?? 0,
      transferSyntax: file.transferSyntax,
      problems: loaded?.problems ?? [],
      volumes: layers.enumerated().map { index, layer in
        let geometry = layer.geometry
        return VolumeSummary(
          number: index + 1,
          size: [geometry.size.x, geometry.size.y, geometry.size.z],
          spacingMM: [geometry.spacing.x, geometry.spacing.y, geometry.spacing.z],
          orientation: geometry.orientation.code,
          why: layers.count == 1
            ? words(layer) : "layer \(index + 1) of segments that overlap, \(words(layer))"
        )
      }
    )
  }

  private static func words(_ layer: LabelMap) -> String {
    DICOMSeries.words(layer.table.count, "segment")
  }

  // MARK: - Files

  /// The SEG files of a path, sorted; none when there is any other DICOM file.
  private static func files(_ path: String) -> [String] {
    guard let facts = FileFacts(path) else { return [] }
    guard facts.kind == .folder else { return isSegmentation(path) ? [path] : [] }
    var files: [String] = []
    var holdsOthers = false
    do {
      try FileManager.default.visitFiles(below: path, links: .named) { name in
        let file = path.hasSuffix("/") ? path + name : path + "/" + name
        guard FileFacts(file)?.kind == .file else { return true }
        if isSegmentation(file) {
          files.append(file)
        } else if DICOMScan.firstBytes(file) != .other {
          holdsOthers = true
        }
        return !holdsOthers
      }
    } catch {
      // The scan of series, which is asked next, says which folder is closed.
      return []
    }
    return holdsOthers ? [] : files.sorted()
  }

  /// Whether the meta group of a file of PS3.10 names a storage class of segmentations.
  ///
  /// Only the file's first bytes are read: a folder may hold many thousand slices.
  private static func isSegmentation(_ path: String) -> Bool {
    guard let stream = fopen(path, "rb") else { return false }
    defer { fclose(stream) }
    var head = [UInt8](repeating: 0, count: 1024)
    head.removeLast(head.count - fread(&head, 1, head.count, stream))
    guard head.count > 140, head[128..<132].elementsEqual("DICM".utf8) else { return false }
    var place = 132
    while place + 12 <= head.count, head[place] == 2, head[place + 1] == 0 {
      let element = Int(head[place + 2]) | Int(head[place + 3]) << 8
      let isLong = ["OB", "OW", "UN", "UT", "SQ"].contains {
        head[place + 4..<place + 6].elementsEqual($0.utf8)
      }
      let start = place + (isLong ? 12 : 8)
      let field = isLong ? place + 8..<place + 12 : place + 6..<place + 8
      let length = head[field].reversed().reduce(0) { $0 << 8 | Int($1) }
      guard length <= head.count - start else { return false }
      if element == 2 {
        let bytes = head[start..<start + length].filter { $0 != 0 && $0 != 0x20 }
        let uid = String(decoding: bytes, as: UTF8.self)
        return uid == DICOMSegmentation.classUID || uid == DICOMSegmentation.labelMapClassUID
      }
      place = start + length
    }
    return false
  }
}
