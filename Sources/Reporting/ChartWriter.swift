import Foundation
import Imaging

/// Writes charts as inline SVG.
///
/// Positions across are percentages and those down pixels, so that a chart fills a phone or a page
/// while its lettering keeps its size. Colours of text and lines come from the page's style.
enum ChartWriter {
  static func svg(_ chart: ReportChart) -> String {
    let (content, height) =
      switch chart.form {
      case .bars(let bars): barContent(bars)
      case .strips(let strips, let range): stripContent(strips, range)
      case .ratios(let ratios): ratioContent(ratios)
      case .lines(let lines, let xLabel): lineContent(lines, xLabel)
      case .scatter(let scatter): scatterContent(scatter)
      case .heat(let heat): heatContent(heat)
      }
    let picture = HTML.element(
      "svg",
      [
        "class": "chart", "role": "img", "width": "100%", "height": "\(height)",
        "aria-label": "\(chart.title). \(chart.summary)",
      ],
      HTML.text("title", chart.title) + HTML.text("desc", chart.summary) + content
    )
    let caption = HTML.element(
      "figcaption",
      HTML.text("strong", chart.title) + HTML.text("span", chart.summary)
    )
    return HTML.element("figure", ["class": "chart-figure"], caption + picture)
  }

  // MARK: Bars

  private static func barContent(_ bars: [ReportChart.Bar]) -> (String, Int) {
    let largest = bars.map(\.value).filter(\.isFinite).max() ?? 0
    var content = ""
    for (index, bar) in bars.enumerated() {
      let top = index * 44
      content += text(bar.label, x: 0, y: top + 16)
      content += text(bar.text, x: 100, y: top + 16, anchor: "end", css: "value")
      content += rectangle(x: 0, y: top + 24, width: 100, height: 10, css: "track")
      let share = largest > 0 ? 100 * max(0, bar.value) / largest : 0
      content += rectangle(x: 0, y: top + 24, width: share, height: 10, fill: bar.color)
    }
    return (content, max(1, bars.count * 44))
  }

  // MARK: Strips

  private static func stripContent(
    _ strips: [ReportChart.Strip],
    _ range: ClosedRange<Double>
  ) -> (String, Int) {
    func place(_ value: Double) -> Double {
      let span = range.upperBound - range.lowerBound
      let share = span > 0 ? (value - range.lowerBound) / span : 0
      return 2 + 96 * min(max(share, 0), 1)
    }
    let bottom = strips.count * 62 + 4
    var content = ""
    for tick in ticks(range) {
      content += line(
        (place(tick), "4"),
        (place(tick), "\(bottom)"),
        css: "grid"
      )
      content += text(
        ReportNumber.significant(tick, 2).withoutTrailingZeros,
        x: place(tick),
        y: bottom + 18,
        anchor: "middle",
        css: "tick"
      )
    }
    for (index, strip) in strips.enumerated() {
      let top = index * 62
      let middle = top + 42
      let sorted = strip.values.filter(\.isFinite).sorted()
      content += text(strip.label, x: 0, y: top + 18, css: "halo")
      guard let first = sorted.first, let last = sorted.last else {
        content += text("no defined value", x: 100, y: top + 18, anchor: "end", css: "halo value")
        continue
      }
      let median = quantile(0.5, sorted)
      content += text(
        "median " + ReportNumber.fixed(median, 3),
        x: 100,
        y: top + 18,
        anchor: "end",
        css: "halo value"
      )
      content += violin(sorted, middle: middle, fill: strip.color, place: place)
      content += line((place(first), "\(middle)"), (place(last), "\(middle)"), css: "whisker")
      if sorted.count >= 4 {
        let (low, high) = (place(quantile(0.25, sorted)), place(quantile(0.75, sorted)))
        content += rectangle(x: low, y: middle - 10, width: high - low, height: 20, css: "box")
      }
      for (rank, value) in dots(sorted).enumerated() {
        // Dots of close values step aside by a fixed pattern, the same in every run.
        let aside = sorted.count > 2 ? [0, -5, 5, -2, 3][rank % 5] : 0
        content +=
          HTML.void(
            "circle",
            [
              "cx": percent(place(value)), "cy": "\(middle + aside)", "r": "4",
              "fill": strip.color.hex, "class": "dot",
            ]
          ).selfClosed
      }
      if sorted.count >= 4 {
        content += line(
          (place(median), "\(middle - 13)"),
          (place(median), "\(middle + 13)"),
          css: "median"
        )
      }
    }
    return (content, bottom + 26)
  }

