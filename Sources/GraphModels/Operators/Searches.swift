import Tensors

extension GraphOperator {
  static let searches: [GraphOperator] = [
    extremum("ArgMax", largest: true),
    extremum("ArgMin", largest: false),
    GraphOperator("TopK", 1...2, ["axis", "k", "largest", "sorted"]) { context in
      let x = try context.operand(0)
      let axis = try context.axis(try context.integer("axis", -1), rank: x.rank)
      let wanted = try context.optionalIntegers(1)?.first ?? context.integer("k", 0)
      let largest = try context.flag("largest", true)
      try context.require((0...x.shape[axis]).contains(wanted), "\(wanted) of \(x.shape[axis])")
      var shape = x.shape
      shape[axis] = wanted
      let result = shape
      let (count, inner) = (x.shape[axis], x.shape[(axis + 1)...].reduce(1, *))
      @Sendable func chosen(_ values: [Float], _ asPlaces: Bool) -> [Float] {
        var result = [Float](repeating: 0, count: result.reduce(1, *))
        for group in 0..<values.count / max(1, count) {
          let (outer, column) = (group / inner, group % inner)
          let start = outer * count * inner + column
          // Of equal values the first wins.
          let order = (0..<count).sorted { left, right in
            let (a, b) = (values[start + left * inner], values[start + right * inner])
            return a == b ? left < right : largest ? a > b : a < b
          }
          for place in 0..<wanted {
            result[outer * wanted * inner + place * inner + column] =
              asPlaces ? Float(order[place]) : values[start + order[place] * inner]
          }
        }
        return result
      }
      return [
        GraphValue(
          x.type,
          ElementMaps.compute("top-values", [x.tensor], shape: result) { chosen($0[0], false) }
        ),
        GraphValue(
          .int64,
          ElementMaps.compute("top-places", [x.tensor], shape: result) { chosen($0[0], true) }
        ),
      ]
    },
    GraphOperator("NonZero", 1...1) { context in
      let x = try context.operand(0)
      guard !x.isSymbolic else {
        throw context.unsupported("the size of its result depends on the values of the input")
      }
      let values = x.tensor.values
      var places: [[Int]] = []
      var index = 0
      ElementMaps.forEachIndex(x.shape) { cell in
        if values[index] != 0 { places.append(cell) }
        index += 1
      }
      let rank = max(1, x.rank)
      let columns = (0..<rank).flatMap { axis in places.map { x.rank == 0 ? 0 : $0[axis] } }
      return [GraphValue(.int64, columns, [rank, places.count])]
    },
    GraphOperator("NonMaxSuppression", 2...5, ["center_point_box"]) { context in
      try BoxSuppression(context).run()
    },
  ]

  private static func extremum(_ name: String, largest: Bool) -> GraphOperator {
    GraphOperator(name, 1...1, ["axis", "keepdims", "select_last_index"]) { context in
      let x = try context.operand(0)
      let axis = try context.axis(try context.integer("axis", 0), rank: x.rank)
      let last = try context.flag("select_last_index", false)
      try context.require(x.shape[axis] > 0, "the axis \(axis) of \(x.shape) is empty")
      var kept = x.shape
      kept[axis] = 1
      let shape = kept
      let (count, inner) = (x.shape[axis], x.shape[(axis + 1)...].reduce(1, *))
      let result = ElementMaps.compute(name.lowercased(), [x.tensor], shape: shape) { values in
        (0..<values[0].count / count).map { group in
          let start = group / inner * count * inner + group % inner
          var best = 0
          for index in 1..<max(1, count) {
            let (value, record) = (
              values[0][start + index * inner], values[0][start + best * inner]
            )
            if value == record ? last : largest ? value > record : value < record { best = index }
          }
          return Float(best)
        }
      }
      var wanted = x.shape
      if try context.flag("keepdims", true) {
        wanted[axis] = 1
      } else {
        wanted.remove(at: axis)
      }
      return [GraphValue(.int64, result.reshaped(wanted))]
    }
  }
}

/// Greedy choice of boxes that do not overlap, class by class.
private struct BoxSuppression {
  private let boxes: [Float]
  private let scores: [Float]
  private let shape: [Int]
  private let limit: Int
  private let overlap: Float
  private let threshold: Float?
  private let isCentred: Bool

  init(_ context: NodeContext) throws {
    for index in 0..<2 {
      guard try !context.operand(index).isSymbolic else {
        throw context.unsupported("the size of its result depends on the values of the input")
      }
    }
    let (boxes, scores) = (try context.numbers(0), try context.numbers(1))
    try context.require(
      boxes.rank == 3 && boxes.shape[2] == 4 && scores.rank == 3
        && scores.shape[0] == boxes.shape[0] && scores.shape[2] == boxes.shape[1],
      "boxes \(boxes.shape) and scores \(scores.shape)"
    )
    self.boxes = boxes.values
    self.scores = scores.values
    shape = scores.shape
    limit = try context.optionalIntegers(2)?.first ?? 0
    overlap = context.optional(3) == nil ? 0 : try context.knownNumbers(3).first ?? 0
    threshold = context.optional(4) == nil ? nil : try context.knownNumbers(4).first
    isCentred = try context.flag("center_point_box", false)
  }

  func run() -> [GraphValue] {
    var chosen: [Int] = []
    for batch in 0..<shape[0] {
      for label in 0..<shape[1] {
        let start = (batch * shape[1] + label) * shape[2]
        let order = (0..<shape[2]).filter { scores[start + $0] > threshold ?? -.infinity }
          .sorted { (scores[start + $0], $1) > (scores[start + $1], $0) }
        var kept: [Int] = []
        for box in order where kept.count < limit {
          if kept.allSatisfy({ ratio(batch, $0, box) <= overlap }) { kept.append(box) }
        }
        for box in kept { chosen += [batch, label, box] }
      }
    }
    return [GraphValue(.int64, chosen, [chosen.count / 3, 3])]
  }

  private func corners(_ batch: Int, _ box: Int) -> (Float, Float, Float, Float) {
    let at = (batch * shape[2] + box) * 4
    let (a, b, c, d) = (boxes[at], boxes[at + 1], boxes[at + 2], boxes[at + 3])
    return isCentred
      ? (a - c / 2, b - d / 2, a + c / 2, b + d / 2)
      : (min(a, c), min(b, d), max(a, c), max(b, d))
  }

  private func ratio(_ batch: Int, _ first: Int, _ second: Int) -> Float {
    let (a, b) = (corners(batch, first), corners(batch, second))
    let common =
      max(0, min(a.2, b.2) - max(a.0, b.0)) * max(0, min(a.3, b.3) - max(a.1, b.1))
    let union = (a.2 - a.0) * (a.3 - a.1) + (b.2 - b.0) * (b.3 - b.1) - common
    return union > 0 ? common / union : 0
  }
}
