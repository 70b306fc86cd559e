import Autoencoders
import Foundation
import Recognition
import Reporting
import Support

/// The few items of the highest numbers, the highest first; earlier ones before later ones of the same.
struct HighestFew<Item> {
  private var ranked: [(item: Item, number: Double)] = []
  private let count: Int

  init(count: Int) { self.count = count }

  var items: [Item] { ranked.map(\.item) }

  mutating func add(_ item: Item, _ number: Double) {
    let place = ranked.firstIndex { $0.number < number } ?? ranked.count
    guard place < count else { return }
    ranked.insert((item, number), at: place)
    if ranked.count > count { ranked.removeLast() }
  }
}

/// Unusual images and filled holes as reports and folders want them.
enum AutoencoderReportInput {
  /// Pictures smaller than this are enlarged by whole numbers.
  private static let leastSide = 160

  /// What stands below heat maps.
  static let heatNote =
    "Left the image, right its heat: yellow is as much as would make an image unusual if its hottest pixels "
    + "were all like it, red twice as much or more. It shows what the model could not give back, which may "
    + "be noise, another position or a device, and need not be a disease."
  /// What stands below filled images.
  static let fillingNote =
    "What is filled in is made up from what is usual. It shows nothing that was seen and must not be read as "
    + "anatomy."

  /// The images of several inputs.
  static func images(_ inputs: [String], slicesPerVolume: Int) throws -> LabelledImages {
    var all = try LabelledImages(
      withOrWithoutClasses: inputs[0],
      slicesPerVolume: slicesPerVolume
    )
    for (index, input) in inputs.enumerated().dropFirst() {
      let more = try LabelledImages(withOrWithoutClasses: input, slicesPerVolume: slicesPerVolume)
      let known = Set(all.items.map(\.id))
      all.problems += more.problems
      all.items += more.items.map { item in
        known.contains(item.id)
          ? LabelledImages.Item(
            id: "\(index + 1)-\(item.id)",
            source: item.source,
            classes: item.classes,
            group: item.group
          ) : item
      }
    }
    return all
  }

  /// A file's name within a folder for an image's name, which may be a path.
  static func fileName(_ id: String) -> String {
    id.split(separator: "/").filter { $0 != ".." && $0 != "." }.joined(separator: "/")
      .replacingOccurrences(of: "#", with: "-slice-")
  }

  /// Writes a file and the folders above it.
  static func write(_ data: Data, to path: String) throws {
    let target = URL(fileURLWithPath: path)
    do {
      try FileManager.default.createDirectory(
        at: target.deletingLastPathComponent(),
        withIntermediateDirectories: true
      )
      try data.write(to: target)
    } catch {
      throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
    }
  }

  /// What a model of unusual images is.
  static func facts(_ detector: AnomalyDetector) -> [(name: String, value: String)] {
    let plan = detector.plan
    return [
      ("Model", "\(detector.model.description.name): \(detector.model.description.summary)"),
      ("Network", detector.model.description.network.name), ("Score", detector.definition),
      (
        "Threshold",
        "\(ReportNumber.significant(plan.threshold, 4)), found on \(plan.heldOutImages) normal images that "
          + "were not trained on: of normal images at most "
          + "\(ReportNumber.significant(100 * (1 - plan.quantile), 3)) % exceed it in the long run"
      ),
    ]
  }

  /// An image with its heat map beside it.
  static func overlay(_ item: AnomalyDetector.Scored) -> RGBImage {
    let heated = (0..<item.heat.count).flatMap { place -> [UInt8] in
      let under = SIMD3(
        Double(item.image[3 * place]),
        Double(item.image[3 * place + 1]),
        Double(item.image[3 * place + 2])
      )
      let color = HeatScale.laid(Double(item.heat[place]), over: under)
      return (0..<3).map { UInt8(color[$0].rounded()) }
    }
    return joined([item.image, heated], height: item.height, width: item.width)
  }

  /// A picture of the report.
  static func picture(_ item: AnomalyDetector.Scored) -> RecognitionReportData.Picture {
    .init(
      overlay(item),
      caption: "\(item.result.id): score \(ReportNumber.significant(item.result.score, 3)), "
        + (item.result.isUnusual ? "unusual" : "not unusual")
    )
  }