  // MARK: Lines

  /// Okabe and Ito's colours that carry on white and on black, each with a dash of its own.
  private static let lineStyles: [(color: String, dash: String)] = [
    ("#0072B2", ""), ("#D55E00", "7 4"), ("#009E73", "2 3"), ("#CC79A7", "9 3 2 3"),
    ("#56B4E9", "12 4"), ("#E69F00", "4 2"),
  ]

  /// The share of the width that holds the numbers of the vertical axis, percent.
  static let gutter = 11.0

  private static func lineContent(
    _ lines: [ReportChart.Line],
    _ xLabel: String
  ) -> (String, Int) {
    let points = lines.flatMap(\.points).filter { $0.x.isFinite && $0.y.isFinite }
    guard let firstX = points.map(\.x).min(), let lastX = points.map(\.x).max(),
      let lowest = points.map(\.y).min(), let highest = points.map(\.y).max()
    else { return (text("no values", x: 0, y: 20), 30) }
    let yTicks = ticks(lowest...max(highest, lowest + 1e-9), outward: true)
    let low = min(lowest, yTicks.first ?? lowest)
    let high = max(highest, yTicks.last ?? highest, low + 1e-9)
    let legendHeight = 26 * lines.count
    let (top, plotHeight) = (legendHeight + 14, 220)
    func placeY(_ y: Double) -> Double { Double(plotHeight) * (high - y) / (high - low) }
    var content = ""
    for (index, item) in lines.enumerated() {
      let style = lineStyles[index % lineStyles.count]
      content +=
        HTML.void(
          "line",
          [
            "x1": "0", "x2": "28", "y1": "\(26 * index + 12)", "y2": "\(26 * index + 12)",
            "stroke": item.color?.hex ?? style.color, "stroke-dasharray": style.dash,
            "class": "series",
          ]
        ).selfClosed
      let final = item.points.last { $0.y.isFinite }.map {
        "last \(ReportNumber.significant($0.y, 3))"
      }
      content += HTML.text(
        "text",
        ["x": "38", "y": "\(26 * index + 17)"],
        item.label + ((item.remark ?? final).map { ", \($0)" } ?? "")
      )
    }
    for tick in yTicks {
      let y = top + Int(placeY(tick).rounded())
      content += line((gutter, "\(y)"), (100, "\(y)"), css: "grid")
      content += text(
        ReportNumber.significant(tick, 3).withoutTrailingZeros,
        x: 0,
        y: y + 4,
        css: "tick"
      )
    }
    var paths = ""
    for (index, item) in lines.enumerated() {
      let style = lineStyles[index % lineStyles.count]
      let coordinates = item.points.filter { $0.x.isFinite && $0.y.isFinite }.map { point in
        let x = lastX > firstX ? 1000 * (point.x - firstX) / (lastX - firstX) : 500
        return String(format: "%.1f,%.1f", x, placeY(point.y))
      }
      // Pale colours of structures need a darker rim on white.
      if item.color != nil {
        paths +=
          HTML.void(
            "polyline",
            [
              "points": coordinates.joined(separator: " "), "fill": "none", "class": "rim",
              "vector-effect": "non-scaling-stroke",
            ]
          ).selfClosed
      }
      paths +=
        HTML.void(
          "polyline",
          [
            "points": coordinates.joined(separator: " "), "fill": "none",
            "stroke": item.color?.hex ?? style.color, "stroke-dasharray": style.dash,
            "class": "series",
            "vector-effect": "non-scaling-stroke",
          ]
        ).selfClosed
    }
    content += HTML.element(
      "svg",
      [
        "x": percent(gutter), "y": "\(top)", "width": percent(100 - gutter),
        "height": "\(plotHeight)",
        "viewBox": "0 0 1000 \(plotHeight)", "preserveAspectRatio": "none", "overflow": "visible",
      ],
      paths
    )
    let axis = top + plotHeight + 22
    content += text(
      ReportNumber.significant(firstX, 3).withoutTrailingZeros,
      x: gutter,
      y: axis,
      css: "tick"
    )
    content += text(xLabel, x: 50, y: axis, anchor: "middle", css: "tick")
    content += text(
      ReportNumber.significant(lastX, 4).withoutTrailingZeros,
      x: 100,
      y: axis,
      anchor: "end",
      css: "tick"
    )
    return (content, axis + 8)
  }

