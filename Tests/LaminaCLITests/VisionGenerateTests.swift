import Foundation
import ImagingIO
import Support
import TestSupport
import Testing

@Suite(.serialized) struct VisionGenerateTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> String { folder.file(name) }

  private func run(_ arguments: [String]) throws -> Program.Result {
    try Program.start(["vision"] + arguments).wait()
  }

  /// Pictures with a bright half, the upper or the lower.
  private func pictures(_ name: String, count: Int = 12) throws -> String {
    for (label, kind) in ["upper", "lower"].enumerated() {
      let path = file(name + "/" + kind)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      for index in 0..<count {
        var random = RandomStream(seed: 5).split(label, index)
        let pixels = (0..<16 * 16).map { place -> UInt8 in
          let isBright = (place / 16 < 8) == (label == 0)
          return UInt8(min(255, max(0, (isBright ? 190 : 50) + 15 * random.normal())))
        }
        let image = PNGImage(width: 16, height: 16, channels: 1, samples: .eightBit(pixels))
        try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: path + "/\(index).png"))
      }
    }
    return file(name)
  }

  @Test func aGeneratorIsTrainedDrawsAndIsMeasuredByAClassifier() throws {
    let data = try pictures("halves")
    let (model, judge) = (file("made"), file("judge"))
    let trained = try run([
      "generate", "train", data, "--network", "conditional", "--features", "8", "--batch", "8",
      "--steps", "6", "--output", model, "--json",
    ])
    #expect(trained.status == 0 && trained.json != nil, "\(trained.error)")
    let card = try String(contentsOfFile: model + "/README.md", encoding: .utf8)
    #expect(card.contains("ot for clinical use") && card.contains("lower, upper"))
    let page = try String(contentsOfFile: model + "/training.html", encoding: .utf8)
    #expect(page.contains("Images on the way") && !page.contains(folder.path))

    let drawn = try run(["generate", "run", model, "--count", "5", "--output", file("images")])
    #expect(drawn.status == 0, "\(drawn.error)")
    let names = FileManager.default.enumerator(atPath: file("images"))?.compactMap { $0 as? String }
    #expect(names?.count { $0.hasSuffix(".png") } == 6)
    #expect(names?.contains("upper") == true && names?.contains("sheet.png") == true)
    let unknown = try run(["generate", "run", model, "--class", "middle", "--output", file("none")])
    #expect(unknown.status == 64 && unknown.error.contains("lower, upper"))

    let classifier = try run([
      "classify", "train", data, "--network", "lenet", "--batch", "8", "--steps", "30", "--output",
      judge,
    ])
    #expect(classifier.status == 0, "\(classifier.error)")
    let measured = try run([
      "generate", "evaluate", model, data, "--features", judge, "--count", "12", "--neighbours",
      "2", "--output", file("measured.json"), "--report", file("measured.html"),
    ])
    #expect(measured.status == 0, "\(measured.error)")
    #expect(measured.output.contains("classes: lower") && measured.output.contains("as asked for"))
    let report = try String(contentsOfFile: file("measured.html"), encoding: .utf8)
    #expect(report.contains("Nearest training images") && !report.contains(folder.path))
  }

  @Test func whatCannotBeLearntFromIsRefused() throws {
    let data = try pictures("halves", count: 2)
    let flat = data + "/upper"
    let noClasses = try run([
      "generate", "train", flat, "--network", "conditional", "--output", file("a"),
    ])
    #expect(noClasses.status == 65, "\(noClasses.error)")
    let noBatch = try run(["generate", "train", data, "--batch", "0", "--output", file("b")])
    #expect(noBatch.status == 64, "\(noBatch.error)")
    let missing = try run(["generate", "train", file("none"), "--output", file("c")])
    #expect(missing.status == 66, "\(missing.error)")

    // Names of classes become folders: those of a model made to write elsewhere are not used.
    let model = file("model")
    let trained = try run([
      "generate", "train", data, "--network", "conditional", "--features", "8", "--batch", "2",
      "--steps", "1", "--output", model,
    ])
    #expect(trained.status == 0, "\(trained.error)")
    let path = model + "/generator.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try text.replacingOccurrences(of: "\"upper\"", with: "\"../upper\"")
      .write(toFile: path, atomically: true, encoding: .utf8)
    let hostile = try run(["generate", "run", model, "--count", "2", "--output", file("d")])
    #expect(hostile.status == 64 || hostile.status == 65, "\(hostile.error)")
    #expect(!FileManager.default.fileExists(atPath: file("upper")))
  }

  @Test func madeImagesAreTriedWhereFewAreLabelled() throws {
    let data = try pictures("few", count: 20)
    let short = [
      "--share", "0.2", "--repeats", "2", "--made", "6", "--steps", "4", "--features", "8",
      "--batch", "4", "--classifier", "lenet", "--classifier-steps", "20", "--classifier-batch",
      "8",
    ]
    let (output, page) = (file("study.json"), file("study.html"))
    let done = try run(
      ["generate", "augment", data] + short + ["--output", output, "--report", page]
    )
    #expect(done.status == 0, "\(done.error)")
    let found = try #require(
      JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: output)))
        as? [String: Any]
    )
    let rounds = try #require(found["rounds"] as? [[String: Any]])
    #expect(rounds.count == 2 && found["test"] as? Int == 8)
    #expect(rounds.allSatisfy { $0["made"] as? Int == 12 })
    // A fifth of 29 or so images of two classes.
    #expect(rounds.allSatisfy { (4...8).contains($0["labelled"] as? Int ?? 0) })
    let html = try String(contentsOfFile: page, encoding: .utf8)
    #expect(html.contains("ot for clinical use") && html.contains("McNemar"))
    #expect(!FileManager.default.fileExists(atPath: output + ".study"))

    let again = try run(["generate", "augment", data] + short + ["--output", file("again.json")])
    #expect(again.status == 0)
    #expect(
      try Data(contentsOf: URL(fileURLWithPath: output))
        == Data(contentsOf: URL(fileURLWithPath: file("again.json")))
    )
    for wrong in [["--share", "0"], ["--repeats", "0"], ["--classifier", "none"]] {
      let refused = try run(
        ["generate", "augment", data] + wrong + ["--output", file("wrong.json")]
      )
      #expect(refused.status == 64)
    }
  }
}
