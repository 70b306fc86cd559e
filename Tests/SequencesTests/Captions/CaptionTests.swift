import Foundation
import Imaging
import ImagingIO
import Pipelines
import Recognition
import Sequences
import Support
import TestSupport
import Testing

@Suite struct CaptionScoringTests {
  private struct Entry: Decodable {
    let candidates: [[String]]
    let references: [[[String]]]
    let bleu: [Double]
  }

  @Test func bleuIsThatOfNLTKAndSacrebleu() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("captions/scores.json")))
    let entries = try JSONDecoder().decode([Entry].self, from: data)
    #expect(entries.count == 3)
    for entry in entries {
      let found = CaptionScoring.bleu(entry.candidates, entry.references)
      for (own, other) in zip(found.scores, entry.bleu) { #expect(abs(own - other) < 1e-9) }
    }
  }

  @Test func scoresByHand() {
    let (candidate, reference) = (["a", "b", "c", "d"], ["a", "c", "d", "e", "f"])
    // The longest common subsequence is a c d: precision 3/4, recall 3/5, β² = 1.44.
    let wanted = 2.44 * 0.75 * 0.6 / (0.6 + 1.44 * 0.75)
    #expect(abs(CaptionScoring.rougeL(candidate, [reference]) - wanted) < 1e-12)
    #expect(CaptionScoring.rougeL([], [reference]) == 0)
    let none = CaptionScoring.bleu([[]], [[reference]])
    #expect(none.scores == [0, 0, 0, 0] && none.brevityPenalty == 0)
    let same = CaptionScoring.bleu([reference], [[reference]])
    #expect(same.scores.allSatisfy { abs($0 - 1) < 1e-12 } && same.brevityPenalty == 1)
    // "the" seven times against two of them (Papineni et al. 2002, example 2).
    let sevens = CaptionScoring.bleu(
      [[String](repeating: "the", count: 7)],
      [["the cat is on the mat".components(separatedBy: " ")].map { $0 }]
    )
    #expect(abs(sevens.precisions[0] - 2.0 / 7) < 1e-12)
  }

  @Test func sentencesAreTakenApartAndPutTogether() {
    let words = CaptionWords.words("The total (small) is 2.5 ml, about 3.")
    #expect(words == ["the", "total", "(", "small", ")", "is", "2.5", "ml", ",", "about", "3"])
    #expect(CaptionWords.sentence(words) == "the total (small) is 2.5 ml, about 3")
    #expect(CaptionWords.words(" . \n") == [])
    let found = CaptionScoring.statements(CaptionWords.words("two cells, one cell and no cell"))
    #expect(found == [["two", "cells"], ["one", "cell"], ["no", "cell"]])
  }
}

@Suite struct CaptionRuleTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ labels: [UInt16], side: Int, to name: String) throws {
    let geometry = try ImageGeometry(
      size: [side, side, 1],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity,
      isPlanar: true
    )
    let map = LabelMap(geometry: geometry, labels: labels, table: [])
    for part in ["images", "labels"] {
      try FileManager.default.createDirectory(
        atPath: folder.file("cells/" + part),
        withIntermediateDirectories: true
      )
      try GreyPicture.write(map, to: folder.file("cells/\(part)/\(name).png"))
    }
  }

  @Test func objectsAreCountedWithTheirClusters() throws {
    // Two objects that touch, one apart; and a picture without any.
    try write([1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 7], side: 4, to: "a")
    try write([UInt16](repeating: 0, count: 16), side: 4, to: "b")
    let (contents, problems) = try ImageContents.read(
      folder.file("cells"),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    #expect(problems.isEmpty && contents.map(\.id) == ["a", "b"])
    #expect(contents[0].structures[0].count == 3 && contents[0].clusters == 1)
    #expect(contents[1].structures[0].count == 0 && contents[1].clusters == 0)
    #expect(ImageContents.csv(contents).contains("a.png,3\n"))
    #expect(ImageContents.columns(contents) == ["image", "objects"])
    let rules = try CaptionRules(
      contents,
      names: ["objects": ["nucleus", "nuclei"]],
      path: "cells"
    )
    #expect(rules.sentence(contents[0]) == "three large nuclei, one cluster")
    #expect(rules.sentence(contents[1]) == "no nuclei, no clusters")
    #expect(throws: SequencesError.self) {
      try CaptionRules(contents, names: ["RBC": ["cell"]], path: "cells")
    }
  }
}

