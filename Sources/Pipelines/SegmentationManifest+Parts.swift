import Foundation
import Support

extension SegmentationManifest {
  /// What earlier runs, each of a part of the cases, noted of the cases that they did.
  /// - Parameters:
  ///   - folder: The batch's folder.
  ///   - part: The part of whose runs, or nil for those of all parts.
  /// - Returns: Entries by case.
  public static func done(in folder: String, part: WorkPart?) -> [String: Case] {
    var result: [String: Case] = [:]
    for name in part.map({ [$0.manifestName] }) ?? parts(in: folder) {
      guard let data = FileManager.default.contents(atPath: folder + "/" + name),
        let manifest = try? JSONDecoder().decode(SegmentationManifest.self, from: data)
      else { continue }
      for entry in manifest.cases where entry.status == .done { result[entry.id] = entry }
    }
    return result
  }

  /// The manifest with the earlier entry of each case that was left out because its result is there.
  /// - Parameter earlier: Entries by case.
  /// - Returns: The manifest of all.
  public func joined(with earlier: [String: Case]) -> SegmentationManifest {
    var result = self
    result.cases = cases.map { $0.status == .skipped ? earlier[$0.id] ?? $0 : $0 }
    return result
  }

  /// Removes the manifests of parts; for when they are joined.
  /// - Parameter folder: The batch's folder.
  public static func removeParts(in folder: String) {
    for name in parts(in: folder) {
      try? FileManager.default.removeItem(atPath: folder + "/" + name)
    }
  }

  private static func parts(in folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
      .filter(WorkPart.isManifest).sorted()
  }
}
