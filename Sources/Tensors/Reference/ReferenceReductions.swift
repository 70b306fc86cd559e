import Foundation

/// What a reduction makes of the values of a group, and how much each value moves it.
struct ReductionDefinition: Sendable {
  let value: @Sendable ([Double]) -> Double
  /// ∂y/∂xᵢ for each value.
  let derivatives: @Sendable ([Double]) -> [Double]

  static let sum = ReductionDefinition(
    value: { $0.reduce(0, +) },
    derivatives: { $0.map { _ in 1 } }
  )

  static let mean = ReductionDefinition(
    value: { $0.reduce(0, +) / Double($0.count) },
    derivatives: { x in x.map { _ in 1 / Double(x.count) } }
  )

  static func variance(correction: Int) -> ReductionDefinition {
    @Sendable func divisor(_ x: [Double]) -> Double {
      x.count > correction ? Double(x.count - correction) : .nan
    }
    return ReductionDefinition(
      value: { x in
        let mean = Self.mean.value(x)
        return x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / divisor(x)
      },
      derivatives: { x in
        let mean = Self.mean.value(x)
        return x.map { 2 * ($0 - mean) / divisor(x) }
      }
    )
  }

  static let logSumExp = ReductionDefinition(
    value: { x in
      guard let peak = x.max(), peak.isFinite else { return x.max() ?? -.infinity }
      return peak + log(x.reduce(0) { $0 + exp($1 - peak) })
    },
    derivatives: { x in
      guard let peak = x.max(), peak > -.infinity else { return x.map { _ in 0 } }
      let total = x.reduce(0) { $0 + exp($1 - peak) }
      return x.map { exp($0 - peak) / total }
    }
  )

  static func extremum(largest: Bool) -> ReductionDefinition {
    @Sendable func first(_ x: [Double]) -> Int {
      var best = 0
      for i in x.indices where !x[best].isNaN {
        if x[i].isNaN || (largest ? x[i] > x[best] : x[i] < x[best]) { best = i }
      }
      return best
    }
    return ReductionDefinition(
      value: { $0[first($0)] },
      derivatives: { x in
        let best = first(x)
        return x.indices.map { $0 == best ? 1 : 0 }
      }
    )
  }
}

/// Reductions group by group, by index.
enum ReferenceReductions {
  /// For each cell of the result, the row-major places of its values.
  private static func groups(_ shape: [Int], _ axes: [Int]) -> [[Int]] {
    let kept = keptShape(shape, axes)
    var groups = [[Int]](repeating: [], count: kept.reduce(1, *))
    for (place, cell) in GridIndices(shape).enumerated() {
      groups[flat(zip(cell, kept).map { $1 == 1 ? 0 : $0 }, kept)].append(place)
    }
    return groups
  }

  static func reduce(_ x: Tensor, axes: [Int], _ definition: ReductionDefinition) -> Tensor {
    let values = x.values.map { Double($0) }
    return Tensor(
      groups(x.shape, axes).map { group in Float(definition.value(group.map { values[$0] })) },
      shape: droppedShape(x.shape, axes)
    )
  }

  static func gradient(
    _ gradient: Tensor,
    x: Tensor,
    axes: [Int],
    _ definition: ReductionDefinition
  ) -> Tensor {
    let (values, arriving) = (x.values.map { Double($0) }, gradient.values)
    var result = [Float](repeating: 0, count: x.count)
    for (index, group) in groups(x.shape, axes).enumerated() {
      let derivatives = definition.derivatives(group.map { values[$0] })
      for (place, derivative) in zip(group, derivatives) {
        result[place] = Float(Double(arriving[index]) * derivative)
      }
    }
    return Tensor(result, shape: x.shape)
  }

  /// y[i] = Σ x[j], j ≤ i along the axis (j ≥ i when reversed).
  static func cumulativeSum(_ x: Tensor, axis: Int, reversed: Bool) -> Tensor {
    let values = x.values
    let result = GridIndices(x.shape).map { cell in
      let range = reversed ? cell[axis]...(x.shape[axis] - 1) : 0...cell[axis]
      return Float(
        range.reduce(0.0) { total, index in
          var other = cell
          other[axis] = index
          return total + Double(values[flat(other, x.shape)])
        }
      )
    }
    return Tensor(result, shape: x.shape)
  }
}
