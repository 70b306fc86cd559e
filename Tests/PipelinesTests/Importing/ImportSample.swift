import Foundation
import Pipelines
import Support
import TestSupport

extension TemporaryFolder {
  /// Imports a file into a folder of its own.
  /// - Parameters:
  ///   - source: The file.
  ///   - plan: The plan file's text, or nil for none.
  /// - Returns: The package.
  /// - Throws: What importing throws.
  func imported(_ source: String, plan: String? = nil) throws -> ModelPackage {
    let place = file(UUID().uuidString)
    try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    var options = ImportOptions(name: "imported")
    if let plan {
      options.planPath = place + "-plan.json"
      try Data(plan.utf8).write(to: URL(fileURLWithPath: place + "-plan.json"))
    }
    return try ModelImporter.run(
      source,
      options: options,
      to: place,
      progress: SilentProgress(),
      interruption: Interruption()
    ).package
  }
}
