import Enhancement
import Foundation
import ImagingIO
import Support
import TestSupport
import Testing

/// `lamina enhance --degrade` as users run it.
@Suite struct EnhanceMeasuringTests {
  private let folder = try? TemporaryFolder()

  private func file(_ name: String) throws -> String { try #require(folder).file(name) }

  private func picture(_ name: String, side: Int = 32) throws -> String {
    let samples = (0..<side * side).map { place in
      UInt8(120 + 60 * sin(Double(place % side) / 5) + 40 * cos(Double(place / side) / 4))
    }
    let path = try file(name)
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent,
      withIntermediateDirectories: true
    )
    let image = PNGImage(width: side, height: side, channels: 1, samples: .eightBit(samples))
    try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: path))
    return path
  }

  private func evaluation(_ folder: String) throws -> EnhancementEvaluation {
    try JSONDecoder().decode(
      EnhancementEvaluation.self,
      from: Data(contentsOf: URL(fileURLWithPath: folder + "/evaluation.json"))
    )
  }

  @Test func aBatchIsMeasuredAgainstRivalsInOneRun() throws {
    let (a, b) = (try picture("in/a.png"), try picture("in/b.png", side: 36))
    let (output, page) = (try file("out"), try file("page.html"))
    let result = try Program.run(
      "enhance",
      try file("in"),
      "--model",
      "gaussian",
      "--against",
      "median",
      "--degrade",
      "gaussian:25",
      "--output",
      output,
      "--report",
      page
    )
    #expect(result.status == 0, "\(result.error)")
    #expect(result.output.contains("PSNR (dB)") && result.output.contains("median"))
    let found = try evaluation(output)
    #expect(found.cases.map(\.id) == ["a", "b"] && found.cases[0].dataRange == 255)
    #expect(found.summary["psnr"]?["gain"]?.n == 2)
    #expect(found.against?.first?.stages.map(\.name) == ["median"])
    #expect((found.summary["psnr"]?["gain"]?.mean ?? 0) > 1)
    #expect(FileManager.default.fileExists(atPath: output + "/a.png"))
    let html = String(decoding: try Data(contentsOf: URL(fileURLWithPath: page)), as: UTF8.self)
    #expect(html.contains("Lead of the model") && html.contains("invent structures"))

    // The order of the inputs changes nothing but the order of the cases.
    let turned = try Program.run(
      "enhance",
      b,
      a,
      "--model",
      "gaussian",
      "--degrade",
      "gaussian:25",
      "--output",
      try file("turned")
    )
    #expect(turned.status == 0, "\(turned.error)")
    let other = try evaluation(try file("turned"))
    #expect(other.cases.map(\.id) == ["b", "a"])
    #expect(other.cases[1].before == found.cases[0].before)
  }

  @Test func oneImageMayBeWrittenAsAFile() throws {
    let result = try Program.run(
      "enhance",
      try picture("a.png"),
      "--model",
      "gaussian",
      "--degrade",
      "reduce:2",
      "--output",
      try file("out.png"),
      "--json"
    )
    #expect(result.status == 0, "\(result.error)")
    let json = try #require(result.json as? [String: Any])
    #expect(json["degradation"] as? [String] == ["reduce:2"])
    #expect(try PNGDecoder.decode(contentsOf: file("out.png")).width == 32)
  }

  @Test func theSpreadOverSymmetriesIsWrittenAndExplained() throws {
    let (input, map, page) = (
      try picture("a.png"), try file("spread.png"), try file("page.html")
    )
    let result = try Program.run(
      "enhance",
      input,
      "--model",
      "nlm",
      "--degrade",
      "gaussian:25",
      "--tta",
      "--uncertainty",
      map,
      "--report",
      page,
      "--output",
      try file("out.png"),
      "--json"
    )
    #expect(result.status == 0, "\(result.error)")
    #expect(try PNGDecoder.decode(contentsOf: map).width == 32)
    let cases = (result.json as? [String: Any])?["cases"] as? [[String: Any]]
    let spread = try #require(cases?.first?["spread"] as? [String: Any])
    #expect(spread["symmetries"] as? Int == 8 && spread["isAveraged"] as? Bool == true)
    let html = String(decoding: try Data(contentsOf: URL(fileURLWithPath: page)), as: UTF8.self)
    #expect(html.contains("not where it is wrong"))
  }

  @Test func whatDoesNotGoTogetherIsRefused() throws {
    let input = try picture("a.png")
    for options in [
      ["--degrade", "salt:5"], ["--against", "nlm"], ["--luma"],
      ["--degrade", "gaussian:5", "--reference", input],
    ] {
      let result = try Program.start(
        ["enhance", input, "--model", "gaussian", "--output", try file("o.png")] + options
      ).wait()
      #expect(result.status == 64, "\(options): \(result.error)")
    }
  }
}