  /// An image with holes, what the model and the harmonic filling made of it, and the truth.
  static func picture(_ item: Inpainter.Shown) -> RecognitionReportData.Picture {
    func number(_ value: Double?) -> String {
      value.map { ReportNumber.significant($0, 4) } ?? "undefined"
    }
    return .init(
      joined(
        [holed(item.truth, item.hidden), item.model, item.harmonic, item.truth],
        height: item.height,
        width: item.width
      ),
      caption: "\(item.id), with holes, filled, filled harmonically, true: "
        + "\(number(item.result.model.psnrInHoles)) dB in holes, harmonic "
        + "\(number(item.result.harmonic.psnrInHoles)) dB"
    )
  }

  /// A filled slice.
  static func picture(_ result: InpaintingRun.Result) -> RecognitionReportData.Picture {
    let shown = result.shown
    return .init(
      joined(
        [holed(shown.before, shown.hidden), shown.after],
        height: shown.height,
        width: shown.width
      ),
      caption: "Left with the holes, right filled"
    )
  }

  private static func holed(_ image: [UInt8], _ hidden: [Bool]) -> [UInt8] {
    var result = image
    for (place, isHidden) in hidden.enumerated() where isHidden {
      for channel in 0..<3 { result[3 * place + channel] = [200, 60, 160][channel] }
    }
    return result
  }

  /// Pictures of one size side by side, enlarged if they are small, with a white line between them.
  private static func joined(_ pictures: [[UInt8]], height: Int, width: Int) -> RGBImage {
    let factor = max(1, leastSide / max(1, min(width, height)))
    let gap = 4
    let (rows, columns) = (height * factor, width * factor)
    let whole = pictures.count * columns + (pictures.count - 1) * gap
    var bytes = [UInt8](repeating: 255, count: 3 * rows * whole)
    for (index, picture) in pictures.enumerated() {
      for y in 0..<rows {
        for x in 0..<columns {
          let from = 3 * (y / factor * width + x / factor)
          let to = 3 * (y * whole + index * (columns + gap) + x)
          for channel in 0..<3 { bytes[to + channel] = picture[from + channel] }
        }
      }
    }
    return RGBImage(width: whole, height: rows, bytes: bytes)
  }

  /// The page of an evaluation of unusual images.
  static func page(
    _ evaluation: AnomalyEvaluation,
    title: String,
    facts: [(name: String, value: String)]
  ) -> RecognitionReportData {
    var page = RecognitionReportData(title: title)
    page.facts = facts
    func rows(_ name: String, _ measure: AnomalyEvaluation.Measure) -> [RecognitionReportData.Row] {
      [
        .init(
          name: "\(name): area under the curve (DeLong)",
          value: measure.area,
          interval: measure.areaCI95,
          n: evaluation.cases.count
        ),
        .init(
          name:
            "\(name): sensitivity at the threshold \(ReportNumber.significant(measure.threshold, 4))",
          value: measure.sensitivity?.value,
          interval: measure.sensitivity?.ci95,
          n: measure.sensitivity?.count
        ),
        .init(
          name: "\(name): specificity at that threshold",
          value: measure.specificity?.value,
          interval: measure.specificity?.ci95,
          n: measure.specificity?.count
        ),
      ]
    }
    page.results =
      rows(evaluation.network, evaluation.own)
      + rows("principal components", evaluation.baseline) + [
        .init(
          name: "difference of the areas (bootstrap)",
          value: evaluation.areaDifference,
          interval: evaluation.areaDifferenceCI95,
          n: evaluation.cases.count
        )
      ]
    let lines = [(evaluation.network, false), ("principal components", true)]
      .compactMap { name, ofBaseline -> ReportChart.Line? in
        guard let curve = evaluation.curve(ofBaseline: ofBaseline) else { return nil }
        return ReportChart.Line(
          label: name,
          points: zip(curve.specificities, curve.sensitivities).map { SIMD2(1 - $0, $1) },
          remark: "area \(ReportNumber.significant(curve.area, 3))"
        )
      }
    if !lines.isEmpty {
      page.curves = [
        ReportChart(
          title: "Receiver operating curve",
          summary: "Sensitivity by the share of false alarms, for every threshold.",
          form: .lines(lines, xLabel: "1 - specificity")
        )
      ]
    }
    page.cases = (
      ["Image", "Truth", "Told", "Score", "Score by principal components"],
      evaluation.cases.prefix(1000).map { item in
        [
          item.id, item.truth, item.result.isUnusual ? "unusual" : "not unusual",
          ReportNumber.significant(item.result.score, 4),
          ReportNumber.significant(item.result.baselineScore, 4),
        ]
      }
    )
    return page
  }

