import Support

extension ReferenceKernels {
  package func normalization(
    _ x: Tensor,
    extent: NormalizationExtent,
    scale: Tensor?,
    shift: Tensor?,
    epsilon: Float,
    negativeSlope: Float,
    statistics: (mean: [Float], variance: [Float])?
  ) -> NormalizationResult {
    let (samples, channels, spatial) = (x.shape[0], x.shape[1], x.spatialCount)
    let (xs, gains, offsets) = (x.values, scale?.values, shift?.values)
    let groups = groupIndices(x, extent)
    let groupCount = extent == .instance ? samples * channels : channels
    var mean = [Double](repeating: 0, count: groupCount)
    var variance = mean
    let size = Double(xs.count) / Double(groupCount)
    if let statistics {
      mean = statistics.mean.map { Double($0) }
      variance = statistics.variance.map { Double($0) }
    } else {
      for (i, value) in xs.enumerated() { mean[groups(i)] += Double(value) / size }
      for (i, value) in xs.enumerated() {
        let d = Double(value) - mean[groups(i)]
        variance[groups(i)] += d * d / size
      }
    }
    let ys = xs.enumerated().map { i, value -> Float in
      let channel = i / spatial % channels
      let standard =
        (Double(value) - mean[groups(i)]) / (variance[groups(i)] + Double(epsilon)).squareRoot()
      let y = standard * Double(gains?[channel] ?? 1) + Double(offsets?[channel] ?? 0)
      return Float(y > 0 ? y : Double(negativeSlope) * y)
    }
    return NormalizationResult(
      output: Tensor(ys, shape: x.shape),
      mean: mean.map { Float($0) },
      variance: variance.map { Float($0) }
    )
  }

  package func normalizationGradient(
    _ gradient: Tensor,
    x: Tensor,
    result: NormalizationResult,
    extent: NormalizationExtent,
    scale: Tensor?,
    epsilon: Float,
    negativeSlope: Float,
    usesOwnStatistics: Bool
  ) -> (x: Tensor, scale: Tensor, shift: Tensor) {
    let (channels, spatial) = (x.shape[1], x.spatialCount)
    let (xs, ys, gs, gains) = (x.values, result.output.values, gradient.values, scale?.values)
    let groups = groupIndices(x, extent)
    let size = Double(xs.count) / Double(result.mean.count)
    var scaleGradient = [Double](repeating: 0, count: channels)
    var shiftGradient = scaleGradient
    var meanG = [Double](repeating: 0, count: result.mean.count)
    var meanGX = meanG
    var standard = [Double](repeating: 0, count: xs.count)
    var inner = standard
    for i in xs.indices {
      let (group, channel) = (groups(i), i / spatial % channels)
      let deviation = (Double(result.variance[group]) + Double(epsilon)).squareRoot()
      standard[i] = (Double(xs[i]) - Double(result.mean[group])) / deviation
      inner[i] = Double(gs[i]) * (ys[i] > 0 ? 1 : Double(negativeSlope))
      scaleGradient[channel] += inner[i] * standard[i]
      shiftGradient[channel] += inner[i]
      meanG[group] += inner[i] / size
      meanGX[group] += inner[i] * standard[i] / size
    }
    let dx = xs.indices.map { i -> Float in
      let group = groups(i)
      let deviation = (Double(result.variance[group]) + Double(epsilon)).squareRoot()
      let centered =
        usesOwnStatistics ? inner[i] - meanG[group] - standard[i] * meanGX[group] : inner[i]
      return Float(Double(gains?[i / spatial % channels] ?? 1) / deviation * centered)
    }
    return (
      Tensor(dx, shape: x.shape), Tensor(scaleGradient.map { Float($0) }, shape: [channels]),
      Tensor(shiftGradient.map { Float($0) }, shape: [channels])
    )
  }

  private func groupIndices(_ x: Tensor, _ extent: NormalizationExtent) -> (Int) -> Int {
    let (channels, spatial) = (x.shape[1], x.spatialCount)
    return extent == .instance ? { $0 / spatial } : { $0 / spatial % channels }
  }

