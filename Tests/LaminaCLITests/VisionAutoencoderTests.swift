import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

@Suite(.serialized) struct VisionAutoencoderTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> String { folder.file(name) }

  private func run(_ arguments: String...) throws -> Program.Result {
    try Program.start(["vision"] + arguments).wait()
  }

  private func write(_ pixels: [UInt8], _ path: String, channels: Int = 1) throws {
    try FileManager.default.createDirectory(
      atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path,
      withIntermediateDirectories: true
    )
    let side = Int(Double(pixels.count / channels).squareRoot())
    let image = PNGImage(
      width: side,
      height: side,
      channels: channels,
      samples: .eightBit(pixels)
    )
    try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: path))
  }

  /// Slopes of any direction; broken ones have a bright square.
  private func slopes(_ folder: String, count: Int, isBroken: Bool, seed: UInt64) throws {
    var random = RandomStream(seed: seed)
    for number in 0..<count {
      let (a, b) = (random.uniform(in: -4..<4), random.uniform(in: -4..<4))
      let pixels = (0..<256).map { place -> UInt8 in
        let (y, x) = (place / 16, place % 16)
        let isMarked = isBroken && (5..<9).contains(x) && (9..<13).contains(y)
        let value = 128 + a * Double(x - 8) + b * Double(y - 8) + (isMarked ? 90 : 0)
        return UInt8(min(255, max(0, value + 2 * random.normal())))
      }
      try write(pixels, folder + "/\(number).png")
    }
  }

  @Test func unusualImagesAreTrainedToldAndMeasured() throws {
    try slopes(file("set/train/normal"), count: 40, isBroken: false, seed: 1)
    try slopes(file("set/train/broken"), count: 2, isBroken: true, seed: 2)
    try slopes(file("set/test/normal"), count: 20, isBroken: false, seed: 3)
    try slopes(file("set/test/broken"), count: 20, isBroken: true, seed: 4)
    let model = file("model")
    let trained = try run(
      "anomaly",
      "train",
      file("set"),
      "--output",
      model,
      "--network",
      "denoising",
      "--steps",
      "60",
      "--batch",
      "16",
      "--learning-rate",
      "0.004",
      "--components",
      "3",
      "--json"
    )
    #expect(trained.status == 0 && trained.json != nil, "\(trained.error)")
    let measured = try run(
      "anomaly",
      "evaluate",
      file("set"),
      "--split",
      "test",
      "-m",
      model,
      "-o",
      file("measured.json"),
      "--report",
      file("measured.html")
    )
    #expect(measured.status == 0 && measured.output.contains("AUC"), "\(measured.error)")
    let json = try String(contentsOfFile: file("measured.json"), encoding: .utf8)
    #expect(json.contains("\"areaCI95\"") && json.contains("\"normalCount\" : 20"))
    let page = try String(contentsOfFile: file("measured.html"), encoding: .utf8)
    #expect(page.contains("ot for clinical use") && page.contains("principal components"))
    // A file that is no picture fails alone.
    try Data([1, 2, 3]).write(to: URL(fileURLWithPath: file("set/test/broken/x.png")))
    let told = try run("anomaly", "run", file("set/test/broken"), "-m", model, "-o", file("out"))
    #expect(told.status == 2 && told.error.contains("x.png"), "\(told.error)")
    #expect(FileManager.default.fileExists(atPath: file("out/0.png-heat.png")))
    let csv = try String(contentsOfFile: file("out/scores.csv"), encoding: .utf8)
    #expect(csv.split(separator: "\n").count == 21)

    try write([UInt8](repeating: 7, count: 768), file("constant.png"), channels: 3)
    #expect(
      try run("anomaly", "run", file("constant.png"), "-m", model, "-o", file("c.json")).status
        == 65
    )
    let colours = (0..<768).map { (place: Int) -> UInt8 in UInt8(place % 3 * 80 + place % 50) }
    try write(colours, file("colours.png"), channels: 3)
    let refused = try run("anomaly", "run", file("colours.png"), "-m", model, "-o", file("d.json"))
    #expect(refused.status == 65 && refused.error.contains("colours"))
    let other = try run(
      "anomaly",
      "train",
      file("set"),
      "--normal",
      "healthy",
      "--output",
      file("other")
    )
    #expect(other.status == 65 && other.error.contains("broken, normal"), "\(other.error)")
    #expect(
      try run(
        "inpaint",
        "run",
        file("colours.png"),
        "--missing",
        "0",
        "-m",
        model,
        "-o",
        file("e.png")
      ).status == 64
    )
    // The model is shown with others, reported, and segments nothing.
    #expect(try Program.run("model", "show", model).output.contains("unlike normal"))
    #expect(try Program.run("report", model, "--output", file("model.html")).status == 0)
    #expect(
      try Program.run("segment", file("colours.png"), "-m", model, "-o", file("s")).status == 64
    )
  }

  @Test func holesOfPicturesAreFilledAndNothingElseChanges() throws {
    let pixels = (0..<256).map { (place: Int) -> UInt8 in UInt8(place % 16 * 10 + place / 16) }
    try write(pixels, file("image.png"))
    let marks = (0..<256).map { (place: Int) -> UInt8 in
      (5..<9).contains(place % 16) && place / 16 > 3 ? 255 : 0
    }
    try write(marks, file("mask.png"))
    for model in ["harmonic", "biharmonic"] {
      let filled = try run(
        "inpaint",
        "run",
        file("image.png"),
        "--mask",
        file("mask.png"),
        "-m",
        model,
        "-o",
        file(model + ".png"),
        "--report",
        file(model + ".html"),
        "--json"
      )
      #expect(filled.status == 0 && filled.json != nil, "\(filled.error)")
      let found = try PictureChannels.read(file(model + ".png"))[0].asFloat.voxels
      for place in 0..<256 where marks[place] == 0 {
        #expect(found[place] == Float(pixels[place]))
      }
      for place in 0..<256 { #expect(abs(found[place] - Float(pixels[place])) < 6) }
    }
    #expect(
      try run("inpaint", "run", file("image.png"), "-m", "harmonic", "-o", file("a.png")).status
        == 64
    )
    try write([UInt8](repeating: 0, count: 256), file("empty.png"))
    try write([UInt8](repeating: 9, count: 256), file("all.png"))
    try write([UInt8](repeating: 9, count: 64), file("small.png"))
    for mask in ["empty", "all", "small"] {
      let refused = try run(
        "inpaint",
        "run",
        file("image.png"),
        "--mask",
        file(mask + ".png"),
        "-m",
        "harmonic",
        "-o",
        file("b.png")
      )
      #expect(refused.status == 65 && refused.errorLines.count >= 1, "\(mask)")
    }
    #expect(!FileManager.default.fileExists(atPath: file("b.png")))
    let measured = try run(
      "inpaint",
      "evaluate",
      file("image.png"),
      "-m",
      "biharmonic",
      "-o",
      file("m.json"),
      "--report",
      file("m.html")
    )
    #expect(measured.status == 0 && measured.output.contains("PSNR in holes"), "\(measured.error)")
  }
}