  // MARK: Pieces

  /// Round numbers inside a range, three to six of them (steps of 1, 2 or 5).
  ///
  /// With `outward` the first and last lie at or beyond the range's ends.
  static func ticks(_ range: ClosedRange<Double>, outward: Bool = false) -> [Double] {
    let span = range.upperBound - range.lowerBound
    guard span > 0, span.isFinite else { return [range.lowerBound] }
    let power = pow(10, (log10(span / 4)).rounded(.down))
    let step = [1, 2, 5, 10].map { $0 * power }.first { span / $0 <= 5 } ?? span
    let first =
      outward
      ? (range.lowerBound / step + 1e-9).rounded(.down)
      : (range.lowerBound / step - 1e-9).rounded(.up)
    let last =
      outward
      ? (range.upperBound / step - 1e-9).rounded(.up)
      : (range.upperBound / step + 1e-9).rounded(.down)
    guard last >= first else { return [range.lowerBound] }
    return stride(from: first, through: last, by: 1).map { $0 * step }
  }

  static func quantile(_ share: Double, _ sorted: [Double]) -> Double {
    let position = share * Double(sorted.count - 1)
    let low = Int(position)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (position - Double(low)) * (sorted[high] - sorted[low])
  }

  static func percent(_ value: Double) -> String { String(format: "%.2f%%", value) }

  static func text(
    _ string: String,
    x: Double,
    y: Int,
    anchor: String = "start",
    css: String = ""
  ) -> String {
    HTML.text(
      "text",
      ["x": percent(x), "y": "\(y)", "text-anchor": anchor, "class": css],
      string
    )
  }

  static func rectangle(
    x: Double,
    y: Int,
    width: Double,
    height: Int,
    css: String = "bar",
    fill: LabelColor? = nil
  ) -> String {
    let color = fill.map { " fill=\"\($0.hex)\"" } ?? ""
    return "<rect x=\"\(percent(x))\" y=\"\(y)\" width=\"\(percent(width))\" "
      + "height=\"\(height)\" rx=\"2\" class=\"\(css)\"\(color)/>"
  }

  static func line(
    _ from: (x: Double, y: String),
    _ to: (x: Double, y: String),
    css: String
  ) -> String {
    HTML.void(
      "line",
      [
        "x1": percent(from.x), "y1": from.y, "x2": percent(to.x), "y2": to.y, "class": css,
      ]
    ).selfClosed
  }
}

extension LabelColor {
  /// The colour as CSS writes it.
  var hex: String { String(format: "#%02X%02X%02X", Int(red), Int(green), Int(blue)) }
}

extension String {
  /// An SVG element without content needs the slash.
  var selfClosed: String { String(dropLast()) + "/>" }

  var withoutTrailingZeros: String {
    guard contains(".") else { return self }
    var text = self
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }
}
