import ImagingIO
import Recognition
import Reporting
import Support

/// A box with the evidence for it, as a picture.
struct DetectionExplanation {
  /// The picture's file name without its ending.
  let name: String
  /// How it was found.
  let method: ExplanationMethod
  /// The picture with the evidence and the box.
  let picture: RGBImage
  /// What is said of it.
  let caption: String

  /// Pictures of a page beyond this are in the folder alone.
  private static let shownCount = 48

  /// The pictures for the page, by method.
  static func groups(
    _ all: [DetectionExplanation],
    methods: [ExplanationMethod]
  ) -> [(heading: String, note: String, pictures: [RecognitionReportData.Picture])] {
    methods.map { method in
      let own = all.filter { $0.method == method }
      return (
        "What moved the scores: \(method.title)",
        RecognitionReportInput.boxNote(method)
          + (own.count > shownCount ? " The first \(shownCount) of \(own.count) are shown." : ""),
        own.prefix(shownCount).map { .init($0.picture, caption: $0.caption) }
      )
    }
  }

  /// Draws the evidence for a box.
  init(_ item: ExplainedBox, number: Int, id: String) {
    method = item.explanation.method
    name = "explanation-\(id)-\(number)-\(item.explanation.method.rawValue)"
    var pixels = item.picture.pixels
    for (place, share) in item.evidence.enumerated() {
      let under = SIMD3(
        Double(pixels[3 * place]),
        Double(pixels[3 * place + 1]),
        Double(pixels[3 * place + 2])
      )
      let color = HeatScale.laid(Double(share), over: under)
      for channel in 0..<3 { pixels[3 * place + channel] = UInt8(color[channel].rounded()) }
    }
    picture = DetectionReportInput.picture(
      ColorImage(width: item.picture.width, height: item.picture.height, pixels: pixels),
      found: [],
      truth: [item.detection.box]
    )
    let inside = item.shareInside.map {
      "; \(ReportNumber.significant(100 * $0, 3)) % of the evidence within the box"
    }
    caption =
      "\(id): \(item.className)" + (item.slice.map { ", slice \($0 + 1)" } ?? "")
      + ", score \(ReportNumber.significant(item.detection.score, 3))" + (inside ?? "")
  }
}

extension VisionDetectRunCommand {
  /// Explains the surest boxes of an input; of a finding in space its surest box.
  func explanations(
    of found: Found,
    id: String,
    _ detector: Detector,
    _ context: CommandContext
  ) throws -> [DetectionExplanation] {
    guard !explanations.isEmpty else { return [] }
    var result: [DetectionExplanation] = []
    for method in explanations {
      if let (picture, boxes) = found.boxes {
        for (number, box) in boxes.prefix(explained).enumerated() {
          let shown = try detector.explain(
            picture,
            box,
            method: method,
            interruption: context.interruption
          )
          result.append(DetectionExplanation(shown, number: number + 1, id: id))
        }
      }
      if let volume = found.volume {
        let scan = volume.loaded.volume.asFloat
        for (number, boxes) in volume.found.boxes.prefix(explained).enumerated() {
          guard let best = boxes.max(by: { $0.detection.score < $1.detection.score }) else {
            continue
          }
          let shown = try detector.explain(
            scan,
            slice: best.slice,
            best.detection,
            method: method,
            interruption: context.interruption
          )
          result.append(DetectionExplanation(shown, number: number + 1, id: id))
        }
      }
    }
    return result
  }
}
