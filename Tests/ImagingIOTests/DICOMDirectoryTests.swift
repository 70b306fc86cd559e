import Foundation
import ImagingIO
import Support
import TestSupport
import Testing

@Suite struct DICOMDirectoryTests {
  private let files = FileManager.default
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try files.copyItem(atPath: Fixtures.path("archives/medium"), toPath: folder.file("cd"))
  }

  private var directory: String { folder.file("cd/DICOMDIR") }
  private var slices: String { folder.file("cd/PT000000/ST000000/SE000000") }

  @Test func theTableOfContentsStandsForItsFiles() throws {
    try Data("no image".utf8).write(to: URL(fileURLWithPath: folder.file("cd/README.TXT")))
    let listing = try ImageFormats.inspect(directory)
    #expect(listing.map(\.slices) == [4])
    #expect(listing[0].problems.isEmpty)
    let loaded = try ImageFormats.read(directory)
    #expect(loaded.volume.geometry.size == [4, 3, 4])
    #expect(loaded.files.count == 4)
    #expect(loaded.files.allSatisfy { $0.hasPrefix(slices) })
    #expect(try ImageFormats.read(folder.file("cd")).volume.geometry.size == [4, 3, 4])
  }

  @Test func filesThatItDoesNotNameAreReadFromTheFolderOnly() throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("dicom/single/19-1.dcm")))
    try bytes.write(to: URL(fileURLWithPath: folder.file("cd/EXTRA")))
    #expect(try ImageFormats.inspect(folder.file("cd")).count == 2)
    #expect(try ImageFormats.inspect(directory).count == 1)
  }

  @Test func namesMayHaveChangedTheirCase() throws {
    let inner = folder.file("cd/pt000000/St000000/se000000")
    try files.createDirectory(atPath: inner, withIntermediateDirectories: true)
    for index in 0..<4 {
      try files.moveItem(
        atPath: slices + "/IM00000\(index)",
        toPath: inner + "/im00000\(index)" + (index == 2 ? ";1" : "")
      )
    }
    try files.removeItem(atPath: folder.file("cd/PT000000"))
    #expect(try ImageFormats.inspect(directory).map(\.slices) == [4])
  }

  @Test func missingFilesAreCounted() throws {
    try files.removeItem(atPath: slices + "/IM000003")
    let problems = try ImageFormats.inspect(directory).flatMap(\.problems)
    let problem = try #require(problems.first { $0.code == "missing-file" })
    #expect(problem.message.hasPrefix("1 of 4 files"))
    #expect(problem.message.contains("PT000000/ST000000/SE000000/IM000003"))
    try files.removeItem(atPath: folder.file("cd/PT000000"))
    let error = #expect(throws: ImagingIOError.self) { try ImageFormats.inspect(directory) }
    #expect(error?.description.contains("none of the 4 files") == true)
  }

  /// The name of the third slice's folder is replaced in the bytes by one of equal length.
  @Test(arguments: [
    "..\\..\\..\\SECRET\\SE000000\\IM000002", "PT000000\\ST000000\\SECRETS0\\IM000002",
  ])
  func nothingOutsideTheFolderIsRead(name: String) throws {
    let secret = folder.file("SECRET/SE000000")
    try files.createDirectory(atPath: secret, withIntermediateDirectories: true)
    try files.moveItem(atPath: slices + "/IM000002", toPath: secret + "/IM000002")
    try files.createSymbolicLink(
      atPath: folder.file("cd/PT000000/ST000000/SECRETS0"),
      withDestinationPath: secret
    )
    var bytes = try Data(contentsOf: URL(fileURLWithPath: directory))
    let old = Data("PT000000\\ST000000\\SE000000\\IM000002".utf8)
    let place = try #require(bytes.range(of: old))
    let new = name.utf8 + [UInt8](repeating: 0x20, count: max(0, old.count - name.utf8.count))
    try #require(new.count == old.count)
    bytes.replaceSubrange(place, with: Data(new))
    try bytes.write(to: URL(fileURLWithPath: directory))
    let listing = try ImageFormats.inspect(directory)
    #expect(listing.map(\.slices) == [3])
    #expect(listing[0].problems.contains { $0.code == "missing-file" })
  }

  @Test func aBrokenTableReadsWhatItStillNames() throws {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: directory))
    let cut = try #require(bytes.range(of: Data("IM000002".utf8))).upperBound + 20
    try bytes.prefix(cut).write(to: URL(fileURLWithPath: directory))
    let listing = try ImageFormats.inspect(directory)
    #expect(listing.map(\.slices) == [3])
    #expect(listing[0].problems.contains { $0.code == "damaged-file" })
  }
}