  /// An evaluation of unusual images for the terminal.
  static func text(_ evaluation: AnomalyEvaluation, _ output: String) -> String {
    func number(_ value: Double?, _ interval: [Double]?) -> String {
      guard let value else { return ReportNumber.undefined }
      let bounds = interval.map { pair in
        " (\(ReportNumber.significant(pair[0], 4)) to \(ReportNumber.significant(pair[1], 4)))"
      }
      return ReportNumber.significant(value, 4) + (bounds ?? "")
    }
    func lines(_ name: String, _ measure: AnomalyEvaluation.Measure) -> [String] {
      [
        "  \(name): AUC \(number(measure.area, measure.areaCI95)), sensitivity "
          + "\(number(measure.sensitivity?.value, measure.sensitivity?.ci95)), specificity "
          + number(measure.specificity?.value, measure.specificity?.ci95)
      ]
    }
    return
      (["\(output): \(evaluation.normalCount) normal and \(evaluation.unusualCount) other images"]
      + lines(evaluation.network, evaluation.own)
      + lines("principal components", evaluation.baseline) + [
        "  difference of AUC: "
          + number(evaluation.areaDifference, evaluation.areaDifferenceCI95)
      ]).joined(separator: "\n")
  }

  private static func name(_ metric: String) -> String {
    switch metric {
    case "psnrInHoles": "PSNR in holes, dB"
    case "psnr": "PSNR of the image, dB"
    case "ssimInHoles": "SSIM in holes"
    default: "SSIM of the image"
    }
  }

  /// The page of an evaluation of filled holes.
  static func page(
    _ evaluation: InpaintingEvaluation,
    title: String,
    facts: [(name: String, value: String)]
  ) -> RecognitionReportData {
    var page = RecognitionReportData(title: title)
    page.facts = facts
    page.results = evaluation.comparisons.flatMap { item -> [RecognitionReportData.Row] in
      [
        .init(name: "\(name(item.metric)): \(evaluation.model)", value: item.model, n: item.n),
        .init(name: "\(name(item.metric)): harmonic", value: item.harmonic, n: item.n),
        .init(
          name: "\(name(item.metric)): mean difference of the same holes (bootstrap)",
          value: item.difference,
          interval: item.differenceCI95,
          n: item.n
        ),
      ]
    }
    page.cases = (
      ["Image", "Hidden pixels", "Better", "PSNR in holes, dB", "Harmonic, dB"],
      evaluation.cases.prefix(1000).map { item in
        func number(_ value: Double?) -> String {
          value.map { ReportNumber.significant($0, 4) } ?? "undefined"
        }
        return [
          item.id, "\(item.hiddenPixels)",
          item.model.squaredErrorInHoles < item.harmonic.squaredErrorInHoles
            ? "model" : "harmonic",
          number(item.model.psnrInHoles), number(item.harmonic.psnrInHoles),
        ]
      }
    )
    return page
  }

  /// An evaluation of filled holes for the terminal.
  static func text(_ evaluation: InpaintingEvaluation, _ output: String) -> String {
    func number(_ value: Double) -> String { ReportNumber.significant(value, 4) }
    return
      (["\(output): \(evaluation.cases.count) images, \(evaluation.holes.words)"]
      + evaluation.comparisons.map { item in
        "  \(name(item.metric)): \(number(item.model)), harmonic \(number(item.harmonic)), difference "
          + "\(number(item.difference)) (\(number(item.differenceCI95[0])) to "
          + "\(number(item.differenceCI95[1]))), \(item.n) images"
      }).joined(separator: "\n")
  }
}
