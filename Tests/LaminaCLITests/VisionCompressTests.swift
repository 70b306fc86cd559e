import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

@Suite struct VisionCompressTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> String { folder.file(name) }

  private func run(_ arguments: [String]) throws -> Program.Result {
    try Program.start(["vision"] + arguments).wait()
  }

  /// A volume of 20 slices with a smooth content and noise.
  private func volume() throws -> Volume<Int16> {
    var random = RandomStream(seed: 7)
    let geometry = try ImageGeometry(
      size: SIMD3(40, 32, 20),
      spacing: SIMD3(0.75, 0.75, 2),
      origin: SIMD3(-20, 4.5, 100),
      direction: Matrix3(SIMD3(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1))
    )
    return Volume(
      geometry: geometry,
      voxels: (0..<geometry.voxelCount).map { place -> Int16 in
        let wave: Double = sin(Double(place % 40) / 6)
        return Int16(300 + 200 * wave + 8 * random.normal())
      }
    )
  }

  @Test func volumesComeBackWithTheirGeometry() throws {
    let volume = try volume()
    try NIfTIWriter.write(
      timePoints: [.int16(volume)],
      secondsApart: 0,
      to: file("scan.nii.gz"),
      shift: nil
    )
    let made = try run(["compress", "run", file("scan.nii.gz"), "-o", file("scan.lamc"), "--json"])
    #expect(made.status == 0 && made.json != nil, "\(made.error)")
    let back = try run(["decompress", file("scan.lamc"), "-o", file("back.nii.gz")])
    #expect(back.status == 0 && back.output.contains("every value"), "\(back.error)")
    let restored = try ImageFormats.read(file("back.nii.gz")).volume
    #expect(restored == .int16(volume))
    // What exists is not replaced, endings are looked at, and a picture is none.
    #expect(try run(["decompress", file("scan.lamc"), "-o", file("back.nii.gz")]).status == 73)
    #expect(try run(["decompress", file("scan.lamc"), "-o", file("back.png")]).status == 64)
    #expect(
      try run(["compress", "run", file("scan.nii.gz"), "-o", file("scan.zip")]).status == 64
    )
    #expect(try run(["decompress", file("none.lamc"), "-o", file("x.nii")]).status == 66)

    // Cut short, of a later version, and something else.
    let data = try Data(contentsOf: URL(fileURLWithPath: file("scan.lamc")))
    var later = data
    later[4] = 9
    for (name, bytes, word) in [
      ("short", data.dropLast(100), "cut short"), ("later", later, "version is 9"),
      ("empty", Data(), "empty"),
    ] {
      try bytes.write(to: URL(fileURLWithPath: file(name + ".lamc")))
      let result = try run(["decompress", file(name + ".lamc"), "-o", file(name + ".nii")])
      #expect(result.status == 65 && result.error.contains(word), "\(result.error)")
      #expect(!FileManager.default.fileExists(atPath: file(name + ".nii")))
    }
  }

  @Test func aNetworkIsTrainedUsedAndMeasured() throws {
    for index in 0..<4 {
      let samples = (0..<48 * 40).map { place -> UInt8 in
        let wave: Double = sin(Double(place % 48) / 9 + Double(index))
        return UInt8(120 + 90 * wave * cos(Double(place / 48) / 8))
      }
      let path = file(index == 0 ? "test" : "train")
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      try PNGEncoder.encode(
        PNGImage(width: 48, height: 40, channels: 1, samples: .eightBit(samples))
      ).write(to: URL(fileURLWithPath: "\(path)/\(index).png"))
    }
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: file("train/damaged.png")))
    let train = [
      "compress", "train", file("train"), "--test", file("test"), "--output", file("small"),
      "--steps", "60", "--batch", "4", "--features", "8", "--code-channels", "4", "--blocks", "1",
      "--piece", "32",
    ]
    let trained = try run(train + ["--json"])
    #expect(trained.status == 0 && trained.output.contains("bitsPerPixel"), "\(trained.error)")
    #expect(trained.error.contains("damaged.png"))
    #expect(try run(train).status == 73)
    let card = try String(contentsOfFile: file("small/README.md"), encoding: .utf8)
    #expect(card.contains("JPEG's") && card.contains("ot for clinical use"))
    let picture = file("test/0.png")
    let exact = try run([
      "compress", "run", picture, "-m", file("small"), "--lossless", "-o", file("exact.lamc"),
    ])
    #expect(exact.status == 0, "\(exact.error)")
    let restored = try run([
      "decompress", file("exact.lamc"), "-m", file("small"), "-o", file("exact.png"),
    ])
    #expect(restored.status == 0, "\(restored.error)")
    #expect(
      try PictureChannels.read(file("exact.png")) == PictureChannels.read(picture)
    )
    // The file names its model; where that is not found it is asked for.
    let unknown = try run(["decompress", file("exact.lamc"), "-o", file("again.png")])
    #expect(unknown.status == 69 && unknown.error.contains("small"))
    let measured = try run([
      "compress", "evaluate", file("test"), "-m", file("small"), "-o", file("measured.json"),
    ])
    #expect(measured.status == 0 && measured.output.contains("0 of 1 planes"), "\(measured.error)")
    // A model for compression finds no structures.
    let wrong = try Program.start([
      "segment", picture, "--model", file("small"), "--output", file("labels"),
    ]).wait()
    #expect(wrong.status == 64, "\(wrong.error)")
    let page = try Program.start(["report", file("small"), "--output", file("page.html")]).wait()
    #expect(page.status == 0, "\(page.error)")
  }
}
