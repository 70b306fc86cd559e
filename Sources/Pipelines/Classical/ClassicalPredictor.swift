internal import ClassicalSegmentation
import Imaging
import Support

/// Segments scans by a classical method.
///
/// Labels are named `class-1` and so on, objects after what the method finds. Single slices and pictures
/// are measured in pixels, volumes in mm.
struct ClassicalPredictor: ScanPredictor {
  let method: any ClassicalMethod
  let memoryLimit: Int?

  func predict(
    _ scan: ScanChannels,
    outputs: PredictionOutputs,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws -> LabelMap {
    let geometry = scan.geometry
    precondition(
      scan.seeds.map { $0.geometry == geometry } ?? true,
      "seeds on another grid than the image"
    )
    let marked = scan.seeds.map { seeds in seeds.voxelCounts.keys.filter { $0 > 0 }.sorted() }
    let classes = max(2, marked?.count ?? 0, Int(method.values.all["auto"] ?? 0))
    try type(of: method).checkMemory(voxels: geometry.voxelCount, classes, limit: memoryLimit)
    progress.begin("segmenting (\(type(of: method).name))", total: nil)
    defer { progress.end() }
    let found = try method.labels(
      of: ClassicalImage(scan.volumes[0].asFloat),
      seeds: scan.seeds?.labels,
      interruption: interruption
    )
    let background = Int(method.values.all["background"] ?? 0)
    let numbers =
      found.objectName == nil
      ? marked?.filter { $0 != background } ?? Array(1..<found.largest + 1)
      : Array(1..<found.largest + 1)
    return LabelMap(
      geometry: geometry,
      labels: found.labels,
      table: numbers.map { number in
        LabelDefinition(
          id: number,
          name: found.objectName.map { "\($0) \(number)" } ?? "class-\(number)",
          color: LabelDefinition.defaultColor(number - 1)
        )
      }
    )
  }
}

extension ClassicalImage {
  /// A scan as classical methods see it; pictures and single slices in pixels.
  init(_ scan: Volume<Float>) throws(ClassicalSegmentationError) {
    try self.init(
      values: scan.voxels,
      size: scan.geometry.size,
      spacing: scan.geometry.isPlanar ? .one : scan.geometry.spacing
    )
  }
}

extension ClassicalMethod {
  /// Checks that a ceiling of memory allows the method.
  /// - Throws: `PipelinesError.needsMoreMemory`.
  static func checkMemory(voxels: Int, _ classes: Int, limit: Int?) throws(PipelinesError) {
    guard let limit else { return }
    // Beside the method's own: the image in single precision, and its labels.
    let bytes = voxels * (bytesPerVoxel(classes: classes) + 6)
    guard bytes <= limit else { throw .needsMoreMemory(bytes: bytes, limit: limit) }
  }
}
