import Foundation
import ImagingIO
import Support
import TestSupport
import Testing

private func archive(_ name: String) -> String { Fixtures.path("archives/" + name + ".zip") }

/// Folders that this process unpacked archives into.
private func scratchFolders() -> Set<String> {
  let parent = FileManager.default.temporaryDirectory.path
  let names = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
  return Set(names.filter { $0.hasPrefix("lamina-\(getpid())-") })
}

@Suite(.serialized) struct ZipFormatTests {
  private func values(_ loaded: LoadedVolume) -> [Float] { loaded.volume.asFloat.voxels }

  @Test func dicomInAnArchiveIsReadAsItsFolderIs() throws {
    let path = archive("dicom")
    #expect(try ImageFormats.format(of: path).name == "zip")
    let listing = try ImageFormats.inspect(path)
    #expect(listing == (try ImageFormats.inspect(Fixtures.path("archives/medium"))))
    #expect(listing.map(\.slices) == [4])
    let loaded = try ImageFormats.read(path)
    #expect(loaded.files == [path])
    #expect(values(loaded) == (0..<4).flatMap { z in (0..<12).map { Float(100 * z + $0) } })
    #expect(loaded.volume.geometry.spacing == [1, 1, 2])
  }

  @Test(arguments: [("nifti", Float(7)), ("pair", 5)])
  func oneImageInAnArchiveIsRead(name: String, value: Float) throws {
    #expect(try ImageFormats.inspect(archive(name)).count == 1)
    #expect(values(try ImageFormats.read(archive(name))) == [Float](repeating: value, count: 8))
  }

  @Test func severalImagesAreChosenBySeriesInTheOrderOfTheirNames() throws {
    let path = archive("several")
    #expect(try ImageFormats.inspect(path).count == 3)
    for (number, value) in [(1, Float(9)), (2, 10), (3, 2)] {
      let loaded = try ImageFormats.read(path, selection: VolumeSelection(series: "\(number)"))
      #expect(values(loaded).first == value)
    }
    let error = #expect(throws: ImagingIOError.self) { try ImageFormats.read(path) }
    #expect(error?.failure == .usage)
    #expect(error?.description.contains("2: \(path)/a10.nii") == true)
    #expect(throws: ImagingIOError.self) {
      try ImageFormats.read(path, selection: VolumeSelection(series: "4"))
    }
  }

  @Test func hostileNamesLeadNowhere() throws {
    let path = archive("hostile")
    let listing = try ImageFormats.inspect(path)
    #expect(listing.count == 6)
    #expect(listing[0].problems.map(\.code).contains("archive-links"))
    let error = #expect(throws: ImagingIOError.self) { try ImageFormats.read(path) }
    let text = error?.description ?? ""
    #expect(text.contains("\(path)/../../escaped.nii"))
    #expect(text.unicodeScalars.allSatisfy { $0.value >= 32 })
    for escaped in ["/tmp/absolute.nii", "/tmp/../escaped.nii", "/escaped.nii"] {
      #expect(!FileManager.default.fileExists(atPath: escaped))
    }
    let sum = try (1...6).map { number in
      values(try ImageFormats.read(path, selection: VolumeSelection(series: "\(number)")))[0]
    }
    #expect(sum.sorted() == [1, 2, 3, 4, 5, 6])
  }

  @Test(arguments: [
    ("bomb", "360 MiB", "377487360 bytes"), ("claims", "2 GiB", "2147483647 bytes"),
  ])
  func whatExpandsTooFarIsRefused(name: String, size: String, bytes: String) {
    let error = #expect(throws: ImagingIOError.self) { try ImageFormats.read(archive(name)) }
    #expect(error?.description.contains(bytes) == true, "\(size)")
  }

  @Test(arguments: [
    ("hidden", "scan.nii"), ("checksum", "scan.nii"), ("truncated", "archive"),
    ("damaged-member", "cut.nii"), ("encrypted", "secret.nii"), ("empty", "no files"),
    ("text", "no image"),
  ])
  func damageIsToldByTheNameInTheArchive(name: String, words: String) {
    let path = archive(name)
    let error = #expect(throws: ImagingIOError.self) { try ImageFormats.read(path) }
    let text = error?.description ?? ""
    #expect(text.hasPrefix(path))
    #expect(text.contains(words), "\(text)")
    #expect(!text.contains("/lamina-"), "\(text)")
    #expect(error?.failure == .damagedInput)
  }

  @Test func nothingIsLeftBehind() throws {
    let before = scratchFolders()
    do {
      let format = try ImageFormats.format(of: archive("dicom"))
      _ = try format.inspect(archive("dicom"), progress: SilentProgress())
      // Unpacked once, for listing and for reading.
      #expect(scratchFolders().subtracting(before).count == 1)
      _ = try format.read(
        archive("dicom"),
        selection: VolumeSelection(),
        progress: SilentProgress()
      )
      #expect(scratchFolders().subtracting(before).count == 1)
    }
    for name in ["several", "hidden", "damaged-member", "bomb"] {
      _ = try? ImageFormats.read(archive(name))
    }
    #expect(scratchFolders() == before)
  }

  @Test func aFileNamedZipIsJudgedByItsContent() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("scan.zip")
    try FileManager.default.copyItem(atPath: Fixtures.path("nifti/int8-big.nii"), toPath: path)
    #expect(try ImageFormats.format(of: path).name == "NIfTI")
  }
}
