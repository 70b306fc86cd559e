import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

struct PNGTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(arguments: [1, 3, 4])
  func everyKindRoundTrips(channels: Int) throws {
    let eight = PNGImage(
      width: 5,
      height: 3,
      channels: channels,
      samples: .eightBit((0..<(15 * channels)).map { UInt8($0 * 4) }),
      spacingMM: [0.5, 0.25]
    )
    #expect(try PNGDecoder.decode(PNGEncoder.encode(eight), path: "a.png") == eight)
    let sixteen = PNGImage(
      width: 5,
      height: 3,
      channels: channels,
      samples: .sixteenBit((0..<(15 * channels)).map { UInt16($0 * 1000 + 1) })
    )
    #expect(try PNGDecoder.decode(PNGEncoder.encode(sixteen), path: "a.png") == sixteen)
  }

  @Test func aFileOfAnotherProgramIsRead() throws {
    // 2 x 2 pixels of 2-bit grey, 0 1 / 2 3, written by hand after ISO/IEC 15948 and zlib's stored
    // block: filter 0 and one byte a row, 0b0001_0000 and 0b1011_0000.
    let header: [UInt8] = [0, 0, 0, 2, 0, 0, 0, 2, 2, 0, 0, 0, 0]
    let rows: [UInt8] = [0, 0x10, 0, 0xB0]
    let zlib: [UInt8] =
      [0x78, 0x01, 0x01, 4, 0, 0xFB, 0xFF] + rows + adler32(rows)
    var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    file += chunk("IHDR", header) + chunk("IDAT", zlib) + chunk("IEND", [])
    let image = try PNGDecoder.decode(Data(file), path: "a.png")
    #expect(
      image == PNGImage(width: 2, height: 2, channels: 1, samples: .eightBit([0, 85, 170, 255]))
    )
  }

  @Test func aTruncatedFileIsDamaged() throws {
    let whole = try PNGEncoder.encode(picture())
    for count in [8, 20, 40, whole.count / 2, whole.count - 13] {
      let error = #expect(throws: ImagingIOError.self) {
        try PNGDecoder.decode(whole.prefix(count), path: "a.png")
      }
      #expect(
        error?.description.contains("a.png is damaged: libpng says: the file ends early") == true
      )
    }
  }

  @Test func aFlippedByteIsDamaged() throws {
    var whole = try PNGEncoder.encode(picture())
    whole[whole.count / 2] ^= 0x10
    #expect(throws: ImagingIOError.self) { try PNGDecoder.decode(whole, path: "a.png") }
  }

  @Test func aHugeClaimIsDamaged() throws {
    let header: [UInt8] = [0, 0x0F, 0, 0, 0, 0x0F, 0, 0, 16, 6, 0, 0, 0]
    var file: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
    file += chunk("IHDR", header) + chunk("IDAT", [0x78, 0x01]) + chunk("IEND", [])
    let error = #expect(throws: ImagingIOError.self) {
      try PNGDecoder.decode(Data(file), path: "a.png")
    }
    #expect(error?.description.contains("983040 x 983040 pixels") == true)
  }

  @Test func otherBytesAreNoPNG() {
    for data in [Data(), Data([1, 2, 3]), Data(repeating: 65, count: 100)] {
      #expect(throws: ImagingIOError.unrecognised(path: "a.png")) {
        try PNGDecoder.decode(data, path: "a.png")
      }
    }
  }

  @Test func aGreyFileIsAPlanarVolumeWithoutPatientGeometry() throws {
    let path = folder.file("a.png")
    try PNGEncoder.encode(picture()).write(to: URL(fileURLWithPath: path))
    let loaded = try ImageFormats.read(path)
    let geometry = loaded.volume.geometry
    #expect(geometry.isPlanar)
    #expect(geometry.size == [30, 20, 1])
    #expect(geometry.spacing == [0.5, 0.25, 1])
    #expect(geometry.direction == .identity)
    #expect(loaded.summary.problems.map(\.code) == ["no-patient-geometry"])
    #expect(loaded.volume.scalarName == "uint8")
    #expect(try ImageFormats.inspect(path) == [loaded.summary])
    #expect(throws: ImagingIOError.noSuchSelection(path: path, selection: "volume 2")) {
      try ImageFormats.read(path, selection: .init(volume: 2))
    }
  }

  @Test func equalChannelsAreGreyAndOthersAreUnsupported() throws {
    let path = folder.file("c.png")
    let grey = PNGImage(
      width: 2,
      height: 1,
      channels: 4,
      samples: .eightBit([7, 7, 7, 255, 9, 9, 9, 255])
    )
    try PNGEncoder.encode(grey).write(to: URL(fileURLWithPath: path))
    #expect(try ImageFormats.read(path).volume.texts == ["7", "9"])
    #expect(try ImageFormats.read(path).volume.geometry.spacing == [1, 1, 1])
    let colour = PNGImage(width: 1, height: 1, channels: 3, samples: .eightBit([1, 2, 3]))
    try PNGEncoder.encode(colour).write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: ImagingIOError.self) { try ImageFormats.read(path) }
    #expect(error?.description.contains("colour picture") == true)
  }

  @Test func slicesAreWindowedAlikeAndNumbered() throws {
    let geometry = try ImageGeometry(
      size: [4, 3, 2],
      spacing: [0.5, 0.25, 3],
      origin: [0, 0, 0],
      direction: .identity
    )
    // Black and white are the extremes of so few values; NaN is black.
    var voxels = (0..<24).map { Float($0) * 10 }
    voxels[5] = .nan
    let names = try PNGSliceWriter.write(
      .float32(Volume(geometry: geometry, voxels: voxels)),
      toFolder: folder.path
    )
    #expect(names == ["slice-0001.png", "slice-0002.png"])
    var samples: [UInt8] = []
    for name in names {
      let image = try PNGDecoder.decode(contentsOf: folder.file(name))
      #expect(image.width == 4 && image.height == 3 && image.channels == 1)
      #expect(image.spacingMM == [0.5, 0.25])
      if case .eightBit(let values) = image.samples { samples += values }
    }
    let expected = voxels.map { $0.isNaN ? 0 : UInt8(($0 * 255 / 230).rounded()) }
    #expect(samples == expected)
  }

  @Test func aConstantVolumeMakesBlackSlices() throws {
    let geometry = try ImageGeometry(
      size: [2, 2, 1],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    let volume = AnyVolume.uint8(Volume(geometry: geometry, voxels: [9, 9, 9, 9]))
    try PNGSliceWriter.write(volume, toFolder: folder.path)
    let image = try PNGDecoder.decode(contentsOf: folder.file("slice-0001.png"))
    #expect(image.samples == .eightBit([0, 0, 0, 0]))
    #expect(throws: SupportError.self) {
      try PNGSliceWriter.write(volume, toFolder: folder.file("missing"))
    }
  }

  private func picture() -> PNGImage {
    var random = RandomStream(seed: 4)
    return PNGImage(
      width: 30,
      height: 20,
      channels: 1,
      samples: .eightBit((0..<600).map { _ in UInt8(truncatingIfNeeded: random.next()) }),
      spacingMM: [0.5, 0.25]
    )
  }

  private func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(type.utf8) + data
    return bigEndian(UInt32(data.count)) + body + bigEndian(crc32(body))
  }

  private func bigEndian(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt32($0))) }
  }

  private func crc32(_ bytes: [UInt8]) -> UInt32 {
    var crc: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = (crc >> 1) ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
    }
    return ~crc
  }

  private func adler32(_ bytes: [UInt8]) -> [UInt8] {
    var a: UInt32 = 1
    var b: UInt32 = 0
    for byte in bytes {
      a = (a + UInt32(byte)) % 65521
      b = (b + a) % 65521
    }
    return bigEndian(b << 16 | a)
  }
}
