import ArgumentParser
import Foundation
import ImagingIO
import Pipelines
import Recognition
import Reporting
import Support

/// `lamina vision detect run`.
struct VisionDetectRunCommand: Verb {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Finds objects in pictures and volumes.",
    discussion: """
      INPUT is a picture, a volume (slices along its third axis are looked at one by one and their boxes \
      joined), or a folder of them (a batch; what fails is listed and never stops the others).
      """
  )

  @Argument(help: "Pictures or volumes, or folders of them.")
  var inputs: [String]

  @Option(name: .shortAndLong, help: ArgumentHelp("A model's name or folder.", valueName: "model"))
  var model: String

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "A .json file for the findings, or a folder for them, pictures and a page.",
      valueName: "out"
    )
  )
  var output: String

  @Option(
    help: ArgumentHelp(
      "The least score, 0 to 1 (default: the model's, by class).",
      valueName: "score"
    )
  )
  var score: Double?

  @OptionGroup var outputOptions: OutputOptions
  @OptionGroup var global: GlobalOptions

  var mayReplaceOutputs: Bool { outputOptions.force }
  var usesEngine: Bool { true }

  /// A finding with its class by name.
  struct Finding: Encodable {
    let name: String
    let score: Double
    let box: DetectionBox?
    let volume: VolumeDetection?
  }

  /// One input's findings.
  struct Case: Encodable {
    let id: String
    let input: String
    let status: String
    let error: String?
    let findings: [Finding]
  }

  private struct Answer: Encodable {
    let schema = "lamina.detections/1"
    let model: String
    let cases: [Case]
    let notice: String
  }

  private var writesFile: Bool { output.lowercased().hasSuffix(".json") }
  /// Pictures on the page.
  private static let shownCount = 24

  func validate() throws {
    if let score, !(0...1).contains(score) { throw ValidationError("--score must be 0 to 1.") }
  }

  func execute(in context: CommandContext) throws -> CommandOutcome {
    let output = OutputPath.normalised(output)
    try context.outputs.check(output)
    let inputs = try SegmentationInputs(inputs, picturesAreCases: true)
    let detector = try Detector(ModelStore().model(model))
    var options = Detector.Options()
    options.leastScores = score.map { [$0] }
    var cases: [Case] = []
    var pictures: [RecognitionReportData.Picture] = []
    context.progress.begin("looking at \(inputs.cases.count) images", total: inputs.cases.count)
    for (index, item) in inputs.cases.enumerated() {
      try context.interruption.check()
      do {
        let found = try findings(item.path, detector, options, context)
        cases.append(
          Case(id: item.id, input: item.path, status: "done", error: nil, findings: found.findings)
        )
        if let picture = found.picture, pictures.count < Self.shownCount {
          pictures.append(.init(picture, caption: "\(item.id): \(Self.words(found.findings))"))
        }
      } catch let error as any ClassifiedError where error.failure != .interrupted {
        guard inputs.isBatch else { throw error }
        context.progress.warn("\(item.id): \(error.description)")
        cases.append(
          Case(
            id: item.id,
            input: item.path,
            status: "failed",
            error: error.description,
            findings: []
          )
        )
      }
      context.progress.update(index + 1, detail: nil)
    }
    context.progress.end()
    let answer = Answer(model: detector.name, cases: cases, notice: Version.disclaimer)
    if writesFile {
      try context.outputs.write(try JSONOutput.data(answer), to: output)
    } else {
      let page = try ReportBuilder().html(page(cases, pictures, detector), date: Date())
      try context.outputs.writeFolder(output) { folder in
        for (name, data) in [
          ("detections.json", try JSONOutput.data(answer)), ("report.html", Data(page.utf8)),
        ] {
          try data.write(to: URL(fileURLWithPath: folder + "/" + name))
        }
      }
    }
    let failed = cases.count { $0.status == "failed" }
    try context.confirm(answer) {
      let lines = cases.prefix(20).map { "\($0.id): \($0.error ?? Self.words($0.findings))" }
      let rest = cases.count > 20 ? ["and \(cases.count - 20) more in \(output)"] : []
      return (lines + rest).joined(separator: "\n")
    }
    return failed > 0 ? .partial : .complete
  }

  private func findings(
    _ path: String,
    _ detector: Detector,
    _ options: Detector.Options,
    _ context: CommandContext
  ) throws -> (findings: [Finding], picture: RGBImage?) {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    if PictureFormat().recognises(path) {
      let picture = try ColorImage.read(path)
      let found = try detector.detect(picture, options)
      let findings = found.map {
        Finding(name: detector.classes[$0.label], score: $0.score, box: $0.box, volume: nil)
      }
      return (
        findings,
        DetectionReportInput.picture(picture, found: found.map { ($0.label, $0.box) }, truth: [])
      )
    }
    let volume = try ImageFormats.read(path).volume.asFloat
    let found = try detector.detect(volume, options, interruption: context.interruption)
    return (
      found.findings.map {
        Finding(name: detector.classes[$0.label], score: $0.score, box: nil, volume: $0)
      }, nil
    )
  }

  private static func words(_ findings: [Finding]) -> String {
    let counts = Dictionary(grouping: findings, by: \.name).mapValues(\.count)
    return counts.isEmpty
      ? "nothing"
      : counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
  }

  private func page(
    _ cases: [Case],
    _ pictures: [RecognitionReportData.Picture],
    _ detector: Detector
  ) -> RecognitionReportData {
    var page = RecognitionReportData(title: "Objects found by \(detector.name)")
    page.facts = [
      ("Model", detector.name),
      ("Images", "\(cases.count), \(cases.count { $0.status == "failed" }) of which failed"),
      ("Command", OutputPath.command),
    ]
    page.notes = cases.compactMap { item in item.error.map { "\(item.id): \($0)" } }
    page.pictures = [("Pictures", DetectionReportInput.legend(detector.classes), pictures)]
    page.cases = (
      ["Image", "Class", "Score", "Left", "Top", "Width", "Height"],
      cases.flatMap { item in
        item.findings.compactMap { finding in
          guard let box = finding.box else { return nil }
          return [item.id, finding.name]
            + ([finding.score, box.left, box.top, box.width, box.height].map {
              ReportNumber.significant($0, 3)
            })
        }
      }
    )
    return page
  }
}

