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
    /// The files of all channels, by nnU-Net's naming; `path` alone otherwise.
    public let channelPaths: [String]

    package init(id: String, path: String, channelPaths: [String]? = nil) {
      self.id = id
      self.path = path
      self.channelPaths = channelPaths ?? [path]
    }
  }

  /// The cases, by name as people sort within each input.
  public let cases: [Case]
  /// Whether each case gets a folder of its own: several inputs, or a folder of image files.
  public let isBatch: Bool

  /// Lists the cases; files are not opened beyond what tells their format.
  ///
  /// A folder of NIfTI files is a batch, also with one case; `CASE_0000.nii.gz` and its further
  /// channels are one case of the name CASE. Any other folder is one case of DICOM files.
  /// - Parameters:
  ///   - paths: Files and folders.
  ///   - picturesAreCases: Whether each picture in a folder is a case; otherwise pictures without
  ///     nnU-Net's naming are slices of one stack.
  /// - Throws: `SupportError.notFound`; `PipelinesError.noInputs` for a folder without scans;
  ///   `PipelinesError.duplicateCase` when two inputs have one name.
  public init(_ paths: [String], picturesAreCases: Bool = false) throws {
    var cases: [Case] = []
    var isBatch = paths.count > 1
    for path in paths {
      guard try FileManager.default.isExistingFolder(path) else {
        let name = URL(fileURLWithPath: path).lastPathComponent
        let stem = Self.stem(name)
        cases.append(
          Case(
            id: Self.channelZero(stem) ?? stem,
            path: path,
            channelPaths: Self.siblings(of: path, stem: stem)
          )
        )
        continue
      }
      let files = try Self.imageFiles(in: path, picturesAreCases: picturesAreCases)
      if files.isEmpty {
        cases.append(
          Case(
            id: URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent,
            path: path
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

  /// The cases with every channel as a case of its own, by its file's name; for what treats images one
  /// by one.
  package var separated: [Case] {
    var seen: Set<String> = []
    return cases.flatMap { item in
      item.channelPaths.count == 1
        ? [item]
        : item.channelPaths.map {
          Case(id: Self.stem(URL(fileURLWithPath: $0).lastPathComponent), path: $0)
        }
    }.filter { seen.insert($0.path).inserted }
  }

  private static let volumeEndings = [".nii", ".nii.gz", ".hdr"]

  /// NIfTI files, and pictures if each is a case; else pictures that nnU-Net's naming marks as channels of
  /// cases, where there are no NIfTI files.
  private static func imageFiles(in folder: String, picturesAreCases: Bool) throws -> [String] {
    do {
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        .filter { !$0.hasPrefix(".") }
        .sorted { $0.compare($1, options: .numeric) == .orderedAscending }
      func having(_ endings: [String]) -> [String] {
        names.filter { name in endings.contains { name.lowercased().hasSuffix($0) } }
      }
      // A folder may hold both, and none may be lost.
      if picturesAreCases { return having(volumeEndings + PictureFormat.endings) }
      let (volumes, pictures) = (having(volumeEndings), having(PictureFormat.endings))
      guard volumes.isEmpty, !pictures.isEmpty,
        pictures.allSatisfy({ channel(($0 as NSString).deletingPathExtension) != nil })
      else { return volumes }
      return pictures
    } catch {
      throw SupportError.unreadable(path: folder, reason: OutputGuard.reason(of: error))
    }
  }

  /// Files that differ in nnU-Net's channel number are one case, if the numbers count up from 0000;
  /// else the numbers are part of the names.
  private static func grouped(_ files: [String], in folder: String) -> [Case] {
    var numbers: [String: [Int]] = [:]
    for file in files {
      guard let part = channel(Self.stem(file)) else { continue }
      numbers[part.case, default: []].append(part.number)
    }
    let grouped = numbers.filter { $0.value.sorted() == Array($0.value.indices) }
    return files.compactMap { file in
      let stem = Self.stem(file)
      let path = folder + "/" + file
      guard let part = channel(stem), let channels = grouped[part.case] else {
        return Case(id: stem, path: path)
      }
      guard part.number == 0 else { return nil }
      return Case(
        id: part.case,
        path: path,
        channelPaths: (0..<channels.count).map { number in
          folder + "/" + Self.name(of: file, channel: number)
        }
      )
    }
  }

  /// A file's name without its ending.
  private static func stem(_ file: String) -> String {
    let stem = SegmentationDataset.stem(file)
    return stem == file ? (file as NSString).deletingPathExtension : stem
  }

  /// The name of another channel's file.
  private static func name(of file: String, channel: Int) -> String {
    let stem = stem(file)
    return stem.dropLast(4) + String(format: "%04d", channel) + file.dropFirst(stem.count)
  }

  /// `CASE_0000.nii.gz` given as a file, with the further channels that lie beside it.
  private static func siblings(of path: String, stem: String) -> [String] {
    guard channelZero(stem) != nil else { return [path] }
    let url = URL(fileURLWithPath: path)
    let file = url.lastPathComponent
    var paths = [path]
    while paths.count < 1000 {
      let next = String(path.dropLast(file.count)) + name(of: file, channel: paths.count)
      guard FileManager.default.fileExists(atPath: next) else { break }
      paths.append(next)
    }
    return paths
  }

  /// CASE of `CASE_0000`; other numbers belong to the name.
  private static func channelZero(_ stem: String) -> String? {
    channel(stem).flatMap { $0.number == 0 ? $0.case : nil }
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
