internal import ClassicalSegmentation
import Foundation
import Imaging
import ImagingIO
import Support

/// Files of seeds: label maps on the grid of a scan.
enum SeedFile {
  /// The file of a case.
  /// - Parameters:
  ///   - path: A file, or a folder with one of the case's name.
  ///   - caseID: The case's name.
  /// - Returns: A file that is there.
  /// - Throws: `SupportError.notFound`; `PipelinesError.noSeeds`.
  static func path(in path: String, caseID: String) throws -> String {
    guard try FileManager.default.isExistingFolder(path) else { return path }
    for ending in [".nii.gz", ".nii", ".nrrd", ".mha", ".mgz"] + PictureFormat.endings {
      let file = path + "/" + caseID + ending
      if FileManager.default.fileExists(atPath: file) { return file }
    }
    throw PipelinesError.noSeeds(path: path, caseID: caseID)
  }

  /// The file of a case and its content's hash.
  /// - Parameters:
  ///   - path: A file, or a folder with one of the case's name.
  ///   - caseID: The case's name.
  /// - Returns: A file that is there, and its SHA-256.
  /// - Throws: As `path(in:caseID:)`; `SupportError.unreadable`.
  static func identified(in path: String, caseID: String) throws -> (path: String, sha256: String) {
    let file = try Self.path(in: path, caseID: caseID)
    return (file, try SHA256.hexDigest(ofFile: file))
  }

  /// Reads seeds.
  /// - Parameters:
  ///   - path: The file.
  ///   - geometry: The scan's grid; of pictures only the size counts.
  /// - Returns: Labels, 0 where nothing is known.
  /// - Throws: What reading throws; `ClassicalSegmentationError.seedsElsewhere`.
  static func read(_ path: String, onto geometry: ImageGeometry) throws -> LabelMap {
    let volume = try ImageFormats.read(path).volume
    let map = try NIfTIReader.labelMap(from: volume, table: [], path: path)
    let (mine, its) = (geometry.size, map.geometry.size)
    let difference =
      geometry.isPlanar && mine == its ? nil : geometry.difference(from: map.geometry)
    if let difference { throw ClassicalSegmentationError.seedsElsewhere(reason: difference) }
    return LabelMap(geometry: geometry, labels: map.labels, table: [])
  }
}
