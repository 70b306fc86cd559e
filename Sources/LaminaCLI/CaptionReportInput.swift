import Foundation
import Recognition
import Reporting
import Sequences

/// Sentences about images as the report wants them.
enum CaptionReportInput {
  /// At most so many images are listed.
  private static let largestCaseCount = 500
  /// Pictures smaller than this are enlarged by whole numbers.
  private static let leastSide = 120

  /// The page of an evaluation.
  /// - Parameters:
  ///   - evaluation: The results.
  ///   - title: The page's title.
  ///   - facts: What was done, by name.
  /// - Returns: The page.
  static func page(
    _ evaluation: CaptionEvaluation,
    title: String,
    facts: [(name: String, value: String)]
  ) -> RecognitionReportData {
    var page = RecognitionReportData(title: title)
    page.facts = facts
    for scores in [evaluation.network] + evaluation.baselines {
      let name = evaluation.baselines.isEmpty ? "" : "\(scores.name): "
      page.results += scores.bleu.scores.enumerated().map {
        .init(name: "\(name)BLEU-\($0.offset + 1)", value: $0.element, n: evaluation.cases.count)
      }
      page.results += [
        .init(name: name + "ROUGE-L", value: scores.rougeL, n: evaluation.cases.count),
        .init(
          name: name + "Share of sentences word by word",
          value: scores.exact?.value,
          interval: scores.exact?.ci95,
          n: scores.exact?.count
        ),
        .init(
          name: name + "Share of statements word by word",
          value: scores.statements?.value,
          interval: scores.statements?.ci95,
          n: scores.statements?.count
        ),
      ]
    }
    let worst = evaluation.cases.enumerated().sorted {
      $0.element.rougeL != $1.element.rougeL
        ? $0.element.rougeL < $1.element.rougeL : $0.offset < $1.offset
    }
    page.cases = (
      ["Image", "Written", "Reference", "ROUGE-L"],
      worst.prefix(largestCaseCount).map { item in
        [
          item.element.id, item.element.caption, item.element.references.first ?? "",
          ReportNumber.significant(item.element.rougeL, 3),
        ]
      }
    )
    page.notes.append(
      "BLEU is over all sentences together, without smoothing. A statement is what marks and \"and\" keep "
        + "apart; numbers count. Those that are written worst stand first."
    )
    return page
  }

  /// Where was looked for each word.
  /// - Parameter shown: A sentence about an image.
  /// - Returns: One picture for each word.
  static func pictures(_ shown: CaptionWriter.Shown) -> [RecognitionReportData.Picture] {
    let (rows, columns) = (shown.size[0], shown.size[1])
    let factor = max(1, leastSide / max(1, min(rows, columns)))
    let (height, width) = (rows * factor, columns * factor)
    return shown.words.map { word in
      let attention = ImagePlanes(
        height: shown.gridSize[0],
        width: shown.gridSize[1],
        values: word.attention
      ).resized(toHeight: height, width: width).values
      let largest = max(word.attention.max() ?? 1, 1e-6)
      var bytes = [UInt8](repeating: 0, count: 3 * height * width)
      for y in 0..<height {
        for x in 0..<width {
          let grey = Double(shown.grey[(y / factor) * columns + x / factor])
          let share = Double(attention[y * width + x] / largest)
          let color = HeatScale.laid(share, over: SIMD3(grey, grey, grey))
          for channel in 0..<3 {
            bytes[3 * (y * width + x) + channel] = UInt8(color[channel].rounded())
          }
        }
      }
      return .init(RGBImage(width: width, height: height, bytes: bytes), caption: word.text)
    }
  }
}
