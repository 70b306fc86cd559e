import Foundation
import Imaging

extension ChartWriter {
  /// Fewer values than this have no shape worth drawing.
  private static let fewestForShape = 20
  /// More values than this are not drawn one by one; then only those far from the box are.
  private static let mostDots = 150

  /// The values that are drawn as dots: all, or those more than 1.5 times the height of the box
  /// beyond it (Tukey 1977, "Exploratory data analysis", chapter 2).
  static func dots(_ sorted: [Double]) -> [Double] {
    guard sorted.count > mostDots else { return sorted }
    let (low, high) = (quantile(0.25, sorted), quantile(0.75, sorted))
    let reach = 1.5 * (high - low)
    return sorted.filter { $0 < low - reach || $0 > high + reach }
  }

  /// The values' density, mirrored: a sum of normal curves of the width of Silverman (1986, "Density
  /// estimation", equation 3.31).
  static func violin(
    _ sorted: [Double],
    middle: Int,
    fill: LabelColor,
    place: (Double) -> Double
  ) -> String {
    guard sorted.count >= fewestForShape, let first = sorted.first, let last = sorted.last,
      last > first
    else { return "" }
    let count = Double(sorted.count)
    let mean = sorted.reduce(0, +) / count
    let deviation = (sorted.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)).squareRoot()
    let spread = (quantile(0.75, sorted) - quantile(0.25, sorted)) / 1.34
    let width = 0.9 * (spread > 0 ? min(deviation, spread) : deviation) * pow(count, -0.2)
    guard width > 0 else { return "" }
    let steps = 60
    let densities = (0...steps).map { step in
      let x = first + (last - first) * Double(step) / Double(steps)
      return sorted.reduce(0) { $0 + exp(-0.5 * pow((x - $1) / width, 2)) }
    }
    guard let largest = densities.max(), largest > 0 else { return "" }
    let upper = densities.enumerated().map { step, density in
      String(
        format: "%.1f,%.1f",
        1000 * Double(step) / Double(steps),
        18 - 17 * density / largest
      )
    }
    let lower = densities.enumerated().reversed().map { step, density in
      String(
        format: "%.1f,%.1f",
        1000 * Double(step) / Double(steps),
        18 + 17 * density / largest
      )
    }
    let shape =
      HTML.void(
        "polygon",
        [
          "points": (upper + lower).joined(separator: " "), "class": "violin", "fill": fill.hex,
        ]
      ).selfClosed
    return HTML.element(
      "svg",
      [
        "x": percent(place(first)), "y": "\(middle - 18)",
        "width": percent(place(last) - place(first)), "height": "36", "viewBox": "0 0 1000 36",
        "preserveAspectRatio": "none",
      ],
      shape
    )
  }
}
