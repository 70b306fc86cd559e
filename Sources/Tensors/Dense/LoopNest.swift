/// A loop over the cells of a result, in row-major order, with up to four operands beside it.
///
/// Each operand has a step for each axis, 0 where it is broadcast. Axes of one cell are dropped and
/// neighbouring axes merged where every operand allows it, so that the innermost run is long.
struct LoopNest: Sendable {
  /// Cells of one piece of work; a constant, so that the cut does not depend on the thread count.
  private static let segmentLength = 8192

  /// The axes outside the innermost one.
  let outer: [Int]
  /// The steps of the operands along each outer axis.
  let outerSteps: [SIMD4<Int>]
  /// The length of the innermost axis.
  let inner: Int
  /// The steps of the operands along the innermost axis.
  let innerSteps: SIMD4<Int>

  /// - Parameters:
  ///   - shape: The result's shape.
  ///   - steps: For each operand, its step along each axis of the result.
  init(shape: [Int], steps: [[Int]]) {
    var sizes: [Int] = []
    var moves: [SIMD4<Int>] = []
    for axis in shape.indices where shape[axis] != 1 {
      var step = SIMD4<Int>(repeating: 0)
      for operand in steps.indices { step[operand] = steps[operand][axis] }
      if let last = moves.last, last == step &* SIMD4(repeating: shape[axis]) {
        sizes[sizes.count - 1] *= shape[axis]
        moves[moves.count - 1] = step
      } else {
        sizes.append(shape[axis])
        moves.append(step)
      }
    }
    inner = sizes.popLast() ?? 1
    innerSteps = moves.popLast() ?? SIMD4(repeating: 1)
    outer = sizes
    outerSteps = moves
  }

  /// Calls the body with runs of cells: the first cell's place in the result, the operands' places
  /// there, and the number of cells, which follow each other by `innerSteps`.
  func run(
    cost: Int = 1,
    _ body: @Sendable (_ place: Int, _ offsets: SIMD4<Int>, _ count: Int) -> Void
  ) {
    let rows = outer.reduce(1, *)
    guard rows > 0, inner > 0 else { return }
    let segments = (inner + Self.segmentLength - 1) / Self.segmentLength
    let length = min(inner, Self.segmentLength)
    EngineThreads.forEachRange(rows * segments, itemCost: length * cost) { range in
      var row = range.lowerBound / segments
      var index = [Int](repeating: 0, count: outer.count)
      var offsets = SIMD4<Int>(repeating: 0)
      var rest = row
      for axis in outer.indices.reversed() {
        index[axis] = rest % outer[axis]
        rest /= outer[axis]
        offsets &+= outerSteps[axis] &* SIMD4(repeating: index[axis])
      }
      for item in range {
        let segment = item - row * segments
        let start = segment * length
        body(
          row * inner + start,
          offsets &+ innerSteps &* SIMD4(repeating: start),
          min(length, inner - start)
        )
        guard segment == segments - 1 else { continue }
        row += 1
        for axis in outer.indices.reversed() {
          index[axis] += 1
          offsets &+= outerSteps[axis]
          if index[axis] < outer[axis] { break }
          offsets &-= outerSteps[axis] &* SIMD4(repeating: outer[axis])
          index[axis] = 0
        }
      }
    }
  }
}

/// The distance in memory of neighbours along each axis, row-major.
func rowMajorSteps(_ shape: [Int]) -> [Int] {
  var steps = [Int](repeating: 1, count: shape.count)
  for axis in shape.indices.dropLast().reversed() {
    steps[axis] = steps[axis + 1] * shape[axis + 1]
  }
  return steps
}
