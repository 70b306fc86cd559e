import Foundation
import Support
import TestSupport
import Testing

@Suite(.serialized) struct VisionSequenceTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> String { folder.file(name) }

  private func run(_ arguments: [String]) throws -> Program.Result {
    try Program.start(["vision"] + arguments).wait()
  }

  @Test func beatsAreTrainedFoundAndMeasured() throws {
    try FileManager.default.createDirectory(
      atPath: file("records"),
      withIntermediateDirectories: true
    )
    for ending in ["hea", "dat", "atr"] {
      try FileManager.default.copyItem(
        atPath: Fixtures.path("waveforms/beats." + ending),
        toPath: file("records/beats." + ending)
      )
    }
    let model = file("beats")
    let train = [
      "ecg", "train", file("records/beats"), "--output", model, "--steps", "120", "--width", "8",
      "--batch", "32", "--learning-rate", "0.01",
    ]
    let trained = try run(train + ["--json"])
    #expect(trained.status == 0 && trained.json != nil, "\(trained.error)")
    #expect(trained.output.contains("detectionF1"))
    #expect(try run(train).status == 73)
    let found = try run(["ecg", "run", file("records"), "-m", model, "-o", file("out")])
    #expect(found.status == 0 && found.output.contains("beats ("), "\(found.error)")
    let page = try String(contentsOfFile: file("out/report.html"), encoding: .utf8)
    #expect(page.contains("interval to the beat before") && page.contains("ot for clinical use"))
    let json = try String(contentsOfFile: file("out/beats.json"), encoding: .utf8)
    #expect(!(page + json + found.output + found.error).contains("NOBODY"))
    let csv = try String(contentsOfFile: file("out/beats.csv"), encoding: .utf8)
    // All 128 that are annotated, and the line of names.
    #expect(csv.split(separator: "\n").count == 129)

    // A damaged record fails alone; a batch goes on.
    try Data("two 1 360 9\ntwo.dat 212 200 12 0 0 0 0 MLII".utf8)
      .write(to: URL(fileURLWithPath: file("records/two.hea")))
    try Data([1, 2]).write(to: URL(fileURLWithPath: file("records/two.dat")))
    let mixed = try run(["ecg", "run", file("records"), "-m", model, "-o", file("mixed.json")])
    #expect(mixed.status == 2 && mixed.error.contains("two"))
    let alone = try run(["ecg", "run", file("records/two"), "-m", model, "-o", file("two.json")])
    #expect(alone.status == 65 && alone.errorLines.count == 1)
    let none = try run(["ecg", "run", file("records/three"), "-m", model, "-o", file("x.json")])
    #expect(none.status == 66)

    let measured = try run([
      "ecg", "evaluate", file("records/beats"), "-m", model, "-o", file("measured.json"),
      "--last", "0.5", "--report", file("measured.html"),
    ])
    #expect(measured.status == 0 && measured.output.contains("sensitivity"), "\(measured.error)")
    let wrong = try run(["sequence", "run", file("records"), "-m", model, "-o", file("y.json")])
    #expect([64, 66].contains(wrong.status))
    // The model is shown with others, reported, and segments nothing.
    #expect(try Program.run("model", "show", model).output.contains("electrocardiogram"))
    #expect(try Program.run("report", model, "--output", file("model.html")).status == 0)
  }

  @Test func clipsAreMadeTrainedToldAndMeasured() throws {
    // Ten pictures of bars as a table of pixels with the label last.
    var lines: [String] = []
    for number in 0..<10 {
      let columns = 4..<5 + number % 4
      let pixels = (0..<144).map { place -> String in
        let isInside = (2..<10).contains(place / 12) && columns.contains(place % 12)
        return isInside ? "250" : "0"
      }
      lines.append((pixels + ["\(number)"]).joined(separator: ","))
    }
    let table = lines.joined(separator: "\n")
    try Data((table + "\n").utf8).write(to: URL(fileURLWithPath: file("digits.csv")))
    let clips = file("clips")
    let made = try run([
      "sequence", "moving-digits", file("digits.csv"), "-o", clips, "--training", "6", "--test",
      "2",
    ])
    #expect(made.status == 0 && made.output.contains("48 clips"), "\(made.error)")
    let model = file("motion")
    let trained = try run([
      "sequence", "train", clips, "-o", model, "--steps", "20", "--features", "4", "8",
      "--width", "16", "--cell", "gru", "--batch", "12",
    ])
    #expect(trained.status == 0 && trained.output.contains("accuracy"), "\(trained.error)")
    let told = try run([
      "sequence", "run", clips + "/test/left", "-m", model, "-o", file("told.csv"),
    ])
    #expect(told.status == 0, "\(told.error)")
    let rows = try String(contentsOfFile: file("told.csv"), encoding: .utf8).split(separator: "\n")
    #expect(rows.count == 3 && rows[0].hasPrefix("id,told,frames,down,down-left,down-right,left"))
    let measured = try run([
      "sequence", "evaluate", clips, "-m", model, "--split", "test", "-o", file("m.json"),
      "--report", file("m.html"),
    ])
    #expect(measured.status == 0 && measured.output.contains("16 clips"), "\(measured.error)")
    let page = try String(contentsOfFile: file("m.html"), encoding: .utf8)
    #expect(page.contains("Over all clips") && page.contains("ot for clinical use"))
    let empty = try run(["sequence", "train", clips + "/test/left", "-o", file("no")])
    #expect(empty.status == 65 && empty.errorLines.count == 1)
  }
}