/// Detections as the report wants them.
enum DetectionReportInput {
  /// Pictures of an evaluation's page.
  private static let shownCount = 12
  private static let colors: [(name: String, color: SIMD3<UInt8>)] = [
    ("red", [214, 40, 40]), ("blue", [30, 100, 200]), ("green", [30, 150, 70]),
    ("orange", [240, 140, 20]), ("purple", [140, 60, 170]), ("cyan", [20, 170, 180]),
  ]

  /// Which colour stands for which class.
  static func legend(_ classes: [String]) -> String {
    let list = classes.enumerated().map { "\(colors[$0 % colors.count].name) \($1)" }
    return
      "Boxes: \(list.joined(separator: ", ")). White boxes are the reference, where there is one."
  }

  /// A picture with its boxes.
  /// - Parameters:
  ///   - picture: The picture.
  ///   - found: What was found.
  ///   - truth: The reference.
  /// - Returns: The picture.
  static func picture(
    _ picture: ColorImage,
    found: [(label: Int, box: DetectionBox)],
    truth: [DetectionBox]
  ) -> RGBImage {
    var image = RGBImage(width: picture.width, height: picture.height, bytes: picture.pixels)
    func draw(_ box: DetectionBox, _ color: SIMD3<UInt8>, thickness: Int) {
      let (left, top) = (Int(box.left), Int(box.top))
      let (right, bottom) = (
        min(picture.width - 1, Int(box.right)), min(picture.height - 1, Int(box.bottom))
      )
      guard left <= right, top <= bottom else { return }
      for y in max(0, top)...bottom {
        for x in max(0, left)...right
        where x < left + thickness || x > right - thickness || y < top + thickness
          || y > bottom - thickness
        {
          for channel in 0..<3 {
            image.bytes[3 * (y * picture.width + x) + channel] = color[channel]
          }
        }
      }
    }
    let thickness = max(1, min(picture.width, picture.height) / 200)
    for box in truth { draw(box, [255, 255, 255], thickness: 2 * thickness) }
    for item in found {
      draw(item.box, colors[item.label % colors.count].color, thickness: thickness)
    }
    return image
  }

  /// The page of an evaluation.
  static func page(
    _ measured: DetectionMeasurement,
    _ detector: Detector,
    _ data: DetectionDataset,
    split: String?
  ) throws -> RecognitionReportData {
    let summary = measured.summary
    var page = RecognitionReportData(title: "\(detector.name) on \(data.name)")
    page.facts = [
      ("Model", detector.name),
      ("Data", "\(data.name)\(split.map { ", \($0)" } ?? ""), \(summary.images) pictures"),
      ("Command", OutputPath.command),
    ]
    page.notes = data.notes + summary.notes
    let objects = summary.classes.reduce(0) { $0 + $1.objects }
    page.results = [
      .init(name: "mAP at an overlap of 0.5", value: summary.map50, n: objects),
      .init(name: "mAP, mean over 0.5 to 0.95 (COCO)", value: summary.map, n: objects),
    ]
    page.results += summary.classes.flatMap { result in
      [
        RecognitionReportData.Row(
          name: "\(result.name): AP at 0.5",
          value: result.ap50,
          n: result.objects
        ),
        .init(name: "\(result.name): AP (COCO)", value: result.ap, n: result.objects),
        .init(
          name: "\(result.name): precision at the score of the best F1",
          value: result.precision,
          n: result.objects
        ),
        .init(name: "\(result.name): recall there", value: result.recall, n: result.objects),
      ]
    }
    page.curves = [
      ReportChart(
        title: "Precision against recall",
        summary: "At an overlap of 0.5, by falling score.",
        form: .lines(
          summary.classes.map { result in
            .init(label: result.name, points: result.curve.map { SIMD2($0.recall, $0.precision) })
          },
          xLabel: "Recall"
        )
      )
    ]
    let images = Dictionary(data.images.map { ($0.id, $0) }) { first, _ in first }
    let pictures = try measured.detections.prefix(shownCount).compactMap {
      entry -> RecognitionReportData.Picture? in
      guard let image = images[entry.id] else { return nil }
      let told = try detector.detect(image.path)
      return .init(
        picture(
          try ColorImage.read(image.path),
          found: told.map { ($0.label, $0.box) },
          truth: image.objects.map(\.box)
        ),
        caption: entry.id
      )
    }
    page.pictures = [("Pictures", legend(detector.classes), pictures)]
    return page
  }
}
