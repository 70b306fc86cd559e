import Foundation
import ImagingIO
import Support
import TestSupport
import Testing

@Suite(.serialized) struct VisionPictureTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> String { folder.file(name) }

  private func run(_ arguments: [String]) throws -> Program.Result {
    try Program.start(["vision"] + arguments).wait()
  }

  private func draw(_ name: String, side: Int = 64, isGrey: Bool = false, shift: Int = 0) throws {
    var bytes: [UInt8] = []
    for y in 0..<side {
      for x in 0..<side {
        let isOn = ((x + shift) / 8 + y / 8) % 2 == 0
        bytes += isGrey ? [isOn ? 200 : 40] : isOn ? [230, 80, 40] : [20, 60, UInt8(100 + y)]
      }
    }
    let image = PNGImage(
      width: side,
      height: side,
      channels: isGrey ? 1 : 3,
      samples: .eightBit(bytes)
    )
    try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: file(name)))
  }

  @Test func stylesAreOptimisedTrainedAndRun() throws {
    try FileManager.default.createDirectory(atPath: file("in"), withIntermediateDirectories: true)
    for index in 0..<3 { try draw("in/\(index).png", shift: 3 * index) }
    try draw("style.png", side: 72, shift: 5)
    let style = ["--style", file("style.png")]
    let painted = try run(
      ["stylise", "run", file("in/0.png"), "-o", file("out.png"), "--steps", "3", "--json"] + style
    )
    #expect(painted.status == 0 && painted.json != nil, "\(painted.error)")
    #expect(try ColorImage.read(file("out.png")).width == 64)

    let train = ["stylise", "train", file("in"), "-o", file("model"), "--size", "32"]
    let trained = try run(
      train + style + ["--steps", "2", "--width", "4", "--blocks", "1", "--batch", "1"]
    )
    #expect(trained.status == 0, "\(trained.error)")
    let all = try run(["stylise", "run", file("in"), "-m", file("model"), "-o", file("all")])
    #expect(all.status == 0 && all.output.contains("3 pictures"), "\(all.error)")

    // One picture of a batch that cannot be read fails alone.
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: file("bad.png")))
    let mixed = try run(
      [
        "stylise", "run", file("in/0.png"), file("bad.png"), "-m", file("model"), "-o",
        file("mixed"),
      ]
    )
    #expect(mixed.status == 2 && mixed.error.contains("bad.png"))

    // Bad input has its documented status.
    let single = ["stylise", "run", file("in/0.png"), "-o", file("x.png")]
    #expect(try run(single).status == 64)
    #expect(try run(single + ["--style", file("none.png")]).status == 66)
    #expect(try run(single + ["--style", file("bad.png")]).status == 65)
    #expect(try run(single + ["--model", file("none")]).status == 69)
    #expect(try run(single + style + ["--features", file("none.pth")]).status == 66)
    #expect(try run(single + style + ["--features", file("none")]).status == 69)
    #expect(try run(single + ["--model", file("model"), "--noise", "0"]).status == 64)
    try draw("tiny.png", side: 16)
    #expect(try run(single + ["--style", file("tiny.png")]).status == 65)
    let wrong = try run([
      "colourise", "run", file("in/0.png"), "-m", file("model"), "-o", file("y.png"),
    ])
    #expect(wrong.status == 64 && wrong.error.contains("something else"))
    let weights = file("model/weights.safetensors")
    var data = try Data(contentsOf: URL(fileURLWithPath: weights))
    data[data.count - 1] ^= 1
    try data.write(to: URL(fileURLWithPath: weights))
    #expect(try run(single + ["--model", file("model")]).status == 65)
    #expect(!FileManager.default.fileExists(atPath: file("x.png")))
  }

  @Test func coloursAreTrainedMeasuredAndRun() throws {
    try FileManager.default.createDirectory(atPath: file("in"), withIntermediateDirectories: true)
    for index in 0..<4 { try draw("in/\(index).png", shift: 2 * index) }
    try draw("in/grey.png", isGrey: true)
    let train = [
      "colourise", "train", file("in"), "-o", file("model"), "--size", "48", "--features", "4", "8",
      "--batch", "2", "--steps", "60", "--learning-rate", "0.01", "--test", file("in/0.png"),
    ]
    let trained = try run(train)
    #expect(trained.status == 0, "\(trained.error)")
    #expect(trained.error.contains("it is grey"))
    let measured = try run(
      ["colourise", "evaluate", file("in/0.png"), "-m", file("model"), "-o", file("m.json")]
    )
    #expect(measured.status == 0, "\(measured.error)")
    let text = try Data(contentsOf: URL(fileURLWithPath: file("m.json")))
    let json = try #require(JSONSerialization.jsonObject(with: text) as? [String: Any])
    let evaluation = try #require(json["evaluation"] as? [String: Any])
    func psnr(_ name: String) -> Double? {
      (evaluation[name] as? [String: Any])?["psnr"] as? Double
    }
    // It learns: squares of two greys become red and blue.
    #expect(try #require(psnr("model")) > #require(psnr("grey")) + 1)
    let painted = try run(
      ["colourise", "run", file("in/grey.png"), "-m", file("model"), "-o", file("out.png")]
    )
    #expect(painted.status == 0, "\(painted.error)")
    let none = try run([
      "colourise", "train", file("in/grey.png"), "-o", file("other"), "--test", file("in/0.png"),
      "--steps", "1",
    ])
    #expect(none.status == 66 && none.error.contains("grey"))
    try Data("{}".utf8).write(to: URL(fileURLWithPath: file("model/model.json")))
    let damaged = try run(
      ["colourise", "run", file("in/grey.png"), "-m", file("model"), "-o", file("z.png")]
    )
    #expect(damaged.status == 65)
  }
}
