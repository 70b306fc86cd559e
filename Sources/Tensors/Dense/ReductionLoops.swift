import Foundation
import Support

/// A tensor seen as `[outer, count, inner]`, whose middle axis is reduced.
struct GroupedAxes: Sendable {
  let outer: Int
  let count: Int
  let inner: Int
  /// The values in that order.
  let tensor: Tensor
  /// Whether the axes lay apart, so that the values are a copy in another order.
  let isPermuted: Bool

  /// - Parameters:
  ///   - x: A plain tensor; copied only when the axes are apart.
  ///   - axes: The axes to reduce, rising.
  init(_ x: Tensor, axes: [Int]) {
    let long = axes.filter { x.shape[$0] != 1 }
    count = axes.reduce(1) { $0 * x.shape[$1] }
    guard let first = long.first, let last = long.last else {
      (outer, inner, tensor, isPermuted) = (x.count, 1, x, false)
      return
    }
    if (first...last).allSatisfy({ x.shape[$0] == 1 || axes.contains($0) }) {
      outer = x.shape[..<first].reduce(1, *)
      inner = x.shape[(last + 1)...].reduce(1, *)
      (tensor, isPermuted) = (x, false)
    } else {
      let kept = x.shape.indices.filter { !axes.contains($0) }
      outer = kept.reduce(1) { $0 * x.shape[$1] }
      inner = 1
      (tensor, isPermuted) = (x.permuted(kept + axes), true)
    }
  }

  /// Columns that are handled side by side.
  static let tileWidth = 64

  /// Calls the body with tiles of neighbouring columns.
  ///
  /// It gets the place of the first value, the place of the first result, and the number of columns;
  /// values of a column are `inner` apart.
  func forEachTile(
    cost: Int = 1,
    _ body: @Sendable (_ source: Int, _ result: Int, _ columns: Int) -> Void
  ) {
    let tiles = (inner + Self.tileWidth - 1) / Self.tileWidth
    let width = min(inner, Self.tileWidth)
    EngineThreads.forEachRange(outer * tiles, itemCost: max(1, count * width * cost)) { range in
      for item in range {
        let (group, start) = (item / tiles, item % tiles * Self.tileWidth)
        body(group * count * inner + start, group * inner + start, min(width, inner - start))
      }
    }
  }
}

/// Reductions of plain tensors; sums are kept in double precision.
enum ReductionLoops {
  /// Values that are summed in one go; a constant, so that the cut does not depend on threads.
  private static let chunk = 65_536

  /// Σ x over the axes, which are dropped, times a factor.
  static func sum(_ x: Tensor, axes: [Int], factor: Double = 1) -> Tensor {
    let groups = GroupedAxes(x, axes: axes)
    let result = ElementLoops.empty(droppedShape(x.shape, axes))
    let (from, to) = (groups.tensor.storage, result.storage)
    let (count, inner) = (groups.count, groups.inner)
    if inner == 1, count > chunk {
      let pieces = (count + chunk - 1) / chunk
      let partial = AlignedBuffer<Double>(uninitializedCount: groups.outer * pieces)
      EngineThreads.forEachRange(partial.count, itemCost: chunk) { range in
        for item in range {
          let start = item % pieces * chunk
          partial.pointer[item] = sum(
            from.pointer + item / pieces * count + start,
            min(chunk, count - start)
          )
        }
      }
      for row in 0..<groups.outer {
        var total = 0.0
        for piece in 0..<pieces { total += partial.pointer[row * pieces + piece] }
        to.pointer[row] = Float(total * factor)
      }
      return result
    }
    groups.forEachTile { source, place, columns in
      let (x, y) = (from.pointer + source, to.pointer + place)
      if inner == 1 {
        y[0] = Float(sum(x, count) * factor)
        return
      }
      withAccumulators(columns) { totals in
        for row in 0..<count {
          for column in 0..<columns { totals[column] += Double(x[row * inner + column]) }
        }
        for column in 0..<columns { y[column] = Float(totals[column] * factor) }
      }
    }
    return result
  }

  /// Eight running sums, so that additions need not wait for each other.
  private static func sum(_ x: UnsafePointer<Float>, _ count: Int) -> Double {
    var lanes = SIMD8<Double>(repeating: 0)
    let whole = count & ~7
    for start in stride(from: 0, to: whole, by: 8) {
      let values = UnsafeRawPointer(x + start).loadUnaligned(as: SIMD8<Float>.self)
      lanes += SIMD8<Double>(values)
    }
    var rest = 0.0
    for place in whole..<count { rest += Double(x[place]) }
    return lanes.sum() + rest
  }

