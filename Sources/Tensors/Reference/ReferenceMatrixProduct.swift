/// Matrix products by their definition, in double precision.
enum ReferenceMatrixProduct {
  /// Calls the body with the places of every a[…, m, k] · b[…, k, n] and of c[…, m, n].
  private static func forEachTerm(
    _ a: [Int],
    _ b: [Int],
    _ c: [Int],
    _ body: (_ a: Int, _ b: Int, _ c: Int) -> Void
  ) {
    let inner = a[a.count - 1]
    for cell in GridIndices(c) {
      let (m, n) = (cell[cell.count - 2], cell[cell.count - 1])
      func place(_ shape: [Int], _ row: Int, _ column: Int) -> Int {
        let batch = zip(cell.dropLast(2).suffix(shape.count - 2), shape).map { $1 == 1 ? 0 : $0 }
        return flat(batch + [row, column], shape)
      }
      for k in 0..<inner { body(place(a, m, k), place(b, k, n), flat(cell, c)) }
    }
  }

  static func product(_ a: Tensor, _ b: Tensor, shape: [Int]) -> Tensor {
    let (left, right) = (a.values, b.values)
    var result = [Double](repeating: 0, count: shape.reduce(1, *))
    forEachTerm(a.shape, b.shape, shape) { result[$2] += Double(left[$0]) * Double(right[$1]) }
    return Tensor(result.map { Float($0) }, shape: shape)
  }

  static func gradients(_ gradient: Tensor, _ a: Tensor, _ b: Tensor) -> (Tensor, Tensor) {
    let (left, right, arriving) = (a.values, b.values, gradient.values)
    var da = [Double](repeating: 0, count: a.count)
    var db = [Double](repeating: 0, count: b.count)
    forEachTerm(a.shape, b.shape, gradient.shape) {
      da[$0] += Double(arriving[$2]) * Double(right[$1])
      db[$1] += Double(arriving[$2]) * Double(left[$0])
    }
    return (
      Tensor(da.map { Float($0) }, shape: a.shape), Tensor(db.map { Float($0) }, shape: b.shape)
    )
  }

  /// y[r, o] = b[o] + Σ x[r, i] w[o, i].
  static func linear(_ x: Tensor, _ weight: Tensor, _ bias: Tensor?, shape: [Int]) -> Tensor {
    let (xs, ws, bs) = (x.values, weight.values, bias?.values)
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    let rows = shape.dropLast().reduce(1, *)
    var result: [Float] = []
    for r in 0..<rows {
      for o in 0..<outputs {
        var total = Double(bs?[o] ?? 0)
        for i in 0..<inputs { total += Double(xs[r * inputs + i]) * Double(ws[o * inputs + i]) }
        result.append(Float(total))
      }
    }
    return Tensor(result, shape: shape)
  }

  static func linearGradients(
    _ gradient: Tensor,
    _ x: Tensor,
    _ weight: Tensor
  ) -> (x: Tensor, weight: Tensor, bias: Tensor) {
    let (xs, ws, gs) = (x.values, weight.values, gradient.values)
    let (outputs, inputs) = (weight.shape[0], weight.shape[1])
    var dx = [Double](repeating: 0, count: x.count)
    var dw = [Double](repeating: 0, count: weight.count)
    var db = [Double](repeating: 0, count: outputs)
    for r in 0..<gradient.shape.dropLast().reduce(1, *) {
      for o in 0..<outputs {
        let g = Double(gs[r * outputs + o])
        db[o] += g
        for i in 0..<inputs {
          dx[r * inputs + i] += g * Double(ws[o * inputs + i])
          dw[o * inputs + i] += g * Double(xs[r * inputs + i])
        }
      }
    }
    return (
      Tensor(dx.map { Float($0) }, shape: x.shape),
      Tensor(dw.map { Float($0) }, shape: weight.shape),
      Tensor(db.map { Float($0) }, shape: [outputs])
    )
  }

  /// p = eˣ / Σ eˣ along an axis; 0 where all of a group is −∞.
  static func softmax(_ x: Tensor, axis: Int) -> Tensor {
    groupwise(x, x, axis) { x, _ in
      let total = ReductionDefinition.logSumExp.value(x)
      return x.map { total == -.infinity ? 0 : exponential($0 - total) }
    }
  }

  /// dx = p (g − Σ p g).
  static func softmaxGradient(_ gradient: Tensor, x: Tensor, axis: Int) -> Tensor {
    groupwise(gradient, x, axis) { g, x in
      let total = ReductionDefinition.logSumExp.value(x)
      let p = x.map { total == -.infinity ? 0 : exponential($0 - total) }
      let inner = zip(p, g).reduce(0) { $0 + $1.0 * $1.1 }
      return zip(p, g).map { $0 * ($1 - inner) }
    }
  }

  private static func exponential(_ x: Double) -> Double { Exponential().exact(x) }

  /// Replaces the values of each group along an axis by a function of two tensors' groups.
  private static func groupwise(
    _ first: Tensor,
    _ second: Tensor,
    _ axis: Int,
    _ function: ([Double], [Double]) -> [Double]
  ) -> Tensor {
    let (a, b) = (first.values, second.values)
    var result = a
    for cell in GridIndices(first.shape.replacing(axis, 1)) where first.shape[axis] > 0 {
      let places = (0..<first.shape[axis]).map { flat(cell.replacing(axis, $0), first.shape) }
      let values = function(places.map { Double(a[$0]) }, places.map { Double(b[$0]) })
      for (place, value) in zip(places, values) { result[place] = Float(value) }
    }
    return Tensor(result, shape: first.shape)
  }
}
