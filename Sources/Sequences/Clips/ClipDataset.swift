import Foundation
import ImagingIO
import Recognition
import Support

/// Clips with the class that each shows: a folder with a folder for each class.
///
/// A clip is a folder of pictures (its frames, numbers by their value, then by name), or a volume's file:
/// time points of a 4-D file, else the slices along the third axis.
public struct ClipDataset: Sendable {
  /// One clip.
  package struct Item: Sendable, Equatable {
    /// The path within the data set.
    package let id: String
    /// Its folder or file.
    package let path: String
    /// Its class.
    package let label: Int
    /// What it is for, if the data set says so.
    package var split: LabelledImages.Split?
  }

  /// The data set's name.
  public let name: String
  /// The classes, in the order of their numbers.
  public let classNames: [String]
  /// The clips.
  package private(set) var items: [Item]
  /// What was left out, one sentence each.
  public let problems: [String]

  /// Reads a folder with a folder for each class, perhaps within `train`, `val` and `test`.
  /// - Parameter path: The folder.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `SequencesError.notADataset`.
  public init(path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    let top = try Self.folders(path)
    let splits = top.filter { LabelledImages.Split(name: $0) != nil }
    let isSplit = try splits.contains { split in
      try Self.folders(path + "/" + split)
        .contains { try Self.holdsClips(path + "/" + split + "/" + $0) }
    }
    let roots: [(folder: String, split: LabelledImages.Split?)] =
      isSplit ? splits.map { ($0 + "/", LabelledImages.Split(name: $0)) } : [("", nil)]
    let names = Set(try roots.flatMap { try Self.folders(path + "/" + $0.folder) })
    classNames = names.sorted { Self.comesBefore($0, $1) }
    guard classNames.count > 1 else {
      throw SequencesError.notADataset(
        path: path,
        reason: classNames.isEmpty
          ? "it has no folders of classes" : "it has only the class \(classNames[0])"
      )
    }
    var (items, others) = ([Item](), 0)
    for root in roots {
      for (label, name) in classNames.enumerated() {
        let folder = root.folder + name
        for entry in try Self.entries(path + "/" + folder) {
          let id = folder + "/" + entry
          if Self.isClip(path + "/" + id) {
            items.append(Item(id: id, path: path + "/" + id, label: label, split: root.split))
          } else {
            others += 1
          }
        }
      }
    }
    guard !items.isEmpty else {
      throw SequencesError.notADataset(path: path, reason: "its folders of classes hold no clips")
    }
    self.items = items
    name = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
    problems = others > 0 ? ["\(others) files are no clips and were left out."] : []
  }

  /// The clips with a split each: those that have none are drawn, class by class.
  /// - Parameters:
  ///   - testShare: Share of the clips that is kept for the test, if the data set has none.
  ///   - validationShare: Share of the others that is looked at on the way, if it has none.
  ///   - seed: Seed of the draw.
  /// - Returns: The divided data set.
  package func divided(testShare: Double, validationShare: Double, seed: UInt64) -> ClipDataset {
    var result = self
    var random = RandomStream(seed: seed).split(0x636C_6970)
    func assign(_ split: LabelledImages.Split, _ share: Double, from old: LabelledImages.Split?) {
      guard !result.items.contains(where: { $0.split == split }) else { return }
      for label in classNames.indices {
        let own = result.items.indices.filter {
          result.items[$0].label == label && result.items[$0].split == old
        }.shuffled(using: &random)
        for index in own.prefix(Int((Double(own.count) * share).rounded())) {
          result.items[index].split = split
        }
      }
    }
    assign(.test, testShare, from: nil)
    for index in result.items.indices where result.items[index].split == nil {
      result.items[index].split = .training
    }
    assign(.validation, validationShare, from: .training)
    return result
  }

  /// The clips of a split.
  package func items(_ split: LabelledImages.Split) -> [Item] { items.filter { $0.split == split } }

  /// The clips of a path: of a data set's folder all, or the path itself.
  /// - Parameter path: A clip, or a folder of clips.
  /// - Returns: Names and paths, sorted.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `SequencesError.nothingToUse`.
  package static func clips(_ path: String) throws -> [(id: String, path: String)] {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    let name = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
    if try !FileManager.default.isFolder(path) || !ClipReader.frames(path).isEmpty {
      return [(name, path)]
    }
    let found = try entries(path).filter { isClip(path + "/" + $0) }
    guard !found.isEmpty else {
      throw SequencesError.nothingToUse(path: path, reason: "it holds no clips")
    }
    return found.map { ($0, path + "/" + $0) }
  }

  private static func holdsClips(_ path: String) throws -> Bool {
    try entries(path).contains { isClip(path + "/" + $0) }
  }

  private static func folders(_ path: String) throws -> [String] {
    try entries(path).filter { FileManager.default.isFolder(path + "/" + $0) }
  }

  private static func isClip(_ path: String) -> Bool {
    FileManager.default.isFolder(path) || isVolume(path)
  }

  private static func isVolume(_ path: String) -> Bool {
    !PictureFormat().recognises(path) && (try? ImageFormats.format(of: path)) != nil
  }

  static func entries(_ path: String) throws -> [String] {
    try FileManager.default.names(in: path).sorted { comesBefore($0, $1) }
  }

  /// By the number at the end of the name before its ending, then by letters: `2.png` before `10.png`.
  /// - Parameters:
  ///   - a: A name.
  ///   - b: Another.
  /// - Returns: Whether the first comes first.
  package static func comesBefore(_ a: String, _ b: String) -> Bool {
    func parts(_ name: String) -> (stem: String, number: Int?) {
      let base = (name as NSString).deletingPathExtension
      let digits = base.reversed().prefix { $0.isASCII && $0.isNumber }
      return (String(base.dropLast(digits.count)), Int(String(digits.reversed())))
    }
    let (x, y) = (parts(a), parts(b))
    if x.stem != y.stem { return x.stem < y.stem }
    let (m, n) = (x.number ?? -1, y.number ?? -1)
    return m == n ? a < b : m < n
  }
}
