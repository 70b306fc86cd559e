import Foundation
import Imaging
import ImagingIO
import TestSupport
import Testing

/// Windows bitmaps, made here byte by byte.
@Suite struct BitmapFileTests {
  private func little(_ value: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }

  /// A file of 3 x 2 pixels: rows from the bottom up unless the height is negative.
  private func bitmap(
    bits: Int,
    height: Int = 2,
    compression: Int = 0,
    palette: [UInt8] = [],
    rows: [[UInt8]]
  ) -> [UInt8] {
    let start = 54 + palette.count
    let pixels = rows.flatMap {
      $0 + [UInt8](repeating: 0, count: ($0.count + 3) / 4 * 4 - $0.count)
    }
    var header =
      Array("BM".utf8) + little(start + pixels.count, 4) + little(0, 4) + little(start, 4)
    header += little(40, 4) + little(3, 4) + little(height, 4) + little(1, 2) + little(bits, 2)
    header += little(compression, 4) + little(0, 12) + little(palette.count / 4, 4) + little(0, 4)
    return header + palette + pixels
  }

  private func write(_ bytes: [UInt8], in folder: TemporaryFolder) throws -> String {
    let path = folder.file("picture.bmp")
    try Data(bytes).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func coloursAreReadFromTheBottomUp() throws {
    let folder = try TemporaryFolder()
    // Blue, green, red of each pixel; the first row of the file is the lower one.
    let lower: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9]
    let upper: [UInt8] = [11, 12, 13, 14, 15, 16, 17, 18, 19]
    for (height, rows) in [(2, [lower, upper]), (-2, [upper, lower])] {
      let path = try write(bitmap(bits: 24, height: height, rows: rows), in: folder)
      let channels = try PictureChannels.read(path).map(\.asFloat.voxels)
      #expect(channels == [[13, 16, 19, 3, 6, 9], [12, 15, 18, 2, 5, 8], [11, 14, 17, 1, 4, 7]])
    }
  }

  @Test func thirtyTwoBitsLoseTheirFourthByte() throws {
    let folder = try TemporaryFolder()
    let rows: [[UInt8]] = [
      [1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255], [0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 9, 0],
    ]
    let path = try write(bitmap(bits: 32, rows: rows), in: folder)
    let channels = try PictureChannels.read(path).map(\.asFloat.voxels)
    #expect(channels == [[0, 0, 9, 3, 6, 9], [0, 0, 9, 2, 5, 8], [0, 0, 9, 1, 4, 7]])
  }

  @Test func aPaletteOfGreyGivesOneChannelAndOneOfColoursThree() throws {
    let folder = try TemporaryFolder()
    let rows: [[UInt8]] = [[0, 1, 1], [1, 0, 0]]
    let grey = try write(
      bitmap(bits: 8, palette: [10, 10, 10, 0, 200, 200, 200, 0], rows: rows),
      in: folder
    )
    #expect(try PictureChannels.read(grey).map(\.asFloat.voxels) == [[200, 10, 10, 10, 200, 200]])
    let colours = try write(
      bitmap(bits: 8, palette: [10, 20, 30, 0, 200, 210, 220, 0], rows: rows),
      in: folder
    )
    let channels = try PictureChannels.read(colours)
    #expect(channels.count == 3)
    #expect(channels[0].asFloat.voxels == [220, 30, 30, 30, 220, 220])
  }

  @Test func damagedAndCompressedFilesAreErrors() throws {
    let folder = try TemporaryFolder()
    let rows: [[UInt8]] = [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 5, 6, 7, 8, 9]]
    let sound = bitmap(bits: 24, rows: rows)
    var huge = sound
    huge.replaceSubrange(18..<22, with: little(900_000, 4))
    var negative = sound
    negative.replaceSubrange(18..<22, with: little(-3, 4))
    var far = sound
    far.replaceSubrange(10..<14, with: little(1 << 30, 4))
    let beyond = bitmap(bits: 8, palette: [1, 1, 1, 0], rows: [[0, 0, 3], [0, 0, 0]])
    let compressed = bitmap(bits: 8, compression: 1, rows: [[0, 0, 0], [0, 0, 0]])
    let damaged = [Array(sound.prefix(40)), Array(sound.dropLast()), huge, negative, far, beyond]
    for bytes in damaged + [compressed] {
      let path = try write(bytes, in: folder)
      #expect(throws: ImagingIOError.self) { try PictureChannels.read(path) }
    }
  }

  @Test func aTextThatBeginsWithTheLettersIsNoBitmap() throws {
    let folder = try TemporaryFolder()
    let path = folder.file("notes.txt")
    try Data("BM is short for bitmap, is it not?".utf8).write(to: URL(fileURLWithPath: path))
    #expect(!PictureFormat().recognises(path))
  }
}
