import Imaging
import Pipelines
import Support
import Transforms

/// A classical filter as a step.
package struct FilterStage: ScanStage {
  private let filter: any VolumeFilter

  /// Takes a filter.
  /// - Parameter filter: The filter with its values.
  package init(_ filter: any VolumeFilter) { self.filter = filter }

  package var removesNoise: Bool { type(of: filter).removesNoise }

  package var record: StageRecord {
    let values = filter.values.all.sorted { $0.key < $1.key }
      .map { "\($0.key)=\($0.value)" }.joined(separator: ", ")
    return StageRecord(
      name: type(of: filter).name,
      summary: values.isEmpty ? type(of: filter).paper : "\(type(of: filter).paper); \(values)"
    )
  }

  package func check(_ scan: Volume<Float>, modality: String?, path: String) throws {
    try requireFinite(scan, path: path)
  }

  package func apply(
    _ scan: Volume<Float>,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> Volume<Float> {
    try interruption.check()
    progress.begin("filtering (\(type(of: filter).name))", total: nil)
    defer { progress.end() }
    let geometry = scan.geometry
    return Volume(
      geometry: geometry,
      voxels: try filter.apply(scan.voxels, size: geometry.size, spacing: geometry.spacing)
    )
  }
}
