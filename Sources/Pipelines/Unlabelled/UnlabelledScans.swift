import Foundation
import Imaging
import ImagingIO
import Support

extension SegmentationDataset {
  /// Folders of scans in the order in which they are looked through; a further copy of an id is left
  /// out.
  private static let scanFolders = ["imagesTr", "imagesUn", "imagesTs"]

  /// Every scan of a data set, labelled or not, in `imagesTr`, `imagesUn` and `imagesTs`.
  ///
  /// - Parameters:
  ///   - path: The data set's folder.
  ///   - ending: What file names end with.
  ///   - channels: The number of channels.
  /// - Returns: Cases whose label map is the scan itself, by id.
  /// - Throws: `SupportError.unreadable`.
  static func scans(in path: String, ending: String, channels: Int) throws -> [Case] {
    var seen: Set<String> = []
    let found = try scanFolders.flatMap { name -> [Case] in
      let folder = path + "/" + name
      return try FileManager.default.names(in: folder).compactMap { file in
        guard file.hasSuffix(ending),
          let entry = scan(file, in: folder, ending: ending, channels: channels),
          seen.insert(entry.id).inserted
        else { return nil }
        return entry
      }
    }
    return found.sorted { $0.id < $1.id }
  }

  /// Scans that have no label map: those of `imagesUn` and `imagesTs`, and of `imagesTr` those that no
  /// label map goes with.
  /// - Returns: The scans, by id.
  /// - Throws: `SupportError.unreadable`.
  public func unlabelledScans() throws -> [SegmentationInputs.Case] {
    let labelled = Set(cases.map { Self.standard($0.image) })
    return try Self.scans(in: path, ending: fileEnding, channels: channelNames.count)
      .filter { !labelled.contains(Self.standard($0.image)) }
      .map { SegmentationInputs.Case(id: $0.id, path: $0.image, channelPaths: $0.images) }
  }

  private static func standard(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }
}

/// Reads scans that have no labels.
enum UnlabelledScans {
  /// Reads the scans of cases; their label maps are empty.
  /// - Parameters:
  ///   - cases: Which.
  ///   - asPictures: Whether they are pictures, which are read as grey values.
  ///   - progress: Told about each.
  ///   - interruption: Looked at before each.
  /// - Returns: The scans, and what is wrong with the others, one line each.
  /// - Throws: `SupportError.interrupted`.
  static func read(
    _ cases: [SegmentationDataset.Case],
    asPictures: Bool,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> (cases: [DatasetCheck.LoadedCase], faults: [String]) {
    var (loaded, faults) = ([DatasetCheck.LoadedCase](), [String]())
    progress.begin("reading \(cases.count) scans", total: cases.count)
    for (index, entry) in cases.enumerated() {
      try interruption.check()
      do {
        let scan = try DatasetCheck.scan(entry.image, asPicture: asPictures)
        guard scan.voxels.allSatisfy(\.isFinite) else {
          faults.append("\(entry.id): voxels of the scan are infinite or not numbers")
          continue
        }
        loaded.append(
          DatasetCheck.LoadedCase(
            id: entry.id,
            scan: scan,
            labelMap: LabelMap(
              geometry: scan.geometry,
              labels: [UInt16](repeating: 0, count: scan.voxels.count),
              table: []
            )
          )
        )
      } catch let error as any ClassifiedError {
        faults.append("\(entry.id): \(error.description)")
      }
      progress.update(index + 1, detail: nil)
    }
    progress.end()
    return (loaded, faults)
  }
}
