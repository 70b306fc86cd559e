import Evaluation
import Foundation
import ImagingIO
import Pipelines
import Recognition
import Support
import TestSupport
import Testing

/// Made pictures of a bright disc, whose area is to be told.
enum DiscPictures {
  static let side = 16

  static func pixels(radius: Double, _ random: inout RandomStream) -> [UInt8] {
    let (row, column) = (7.5 + random.uniform(), 7.5 + random.uniform())
    return (0..<side * side).map { place in
      let (y, x) = (Double(place / side) - row, Double(place % side) - column)
      let isInside = y * y + x * x <= radius * radius
      return UInt8(min(255, max(0, 40 + (isInside ? 150 : 0) + 10 * random.normal())))
    }
  }

  /// Radii drawn evenly from 1 to 6 pixels; the number is the area, and another is noise-free brightness.
  static func images(_ count: Int, perPatient: Int? = nil, seed: UInt64 = 1) -> MeasuredImages {
    var (bytes, areas): ([UInt8], [Double]) = ([], [])
    for index in 0..<count {
      var random = RandomStream(seed: seed).split(index)
      let radius = 1 + 5 * random.uniform()
      bytes += pixels(radius: radius, &random)
      areas.append(.pi * radius * radius)
    }
    let stored = StoredImages(height: side, width: side, channels: 1, bytes: bytes)
    let items = areas.enumerated().map { index, area in
      var item = LabelledImages.Item(
        id: "disc-\(index)",
        source: .stored(stored, index),
        classes: []
      )
      item.targets = [area, 1000 - 3 * area]
      item.group = perPatient.map { "p\(index / $0)" }
      return item
    }
    return MeasuredImages(
      LabelledImages(
        name: "discs",
        classNames: ["area", "rest"],
        areFindings: false,
        items: items,
        problems: []
      ),
      targets: [
        MeasuredImages.Target(name: "area", unit: "px"),
        MeasuredImages.Target(name: "rest", unit: ""),
      ]
    )
  }

  static func write(radius: Double, to path: String, seed: UInt64) throws {
    var random = RandomStream(seed: seed)
    let image = PNGImage(
      width: side,
      height: side,
      channels: 1,
      samples: .eightBit(pixels(radius: radius, &random))
    )
    try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: path))
  }
}

