import Support

extension ZoomResampling {
  /// Resamples linearly in scipy's order of operations and drops the fractions.
  ///
  /// Where neighbours are alike, the last bit of a sum decides whether its fraction is dropped from
  /// above or from below an integer; so each of the eight samples is weighted and added exactly as
  /// `scipy.ndimage.zoom` does it for arrays whose axes are x, y, z.
  /// - Parameter slice: Writes the slice z, `size.x * size.y` values, x fastest. It may be called
  ///   more than once for a z, and on several threads at a time.
  /// - Returns: `newSize` numbers, x fastest; what no 32-bit integer holds becomes the smallest one.
  /// - Precondition: The order is `.linear`, and no axis is treated apart.
  package func truncated(
    slice: @escaping @Sendable (_ z: Int, _ values: UnsafeMutableBufferPointer<Double>) -> Void
  ) -> [Int32] {
    precondition(order == .linear && axes == .together, "only for linear resampling of all axes")
    let plane = newSize.x * newSize.y
    let pairs = (0..<3).map { SamplePairs(from: size[$0], to: newSize[$0], alignment: alignment) }
    return [Int32](unsafeUninitializedCapacity: plane * newSize.z) { result, initialized in
      // Each slice is written by one thread.
      nonisolated(unsafe) let result = result
      Parallelism.forEachRange(newSize.z) { range in
        var slices = SlicePair(count: size.x * size.y, fill: slice)
        for z in range {
          let part = UnsafeMutableBufferPointer(rebasing: result[z * plane..<(z + 1) * plane])
          let pair = slices.load(pairs[2].near[z], pairs[2].far[z])
          truncate(pair, pairs[2].weights[z], pairs[0], pairs[1], part)
        }
      }
      initialized = plane * newSize.z
    }
  }

  private func truncate(
    _ slices: (UnsafePointer<Double>, UnsafePointer<Double>),
    _ z: SIMD2<Double>,
    _ alongX: SamplePairs,
    _ alongY: SamplePairs,
    _ result: UnsafeMutableBufferPointer<Int32>
  ) {
    for y in 0..<newSize.y {
      let (near, far) = (alongY.near[y] * size.x, alongY.far[y] * size.x)
      let wy = alongY.weights[y]
      for x in 0..<newSize.x {
        let (here, next) = (alongX.near[x], alongX.far[x])
        let wx = alongX.weights[x]
        var sum = slices.0[near + here] * wx.x * wy.x * z.x
        sum += slices.1[near + here] * wx.x * wy.x * z.y
        sum += slices.0[far + here] * wx.x * wy.y * z.x
        sum += slices.1[far + here] * wx.x * wy.y * z.y
        sum += slices.0[near + next] * wx.y * wy.x * z.x
        sum += slices.1[near + next] * wx.y * wy.x * z.y
        sum += slices.0[far + next] * wx.y * wy.y * z.x
        sum += slices.1[far + next] * wx.y * wy.y * z.y
        result[y * newSize.x + x] = Int32(truncatingValue: sum)
      }
    }
  }
}

/// The two samples of each output along one axis, as scipy takes them: beyond the ends the last
/// sample stands twice, with the weights that the position has there.
private struct SamplePairs: Sendable {
  let near: [Int]
  let far: [Int]
  let weights: [SIMD2<Double>]

  init(from input: Int, to output: Int, alignment: ZoomResampling.Alignment) {
    var near: [Int] = []
    var far: [Int] = []
    var weights: [SIMD2<Double>] = []
    for index in 0..<output {
      let place = SampleMap.place(
        of: index,
        input: input,
        output: output,
        alignment,
        .double,
        .linear
      )
      let below = place.rounded(.down)
      let here = 1 - (place - below)
      near.append(min(max(Int(below), 0), input - 1))
      far.append(min(max(Int(below) + 1, 0), input - 1))
      weights.append(SIMD2(here, 1 - here))
    }
    self.near = near
    self.far = far
    self.weights = weights
  }
}

extension Int32 {
  /// The number without its fraction; the smallest integer for what none holds.
  package init(truncatingValue value: Double) {
    self = value > -2_147_483_649 && value < 2_147_483_648 ? Int32(value) : .min
  }
}

/// Two slices in double precision; one that is there is not filled again.
private struct SlicePair {
  private let buffers: [AlignedBuffer<Double>]
  private var numbers = [-1, -1]
  private let fill: (Int, UnsafeMutableBufferPointer<Double>) -> Void

  init(count: Int, fill: @escaping (Int, UnsafeMutableBufferPointer<Double>) -> Void) {
    buffers = (0..<2).map { _ in AlignedBuffer(uninitializedCount: count) }
    self.fill = fill
  }

  /// Gives two slices; the second may be the first.
  mutating func load(
    _ first: Int,
    _ second: Int
  ) -> (UnsafePointer<Double>, UnsafePointer<Double>) {
    let place = index(of: first, keeping: second)
    let other = first == second ? place : index(of: second, keeping: first)
    return (UnsafePointer(buffers[place].pointer), UnsafePointer(buffers[other].pointer))
  }

  private mutating func index(of slice: Int, keeping kept: Int) -> Int {
    if let place = numbers.firstIndex(of: slice) { return place }
    let place = numbers[0] == kept ? 1 : 0
    fill(slice, buffers[place].mutableElements)
    numbers[place] = slice
    return place
  }
}
