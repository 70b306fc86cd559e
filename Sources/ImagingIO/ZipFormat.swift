import Foundation
import Support
import Synchronization

/// Zip archives of what the other formats read: DICOM files in folders, one image, or several.
///
/// The archive is unpacked to a private temporary folder (`InputArchive`) and read from there. With
/// DICOM in it, it is read as the folder of its DICOM files would be; otherwise each image in it is
/// a series. Messages name the archive. The files are removed when neither the format nor a volume
/// that refers to them is used any more.
public struct ZipFormat: ImageFormat {
  /// The last archive that was unpacked, so that listing and reading unpack once.
  private let kept: KeptArchive?

  /// Creates the format.
  /// - Parameter keepsFiles: Whether the last archive stays unpacked as long as the format is used.
  public init(keepsFiles: Bool = false) {
    kept = keepsFiles ? KeptArchive() : nil
  }

  /// "zip".
  public var name: String { "zip" }

  /// Whether a file begins as zip archives do.
  /// - Parameter path: A file or folder.
  /// - Returns: True when a first entry, or the end of an empty directory, begins there.
  public func recognises(_ path: String) -> Bool {
    guard FileFacts(path)?.kind == .file, let stream = fopen(path, "rb") else { return false }
    defer { fclose(stream) }
    var head: [UInt8] = [0, 0, 0, 0]
    return fread(&head, 1, 4, stream) == 4
      && (head == [0x50, 0x4B, 3, 4] || head == [0x50, 0x4B, 5, 6])
  }

  /// Lists what is in the archive.
  /// - Parameters:
  ///   - path: The archive.
  ///   - progress: Told about unpacking and reading.
  /// - Returns: The series of its DICOM files, or those of each image in turn.
  /// - Throws: As `InputArchive`, and what the formats inside throw.
  public func inspect(_ path: String, progress: any ProgressReporter) throws -> [SeriesSummary] {
    let archive = try open(path, progress: progress)
    do {
      let progress = ArchiveProgress(archive: archive, progress: progress)
      return try Self.contents(of: archive).flatMap { item in
        try item.format.inspect(item.path, progress: progress).map { $0.renamed(by: archive) }
      }
    } catch {
      throw archive.named(error)
    }
  }

  /// Reads one volume.
  /// - Parameters:
  ///   - path: The archive.
  ///   - selection: Series, as `inspect` lists them, and volume.
  ///   - progress: Told about unpacking and reading.
  /// - Returns: The volume; its file is the archive.
  /// - Throws: As `inspect`, and `ImagingIOError.severalSeries` when one of several images must be
  ///   chosen.
  public func read(
    _ path: String,
    selection: VolumeSelection,
    progress: any ProgressReporter
  ) throws -> LoadedVolume {
    let archive = try open(path, progress: progress)
    let loaded: LoadedVolume
    do {
      let progress = ArchiveProgress(archive: archive, progress: progress)
      let contents = try Self.contents(of: archive)
      let (item, inner) = try Self.choose(selection, from: contents, of: archive)
      loaded = try item.format.read(item.path, selection: inner, progress: progress)
    } catch {
      throw archive.named(error)
    }
    var source = loaded.source
    source?.keeper = archive.folder
    return LoadedVolume(
      volume: loaded.volume,
      summary: loaded.summary.renamed(by: archive),
      files: [path],
      source: source,
      shift: loaded.shift
    )
  }

  // MARK: - Contents

  /// Something in the archive that a format reads.
  private struct Item {
    var format: any ImageFormat
    /// A file or folder.
    var path: String
  }

  private static func contents(of archive: InputArchive) throws(ImagingIOError) -> [Item] {
    let formats = ImageFormats.all.filter { !($0 is ZipFormat) }
    func item(_ path: String) -> Item? {
      formats.first { $0.recognises(path) }.map { Item(format: $0, path: path) }
    }
    if archive.files.count > 1, let whole = item(archive.folder.path) { return [whole] }
    // Both files of a pair are recognised; they share the number that is their name.
    var seen: Set<Substring> = []
    let items = archive.files.compactMap(item).filter { item in
      let name = item.path.dropFirst(archive.folder.path.count + 1)
      return seen.insert(name.prefix { $0 != "." }).inserted
    }
    guard !items.isEmpty else {
      throw .unsupported(
        path: archive.path,
        what: "no image that Lamina can read",
        remedy: "give an archive of NIfTI, DICOM or PNG files"
      )
    }
    return items
  }

  /// The item that a series' number means, and the selection within it.
  private static func choose(
    _ selection: VolumeSelection,
    from items: [Item],
    of archive: InputArchive
  ) throws -> (Item, VolumeSelection) {
    if items.count == 1 { return (items[0], selection) }
    var number = 0
    var choices: [String] = []
    for item in items {
      let series = try item.format.inspect(item.path, progress: SilentProgress())
      for (index, summary) in series.enumerated() {
        number += 1
        choices.append("\(number): \(archive.named(item.path))")
        guard let choice = selection.series,
          choice == "\(number)" || (choice == summary.uid && !choice.isEmpty)
        else { continue }
        var inner = selection
        inner.series = series.count == 1 ? nil : "\(index + 1)"
        return (item, inner)
      }
    }
    guard let choice = selection.series else {
      throw ImagingIOError.severalSeries(path: archive.path, choices: choices)
    }
    throw ImagingIOError.noSuchSelection(path: archive.path, selection: "series \(choice)")
  }

  // MARK: - Unpacking

  private func open(_ path: String, progress: any ProgressReporter) throws -> InputArchive {
    guard let kept else { return try InputArchive(path, progress: progress) }
    return try kept.archive(path, progress: progress)
  }

  /// One unpacked archive.
  private final class KeptArchive: Sendable {
    private let last = Mutex<InputArchive?>(nil)

    func archive(_ path: String, progress: any ProgressReporter) throws -> InputArchive {
      if let archive = last.withLock({ $0 }), archive.path == path { return archive }
      let archive = try InputArchive(path, progress: progress)
      last.withLock { $0 = archive }
      return archive
    }
  }
}

extension SeriesSummary {
  /// The summary with problems that name the archive, and the archive's own problems.
  fileprivate func renamed(by archive: InputArchive) -> SeriesSummary {
    var summary = self
    summary.problems = archive.problems + problems.map { archive.named($0) }
    return summary
  }
}

/// Passes progress on with the archive named instead of the place where it was unpacked.
private struct ArchiveProgress: ProgressReporter {
  let archive: InputArchive
  let progress: any ProgressReporter

  func begin(_ step: String, total: Int?) { progress.begin(archive.named(step), total: total) }
  func update(_ completed: Int, detail: String?) {
    progress.update(completed, detail: detail.map { archive.named($0) })
  }
  func end() { progress.end() }
  func note(_ message: String) { progress.note(archive.named(message)) }
  func warn(_ message: String) { progress.warn(archive.named(message)) }
}
