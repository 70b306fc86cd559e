import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

struct ImageFormatsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func theContentChoosesTheFormat() throws {
    #expect(try ImageFormats.format(of: Fixtures.path("nifti/int16-big.nii")).name == "NIfTI")
    #expect(try ImageFormats.format(of: Fixtures.path("nifti/pair.img")).name == "NIfTI")
    let path = folder.file("really-nifti.png")
    try FileManager.default.copyItem(
      atPath: Fixtures.path("nifti/packed.nii.gz"),
      toPath: path
    )
    #expect(try ImageFormats.format(of: path).name == "NIfTI")
    #expect(try ImageFormats.read(path).volume.scalarName == "int16")
  }

  @Test func whatNobodyKnowsIsUnrecognised() throws {
    let path = folder.file("notes.txt")
    try Data("no image".utf8).write(to: URL(fileURLWithPath: path))
    #expect(throws: ImagingIOError.unrecognised(path: path)) { try ImageFormats.read(path) }
    let empty = folder.file("empty")
    try Data().write(to: URL(fileURLWithPath: empty))
    #expect(throws: ImagingIOError.unrecognised(path: empty)) { try ImageFormats.inspect(empty) }
  }

  @Test func aMissingFileIsNotFound() {
    let path = folder.file("missing.nii.gz")
    #expect(throws: SupportError.notFound(path: path)) { try ImageFormats.read(path) }
  }

  @Test func aTextThatCallsItselfNIfTIIsDamaged() throws {
    let path = folder.file("text.nii.gz")
    try Data(repeating: 66, count: 5000).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: ImagingIOError.self) { try ImageFormats.read(path) }
    #expect(error?.failure == .damagedInput)
    #expect(error?.description.contains("no NIfTI header") == true)
  }
}
