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

  @Test func colourDifferencesMakeTheColoursAgain() throws {
    let values: [UInt8] = [10, 200, 30, 255, 0, 0, 0, 255, 0, 0, 0, 255, 7, 8, 9, 100, 100, 101]
    let picture = try picture(.eightBit(values), channels: 3)
    let differences = picture.colourDifferences
    #expect(differences.count == 2)
    let same = EnhancementPicture(grey: picture.grey, differences: differences, bits: 8)
    #expect(try PNGDecoder.decode(try same.png(), path: "a.png").samples == .eightBit(values))
  }

  @Test func denoisersServeColoursToo() throws {
    var random = RandomStream(seed: 4)
    let size = 48
    let clean = [Float(90), 150, 60]
    let values = (0..<size * size).flatMap { _ in
      clean.map { UInt8(min(255, max(0, $0 + 20 * Float(random.normal())))) }
    }
    let folder = try TemporaryFolder()
    let image = PNGImage(width: size, height: size, channels: 3, samples: .eightBit(values))
    try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: folder.file("a.png")))
    let picture = try EnhancementPicture(path: folder.file("a.png"))
    func improved(_ filter: String) throws -> [Float] {
      var notes: [String] = []
      let result = try EnhancementChain([StageCatalog.stage(filter)]).apply(
        .picture(picture),
        modality: nil,
        path: "a.png",
        progress: SilentProgress(),
        interruption: Interruption(),
        notes: &notes
      )
      #expect(notes.count == 1)
      return result.channels.enumerated().map { number, channel in
        let squares = channel.voxels.reduce(0) { $0 + ($1 - clean[number]) * ($1 - clean[number]) }
        return (squares / Float(channel.voxels.count)).squareRoot()
      }
    }
    // Of the noise of 20 little stays in any colour; sharpening is for the luma alone.
    let errors = try improved("bm3d")
    #expect(errors.allSatisfy { $0 < 5 }, "\(errors)")
    let sharpened = try improved("unsharp")
    #expect(sharpened.allSatisfy { $0 > 15 }, "\(sharpened)")
  }

  @Test func transparencyIsLeftOutAndEqualColoursAreGrey() throws {
    let picture = try picture(
      .eightBit([UInt8](repeating: 9, count: 24)),
      channels: 4
    )
    #expect(picture.hadAlpha && picture.channels.count == 1)
  }
}
