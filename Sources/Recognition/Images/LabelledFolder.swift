import Foundation
import ImagingIO
import Support

/// The images of a folder and those within.
public enum LabelledFolder {
  /// Lists pictures and volumes.
  /// - Parameter path: The folder.
  /// - Returns: Their paths within it, sorted; hidden files are left out.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `RecognitionError.noImages` for a folder without any.
  public static func files(_ path: String) throws -> [String] {
    let files = try FileManager.default.files(below: path)
      .filter { !LabelledImages.sources($0, slicesPerVolume: 1).isEmpty }
    guard !files.isEmpty else {
      throw RecognitionError.noImages(path: path, reason: "it holds neither pictures nor volumes")
    }
    return files
  }
}