  package func maxPooling(
    _ x: Tensor,
    shape: PoolingShape
  ) -> (output: Tensor, positions: PoolingPositions) {
    let input = Array(x.shape.dropFirst(2))
    let output = shape.outputSize(input)
    let (xs, space) = (x.values, x.spatialCount)
    var ys: [Float] = []
    var offsets: [UInt8] = []
    for plane in 0..<x.shape[0] * x.shape[1] {
      for cell in GridIndices(output) {
        var best: (value: Float, offset: Int)?
        forEachWindowCell(cell, input, shape) { place, offset in
          let value = xs[plane * space + place]
          if best.map({ value > $0.value || value.isNaN }) ?? true { best = (value, offset) }
        }
        ys.append(best?.value ?? -.infinity)
        offsets.append(UInt8(best?.offset ?? 0))
      }
    }
    let buffer = AlignedBuffer<UInt8>(uninitializedCount: offsets.count)
    for (index, offset) in offsets.enumerated() { buffer.mutableElements[index] = offset }
    return (
      Tensor(ys, shape: Array(x.shape.prefix(2)) + output),
      PoolingPositions(offsets: buffer, layout: .plain)
    )
  }

  package func maxPoolingGradient(
    _ gradient: Tensor,
    positions: PoolingPositions,
    inputSize: [Int],
    shape: PoolingShape
  ) -> Tensor {
    let output = Array(gradient.shape.dropFirst(2))
    let (gs, space) = (gradient.values, inputSize.reduce(1, *))
    let planes = gradient.shape[0] * gradient.shape[1]
    var dx = [Float](repeating: 0, count: planes * space)
    var index = 0
    for plane in 0..<planes {
      for cell in GridIndices(output) {
        forEachWindowCell(cell, inputSize, shape) { place, offset in
          if offset == Int(positions.offsets.elements[index]) {
            dx[plane * space + place] += gs[index]
          }
        }
        index += 1
      }
    }
    return Tensor(dx, shape: Array(gradient.shape.prefix(2)) + inputSize)
  }

  package func averagePooling(_ x: Tensor, shape: PoolingShape) -> Tensor {
    let input = Array(x.shape.dropFirst(2))
    let output = shape.outputSize(input)
    let (xs, space) = (x.values, x.spatialCount)
    var ys: [Float] = []
    for plane in 0..<x.shape[0] * x.shape[1] {
      for cell in GridIndices(output) {
        var (sum, count) = (0.0, 0.0)
        forEachWindowCell(cell, input, shape) { place, _ in
          sum += Double(xs[plane * space + place])
          count += 1
        }
        ys.append(Float(sum / count))
      }
    }
    return Tensor(ys, shape: Array(x.shape.prefix(2)) + output)
  }

  package func averagePoolingGradient(
    _ gradient: Tensor,
    inputSize: [Int],
    shape: PoolingShape
  ) -> Tensor {
    let output = Array(gradient.shape.dropFirst(2))
    let (gs, space) = (gradient.values, inputSize.reduce(1, *))
    let planes = gradient.shape[0] * gradient.shape[1]
    var dx = [Double](repeating: 0, count: planes * space)
    var index = 0
    for plane in 0..<planes {
      for cell in GridIndices(output) {
        var count = 0.0
        forEachWindowCell(cell, inputSize, shape) { _, _ in count += 1 }
        forEachWindowCell(cell, inputSize, shape) { place, _ in
          dx[plane * space + place] += Double(gs[index]) / count
        }
        index += 1
      }
    }
    return Tensor(dx.map { Float($0) }, shape: Array(gradient.shape.prefix(2)) + inputSize)
  }

  private func forEachWindowCell(
    _ cell: [Int],
    _ input: [Int],
    _ shape: PoolingShape,
    _ body: (_ place: Int, _ offset: Int) -> Void
  ) {
    for tap in GridIndices(shape.kernel) {
      let place = cell.indices.map { cell[$0] * shape.stride[$0] - shape.padding[$0] + tap[$0] }
      guard zip(place, input).allSatisfy({ (0..<$1).contains($0) }) else { continue }
      body(flat(place, input), flat(tap, shape.kernel))
    }
  }
}
