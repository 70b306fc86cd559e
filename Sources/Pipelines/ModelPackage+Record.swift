import Foundation
import Support

extension ModelPackage {
  /// What a run's record says of the model.
  package var record: RunRecord.Model {
    RunRecord.Model(
      name: description.name,
      version: description.version,
      path: path,
      weightsSHA256: weightsDigest,
      plan: "\(description.network.name), \(description.plan.summary)"
    )
  }

  /// The hash of the weights; where more files than one decide the labels, that of all their hashes.
  private var weightsDigest: String {
    let files = description.files.sorted { $0.key < $1.key }.map(\.value)
    guard files.count > 1 else { return files.first ?? "" }
    let all = files.joined()
    return (try? SHA256.hexDigest(of: Data(all.utf8))) ?? all
  }
}
