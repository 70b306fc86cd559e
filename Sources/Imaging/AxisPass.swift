import Support

/// One step of a separable resampling: along one axis, all other axes unchanged.
struct AxisPass {
  let axis: Int
  let sampling: AxisSampling

  /// Samples side by side in one scratch buffer when the lines run along x.
  private static let block = 8

  /// Resamples values of the given size; only `size[axis]` changes.
  func applied(to values: [Float], size: SIMD3<Int>) -> [Float] {
    var newSize = size
    newSize[axis] = sampling.isInside.count
    let count = newSize.x * newSize.y * newSize.z
    return [Float](unsafeUninitializedCapacity: count) { output, initializedCount in
      values.withUnsafeBufferPointer { input in
        if let source = input.baseAddress, let target = output.baseAddress {
          run(LoopMemory(source: source, target: target), size, newSize)
        }
      }
      initializedCount = count
    }
  }

  private func run(_ memory: LoopMemory<Float>, _ size: SIMD3<Int>, _ newSize: SIMD3<Int>) {
    switch axis {
    case 0:
      let rows = size.y * size.z
      let blocks = (rows + Self.block - 1) / Self.block
      Parallelism.forEachRange(blocks, minimumChunk: 64) { range in
        alongX(memory, rows: rows, blocks: range, from: size.x, to: newSize.x)
      }
    case 1:
      Parallelism.forEachRange(size.z) { range in
        for z in range {
          plane(
            memory.source + z * size.x * size.y,
            memory.target + z * size.x * newSize.y,
            width: size.x,
            count: size.y,
            sourceStride: size.x,
            targetStride: size.x
          )
        }
      }
    default:
      Parallelism.forEachRange(size.y) { range in
        for y in range {
          plane(
            memory.source + y * size.x,
            memory.target + y * size.x,
            width: size.x,
            count: size.z,
            sourceStride: size.x * size.y,
            targetStride: size.x * size.y
          )
        }
      }
    }
  }

  private func alongX(
    _ memory: LoopMemory<Float>,
    rows: Int,
    blocks: Range<Int>,
    from: Int,
    to: Int
  ) {
    let width = Self.block
    withUnsafeTemporaryAllocation(of: Double.self, capacity: from * width) { scratch in
      guard let lines = scratch.baseAddress else { return }
      for block in blocks {
        let first = block * width
        let used = min(width, rows - first)
        for line in 0..<width {
          // Lines beyond the last are filled with the last; they are not stored.
          let row = memory.source + (first + min(line, used - 1)) * from
          for x in 0..<from { lines[x * width + line] = Double(row[x]) }
        }
        if sampling.needsCoefficients {
          CubicBSpline.prefilter(lines, count: from, width: width)
        }
        let target = memory.target + first * to
        for j in 0..<to {
          var sum = SIMD8<Double>(repeating: 0)
          for tap in 0..<sampling.taps {
            let line = UnsafeRawPointer(lines + sampling.indices[j * sampling.taps + tap] * width)
            let weight = sampling.weights[j * sampling.taps + tap]
            sum += weight * line.loadUnaligned(as: SIMD8<Double>.self)
          }
          for line in 0..<used { target[line * to + j] = Float(sum[line]) }
        }
      }
    }
  }

  /// Resamples the rows of one plane; the signals run across them.
  private func plane(
    _ source: UnsafePointer<Float>,
    _ target: UnsafeMutablePointer<Float>,
    width: Int,
    count: Int,
    sourceStride: Int,
    targetStride: Int
  ) {
    let capacity = sampling.needsCoefficients ? count * width : 0
    withUnsafeTemporaryAllocation(of: Double.self, capacity: capacity + width) { scratch in
      guard let sums = scratch.baseAddress else { return }
      let coefficients = sums + width
      if sampling.needsCoefficients {
        for k in 0..<count {
          let row = source + k * sourceStride
          for x in 0..<width { coefficients[k * width + x] = Double(row[x]) }
        }
        CubicBSpline.prefilter(coefficients, count: count, width: width)
      }
      for j in 0..<sampling.isInside.count {
        let result = target + j * targetStride
        if sampling.taps == 1 {
          result.initialize(from: source + sampling.indices[j] * sourceStride, count: width)
          continue
        }
        sums.initialize(repeating: 0, count: width)
        for tap in 0..<sampling.taps {
          let index = sampling.indices[j * sampling.taps + tap]
          let weight = sampling.weights[j * sampling.taps + tap]
          if sampling.needsCoefficients {
            let row = coefficients + index * width
            for x in 0..<width { sums[x] += weight * row[x] }
          } else {
            let row = source + index * sourceStride
            for x in 0..<width { sums[x] += weight * Double(row[x]) }
          }
        }
        for x in 0..<width { result[x] = Float(sums[x]) }
      }
    }
  }
}
