import Foundation
import ImagingIO
import Support

/// The cases that the inputs of `lamina segment` stand for.
public struct SegmentationInputs: Sendable {
  /// One scan to segment.
  public struct Case: Sendable, Equatable {
    /// The case's name: a file's name without its ending, or a folder's name.
    public let id: String
    /// The scan's file or DICOM folder.
    public let path: String
    /// The number of channels found beside it, by nnU-Net's naming; 1 otherwise.
    public let channelCount: Int
  }

  /// The cases, by name as people sort within each input.
  public let cases: [Case]
  /// Whether each case gets a folder of its own: several inputs, or a folder of image files.
  public let isBatch: Bool

  /// Lists the cases; files are not opened beyond what tells their format.
  ///
  /// A folder of NIfTI files is a batch, also with one case; `CASE_0000.nii.gz` and its further
  /// channels are one case of the name CASE. Any other folder is one case of DICOM files.
  /// - Parameter paths: Files and folders.
  /// - Throws: `SupportError.notFound`; `PipelinesError.noInputs` for a folder without scans;
  ///   `PipelinesError.duplicateCase` when two inputs have one name.
  public init(_ paths: [String]) throws {
    var cases: [Case] = []
    var isBatch = paths.count > 1
    for path in paths {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
        throw SupportError.notFound(path: path)
      }
      guard isFolder.boolValue else {
        let name = URL(fileURLWithPath: path).lastPathComponent
        let stem = SegmentationDataset.stem(name)
        cases.append(
          Case(id: Self.channel(stem)?.case ?? stem, path: path, channelCount: 1)
        )
        continue
      }
      let files = try Self.niftiFiles(in: path)
      if files.isEmpty {
        cases.append(
          Case(
            id: URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent,
            path: path,
            channelCount: 1
          )
        )
      } else {
        isBatch = true
        cases += Self.grouped(files, in: path)
      }
    }
    guard !cases.isEmpty else { throw PipelinesError.noInputs(path: paths.joined(separator: ", ")) }
    var seen: Set<String> = []
    for item in cases where !seen.insert(item.id).inserted {
      throw PipelinesError.duplicateCase(id: item.id)
    }
    self.cases = cases
    self.isBatch = isBatch
  }

  private static func niftiFiles(in folder: String) throws -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder)
        .filter { name in
          !name.hasPrefix(".")
            && [".nii", ".nii.gz", ".hdr"].contains { name.lowercased().hasSuffix($0) }
        }
        .sorted { $0.compare($1, options: .numeric) == .orderedAscending }
    } catch {
      throw SupportError.unreadable(path: folder, reason: OutputGuard.reason(of: error))
    }
  }

  private static func grouped(_ files: [String], in folder: String) -> [Case] {
    var order: [String] = []
    var channels: [String: [(number: Int, file: String)]] = [:]
    for file in files {
      let stem = SegmentationDataset.stem(file)
      let (id, number) = channel(stem).map { ($0.case, $0.number) } ?? (stem, 0)
      if channels[id] == nil { order.append(id) }
      channels[id, default: []].append((number, file))
    }
    return order.compactMap { id in
      guard let list = channels[id]?.sorted(by: { $0.number < $1.number }), let first = list.first
      else { return nil }
      return Case(id: id, path: folder + "/" + first.file, channelCount: list.count)
    }
  }

  /// Splits nnU-Net's `CASE_0000` into its parts.
  private static func channel(_ stem: String) -> (case: String, number: Int)? {
    guard let bar = stem.lastIndex(of: "_"), bar != stem.startIndex else { return nil }
    let digits = stem[stem.index(after: bar)...]
    guard digits.count == 4, digits.allSatisfy(\.isNumber), let number = Int(digits) else {
      return nil
    }
    return (String(stem[..<bar]), number)
  }
}
