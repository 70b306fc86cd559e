import Foundation
import Imaging
import ImagingIO
import Support

/// Planes of images for training and measurements, with intensities between 0 and 1.
public struct CompressionImages: Sendable {
  /// The planes in the order of files and slices.
  let planes: [TrainingPlane]
  /// How many files they come from.
  public let fileCount: Int
  /// The data's name.
  public let name: String
  /// Files that could not be used, one sentence each.
  public let notes: [String]
  /// How many planes there are.
  public var count: Int { planes.count }

  /// A plane with a smaller standard deviation shows nothing.
  private static let leastDeviation = 0.01
  /// Voxels with spacings farther apart are not cut along other axes.
  private static let largestRatio = 1.5

  /// Reads pictures and volumes; colours become luma, and volumes are cut into slices.
  /// - Parameters:
  ///   - paths: Files, and folders that are searched.
  ///   - everyAxis: Whether volumes of nearly cubic voxels are cut along all three axes.
  ///   - progress: Told about each file.
  ///   - interruption: Looked at between files.
  /// - Throws: `SupportError.notFound`; `CompressionError.nothingToUse`; `SupportError.interrupted`.
  public init(
    _ paths: [String],
    everyAxis: Bool,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    let files = try paths.flatMap(Self.files)
    var (planes, notes, used) = ([TrainingPlane](), [String](), 0)
    progress.begin("reading \(files.count) images", total: files.count)
    defer { progress.end() }
    for (index, file) in files.enumerated() {
      try interruption.check()
      do {
        let found = Self.planes(
          try PlanarImage(path: file.path),
          id: file.id,
          everyAxis: everyAxis
        )
        if found.isEmpty { notes.append("\(file.id) shows nothing and was left out.") }
        used += found.isEmpty ? 0 : 1
        planes += found
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        notes.append("\(file.id) was left out. \(error.description)")
      }
      progress.update(index + 1, detail: nil)
    }
    let name = paths.map { URL(fileURLWithPath: $0).standardizedFileURL.lastPathComponent }
      .joined(separator: " + ")
    guard !planes.isEmpty else {
      throw CompressionError.nothingToUse(
        path: name,
        reason: notes.first ?? "it holds neither pictures nor volumes"
      )
    }
    self.init(planes: planes, fileCount: used, name: name, notes: notes)
  }

  init(planes: [TrainingPlane], fileCount: Int, name: String, notes: [String] = []) {
    (self.planes, self.fileCount, self.name, self.notes) = (planes, fileCount, name, notes)
  }

  private static func files(_ path: String) throws -> [(path: String, id: String)] {
    let files = FileManager.default
    guard try files.isExistingFolder(path) else {
      return [(path, URL(fileURLWithPath: path).lastPathComponent)]
    }
    let endings =
      PictureFormat.endings + [".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".mgz"]
    return try files.files(below: path)
      .filter { name in endings.contains { name.lowercased().hasSuffix($0) } }
      .map { (path + "/" + $0, $0) }
  }

  /// The planes of an image that show something.
  static func planes(_ image: PlanarImage, id: String, everyAxis: Bool) -> [TrainingPlane] {
    guard image.numbers == .whole else { return volumePlanes(floats: image, id, everyAxis) }
    if image.kind == .picture {
      let top: Float = image.type == "uint16" ? 65_535 : 255
      let luma = image.planes[0].indices.map { place -> Float in
        guard image.planes.count >= 3 else { return Float(image.planes[0][place]) / top }
        return
          (0.299 * Float(image.planes[0][place]) + 0.587 * Float(image.planes[1][place])
          + 0.114 * Float(image.planes[2][place])) / top
      }
      return shown([
        TrainingPlane(id: id, width: image.width, height: image.height, values: luma)
      ])
    }
    return volumePlanes(image.planes.map { $0.map { Float($0) } }, image, id, everyAxis)
  }

  private static func volumePlanes(
    floats image: PlanarImage,
    _ id: String,
    _ everyAxis: Bool
  ) -> [TrainingPlane] {
    guard case .float32(let volume)? = try? image.volume(path: id) else { return [] }
    let area = image.width * image.height
    let slices = (0..<image.depth).map { Array(volume.voxels[$0 * area..<($0 + 1) * area]) }
    return volumePlanes(slices, image, id, everyAxis)
  }

  private static func volumePlanes(
    _ slices: [[Float]],
    _ image: PlanarImage,
    _ id: String,
    _ everyAxis: Bool
  ) -> [TrainingPlane] {
    let sorted = slices.joined().filter(\.isFinite).sorted()
    guard let low = sorted.first else { return [] }
    let high = sorted[min(sorted.count - 1, Int(0.999 * Double(sorted.count)))]
    let range = max(high - low, .leastNormalMagnitude)
    let scaled = slices.map { $0.map { $0.isFinite ? min(max(($0 - low) / range, 0), 1) : 0 } }
    let (width, height, depth) = (image.width, image.height, scaled.count)
    var planes = scaled.enumerated().map {
      TrainingPlane(id: "\(id), slice \($0 + 1)", width: width, height: height, values: $1)
    }
    if everyAxis, depth > 1, let spacing = image.geometry?.spacing,
      spacing.max() / spacing.min() <= largestRatio
    {
      for y in 0..<height {
        planes.append(
          TrainingPlane(
            id: "\(id), row \(y + 1)",
            width: width,
            height: depth,
            values: scaled.flatMap { $0[y * width..<(y + 1) * width] }
          )
        )
      }
      for x in 0..<width {
        planes.append(
          TrainingPlane(
            id: "\(id), column \(x + 1)",
            width: height,
            height: depth,
            values: scaled.flatMap { slice in (0..<height).map { slice[$0 * width + x] } }
          )
        )
      }
    }
    return shown(planes)
  }

  private static func shown(_ planes: [TrainingPlane]) -> [TrainingPlane] {
    planes.filter { plane in
      let count = Double(plane.values.count)
      let mean = plane.values.reduce(0.0) { $0 + Double($1) } / count
      let variance = plane.values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
      return (variance / count).squareRoot() >= leastDeviation
    }
  }

  /// Planes at even distances.
  /// - Parameter count: How many at most.
  /// - Returns: These images with so many planes.
  public func thinned(to count: Int) -> CompressionImages {
    guard planes.count > count, count > 0 else { return self }
    let chosen = (0..<count).map { planes[(2 * $0 + 1) * planes.count / (2 * count)] }
    return CompressionImages(planes: chosen, fileCount: fileCount, name: name, notes: notes)
  }
}
