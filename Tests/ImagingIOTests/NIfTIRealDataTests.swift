import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// Spinal cord images of many orientations, when they are beside the checkout.
struct NIfTIRealDataTests {
  static let files: [String] = {
    guard let root = Fixtures.developmentData("sct-testing-data") else { return [] }
    let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
    return names.filter { $0.hasSuffix(".nii.gz") || $0.hasSuffix(".nii") }.sorted()
      .map { root + "/" + $0 }
  }()

  @Test(.enabled(if: !files.isEmpty), arguments: files)
  func realImagesRoundTripInEveryOrientation(path: String) throws {
    let folder = try TemporaryFolder()
    if path.contains("warp_") {
      // Deformation fields have three values a voxel.
      #expect(throws: ImagingIOError.self) { try NIfTIReader.read(path) }
      return
    }
    let loaded = try NIfTIReader.read(path, selection: .init(volume: 1))
    let copy = folder.file("copy.nii.gz")
    try NIfTIWriter.write(loaded.volume, to: copy)
    let again = try NIfTIReader.read(copy)
    #expect(again.volume.texts == loaded.volume.texts)
    #expect(again.volume.geometry.difference(from: loaded.volume.geometry) == nil)
    let grid = loaded.volume.geometry
    let turned = loaded.volume.asFloat.reoriented(to: try Orientation(code: "SAL"))
    let back = turned.reoriented(to: grid.orientation)
    #expect(back.geometry.difference(from: grid) == nil)
    #expect(zip(back.voxels, loaded.volume.asFloat.voxels).allSatisfy { $0 == $1 || $0.isNaN })
  }
}
