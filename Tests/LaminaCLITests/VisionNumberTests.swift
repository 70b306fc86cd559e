import Foundation
import ImagingIO
import Support
import TestSupport
import Testing

/// `vision regress` and `vision caption` from the command line.
@Suite(.serialized) struct VisionNumberTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> String { folder.file(name) }

  private func run(_ arguments: [String]) throws -> Program.Result {
    try Program.start(["vision"] + arguments).wait()
  }

  /// Pictures of one to four bars, with their number and a sentence.
  private func writeBars(_ count: Int) throws {
    let words = ["one bar", "two bars", "three bars", "four bars"]
    var numbers = "image,bars\n"
    var captions = "image,caption\n"
    for index in 0..<count {
      var random = RandomStream(seed: 1).split(index)
      let bars = index % 4 + 1
      let pixels = (0..<256).map { place -> UInt8 in
        let isInside = place % 16 < 4 * bars && place % 4 < 2
        return UInt8(min(255, max(0, (isInside ? 200 : 40) + 5 * random.normal())))
      }
      let image = PNGImage(width: 16, height: 16, channels: 1, samples: .eightBit(pixels))
      try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: file("\(index).png")))
      numbers += "\(index).png,\(bars)\n"
      captions += "\(index).png,\(words[bars - 1])\n"
    }
    try Data(numbers.utf8).write(to: URL(fileURLWithPath: file("bars.csv")))
    try Data(captions.utf8).write(to: URL(fileURLWithPath: file("captions.csv")))
  }

  @Test func numbersAreTrainedToldAndMeasured() throws {
    try writeBars(100)
    let model = file("bars")
    let train = [
      "regress", "train", file("bars.csv"), "-o", model, "--network", "lenet", "--steps", "80",
      "--batch", "16", "--validation-share", "0.2", "--no-augmentation",
    ]
    let trained = try run(train + ["--json"])
    #expect(trained.status == 0 && trained.output.contains("intervalCoverage"), "\(trained.error)")
    #expect(try run(train).status == 73)
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: file("new.png")))
    let told = try run([
      "regress", "run", file("0.png"), file("new.png"), "-m", model, "-o", file("told.csv"),
    ])
    #expect(told.status == 2 && told.error.contains("new"), "\(told.error)")
    let rows = try String(contentsOfFile: file("told.csv"), encoding: .utf8).split(separator: "\n")
    #expect(rows.count == 2 && rows[0] == "id,bars,bars_low,bars_high,bars_spread")
    let measured = try run([
      "regress", "evaluate", file("bars.csv"), "-m", model, "-o", file("m.json"), "--report",
      file("m.html"),
    ])
    #expect(measured.status == 0 && measured.output.contains("concordance"), "\(measured.error)")
    let page = try String(contentsOfFile: file("m.html"), encoding: .utf8)
    #expect(page.contains("told against true") && page.contains("Bland and Altman"))
    #expect(page.contains("residuals") && page.contains("ot for clinical use"))
    #expect(try Program.run("model", "show", model).output.contains("regression"))
    #expect(try Program.run("report", model, "--output", file("model.html")).status == 0)

    let few = try run(train.dropLast(3) + ["--coverage", "0.99", "-o", file("few")])
    #expect(few.status == 64 && few.error.contains("need 99 validation images"), "\(few.error)")
    let classes = try run(["classify", "run", file("0.png"), "-m", model, "-o", file("c.json")])
    #expect(classes.status == 64, "\(classes.error)")
    let none = try run(["regress", "train", file("none.csv"), "-o", file("none")])
    #expect(none.status == 66)
    let other = try run(["regress", "train", file("captions.csv"), "-o", file("none")])
    #expect(other.status == 65 && other.errorLines.count == 1, "\(other.error)")
    // Boxes, label maps and counted objects only.
    #expect(try run(["regress", "table", file("bars.csv"), "-o", file("t.csv")]).status != 0)
  }

  private func trainedCaptions(_ table: String, _ model: String) throws -> Program.Result {
    try run([
      "caption", "train", file(table), "-o", model, "--features", "8", "12", "--grid", "4",
      "--width", "24", "--steps", "60", "--batch", "16", "--learning-rate", "0.01",
      "--no-augmentation",
    ])
  }

  @Test func sentencesAreTrainedWrittenAndMeasured() throws {
    try writeBars(60)
    let model = file("words")
    let trained = try trainedCaptions("captions.csv", model)
    #expect(trained.status == 0 && trained.output.contains("bleu4"), "\(trained.error)")
    #expect(trained.output.contains("retrieval") && trained.output.contains("majority"))
    let written = try run([
      "caption", "run", file("3.png"), file("1.png"), "-m", model, "-o", file("out"),
    ])
    #expect(written.status == 0 && written.output.contains("bars"), "\(written.error)")
    let page = try String(contentsOfFile: file("out/report.html"), encoding: .utf8)
    #expect(page.contains("warm colours") && page.contains("ot for clinical use"))
    #expect(FileManager.default.fileExists(atPath: file("out/captions.csv")))
    let measured = try run([
      "caption", "evaluate", file("captions.csv"), "-m", model, "-o", file("m.json"), "--report",
      file("m.html"),
    ])
    #expect(measured.status == 0 && measured.output.contains("BLEU-4"), "\(measured.error)")
    #expect(try Program.run("model", "show", model).output.contains("sentences"))
    #expect(try Program.run("report", model, "--output", file("model.html")).status == 0)
    let wrong = try run(["regress", "run", file("1.png"), "-m", model, "-o", file("x.json")])
    #expect(wrong.status == 64, "\(wrong.error)")
    let bad = try run(["caption", "train", file("bars.csv"), "-o", file("no")])
    #expect(bad.status == 65 && bad.errorLines.count == 1, "\(bad.error)")
  }

  /// Pictures of noise with label maps of one structure or of two, whose names differ after a dot.
  private func writeLayers(_ count: Int) throws {
    for part in ["images", "labels"] {
      try FileManager.default.createDirectory(
        atPath: file(part),
        withIntermediateDirectories: true
      )
    }
    var rows = "image,labels,caption\n"
    for index in 0..<count {
      var random = RandomStream(seed: 2).split(index)
      let noise = (0..<256).map { _ in UInt8(100 + 50 * random.uniform()) }
      let labels = (0..<256).map { UInt16($0 < 64 ? 3 : index % 2 == 1 && $0 >= 192 ? 7 : 0) }
      for (part, samples) in [
        ("images", PNGImage.Samples.eightBit(noise)), ("labels", .sixteenBit(labels)),
      ] {
        let image = PNGImage(width: 16, height: 16, channels: 1, samples: samples)
        try PNGEncoder.encode(image)
          .write(to: URL(fileURLWithPath: file("\(part)/cells.\(index).png")))
      }
      rows += "images/cells.\(index).png,labels/cells.\(index).png,"
      rows += index % 2 == 1 ? "two layers\n" : "one layer\n"
    }
    try Data(rows.utf8).write(to: URL(fileURLWithPath: file("layers.csv")))
  }

  @Test func labelMapsGoWithTheirImages() throws {
    try writeLayers(40)
    let model = file("layers")
    let trained = try trainedCaptions("layers.csv", model)
    #expect(trained.status == 0, "\(trained.error)")
    let written = try run([
      "caption", "run", file("images"), "--labels", file("labels"), "-m", model, "-o",
      file("layers-out.csv"),
    ])
    #expect(written.status == 0, "\(written.error)")
    let lines = try String(contentsOfFile: file("layers-out.csv"), encoding: .utf8)
      .split(separator: "\n").dropFirst()
    #expect(lines.count == 40)
    #expect(lines.contains { $0.hasPrefix("cells.4,") && $0.hasSuffix("one layer") })
    #expect(lines.contains { $0.hasPrefix("cells.7,") && $0.hasSuffix("two layers") })
    // One whose label map is missing fails alone.
    try FileManager.default.removeItem(atPath: file("labels/cells.4.png"))
    let partial = try run([
      "caption", "run", file("images"), "--labels", file("labels"), "-m", model, "-o",
      file("partial.csv"),
    ])
    #expect(partial.status == 2 && partial.error.contains("cells.4"), "\(partial.error)")
    let several = try run([
      "caption", "run", file("images"), "--labels", file("labels/cells.1.png"), "-m", model, "-o",
      file("several.csv"),
    ])
    #expect(several.status == 64, "\(several.error)")
  }
}