@Suite(.serialized) struct CaptionTrainerTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let side = 16

  /// Pictures with a bright bar above, below, at the left or at the right, bright or very bright.
  private func data(_ count: Int) -> CaptionDataset {
    var bytes: [UInt8] = []
    var captions: [String: [[String]]] = [:]
    let words = ["above", "below", "left", "right"]
    for index in 0..<count {
      var random = RandomStream(seed: 5).split(index)
      let (place, isWide) = (index % 4, index / 4 % 2 == 1)
      let width = isWide ? 7 : 3
      bytes += (0..<Self.side * Self.side).map { pixel in
        let (y, x) = (pixel / Self.side, pixel % Self.side)
        let distance = [y, Self.side - 1 - y, x, Self.side - 1 - x][place]
        return UInt8(min(255, max(0, 50 + (distance < width ? 150 : 0) + 10 * random.normal())))
      }
      captions["\(index)"] = [["one", isWide ? "wide" : "thin", "bar", words[place]]]
    }
    let stored = StoredImages(height: Self.side, width: Self.side, channels: 1, bytes: bytes)
    return CaptionDataset(
      LabelledImages(
        name: "bars",
        classNames: ["image"],
        areFindings: false,
        items: (0..<count).map {
          LabelledImages.Item(id: "\($0)", source: .stored(stored, $0), classes: [0])
        },
        problems: []
      ),
      captions: captions
    )
  }

  private func train(_ name: String, steps: Int = 120) throws -> CaptionTrainer.Outcome {
    var request = CaptionTrainer.Request()
    (request.features, request.gridSize, request.width) = ([8, 12], [4, 4], 24)
    request.augmentation = .none
    var learning = LearningConfiguration()
    (learning.steps, learning.batchSize, learning.warmupSteps) = (steps, 16, 5)
    (learning.averagingDecay, learning.learningRate) = (0.9, 0.01)
    return try CaptionTrainer(
      data: data(96),
      request: request,
      checkpointFolder: folder.file(name),
      outputs: OutputGuard(mayReplace: true),
      progress: SilentProgress(),
      interruption: Interruption()
    ).train(learning, budget: .steps, resumes: false)
  }

  @Test func sentencesAreLearntStoredAndWritten() throws {
    let outcome = try train("one")
    let scores = outcome.evaluation.network
    #expect(scores.bleu.scores[3] > 0.9, "\(outcome.evaluation.cases.map(\.caption))")
    // Eight sentences are equally frequent: the majority is right in one case of eight.
    #expect((outcome.evaluation.baselines[0].exact?.value ?? 1) < 0.3)
    let short = try ["a", "b"].map { try train($0, steps: 4).evaluation }
    #expect(short[0] == short[1])
    let path = folder.file("bars")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try TrainedCaptioner(
      outcome: outcome,
      origin: ModelOrigin(
        name: "bars",
        dataset: "made bars",
        licence: "none",
        source: "made",
        command: "lamina vision caption train"
      )
    ).write(to: path)
    let model = try ModelPackage(path: path)
    try model.verify()
    #expect(try model.exportedNetwork().outputs.map(\.name) == ["tokens", "attention"])
    #expect(
      model.description.plan.sequence?.captions?.words.prefix(3) == ["<start>", "<end>", "<unk>"]
    )
    let picture = PNGImage(
      width: Self.side,
      height: Self.side,
      channels: 1,
      samples: .eightBit((0..<256).map { UInt8($0 < 48 ? 200 : 50) })
    )
    try PNGEncoder.encode(picture).write(to: URL(fileURLWithPath: folder.file("new.png")))
    let writer = try CaptionWriter(model)
    let shown = try writer.write(folder.file("new.png"), id: "new")
    #expect(shown.result.caption == "one thin bar above" && shown.words.count == 4)
    for word in shown.words { #expect(abs(word.attention.reduce(0, +) - 1) < 1e-4) }
    #expect(
      try CaptionWriter(model, beams: 1).write(folder.file("new.png"), id: "n").words.count == 4
    )
  }

  /// A picture of noise and its label map, a structure above or below, thick or thin; and the sentence.
  private func labelledPicture(_ index: Int) throws -> (row: String, map: String, picture: String) {
    var random = RandomStream(seed: 8).split(index)
    let (place, isWide) = (index % 2, index / 2 % 2 == 1)
    let (side, width) = (Self.side, isWide ? 7 : 3)
    let picture = PNGImage(
      width: side,
      height: side,
      channels: 1,
      samples: .eightBit((0..<side * side).map { _ in UInt8(100 + 50 * random.uniform()) })
    )
    let path = folder.file("noise-\(index).png")
    try PNGEncoder.encode(picture).write(to: URL(fileURLWithPath: path))
    let geometry = try ImageGeometry(
      size: [side, side, 1],
      spacing: [1, 1, 1],
      origin: .zero,
      direction: .identity,
      isPlanar: true
    )
    let labels = (0..<side * side).map { pixel -> UInt16 in
      let y = pixel / side
      return [y, side - 1 - y][place] < width ? UInt16(3 + 4 * place) : 0
    }
    let map = folder.file("map-\(index).png")
    try GreyPicture.write(LabelMap(geometry: geometry, labels: labels, table: []), to: map)
    let sentence = "a \(isWide ? "thick" : "thin") layer \(place == 0 ? "above" : "below")"
    return ("noise-\(index).png,map-\(index).png,\(sentence)", map, path)
  }

  @Test func labelMapsAreSeenBesideImages() throws {
    let rows = try (0..<64).map { try labelledPicture($0) }
    let table = folder.file("labelled.csv")
    let text = (["image,labels,caption"] + rows.map(\.row)).joined(separator: "\n")
    try Data(text.utf8).write(to: URL(fileURLWithPath: table))
    let data = try CaptionDataset(path: table)
    #expect(data.labelMaps.count == 64)
    var request = CaptionTrainer.Request()
    (request.features, request.gridSize, request.width) = ([8, 12], [4, 4], 24)
    request.augmentation.rotationDegrees = 0
    var learning = LearningConfiguration()
    (learning.steps, learning.batchSize, learning.warmupSteps) = (120, 16, 5)
    (learning.averagingDecay, learning.learningRate) = (0.9, 0.01)
    let outcome = try CaptionTrainer(
      data: data,
      request: request,
      checkpointFolder: folder.file("labelled"),
      outputs: OutputGuard(mayReplace: true),
      progress: SilentProgress(),
      interruption: Interruption()
    ).train(learning, budget: .steps, resumes: false)
    let plan = outcome.plan.images
    #expect(plan.labelMap?.structures == [3, 7] && plan.channels == 3 && plan.imageChannels == 1)
    try plan.check(allowsLabelMap: true)
    // What else reads images gives no label maps to a network.
    #expect(throws: PipelinesError.self) { try plan.check() }
    #expect(Array(plan.means.suffix(2)) == [0, 0] && Array(plan.deviations.suffix(2)) == [1, 1])
    // The pictures are noise: what is told can only be seen in the label maps.
    #expect((outcome.evaluation.network.exact?.value ?? 0) > 0.9)
    let path = folder.file("layers")
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let origin = ModelOrigin(
      name: "layers",
      dataset: "made layers",
      licence: "none",
      source: "made",
      command: "lamina vision caption train"
    )
    try TrainedCaptioner(outcome: outcome, origin: origin).write(to: path)
    let writer = try CaptionWriter(ModelPackage(path: path))
    let shown = try writer.write(rows[3].picture, labels: rows[3].map, id: "3")
    #expect(shown.result.caption == "a thick layer below")
    #expect(throws: RecognitionError.self) { try writer.write(rows[3].picture, id: "3") }
    // A label map of another size, and a data set without label maps.
    let small = PNGImage(width: 4, height: 4, channels: 1, samples: .eightBit(.init(0..<16)))
    try PNGEncoder.encode(small).write(to: URL(fileURLWithPath: folder.file("small.png")))
    #expect(throws: RecognitionError.self) {
      try writer.write(rows[3].picture, labels: folder.file("small.png"), id: "3")
    }
    #expect(throws: SequencesError.self) {
      try writer.evaluate(self.data(8), progress: SilentProgress(), interruption: Interruption())
    }
  }

  @Test func tablesAndFilesOfCaptionsAreRead() throws {
    let picture = PNGImage(
      width: 8,
      height: 8,
      channels: 1,
      samples: .eightBit((0..<64).map { $0 })
    )
    for name in ["a", "b"] {
      try PNGEncoder.encode(picture).write(to: URL(fileURLWithPath: folder.file("\(name).png")))
    }
    func write(_ text: String, _ name: String) throws -> String {
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file(name)))
      return folder.file(name)
    }
    let table = try CaptionDataset(
      path: write("image,caption\na.png,One.\na.png,\"Two, three\"\nb.png,\nc.png,x\n", "t.csv")
    )
    #expect(table.count == 1 && table.captions["a.png"] == [["one"], ["two", ",", "three"]])
    #expect(table.problems.count == 2)
    let coco = try CaptionDataset(
      path: write(
        """
        {"images": [{"id": 7, "file_name": "b.png"}, {"id": 8, "file_name": "../../etc/x.png"}],
         "annotations": [{"image_id": 7, "caption": "A bar"}]}
        """,
        "captions.json"
      )
    )
    #expect(coco.count == 1 && coco.captions["b.png"] == [["a", "bar"]])
    for (text, name) in [
      ("image,words\na.png,x\n", "w.csv"), ("{}", "x.json"), ("image,caption\n", "e.csv"),
      ("", "z.csv"), ("x", "y.txt"), ("{\"images\": [], \"annotations\": []}", "n.json"),
    ] {
      let path = try write(text, name)
      let error = #expect(throws: SequencesError.self, "\(name)") { try CaptionDataset(path: path) }
      #expect(error?.failure == .damagedInput)
    }
  }
}
