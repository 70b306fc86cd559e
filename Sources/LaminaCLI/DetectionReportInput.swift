import Foundation
import ImagingIO
import Recognition
import Reporting

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
    found: [Detection],
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
      let color = colors[item.label % colors.count].color
      for (pixel, isInside) in (item.mask?.pixels ?? []).enumerated() where isInside {
        for channel in 0..<3 {
          let old = UInt16(image.bytes[3 * pixel + channel])
          image.bytes[3 * pixel + channel] = UInt8((2 * old + UInt16(color[channel])) / 3)
        }
      }
      draw(item.box, color, thickness: thickness)
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
    if summary.maskMap != nil {
      page.results += [
        .init(name: "mAP of masks at an overlap of 0.5", value: summary.maskMap50, n: objects),
        .init(name: "mAP of masks (COCO)", value: summary.maskMap, n: objects),
      ]
    }
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
    for result in summary.volumes?.classes ?? [] {
      let name = "\(result.name) in volumes, overlap of boxes at least \(result.leastOverlap)"
      page.results += [
        .init(
          name: "\(name): structures found",
          value: result.sensitivity?.value,
          interval: result.sensitivity?.ci95,
          n: result.sensitivity?.count
        ),
        .init(
          name: "\(name): findings that are structures",
          value: result.precision?.value,
          interval: result.precision?.ci95,
          n: result.precision?.count
        ),
        .init(
          name: "\(name): false findings for each volume",
          value: result.falseFindingsPerVolume,
          n: summary.volumes?.volumes
        ),
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
    // Of volumes slices with boxes say more than their first ones.
    let shown = measured.detections.filter { entry in
      images[entry.id].map { $0.slice == nil || !$0.objects.isEmpty } ?? false
    }
    let step = max(1, summary.volumes == nil ? 1 : shown.count / shownCount)
    let chosen = stride(from: 0, to: shown.count, by: step).prefix(shownCount).map { shown[$0] }
    let pictures = try chosen.compactMap { entry -> RecognitionReportData.Picture? in
      guard let image = images[entry.id] else { return nil }
      let (read, told) = try detector.look(at: image)
      return .init(
        picture(
          read,
          found: told,
          truth: image.objects.map(\.box)
        ),
        caption: entry.id
      )
    }
    page.pictures = [("Pictures", legend(detector.classes), pictures)]
    return page
  }
}
