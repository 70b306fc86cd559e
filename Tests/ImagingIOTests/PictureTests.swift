import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// What tifffile or Pillow reads from a fixture (`Tests/Fixtures/pictures/generate.py`).
private struct PictureExpected: Decodable {
  let shape: [Int]
  let scalar: String
  let values: [String]

  static func all() throws -> [String: PictureExpected] {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("pictures/expected.json")))
    return try JSONDecoder().decode([String: PictureExpected].self, from: data)
  }
}

struct PictureTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func aDICOMFileMayBeginAsATIFFFile() throws {
    let scan = Fixtures.path("dicom/axial-ct/IM000")
    var data = try Data(contentsOf: URL(fileURLWithPath: scan))
    data.replaceSubrange(0..<4, with: [0x49, 0x49, 42, 0])
    try data.write(to: URL(fileURLWithPath: folder.file("slice.dcm")))
    #expect(!PictureFormat().recognises(folder.file("slice.dcm")))
    let read = try ImageFormats.read(folder.file("slice.dcm"))
    #expect(read.volume == (try ImageFormats.read(scan).volume))
  }

  @Test(arguments: [
    "uint8.tif", "int8.tif", "uint16.tif", "int16.tif", "uint32.tif", "int32.tif", "float32.tif",
    "float64.tif", "big-endian.tif", "bigtiff.tif", "tiled.tif", "tiled-deflate.tif",
    "strips-deflate.tif", "lzw.tif", "mask.tif", "white-is-zero.tif", "grey.jpg", "spacing.tif",
    "pages.tif",
  ])
  func greyValuesAreThoseOfTheReference(name: String) throws {
    let expected = try #require(try PictureExpected.all()[name])
    let loaded = try ImageFormats.read(Fixtures.path("pictures/\(name)"))
    let size = loaded.volume.geometry.size
    let shape = expected.shape.count == 2 ? [1] + expected.shape : expected.shape
    #expect([size.z, size.y, size.x] == shape)
    #expect(loaded.volume.scalarName == expected.scalar)
    #expect(loaded.volume.texts.map(Double.init) == expected.values.map(Double.init))
    #expect(loaded.volume.geometry.isPlanar == (size.z == 1))
    #expect(loaded.summary.problems.map(\.code) == ["no-patient-geometry"])
  }

  @Test func theSpacingIsTheFiles() throws {
    let geometry = try ImageFormats.read(Fixtures.path("pictures/spacing.tif")).volume.geometry
    // 100 and 50 pixels a centimetre; single precision in the file.
    #expect(abs(geometry.spacing.x - 0.1) < 1e-6 && abs(geometry.spacing.y - 0.2) < 1e-6)
  }

  @Test(arguments: ["colour.tif", "colour.jpg", "progressive.jpg", "colour.png"])
  func coloursAreReadAsPicturesAndRefusedAsVolumes(name: String) throws {
    let expected = try #require(try PictureExpected.all()[name])
    let path = Fixtures.path("pictures/\(name)")
    let image = try ColorImage.read(path)
    #expect([image.height, image.width, 3] == expected.shape)
    #expect(image.pixels.map { "\($0)" } == expected.values)
    let error = #expect(throws: ImagingIOError.self) { try ImageFormats.read(path) }
    #expect(error?.description.contains("a colour picture") == true)
  }

  @Test func greyBecomesEqualChannels() throws {
    let expected = try #require(try PictureExpected.all()["grey.jpg"])
    let image = try ColorImage.read(Fixtures.path("pictures/grey.jpg"))
    for channel in 0..<3 {
      let values = stride(from: channel, to: image.pixels.count, by: 3).map {
        "\(image.pixels[$0])"
      }
      #expect(values == expected.values)
    }
    let deep = try #require(try PictureExpected.all()["uint16.tif"])
    let upper = try ColorImage.read(Fixtures.path("pictures/uint16.tif"))
    #expect(Int(upper.pixels[0]) == (Int(deep.values[0]) ?? 0) / 256)
    #expect(throws: ImagingIOError.self) {
      try ColorImage.read(Fixtures.path("pictures/float32.tif"))
    }
  }

  @Test func cmykIsUnsupported() throws {
    let error = #expect(throws: ImagingIOError.self) {
      try ColorImage.read(Fixtures.path("pictures/cmyk.jpg"))
    }
    #expect(error?.description.contains("CMYK") == true)
  }

  @Test func aFolderOfNumberedPicturesIsAStack() throws {
    try FileManager.default.createDirectory(
      atPath: folder.file("stack"),
      withIntermediateDirectories: true
    )
    for number in [9, 10, 8] {
      let pixels = [UInt8](repeating: UInt8(number), count: 6)
      let image = PNGImage(width: 3, height: 2, channels: 1, samples: .eightBit(pixels))
      try PNGEncoder.encode(image)
        .write(to: URL(fileURLWithPath: folder.file("stack/slice-\(number).png")))
    }
    let loaded = try ImageFormats.read(folder.file("stack"))
    #expect(loaded.volume.geometry.size == [3, 2, 3])
    #expect(!loaded.volume.geometry.isPlanar)
    let wanted = [8, 9, 10].flatMap { [String](repeating: "\($0)", count: 6) }
    #expect(loaded.volume.texts == wanted)
    #expect(loaded.summary.problems.map(\.code) == ["no-patient-geometry"])
    try FileManager.default.removeItem(atPath: folder.file("stack/slice-9.png"))
    let gap = try ImageFormats.read(folder.file("stack"))
    #expect(gap.summary.problems.map(\.code) == ["no-patient-geometry", "missing-pictures"])
    let other = PNGImage(width: 2, height: 3, channels: 1, samples: .eightBit([0, 0, 0, 0, 0, 0]))
    let path = folder.file("stack/slice-9.png")
    try PNGEncoder.encode(other).write(to: URL(fileURLWithPath: path))
    #expect(throws: ImagingIOError.mixedGeometry(path: path, what: "size")) {
      try ImageFormats.read(folder.file("stack"))
    }
    try Data("x".utf8).write(to: URL(fileURLWithPath: folder.file("stack/notes.txt")))
    #expect(!PictureFormat().recognises(folder.file("stack")))
  }

  @Test(arguments: [
    "uint16.tif", "tiled-deflate.tif", "lzw.tif", "grey.jpg", "progressive.jpg",
  ])
  func truncatedFilesAreDamaged(name: String) throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("pictures/\(name)")))
    for part in [2, 3, 10] {
      #expect(throws: ImagingIOError.self) { try color(whole.prefix(whole.count / part), name) }
    }
  }

  @Test func aMissingPageIsDamage() throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("pictures/pages.tif")))
    let path = folder.file("pages.tif")
    for part in 1..<8 {
      try whole.prefix(whole.count * part / 8).write(to: URL(fileURLWithPath: path))
      #expect(throws: ImagingIOError.self) { try ImageFormats.read(path) }
    }
  }

  @Test(arguments: ["uint16.tif", "tiled-deflate.tif", "grey.jpg", "progressive.jpg"])
  func noByteCrashesTheReader(name: String) throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("pictures/\(name)")))
    var outcomes = 0
    for place in stride(from: 0, to: min(700, whole.count), by: 2) {
      for value: UInt8 in [0x00, 0xFF] {
        var mutant = whole
        mutant[place] = value
        if (try? color(mutant, name)) != nil { outcomes += 1 }
        outcomes += (try? ImageFormats.read(folder.file(name))) == nil ? 1 : 0
      }
    }
    #expect(outcomes > 0)
  }

  @Test func aHugeClaimIsRefusedAtOnce() throws {
    var jpeg = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("pictures/grey.jpg")))
    let frame = try #require(jpeg.range(of: Data([0xFF, 0xC0]))).lowerBound
    // The frame header's height and width: 65500 each.
    jpeg.replaceSubrange((frame + 5)..<(frame + 9), with: [0xFF, 0xDC, 0xFF, 0xDC])
    let error = #expect(throws: ImagingIOError.self) { try color(jpeg, "huge.jpg") }
    #expect(error?.description.contains("claims 65500 x 65500 pixels") == true)
  }

  private func color(_ data: Data, _ name: String) throws -> ColorImage {
    let path = folder.file(name)
    try data.write(to: URL(fileURLWithPath: path))
    return try ColorImage.read(path)
  }
}