@Suite(.serialized) struct RegressionTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func outcome(
    _ loss: RegressionConfiguration.Loss,
    folder name: String = "run",
    steps: Int = 110,
    data: MeasuredImages = DiscPictures.images(200),
    change: (inout RegressionRequest) -> Void = { _ in }
  ) throws -> RegressionTrainer.Outcome {
    var request = RegressionRequest()
    request.images.network = "lenet"
    request.images.augmentation = .none
    request.loss = loss
    change(&request)
    var learning = LearningConfiguration()
    (learning.steps, learning.batchSize, learning.warmupSteps) = (steps, 16, 5)
    learning.averagingDecay = 0.9
    return try RegressionTrainer(
      data: data,
      request: request,
      checkpointFolder: folder.file(name),
      outputs: OutputGuard(mayReplace: true),
      progress: SilentProgress(),
      interruption: Interruption()
    ).train(learning, budget: .steps, resumes: false)
  }

  private func package(_ outcome: RegressionTrainer.Outcome, _ name: String) throws
    -> ModelPackage
  {
    let path = folder.file(name)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try TrainedRegressor(
      outcome: outcome,
      origin: ModelOrigin(name: name, dataset: "made discs", command: "lamina vision regress train")
    ).write(to: path)
    return try ModelPackage(path: path)
  }

  @Test func areasAreLearntAndStoredWithIntervals() throws {
    let outcome = try outcome(.huber)
    let result = try #require(outcome.evaluation?.targets.first)
    // Areas spread by about 34 pixels; the mean's error is some 29.
    #expect(result.mae < 8 && (result.r2 ?? 0) > 0.9, "\(result.mae)")
    #expect((result.concordance ?? 0) > 0.9)
    #expect(result.baselines.count == 2 && result.baselines[0].mae > 2 * result.mae)
    #expect((result.coverage?.value ?? 0) > 0.6 && (result.meanWidth ?? 0) > 0)
    let short = try ["a", "b"].map { try self.outcome(.huber, folder: $0, steps: 5).evaluation }
    #expect(short[0] == short[1] && short[0] != outcome.evaluation)

    let model = try package(outcome, "discs")
    try model.verify()
    #expect(model.description.labels.map(\.name) == ["area", "rest"])
    let card = try String(contentsOfFile: folder.file("discs/README.md"), encoding: .utf8)
    #expect(card.lowercased().contains("not for clinical use") && card.contains("area (px)"))
    try DiscPictures.write(radius: 4, to: folder.file("four.png"), seed: 3)
    let regressor = try ImageRegressor([model])
    let told = try regressor.measure(folder.file("four.png"), id: "four").values
    #expect(told.count == 2 && abs(told[0].value - .pi * 16) < 20, "\(told)")
    let (low, high) = (try #require(told[0].low), try #require(told[0].high))
    #expect(low < told[0].value && told[0].value < high && told[0].spread == nil)

    // Two models are averaged, and have no common interval.
    let pair = try ImageRegressor([model, model])
    let both = try pair.measure(folder.file("four.png"), id: "four").values[0]
    #expect(abs(both.value - told[0].value) < 1e-9 && both.low == nil)
    #expect(both.disagreement == 0)
    try Data("no picture".utf8).write(to: URL(fileURLWithPath: folder.file("x.png")))
    #expect(throws: (any Error).self) { try regressor.measure(folder.file("x.png"), id: "x") }
  }

  @Test func gaussianNetworksTellTheirSpread() throws {
    let outcome = try outcome(.gaussian)
    let evaluation = try #require(outcome.evaluation)
    #expect(evaluation.targets[0].mae < 10, "\(evaluation.targets[0].mae)")
    let widths = evaluation.cases.map { item in
      (item.values[0].high ?? 0) - (item.values[0].low ?? 0)
    }
    #expect(Set(widths).count > 10 && widths.allSatisfy { $0 > 0 })
    let regressor = try ImageRegressor([package(outcome, "spread")])
    try DiscPictures.write(radius: 3, to: folder.file("three.png"), seed: 4)
    #expect(try regressor.measure(folder.file("three.png"), id: "a").values[0].spread ?? 0 > 0)
  }

  @Test func tooFewCasesForALevelAreTold() throws {
    let error = #expect(throws: RecognitionError.self) {
      try outcome(.huber) {
        $0.coverage = 0.99
        $0.images.validationShare = 0.2
      }
    }
    #expect(error?.failure == .usage)
    #expect(error?.description.contains("need 99 validation images, there are 30") == true)
    #expect([0.5, 0.8, 0.9, 0.95].map(ConformalIntervals.fewestCases) == [1, 4, 9, 19])
    // The ⌈11 · 0.9⌉-th of ten errors, and none where the eleventh would be needed.
    let errors = (1...10).map(Double.init)
    #expect(ConformalIntervals.halfWidth(errors.reversed(), coverage: 0.9) == 10)
    #expect(ConformalIntervals.halfWidth(errors, coverage: 0.5) == 6)
    #expect(ConformalIntervals.halfWidth(errors, coverage: 0.95) == nil)
    // 0.9 · 10 is not quite 9 in binary.
    #expect(ConformalIntervals.rank(of: 9, coverage: 0.9) == 9)
    #expect(ConformalIntervals.rank(of: 9, coverage: 0.95) == 10)
  }

  @Test func intervalsAreCheckedOnOtherImagesThanTheyWereFoundOn() throws {
    let outcome = try outcome(
      .huber,
      steps: 5,
      data: DiscPictures.images(200, perPatient: 4)
    ) {
      ($0.images.testShare, $0.images.validationShare) = (0, 0.4)
      // Another scale would be another area.
      $0.images.augmentation.scaling = 0.5
    }
    #expect(outcome.configuration.augmentation.scaling == 0)
    let regression = try #require(outcome.configuration.plan.regression)
    #expect(regression.targets.allSatisfy { $0.quantile != nil })
    // Of each patient one.
    let validation = outcome.counts[.validation] ?? 0
    #expect(validation > 0 && regression.calibrationImages * 4 == validation)
    let result = try #require(outcome.evaluation?.targets.first)
    #expect(outcome.measuredOnValidation && result.coverage == nil && result.meanWidth == nil)
    let card = TrainedRegressor(
      outcome: outcome,
      origin: ModelOrigin(name: "a", dataset: "made discs", command: "lamina vision regress train")
    ).card
    #expect(card.contains("calibrated on \(regression.calibrationImages) of the images"))
    #expect(card.contains("They were not checked"))
  }

  @Test func measuresAreThoseOfTheirFormulae() throws {
    let target = RecognitionPlan.Regression.Target(
      name: "a",
      unit: "mm",
      mean: 3,
      deviation: 1,
      range: [1, 5]
    )
    var regression = RecognitionPlan.Regression(
      targets: [target],
      hasSpread: false,
      coverage: 0.8
    )
    regression.targets[0].quantile = 1.0
    let truths = [1.0, 2, 3, 4, 5]
    let told = [1.5, 2, 2, 6, 5]
    let items = truths.enumerated().map { index, truth in
      var item = LabelledImages.Item(
        id: "\(index)",
        source: .picture(""),
        classes: []
      )
      item.targets = [truth]
      return item
    }
    let result = RegressionEvaluation(
      told.map { [RegressionScoring.Prediction(value: $0)] },
      items: items,
      regression: regression
    ).targets[0]
    // Errors 0.5, 0, -1, 2, 0: sums by hand.
    #expect(abs(result.mae - 0.7) < 1e-12 && abs(result.rmse - (5.25 / 5).squareRoot()) < 1e-12)
    #expect(abs((result.r2 ?? 0) - (1 - 5.25 / 10)) < 1e-12 && abs(result.bias - 0.3) < 1e-12)
    // SD of the errors: √((5.25 − 5 · 0.09) / 4) = 1.0954.
    let limits = try #require(result.limits)
    #expect(abs(limits[1] - (0.3 + 1.959964 * 1.095445)) < 1e-5)
    // Lin: 2 · 2.2 / (2 + 3.36 + 0.09), of means 3 and 3.3, variances over n.
    #expect(abs((result.concordance ?? 0) - 2 * 2.2 / 5.45) < 1e-9, "\(result.concordance ?? 0)")
    #expect(result.coverage?.hits == 4 && result.meanWidth == 2)
    // The mean of the training images is 3 everywhere.
    #expect(abs(result.baselines[0].mae - 1.2) < 1e-12 && result.baselines[0].r2 == 0)
  }

  private func table(_ text: String) throws -> String {
    let path = folder.file("table.csv")
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func tablesAreReadAndTheirFaultsTold() throws {
    for index in 0..<5 {
      try DiscPictures.write(radius: 3, to: folder.file("\(index).png"), seed: UInt64(index))
    }
    let rows = (0..<5).map { "\($0).png,\($0 * 2),p\($0 / 2),\($0 < 4 ? "train" : "test")" }
    let sound = try MeasuredImages(
      table: table("image,volume (mm3),patient,split\n" + rows.joined(separator: "\n")),
      targets: []
    )
    #expect(sound.targets == [MeasuredImages.Target(name: "volume", unit: "mm3")])
    #expect(sound.count == 5 && sound.part(.test).count == 1 && !sound.areVolumes)
    let gaps = try MeasuredImages(
      table: table(
        "image,age_years\n0.png,3\n1.png,\n2.png,5\n3.png,6\nlost.png,7\n4.png,8\n"
      ),
      targets: ["age"]
    )
    #expect(gaps.count == 4 && gaps.problems.count == 2 && gaps.targets[0].unit == "years")
    for (text, names, words) in [
      ("image,a\n0.png,1\n1.png,x\n", ["a"], "row 3 has \"x\" as a, no number"),
      ("image,a\n0.png,nan\n1.png,2\n", ["a"], "no number"),
      ("image,a\n0.png,4\n1.png,4\n2.png,4\n3.png,4\n", ["a"], "is 4.0 everywhere"),
      ("image,a\n0.png,4\n1.png,5\n", ["a"], "at least 4 are needed"),
      ("image,a\n0.png,4\n1.png,5\n", ["b"], "no column b"),
      ("picture,a\n0.png,4\n", ["a"], "no column is called"),
      ("image,a,b\n0.png,4,5\n1.png,5,6\n", [], "choose with --target: a, b"),
      ("image,a\n", ["a"], "no row"),
      ("", ["a"], "empty"),
    ] {
      let path = try table(text)
      let error = #expect(throws: RecognitionError.self, "\(text)") {
        try MeasuredImages(table: path, targets: names)
      }
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
      #expect([.damagedInput, .missingInput].contains(error?.failure))
    }
    #expect(throws: SupportError.notFound(path: "/no/table.csv")) {
      try MeasuredImages(table: "/no/table.csv", targets: [])
    }
  }

  @Test func paddingKeepsTheSizeOfPixels() {
    var plan = RecognitionPlan(task: .embedding, imageSize: [8, 10], channels: 1)
    plan.fitting = .pad
    plan.intensity = .fixed(low: 0, high: 1)
    let small = ImagePlanes(height: 4, width: 14, values: (0..<56).map { Float($0 % 14 + 1) })
    let fitted = plan.fitted(small)
    #expect(fitted.scale.rows == 1 && fitted.scale.columns == 1)
    #expect(fitted.origin.row == 2 && fitted.origin.column == -2)
    // Two rows of border, then the middle ten of fourteen columns.
    #expect(fitted.values[0..<20].allSatisfy { $0 == 0 })
    #expect(Array(fitted.values[20..<30]) == (3...12).map { Float($0) })
    #expect(fitted.values[60..<80].allSatisfy { $0 == 0 })
  }
}
