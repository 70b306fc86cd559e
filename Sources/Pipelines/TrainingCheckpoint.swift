import Foundation
import Layers
import Support

/// The file in which an unfinished run is kept: safetensors, sealed by the SHA-256 of what it holds.
package struct TrainingCheckpoint: Sendable {
  /// Under which key the seal stands among the metadata.
  private static let sealKey = "lamina.sha256"

  let folder: String

  package init(folder: String) { self.folder = folder }

  package var path: String { folder + "/checkpoint.safetensors" }

  /// Writes a state in place of an earlier one.
  /// - Parameters:
  ///   - state: The state.
  ///   - outputs: Writes the file.
  /// - Throws: What writing throws.
  package func save(_ state: Safetensors, outputs: OutputGuard) throws {
    var sealed = state
    sealed.metadata[Self.sealKey] = try SHA256.hexDigest(of: state.encoded())
    try outputs.replace(with: try sealed.encoded(), at: path)
  }

  /// The stored state, or nil when there is none.
  /// - Throws: `LayersError.damagedWeights` when it is not what was written;
  ///   `PipelinesError.checkpointMismatch` without a seal; what reading throws.
  package func load() throws -> Safetensors? {
    guard FileManager.default.fileExists(atPath: path) else { return nil }
    var state = try Safetensors(contentsOf: path)
    guard let seal = state.metadata.removeValue(forKey: Self.sealKey) else {
      throw PipelinesError.checkpointMismatch(
        path: path,
        reason: "it has no seal, as those of earlier programs"
      )
    }
    guard try seal == SHA256.hexDigest(of: state.encoded()) else {
      throw LayersError.damagedWeights(
        path: path,
        reason: "its SHA-256 is not the one that was written; remove it and train anew"
      )
    }
    return state
  }

  /// Removes the checkpoint, and its folder when nothing else is in it.
  package func remove() {
    try? FileManager.default.removeItem(atPath: path)
    _ = rmdir(folder)
  }
}
