import Imaging

extension ChartWriter {
  /// The share of the width for the rows' names, percent.
  private static let nameGutter = 24.0
  /// Names are written at most this often.
  private static let mostNames = 40
  /// From dark to bright, told apart by lightness alone: safe for every kind of colour vision.
  private static let palette: [SIMD3<Double>] = [
    [8, 29, 88], [34, 82, 140], [60, 132, 150], [122, 178, 130], [198, 214, 96], [253, 238, 80],
  ]
  /// Where no value is defined.
  private static let undefinedColor: [UInt8] = [150, 150, 150]

  /// Cells as one picture, which stays small for hundreds of cases, with names around it.
  static func heatContent(_ heat: ReportChart.Heat) -> (String, Int) {
    guard !heat.rows.isEmpty, !heat.columns.isEmpty, let cells = picture(heat) else {
      return (text("no values", x: 0, y: 20), 30)
    }
    let rowHeight = heat.rows.count <= mostNames ? 20.0 : max(2, 640 / Double(heat.rows.count))
    let height = Int((rowHeight * Double(heat.rows.count)).rounded(.up))
    let longest = heat.columns.map(\.count).max() ?? 0
    let top = 40 + min(90, 5 * longest)
    var content = scale(heat)
    let columnWidth = (100 - nameGutter) / Double(heat.columns.count)
    let columnStep = (heat.columns.count + mostNames - 1) / mostNames
    for (index, name) in heat.columns.enumerated() where index % columnStep == 0 {
      let x = nameGutter + (Double(index) + 0.5) * columnWidth
      content += HTML.element(
        "svg",
        ["x": percent(x), "y": "\(top - 6)", "overflow": "visible"],
        HTML.text("text", ["transform": "rotate(-45)", "class": "tick"], shortened(name, 22))
      )
    }
    let rowStep = (heat.rows.count + mostNames - 1) / mostNames
    for (index, name) in heat.rows.enumerated() where index % rowStep == 0 {
      let y = top + Int((rowHeight * (Double(index) + 0.5)).rounded()) + 4
      content += text(
        shortened(name, 24),
        x: nameGutter - 1,
        y: y,
        anchor: "end",
        css: "tick"
      )
    }
    content +=
      HTML.void(
        "image",
        [
          "x": percent(nameGutter), "y": "\(top)", "width": percent(100 - nameGutter),
          "height": "\(height)", "preserveAspectRatio": "none", "class": "cells",
          "href": "data:image/png;base64,\(cells)",
        ]
      ).selfClosed
    return (content, top + height + 6)
  }

  private static func shortened(_ name: String, _ count: Int) -> String {
    name.count <= count ? name : name.prefix(count - 1) + "\u{2026}"
  }

  private static func picture(_ heat: ReportChart.Heat) -> String? {
    var bytes: [UInt8] = []
    for row in heat.values { for value in row { bytes += color(value, heat.range) } }
    guard bytes.count == 3 * heat.rows.count * heat.columns.count else { return nil }
    let image = RGBImage(width: heat.columns.count, height: heat.rows.count, bytes: bytes)
    return try? image.png().base64EncodedString()
  }

  private static func color(_ value: Double?, _ range: ClosedRange<Double>) -> [UInt8] {
    guard let value, value.isFinite else { return undefinedColor }
    let span = range.upperBound - range.lowerBound
    let share = span > 0 ? min(1, max(0, (value - range.lowerBound) / span)) : 1
    let place = share * Double(palette.count - 1)
    let first = min(Int(place), palette.count - 2)
    let mixed = palette[first] + (palette[first + 1] - palette[first]) * (place - Double(first))
    return (0..<3).map { UInt8(mixed[$0].rounded()) }
  }

  /// The colours with the numbers of their ends.
  private static func scale(_ heat: ReportChart.Heat) -> String {
    let steps = 64
    let span = heat.range.upperBound - heat.range.lowerBound
    let bytes = (0..<steps).flatMap {
      color(heat.range.lowerBound + span * Double($0) / Double(steps - 1), heat.range)
    }
    let image = RGBImage(width: steps, height: 1, bytes: bytes)
    guard let data = try? image.png().base64EncodedString() else { return "" }
    let ends = [heat.range.lowerBound, heat.range.upperBound].map {
      ReportNumber.significant($0, 2).withoutTrailingZeros
    }
    return text(heat.quantity, x: 0, y: 13, css: "tick")
      + text(ends[0], x: nameGutter - 1, y: 13, anchor: "end", css: "tick")
      + HTML.void(
        "image",
        [
          "x": percent(nameGutter), "y": "3", "width": "22%", "height": "12",
          "preserveAspectRatio": "none", "href": "data:image/png;base64,\(data)",
        ]
      ).selfClosed
      + text(ends[1], x: nameGutter + 23, y: 13, css: "tick")
      + rectangle(
        x: nameGutter + 38,
        y: 3,
        width: 3,
        height: 12,
        css: "",
        fill: LabelColor(
          red: undefinedColor[0],
          green: undefinedColor[1],
          blue: undefinedColor[2]
        )
      )
      + text("undefined", x: nameGutter + 42, y: 13, css: "tick")
  }
}
