import Foundation
import Layers
import Support

/// The file in which an unfinished run is kept.
package struct TrainingCheckpoint: Sendable {
  let folder: String

  package init(folder: String) { self.folder = folder }

  package var path: String { folder + "/checkpoint.safetensors" }

  package func save(_ state: Safetensors, outputs: OutputGuard) throws {
    try outputs.replace(with: try state.encoded(), at: path)
  }

  /// The stored state, or nil when there is none.
  package func load() throws -> Safetensors? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    return try Safetensors(contentsOf: path)
  }

  /// Removes the checkpoint, and its folder when nothing else is in it.
  package func remove() {
    try? FileManager.default.removeItem(atPath: path)
    _ = rmdir(folder)
  }
}
