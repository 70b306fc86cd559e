import Foundation
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

@Suite(.serialized) struct VisionVerbTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(_ name: String) -> String { folder.file(name) }

  /// Pictures with a bright square on the left or the right.
  private func pictures(_ name: String, count: Int, seed: UInt64) throws -> String {
    for (label, kind) in ["left", "right"].enumerated() {
      let path = file(name + "/" + kind)
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      for index in 0..<count {
        var random = RandomStream(seed: seed).split(label, index)
        let column = 3 + 10 * label + Int(random.uniform() * 3)
        let pixels = (0..<20 * 20).map { place -> UInt8 in
          let isBright = (column..<column + 5).contains(place % 20) && (7..<12).contains(place / 20)
          return UInt8(min(255, max(0, (isBright ? 200 : 60) + 12 * random.normal())))
        }
        let image = PNGImage(width: 20, height: 20, channels: 1, samples: .eightBit(pixels))
        try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: path + "/\(index).png"))
      }
    }
    return file(name)
  }

  private func train(_ data: String, _ model: String, _ more: String...) throws -> Program.Result {
    try Program.start(
      [
        "vision", "classify", "train", data, "--output", model, "--network", "lenet", "--batch",
        "16",
      ] + more
    ).wait()
  }

  @Test func aClassifierIsTrainedRunMeasuredAndExplained() throws {
    let data = try pictures("train", count: 30, seed: 1)
    let model = file("sides")
    let trained = try train(data, model, "--steps", "60", "--json")
    #expect(trained.status == 0, "\(trained.error)")
    #expect(trained.output.contains("\"accuracy\""))
    // The model is listed with others, and segments nothing.
    let listed = try Program.run("model", "show", model)
    #expect(listed.status == 0 && listed.output.contains("left, right"))
    let segmented = try Program.run(
      "segment",
      data + "/left/0.png",
      "--model",
      model,
      "--output",
      file("labels.nii.gz")
    )
    #expect(segmented.status == 64 && segmented.error.contains("lamina vision"))

    let new = try pictures("new", count: 3, seed: 7)
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: new + "/left/broken.png"))
    let run = try Program.run(
      "vision",
      "classify",
      "run",
      new + "/left",
      "--model",
      model,
      "--output",
      file("out"),
      "--explain",
      "gradcam"
    )
    #expect(run.status == 2, "\(run.error)")
    let csv = try String(contentsOfFile: file("out/predictions.csv"), encoding: .utf8)
    let rows = csv.split(separator: "\n")
    #expect(rows.count == 4 && rows.dropFirst().allSatisfy { $0.contains(",left,") }, "\(csv)")
    let json = try String(contentsOfFile: file("out/predictions.json"), encoding: .utf8)
    #expect(json.contains("\"failed\"") && json.contains("Not for clinical use"))
    let page = try String(contentsOfFile: file("out/report.html"), encoding: .utf8)
    #expect(page.contains("Grad-CAM") && page.contains("broken"))
    let shown = try FileManager.default.contentsOfDirectory(atPath: file("out"))
    #expect(shown.count { $0.hasSuffix("-explanation.png") } == 3)

    try FileManager.default.removeItem(atPath: new + "/left/broken.png")
    let measured = try Program.run(
      "vision",
      "classify",
      "evaluate",
      new,
      "--model",
      model,
      "--output",
      file("e.json"),
      "--report",
      file("e.html")
    )
    #expect(measured.status == 0, "\(measured.error)")
    #expect(measured.output.contains("accuracy: 1"))
    let report = try String(contentsOfFile: file("e.html"), encoding: .utf8)
    #expect(report.contains("Reliability") && report.contains("right/2.png"))

    let explained = try Program.run(
      "vision",
      "explain",
      new + "/right/0.png",
      "--model",
      model,
      "--method",
      "occlusion",
      "--method",
      "gradcam++",
      "--output",
      file("why.html"),
      "--json"
    )
    #expect(explained.status == 0, "\(explained.error)")
    #expect(explained.output.contains("\"insertion\"") && explained.output.contains("\"right\""))
  }

  @Test func severalModelsAreAveragedAndDropoutIsDrawn() throws {
    let data = try pictures("train", count: 12, seed: 1)
    for seed in ["1", "2"] {
      let trained = try train(data, file("sides-" + seed), "--steps", "8", "--seed", seed)
      #expect(trained.status == 0, "\(trained.error)")
    }
    let new = try pictures("new", count: 3, seed: 7)
    func run(_ output: String, _ models: [String], _ more: [String] = []) throws -> Program.Result {
      try Program.start(
        ["vision", "classify", "run", new + "/left", "--output", file(output)] + more
          + models.flatMap { ["--model", file($0)] }
      ).wait()
    }
    typealias Row = (probabilities: [Double], uncertainty: Double, disagreement: Double?)
    func rows(_ output: String) throws -> [Row] {
      let text = try String(contentsOfFile: file(output), encoding: .utf8)
      let lines = text.split(separator: "\n").map { $0.split(separator: ",").map(String.init) }
      return try lines.dropFirst().map { cells in
        func value(_ name: String) throws -> Double? {
          try lines[0].firstIndex(of: name).map { try #require(Double(cells[$0])) }
        }
        return (
          [try #require(try value("left")), try #require(try value("right"))],
          try #require(try value("uncertainty")), try value("disagreement")
        )
      }
    }
    for (name, models) in [("a", ["sides-1"]), ("b", ["sides-2"]), ("c", ["sides-1", "sides-2"])] {
      let result = try run(name + ".csv", models)
      #expect(result.status == 0, "\(result.error)")
    }
    let (first, second, both) = (try rows("a.csv"), try rows("b.csv"), try rows("c.csv"))
    #expect(both.count == 3)
    for index in both.indices {
      for label in 0..<2 {
        let mean = (first[index].probabilities[label] + second[index].probabilities[label]) / 2
        // All three are rounded to 1e-6.
        #expect(abs(both[index].probabilities[label] - mean) < 2e-6)
      }
      #expect(first[index].disagreement == nil)
      let mean = (first[index].uncertainty + second[index].uncertainty) / 2
      let disagreement = try #require(both[index].disagreement)
      #expect(abs(disagreement - max(0, both[index].uncertainty - mean)) < 4e-6)
    }
    let measured = try Program.start(
      ["vision", "classify", "evaluate", new, "--output", file("e.json")]
        + ["--model", file("sides-1"), "--model", file("sides-2")]
    ).wait()
    #expect(measured.status == 0, "\(measured.error)")
    // A LeNet has no dropout, and pictures of evidence are for one model.
    let samples = try run("d.csv", ["sides-1"], ["--uncertainty-samples", "4"])
    #expect(samples.status == 64 && samples.error.contains("dropout"), "\(samples.error)")
    #expect(try run("d", ["sides-1", "sides-2"], ["--explain", "gradcam"]).status == 64)
  }

  @Test func aTrainingStartsFromAnotherModelAndAReportShowsIt() throws {
    let data = try pictures("train", count: 30, seed: 1)
    #expect(try train(data, file("first"), "--steps", "60").status == 0)
    // One step from the first model's weights already tells the sides; from random ones it does not.
    let second = try train(
      data,
      file("second"),
      "--steps",
      "1",
      "--learning-rate",
      "0.00001",
      "--from",
      file("first")
    )
    #expect(second.status == 0 && second.error.contains("gives"), "\(second.error)")
    func accuracy(_ model: String) throws -> Double {
      let results = try ModelPackage(path: file(model)).description.results
      return try #require(results.first { $0.metric == "accuracy" }).mean
    }
    #expect(try accuracy("second") >= 0.9)
    // Weights of another network are of no use.
    let other = try train(
      data,
      file("third"),
      "--steps",
      "1",
      "--from",
      file("first"),
      "--network",
      "resnet18"
    )
    #expect(other.status == 64)

    let page = try Program.run("report", file("first"), "--output", file("page.html"))
    #expect(page.status == 0, "\(page.error)")
    let html = try String(contentsOfFile: file("page.html"), encoding: .utf8)
    #expect(html.contains("Training: first") && html.contains("accuracy"))
    #expect(try Program.run("model", "remove", file("first")).status == 0)
    #expect(!FileManager.default.fileExists(atPath: file("first")))
  }

  @Test func anInterruptedTrainingGoesOnFromItsCheckpoint() throws {
    let data = try pictures("train", count: 10, seed: 1)
    let model = file("sides")
    let program = try Program.start([
      "vision", "classify", "train", data, "--output", model, "--network", "lenet", "--batch",
      "8", "--steps", "4000",
    ])
    let checkpoint = model + ".training/checkpoint.safetensors"
    let deadline = Date().addingTimeInterval(60)
    while !FileManager.default.fileExists(atPath: checkpoint), Date() < deadline { usleep(20_000) }
    kill(program.process.processIdentifier, SIGINT)
    let stopped = program.wait()
    #expect(stopped.status == 130, "\(stopped.error)")
    #expect(!FileManager.default.fileExists(atPath: model))
    // Another training must not take the place of the unfinished one by accident.
    let other = try train(data, model, "--steps", "4000")
    #expect(other.status == 73)
  }

  @Test func recognitionStatesItsPurpose() throws {
    let data = try pictures("train", count: 30, seed: 1)
    let without = try Program.run(
      "vision",
      "recognise",
      "train",
      data,
      "--output",
      file("x"),
      "--network",
      "lenet"
    )
    #expect(without.status == 64)
    let trained = try Program.run(
      "vision",
      "recognise",
      "train",
      data,
      "--output",
      file("same"),
      "--network",
      "lenet",
      "--purpose",
      "tells squares of a test apart",
      "--steps",
      "60",
      "--batch",
      "16"
    )
    #expect(trained.status == 0, "\(trained.error)")
    let found = try Program.run(
      "vision",
      "recognise",
      "run",
      try pictures("new", count: 1, seed: 9),
      "--model",
      file("same"),
      "--gallery",
      data,
      "--matches",
      "3",
      "--output",
      file("matches.json")
    )
    #expect(found.status == 0, "\(found.error)")
    #expect(found.output.contains("tells squares of a test apart"))
    let json = try String(contentsOfFile: file("matches.json"), encoding: .utf8)
    #expect(json.contains("no proof of identity") && json.contains("\"identity\""))
  }

  @Test func wrongUseAndWrongDataHaveTheirStatus() throws {
    let data = try pictures("train", count: 2, seed: 1)
    func status(_ arguments: String...) throws -> Int32 {
      try Program.start(["vision"] + arguments).wait().status
    }
    #expect(try status() == 64)
    #expect(try status("classify", "train", data) == 64)
    #expect(try status("classify", "train", file("nothing"), "--output", file("m")) == 66)
    #expect(
      try status("classify", "train", data, "--output", file("m"), "--network", "nonsense") == 64
    )
    #expect(try status("classify", "train", data, "--output", file("m"), "--size", "4") == 64)
    #expect(
      try status("classify", "run", data, "--model", "hippocampus", "--output", file("o")) == 64
    )
    #expect(
      try status("classify", "run", data, "--model", "no-such-model", "--output", file("o")) == 69
    )
  }
}
