import Enhancement
import Foundation
import ImagingIO
import Support
import TestSupport
import Testing

@Suite struct EnhancementPictureTests {
  private func picture(_ samples: PNGImage.Samples, channels: Int) throws -> EnhancementPicture {
    let folder = try TemporaryFolder()
    let image = PNGImage(width: 3, height: 2, channels: channels, samples: samples)
    try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: folder.file("a.png")))
    return try EnhancementPicture(path: folder.file("a.png"))
  }

  @Test func deepPicturesAreOnTheScaleOfEightBits() throws {
    let values: [UInt16] = [0, 257, 65535, 1000, 30000, 4]
    let picture = try picture(.sixteenBit(values), channels: 1)
    #expect(picture.bits == 16 && picture.channels[0].voxels[2] == 255)
    let back = try PNGDecoder.decode(try picture.png(), path: "a.png")
    #expect(back.samples == .sixteenBit(values))
  }

  @Test func coloursSurviveAnUnchangedLuma() throws {
    let values: [UInt8] = [10, 200, 30, 255, 0, 0, 0, 255, 0, 0, 0, 255, 7, 8, 9, 100, 100, 101]
    let picture = try picture(.eightBit(values), channels: 3)
    #expect(picture.channels.count == 3)
    let back = try PNGDecoder.decode(
      try picture.replacingGrey(picture.grey).png(),
      path: "a.png"
    )
    #expect(back.samples == .eightBit(values))
    let brighter = picture.replacingGrey(picture.grey.map { $0 + 20 })
    #expect(abs(brighter.channels[2].voxels[0] - 50) < 1e-4)
  }

  @Test func transparencyIsLeftOutAndEqualColoursAreGrey() throws {
    let picture = try picture(
      .eightBit([UInt8](repeating: 9, count: 24)),
      channels: 4
    )
    #expect(picture.hadAlpha && picture.channels.count == 1)
  }
}
