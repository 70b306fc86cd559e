import Imaging

extension ChartWriter {
  private static let plotHeight = 260

  /// Dots over two axes; the numbers of the vertical axis stand in the gutter at the left.
  static func scatterContent(_ scatter: ReportChart.Scatter) -> (String, Int) {
    let dots = scatter.dots.filter { $0.place.x.isFinite && $0.place.y.isFinite }
    let heights = dots.map(\.place.y) + scatter.guides.map(\.y).filter(\.isFinite)
    guard let left = dots.map(\.place.x).min(), let right = dots.map(\.place.x).max(),
      let smallest = heights.min(), let largest = heights.max()
    else { return (text("no values", x: 0, y: 20), 30) }
    // Values that are all the same stand in the middle.
    let isFlat = largest - smallest <= 1e-9 * max(1, abs(largest))
    let room = isFlat ? max(1, abs(largest) / 2) : 0
    let (lowest, highest) = (smallest - room, largest + room)
    let yTicks = ticks(lowest...highest, outward: true)
    let low = min(lowest, yTicks.first ?? lowest)
    let high = max(highest, yTicks.last ?? highest, low + 1e-9)
    let top = 30
    func placeX(_ x: Double) -> Double {
      let share = right > left ? (x - left) / (right - left) : 0.5
      return gutter + 1.5 + (100 - gutter - 3) * share
    }
    func placeY(_ y: Double) -> Int {
      top + Int((Double(plotHeight) * (high - y) / (high - low)).rounded())
    }
    var content = text(scatter.yLabel, x: 0, y: 14, css: "tick")
    for tick in yTicks {
      let y = placeY(tick)
      content += line((gutter, "\(y)"), (100, "\(y)"), css: "grid")
      content += text(
        ReportNumber.significant(tick, 3).withoutTrailingZeros,
        x: 0,
        y: y + 4,
        css: "tick"
      )
    }
    let bottom = top + plotHeight
    for tick in ticks(left...max(right, left + 1e-9)) where placeX(tick) <= 99 {
      content += text(
        ReportNumber.significant(tick, 3).withoutTrailingZeros,
        x: placeX(tick),
        y: bottom + 20,
        anchor: "middle",
        css: "tick"
      )
    }
    if scatter.hasDiagonal {
      let (from, to) = (max(left, low), min(right, high))
      if from < to {
        content += line(
          (placeX(from), "\(placeY(from))"),
          (placeX(to), "\(placeY(to))"),
          css: "guide"
        )
      }
    }
    for dot in dots {
      content += HTML.element(
        "circle",
        [
          "cx": percent(placeX(dot.place.x)), "cy": "\(placeY(dot.place.y))", "r": "4",
          "fill": dot.color.hex, "class": "dot",
        ],
        HTML.text("title", dot.label)
      )
    }
    // Words of guides that lie close together are moved upwards, so that all can be read.
    var free = Int.max
    for guide in scatter.guides.filter(\.y.isFinite).sorted(by: { $0.y < $1.y }) {
      let y = placeY(guide.y)
      content += line((gutter, "\(y)"), (100, "\(y)"), css: "guide")
      let baseline = min(y - 5, free)
      content += text(guide.label, x: 100, y: baseline, anchor: "end", css: "halo")
      free = baseline - 16
    }
    content += text(scatter.xLabel, x: 55, y: bottom + 40, anchor: "middle", css: "tick")
    return (content, bottom + 46)
  }
}
