import Foundation

extension DetectionObjective {
  /// The loss of an output's values in row-major order, by its formula alone.
  func formula(_ values: [Scalar]) -> Scalar {
    let rows = 4 * bins + classes
    let cells = grid.count
    let samples = values.count / rows / cells
    let total = targets.positives.map { Double($0.score) }.reduce(0, +)
    func value(_ image: Int, _ row: Int, _ cell: Int) -> Scalar {
      values[(image * rows + row) * cells + cell]
    }
    var wanted = [Double](repeating: 0, count: samples * classes * cells)
    for positive in targets.positives {
      wanted[(positive.image * classes + positive.label) * cells + positive.cell] =
        Double(positive.score)
    }
    var classSum: Scalar = 0
    for image in 0..<samples {
      for cell in 0..<cells where !targets.ignored.contains(.init(image: image, cell: cell)) {
        for label in 0..<classes {
          let x = value(image, 4 * bins + label, cell)
          // log(1 + eˣ) − t x.
          classSum += [0, x].logSumExp
          classSum += -(Scalar(wanted[(image * classes + label) * cells + cell]) * x)
        }
      }
    }
    var (overlapSum, distributionSum): (Scalar, Scalar) = (0, 0)
    for positive in targets.positives {
      let cell = positive.cell
      let (x, y) = (Double(grid.x[cell]), Double(grid.y[cell]))
      let stride = Double(grid.stride[cell])
      let edges = SIMD4<Double>(positive.box)
      let truth = [edges.x - x, edges.y - y, edges.z - x, edges.w - y].map { $0 / stride }
      var sides: [Scalar] = []
      for side in 0..<4 {
        let logits = (0..<bins).map { value(positive.image, side * bins + $0, cell) }
        let level = logits.logSumExp
        let shares = logits.map { ($0 - level).exponential }
        sides.append(shares.enumerated().map { Scalar(Double($0.offset)) * $0.element }.sum)
        let distance = min(
          max(side < 2 ? -truth[side] : truth[side], 0),
          Double(bins - 1) - Self.margin
        )
        let lower = Int(distance)
        let upperWeight = distance - Double(lower)
        let entropy =
          Scalar(1 - upperWeight) * (level - logits[lower])
          + Scalar(upperWeight) * (level - logits[lower + 1])
        distributionSum += Scalar(Double(positive.score) / 4) * entropy
      }
      let box = [-sides[0], -sides[1], sides[2], sides[3]]
      let overlap = Self.completeOverlap(box, truth.map { Scalar($0) })
      overlapSum += Scalar(Double(positive.score)) * (1 - overlap)
    }
    return
      (Scalar(weights.classes) * classSum + Scalar(weights.box) * overlapSum
      + Scalar(weights.distribution) * distributionSum) / Scalar(max(1, total))
  }

  /// IoU − ρ²/c² − α v of two boxes given by left, upper, right and lower edge.
  private static func completeOverlap(_ a: [Scalar], _ b: [Scalar]) -> Scalar {
    func smaller(_ a: Scalar, _ b: Scalar) -> Scalar { a.value < b.value ? a : b }
    func larger(_ a: Scalar, _ b: Scalar) -> Scalar { a.value > b.value ? a : b }
    let epsilon = Scalar(CompleteOverlap.epsilon)
    let (width, height) = (a[2] - a[0], a[3] - a[1])
    let (trueWidth, trueHeight) = (b[2] - b[0], b[3] - b[1])
    let common =
      (smaller(a[2], b[2]) - larger(a[0], b[0])).atLeast(0)
      * (smaller(a[3], b[3]) - larger(a[1], b[1])).atLeast(0)
    let overlap = common / (width * height + trueWidth * trueHeight - common + epsilon)
    let hullWidth = larger(a[2], b[2]) - smaller(a[0], b[0])
    let hullHeight = larger(a[3], b[3]) - smaller(a[1], b[1])
    let (shiftX, shiftY) = (b[0] + b[2] - a[0] - a[2], b[1] + b[3] - a[1] - a[3])
    let farness =
      (shiftX * shiftX + shiftY * shiftY) / 4
      / (hullWidth * hullWidth + hullHeight * hullHeight + epsilon)
    let angle =
      (trueWidth / (trueHeight + epsilon)).arctangent - (width / (height + epsilon)).arctangent
    let aspect = Scalar(4 / (Double.pi * Double.pi)) * angle * angle
    let alpha = aspect.value / (aspect.value - overlap.value + 1 + CompleteOverlap.epsilon)
    return overlap - farness - Scalar(alpha) * aspect
  }
}
