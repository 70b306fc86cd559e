import Support

/// Copies between a dense tensor and a regular pattern of places in another.
enum StridedCopy {
  /// Rows and columns that are copied together where neighbours of the result are far apart in the
  /// source but the rows of the result are not: 16 numbers fill a cache line.
  private static let tile = 16

  /// The values at `offset + Σ index · step`, as a dense tensor of the shape.
  /// - Precondition: `source` is plain.
  static func gather(
    _ source: Tensor,
    offset: Int = 0,
    steps: [Int],
    shape: [Int]
  ) -> Tensor {
    let result = ElementLoops.empty(shape)
    let (from, to) = (source.storage, result.storage)
    let nest = LoopNest(shape: shape, steps: [steps])
    let step = nest.innerSteps[0]
    if let rows = nest.outer.last, rows >= tile, nest.outerSteps.last?[0] == 1,
      nest.inner >= tile
    {
      transposeTiles(from, offset, nest, into: to)
      return result
    }
    nest.run { place, offsets, count in
      let (x, y) = (from.pointer + offset + offsets[0], to.pointer + place)
      switch step {
      case 1: y.update(from: x, count: count)
      case 0: y.update(repeating: x[0], count: count)
      default: for i in 0..<count { y[i] = x[i * step] }
      }
    }
    return result
  }

  /// Copies where the last outer axis is the one along which the source is contiguous.
  private static func transposeTiles(
    _ from: AlignedBuffer<Float>,
    _ offset: Int,
    _ nest: LoopNest,
    into to: AlignedBuffer<Float>
  ) {
    let (columns, step) = (nest.inner, nest.innerSteps[0])
    let rows = nest.outer[nest.outer.count - 1]
    let bands = (rows + tile - 1) / tile
    let sizes = Array(nest.outer.dropLast())
    EngineThreads.forEachRange(sizes.reduce(1, *) * bands, itemCost: tile * columns) { range in
      for item in range {
        var (rest, start) = (item / bands, offset)
        for axis in sizes.indices.reversed() {
          start += rest % sizes[axis] * nest.outerSteps[axis][0]
          rest /= sizes[axis]
        }
        let first = item % bands * tile
        let x = from.pointer + start
        let y = to.pointer + item / bands * rows * columns
        for left in stride(from: 0, to: columns, by: tile) {
          for row in first..<min(first + tile, rows) {
            for column in left..<min(left + tile, columns) {
              y[row * columns + column] = x[row + column * step]
            }
          }
        }
      }
    }
  }

  /// A tensor of zeros with the values put at `offset + Σ index · step`, no place twice.
  /// - Precondition: `values` is plain.
  static func scatter(
    _ values: Tensor,
    offset: Int = 0,
    steps: [Int],
    into shape: [Int]
  ) -> Tensor {
    let result = Tensor(repeating: 0, shape: shape)
    put(values, into: result, offset: offset, steps: steps)
    return result
  }

  /// Puts the values at `offset + Σ index · step` of a tensor that nobody else sees yet.
  static func put(_ values: Tensor, into target: Tensor, offset: Int, steps: [Int]) {
    let (from, to) = (values.storage, target.storage)
    let nest = LoopNest(shape: values.shape, steps: [steps])
    let step = nest.innerSteps[0]
    nest.run { place, offsets, count in
      let (x, y) = (from.pointer + place, to.pointer + offset + offsets[0])
      if step == 1 {
        y.update(from: x, count: count)
      } else {
        for i in 0..<count { y[i * step] = x[i] }
      }
    }
  }
}

extension Tensor {
  /// The same plain values under another shape, without a past.
  func withShape(_ shape: [Int]) -> Tensor { Tensor(shape: shape, storage: plain.storage) }

  /// A plain tensor repeated to the shape by broadcasting, without a past.
  func expanded(to shape: [Int]) -> Tensor {
    if self.shape == shape { return plain }
    return StridedCopy.gather(
      plain,
      steps: Broadcasting.steps(self.shape, in: shape),
      shape: shape
    )
  }

  /// The plain values with axes reordered, without a past: axis i of the result is `axes[i]`.
  func permuted(_ axes: [Int]) -> Tensor {
    let own = rowMajorSteps(shape)
    return StridedCopy.gather(
      plain,
      steps: axes.map { own[$0] },
      shape: axes.map { shape[$0] }
    )
  }
}

/// The axis counted from the front; −1 is the last.
func normalized(axis: Int, rank: Int) -> Int {
  precondition((-rank..<rank).contains(axis), "no axis \(axis) in a tensor of rank \(rank)")
  return axis < 0 ? axis + rank : axis
}

/// The axes counted from the front, rising, each once; all for nil.
func normalized(axes: [Int]?, rank: Int) -> [Int] {
  guard let axes else { return Array(0..<rank) }
  let found = Set(axes.map { normalized(axis: $0, rank: rank) })
  precondition(found.count == axes.count, "axes \(axes) of rank \(rank) name one twice")
  return found.sorted()
}
