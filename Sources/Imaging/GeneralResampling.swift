import Support

/// Resampling between grids that are oblique to each other, voxel by voxel.
struct GeneralResampling: Sendable {
  let map: GridMap
  let source: SIMD3<Int>
  let target: SIMD3<Int>

  func nearest<Value: BitwiseCopyable & Sendable>(_ voxels: [Value], outside: Value) -> [Value] {
    sampled(voxels, outside: outside) { voxels, index in
      let x = AxisSampling.nearest(index.x, source.x)
      let y = AxisSampling.nearest(index.y, source.y)
      let z = AxisSampling.nearest(index.z, source.z)
      return voxels[x + source.x * (y + source.y * z)]
    }
  }

  func linear(_ voxels: [Float], outside: Float) -> [Float] {
    let plane = source.x * source.y
    return sampled(voxels, outside: outside) { voxels, index in
      let x = min(Int(index.x), max(source.x - 2, 0))
      let y = min(Int(index.y), max(source.y - 2, 0))
      let z = min(Int(index.z), max(source.z - 2, 0))
      let (u, v, w) = (index.x - Double(x), index.y - Double(y), index.z - Double(z))
      let right = x + 1 < source.x ? 1 : 0
      let below = y + 1 < source.y ? source.x : 0
      let next = z + 1 < source.z ? plane : 0
      let place = x + source.x * y + plane * z
      func line(_ start: Int) -> Double {
        Double(voxels[start]) * (1 - u) + Double(voxels[start + right]) * u
      }
      let near = line(place) * (1 - v) + line(place + below) * v
      let far = line(place + next) * (1 - v) + line(place + next + below) * v
      return Float(near * (1 - w) + far * w)
    }
  }

  func cubic(_ voxels: [Float], outside: Float) -> [Float] {
    sampled(coefficients(voxels), outside: outside) { coefficients, index in
      let x = Int(index.x)
      let y = Int(index.y)
      let z = Int(index.z)
      // An axis of one voxel is constant, and has no coefficients of its own.
      let one = SIMD4<Double>(1, 0, 0, 0)
      let wx = source.x == 1 ? one : CubicBSpline.weights(index.x - Double(x))
      let wy = source.y == 1 ? one : CubicBSpline.weights(index.y - Double(y))
      let wz = source.z == 1 ? one : CubicBSpline.weights(index.z - Double(z))
      var columns = SIMD4<Int>()
      for tap in 0..<4 { columns[tap] = CubicBSpline.mirrored(x + tap - 1, source.x) }
      var sum = 0.0
      for c in 0..<4 {
        let slice = source.y * CubicBSpline.mirrored(z + c - 1, source.z)
        var planeSum = 0.0
        for b in 0..<4 {
          let row = source.x * (CubicBSpline.mirrored(y + b - 1, source.y) + slice)
          let line =
            wx[0] * Double(coefficients[row + columns[0]])
            + wx[1] * Double(coefficients[row + columns[1]])
            + wx[2] * Double(coefficients[row + columns[2]])
            + wx[3] * Double(coefficients[row + columns[3]])
          planeSum += wy[b] * line
        }
        sum += wz[c] * planeSum
      }
      return Float(sum)
    }
  }

  /// The spline coefficients; filtered in double precision, stored in single.
  private func coefficients(_ voxels: [Float]) -> [Float] {
    var values = voxels
    for axis in 0..<3 where source[axis] > 1 {
      values = SplineCoefficients(axis: axis).applied(to: values, size: source)
    }
    return values
  }

  @inline(__always)
  private func sampled<Value: BitwiseCopyable & Sendable>(
    _ voxels: [Value],
    outside: Value,
    _ sample: @Sendable (UnsafePointer<Value>, SIMD3<Double>) -> Value
  ) -> [Value] {
    let count = target.x * target.y * target.z
    return [Value](unsafeUninitializedCapacity: count) { output, initializedCount in
      voxels.withUnsafeBufferPointer { input in
        guard let from = input.baseAddress, let to = output.baseAddress else { return }
        let memory = LoopMemory(source: from, target: to)
        Parallelism.forEachRange(target.y * target.z, minimumChunk: 16) { rows in
          for row in rows {
            let y = Double(row % target.y)
            let z = Double(row / target.y)
            let start = map.offset + map.columns.columns[1] * y + map.columns.columns[2] * z
            let step = map.columns.columns[0]
            let result = memory.target + row * target.x
            for x in 0..<target.x {
              var index = start + step * Double(x)
              guard
                AxisSampling.isInside(index.x, source.x), AxisSampling.isInside(index.y, source.y),
                AxisSampling.isInside(index.z, source.z)
              else {
                result[x] = outside
                continue
              }
              index.x = AxisSampling.clamped(index.x, source.x)
              index.y = AxisSampling.clamped(index.y, source.y)
              index.z = AxisSampling.clamped(index.z, source.z)
              result[x] = sample(memory.source, index)
            }
          }
        }
      }
      initializedCount = count
    }
  }
}

/// Replaces voxels by cubic spline coefficients along one axis.
private struct SplineCoefficients {
  let axis: Int

  func applied(to values: [Float], size: SIMD3<Int>) -> [Float] {
    let stride = [1, size.x, size.x * size.y][axis]
    let count = size[axis]
    // Signals side by side: a row for y and z, one signal for x.
    let width = axis == 0 ? 1 : size.x
    let outer = values.count / (count * width)
    return [Float](unsafeUninitializedCapacity: values.count) { output, initializedCount in
      values.withUnsafeBufferPointer { input in
        guard let from = input.baseAddress, let to = output.baseAddress else { return }
        let memory = LoopMemory(source: from, target: to)
        Parallelism.forEachRange(outer, minimumChunk: axis == 0 ? 512 : 1) { range in
          withUnsafeTemporaryAllocation(of: Double.self, capacity: count * width) { scratch in
            guard let lines = scratch.baseAddress else { return }
            for index in range {
              let base =
                switch axis {
                case 0: index * size.x
                case 1: index * size.x * size.y
                default: index * size.x
                }
              for k in 0..<count {
                let row = memory.source + base + k * stride
                for x in 0..<width { lines[k * width + x] = Double(row[x]) }
              }
              CubicBSpline.prefilter(lines, count: count, width: width)
              for k in 0..<count {
                let row = memory.target + base + k * stride
                for x in 0..<width { row[x] = Float(lines[k * width + x]) }
              }
            }
          }
        }
      }
      initializedCount = values.count
    }
  }
}
