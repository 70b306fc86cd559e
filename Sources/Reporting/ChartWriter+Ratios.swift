extension ChartWriter {
  /// Beyond this the axis of ratios ends, so that one outlier does not hide the others.
  private static let longestRatio = 4.0

  /// Bars of ratios with the line at 1, which all of them are to be read against.
  static func ratioContent(_ ratios: [ReportChart.Ratio]) -> (String, Int) {
    let largest = ratios.map { max($0.value, $0.range.upperBound) }.max() ?? 1
    let end = min(max(1.25, 1.05 * largest), longestRatio)
    func place(_ value: Double) -> Double { 100 * min(max(value, 0), end) / end }
    let bottom = ratios.count * 48 + 4
    var content = ""
    for tick in ticks(0...end) where tick != 1 {
      content += line((place(tick), "4"), (place(tick), "\(bottom)"), css: "grid")
      content += tickLabel(tick, at: place(tick), y: bottom + 18)
    }
    for (index, ratio) in ratios.enumerated() {
      content += bar(ratio, width: place(ratio.value), y: index * 48 + 26)
    }
    // Above the bars, so that it shows where a bar goes beyond it.
    content += line((place(1), "4"), (place(1), "\(bottom)"), css: "unity")
    content += tickLabel(1, at: place(1), y: bottom + 18)
    for (index, ratio) in ratios.enumerated() {
      let (top, low, high) = (
        index * 48, place(ratio.range.lowerBound), place(ratio.range.upperBound)
      )
      if high > low { content += line((low, "\(top + 33)"), (high, "\(top + 33)"), css: "range") }
      content += text(ratio.label, x: 0, y: top + 18, css: "halo")
      let number = ratio.value > end ? ratio.text + ", beyond the axis" : ratio.text
      content += text(number, x: 100, y: top + 18, anchor: "end", css: "halo value")
    }
    return (content, bottom + 26)
  }

  private static func bar(_ ratio: ReportChart.Ratio, width: Double, y: Int) -> String {
    let css = (ratio.value <= 1 ? "less" : "more") + (ratio.isDoubtful ? " doubtful" : "")
    return rectangle(x: 0, y: y, width: width, height: 14, css: css)
  }

  private static func tickLabel(_ value: Double, at place: Double, y: Int) -> String {
    text(
      ReportNumber.significant(value, 2).withoutTrailingZeros,
      x: place,
      y: y,
      anchor: place < 1 ? "start" : place > 99 ? "end" : "middle",
      css: "tick"
    )
  }
}