  private static func withAccumulators(
    _ count: Int,
    _ body: (UnsafeMutableBufferPointer<Double>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: count) { totals in
      totals.initialize(repeating: 0)
      body(totals)
    }
  }

  /// Σ (x − mean)² over the axes, which are dropped, over `count − correction`; NaN without that.
  static func variance(_ x: Tensor, axes: [Int], correction: Int) -> Tensor {
    let groups = GroupedAxes(x, axes: axes)
    let result = ElementLoops.empty(droppedShape(x.shape, axes))
    let (from, to) = (groups.tensor.storage, result.storage)
    let (count, inner) = (groups.count, groups.inner)
    let divisor = count > correction ? Double(count - correction) : .nan
    groups.forEachTile(cost: 2) { source, place, columns in
      let (x, y) = (from.pointer + source, to.pointer + place)
      withAccumulators(columns) { means in
        for row in 0..<count {
          for column in 0..<columns { means[column] += Double(x[row * inner + column]) }
        }
        for column in 0..<columns { means[column] /= Double(count) }
        withAccumulators(columns) { squares in
          for row in 0..<count {
            for column in 0..<columns {
              let distance = Double(x[row * inner + column]) - means[column]
              squares[column] += distance * distance
            }
          }
          for column in 0..<columns { y[column] = Float(squares[column] / divisor) }
        }
      }
    }
    return result
  }

  /// log Σ eˣ over the axes, which are dropped; −∞ for no values.
  static func logSumExp(_ x: Tensor, axes: [Int]) -> Tensor {
    let groups = GroupedAxes(x, axes: axes)
    let result = ElementLoops.empty(droppedShape(x.shape, axes))
    let (from, to) = (groups.tensor.storage, result.storage)
    let (count, inner) = (groups.count, groups.inner)
    groups.forEachTile(cost: 8) { source, place, columns in
      let (x, y) = (from.pointer + source, to.pointer + place)
      for column in 0..<columns {
        var peak = -Float.infinity
        for row in 0..<count { peak = Larger.value(peak, x[row * inner + column]) }
        guard peak.isFinite else {
          y[column] = peak
          continue
        }
        var total = 0.0
        for row in 0..<count { total += Double(exp(x[row * inner + column] - peak)) }
        y[column] = Float(Double(peak) + log(total))
      }
    }
    return result
  }

  /// The largest or smallest value of each group, and its first place in the group; NaN wins.
  static func extremum(
    _ groups: GroupedAxes,
    largest: Bool,
    shape: [Int]
  ) -> (values: Tensor, places: AlignedBuffer<Int32>) {
    precondition(groups.count > 0 || shape.contains(0), "no extremum of no values for \(shape)")
    let result = ElementLoops.empty(shape)
    let places = AlignedBuffer<Int32>(repeating: 0, count: result.count)
    let (from, to) = (groups.tensor.storage, result.storage)
    let (count, inner) = (groups.count, groups.inner)
    groups.forEachTile { source, place, columns in
      let (x, y, found) = (from.pointer + source, to.pointer + place, places.pointer + place)
      for column in 0..<columns {
        var best = x[column]
        var first = 0
        for row in 1..<max(1, count) {
          let value = x[row * inner + column]
          let wins = largest ? value > best : value < best
          if wins || (value.isNaN && !best.isNaN) { (best, first) = (value, row) }
        }
        y[column] = best
        found[column] = Int32(first)
      }
    }
    return (result, places)
  }

  /// Running sums along an axis, from the front or from the back.
  static func cumulativeSum(_ x: Tensor, axis: Int, reversed: Bool) -> Tensor {
    let groups = GroupedAxes(x, axes: [axis])
    let result = x.emptyLike()
    let (from, to) = (groups.tensor.storage, result.storage)
    let (count, inner) = (groups.count, groups.inner)
    groups.forEachTile { source, _, columns in
      let (x, y) = (from.pointer + source, to.pointer + source)
      withAccumulators(columns) { totals in
        for step in 0..<count {
          let row = (reversed ? count - 1 - step : step) * inner
          for column in 0..<columns {
            totals[column] += Double(x[row + column])
            y[row + column] = Float(totals[column])
          }
        }
      }
    }
    return result
  }
}

/// The shape without the axes.
func droppedShape(_ shape: [Int], _ axes: [Int]) -> [Int] {
  shape.indices.filter { !axes.contains($0) }.map { shape[$0] }
}

/// The shape with 1 for the axes.
func keptShape(_ shape: [Int], _ axes: [Int]) -> [Int] {
  shape.indices.map { axes.contains($0) ? 1 : shape[$0] }
}
