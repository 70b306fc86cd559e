import Foundation
import Tensors

extension GraphOperator {
  static let reductions: [GraphOperator] = [
    reduction("ReduceSum", empty: 0) { $0.sum(axes: $1, keepingAxes: true) },
    reduction("ReduceMean", empty: .nan) { $0.mean(axes: $1, keepingAxes: true) },
    reduction("ReduceMax", empty: -.infinity) { $0.maximum(axes: $1, keepingAxes: true) },
    reduction("ReduceMin", empty: .infinity) { $0.minimum(axes: $1, keepingAxes: true) },
    reduction("ReduceProd", empty: 1) { x, axes in product(x, axes: axes) },
    reduction("ReduceL1", empty: 0) { $0.magnitude().sum(axes: $1, keepingAxes: true) },
    reduction("ReduceL2", empty: 0) {
      $0.squared().sum(axes: $1, keepingAxes: true).squareRoot()
    },
    reduction("ReduceLogSum", empty: -.infinity) { $0.sum(axes: $1, keepingAxes: true).log() },
    reduction("ReduceLogSumExp", empty: -.infinity) { $0.logSumExp(axes: $1, keepingAxes: true) },
    reduction("ReduceSumSquare", empty: 0) { $0.squared().sum(axes: $1, keepingAxes: true) },
    GraphOperator("CumSum", 2...2, ["exclusive", "reverse"]) { context in
      let x = try context.operand(0)
      let places = try context.integers(1)
      try context.require(places.count == 1, "the axis is \(places)")
      let axis = try context.axis(places[0], rank: x.rank)
      let (exclusive, reverse) = (
        try context.flag("exclusive", false), try context.flag("reverse", false)
      )
      var y = reverse ? x.tensor.flipped(axes: [axis]) : x.tensor
      let first = y
      y = y.cumulativeSum(axis: axis)
      if exclusive { y = y - first }
      return [GraphValue(x.type, reverse ? y.flipped(axes: [axis]) : y)]
    },
    GraphOperator("CumProd", 2...2, ["exclusive", "reverse"]) { context in
      let x = try context.operand(0)
      let places = try context.integers(1)
      try context.require(places.count == 1, "the axis is \(places)")
      let axis = try context.axis(places[0], rank: x.rank)
      let (exclusive, reverse) = (
        try context.flag("exclusive", false), try context.flag("reverse", false)
      )
      let (count, inner) = (x.shape[axis], x.shape[(axis + 1)...].reduce(1, *))
      @Sendable func products<Value>(
        of values: [Value],
        from one: Value,
        _ multiply: (Value, Value) -> Value
      ) -> [Value] {
        var result = values
        for group in 0..<values.count / max(1, count) {
          let start = group / inner * count * inner + group % inner
          var product = one
          for turn in 0..<count {
            let place = start + (reverse ? count - 1 - turn : turn) * inner
            let next = multiply(product, values[place])
            result[place] = exclusive ? product : next
            product = next
          }
        }
        return result
      }
      if let known = x.integers?.indices {
        return [GraphValue(x.type, products(of: known, from: 1, &*), x.shape)]
      }
      let result = ElementMaps.compute("running-product", [x.tensor], shape: x.shape) {
        products(of: $0[0], from: 1, *)
      }
      return [GraphValue(x.type, result)]
    },
  ]

  /// The axes of a reduction: an operand in newer versions, an attribute in older ones.
  static func reducedAxes(_ context: NodeContext, rank: Int) throws -> [Int]? {
    let given = try context.optionalIntegers(1) ?? context.integerList("axes")
    guard let given, !given.isEmpty else {
      return try context.flag("noop_with_empty_axes", false) ? nil : Array(0..<rank)
    }
    let axes = try given.map { try context.axis($0, rank: rank) }
    try context.require(Set(axes).count == axes.count, "an axis of \(given) is there twice")
    return axes.sorted()
  }

  private static func reduction(
    _ name: String,
    empty: Float,
    _ body: @escaping @Sendable (Tensor, [Int]) -> Tensor
  ) -> GraphOperator {
    GraphOperator(name, 1...2, ["axes", "keepdims", "noop_with_empty_axes"]) { context in
      let x = try context.operand(0)
      // Without axes nothing is joined, but every number is still seen as a group of its own.
      let axes = try reducedAxes(context, rank: x.rank) ?? []
      if axes.isEmpty, try context.flag("noop_with_empty_axes", false), name == "ReduceSum" {
        return [x]
      }
      let kept = x.shape.enumerated().map { axes.contains($0.offset) ? 1 : $0.element }
      let result =
        x.count == 0
        ? Tensor(repeating: empty, shape: kept)
        : axes.isEmpty
          ? body(x.tensor.reshaped(x.shape + [1]), [x.rank]).reshaped(kept) : body(x.tensor, axes)
      if try context.flag("keepdims", true) { return [GraphValue(x.type, result)] }
      return [
        GraphValue(
          x.type,
          result.reshaped(x.shape.indices.filter { !axes.contains($0) }.map { x.shape[$0] })
        )
      ]
    }
  }

  private static func product(_ x: Tensor, axes: [Int]) -> Tensor {
    let kept = x.shape.enumerated().map { axes.contains($0.offset) ? 1 : $0.element }
    let shape = x.shape
    return ElementMaps.compute("product", [x], shape: kept) { values in
      var result = [Double](repeating: 1, count: kept.reduce(1, *))
      let steps = ElementMaps.steps(kept)
      var place = 0
      ElementMaps.forEachIndex(shape) { index in
        let target = index.indices.reduce(0) {
          $0 + (axes.contains($1) ? 0 : index[$1] * steps[$1])
        }
        result[target] *= Double(values[0][place])
        place += 1
      }
      return result.map { Float($0) }
    }
  }
}
