import CKernels
import Support

extension FastKernels {
  package func normalization(
    _ x: Tensor,
    extent: NormalizationExtent,
    scale: Tensor?,
    shift: Tensor?,
    epsilon: Float,
    negativeSlope: Float,
    statistics: (mean: [Float], variance: [Float])?
  ) -> NormalizationResult {
    let layout = LaneLayout(x)
    let (mean, variance) = statistics ?? ownStatistics(of: x, extent: extent, layout: layout)
    let gains = layout.channelValues(scale, default: 1)
    let offsets = layout.channelValues(shift, default: 0)
    let factors = layout.lanes { group, channel in
      let index = extent == .instance ? group * layout.channels + channel : channel
      return gains[channel] / (variance[index] + epsilon).squareRoot()
    }
    let additions = layout.lanes { group, channel in
      let index = extent == .instance ? group * layout.channels + channel : channel
      let factor = gains[channel] / (variance[index] + epsilon).squareRoot()
      return offsets[channel] - mean[index] * factor
    }
    if let half = x.halfStorage {
      let target = AlignedBuffer<UInt16>(uninitializedCount: half.count)
      layout.forEachOuter { first, last in
        ck_bf16_affine_leaky(
          half.pointer,
          target.pointer,
          factors.pointer,
          additions.pointer,
          negativeSlope,
          layout.spatial,
          layout.laneCount,
          first,
          last
        )
      }
      let output = Tensor(shape: x.shape, layout: x.layout, halfStorage: target)
      return NormalizationResult(output: output, mean: mean, variance: variance)
    }
    let output = x.emptyLike()
    let (source, target) = (x.storage, output.storage)
    layout.forEachOuter { first, last in
      ck_affine_leaky(
        source.pointer,
        target.pointer,
        factors.pointer,
        additions.pointer,
        negativeSlope,
        layout.spatial,
        layout.laneCount,
        first,
        last
      )
    }
    return NormalizationResult(output: output, mean: mean, variance: variance)
  }

  /// Two passes, so that a large mean does not drown a small variance.
  private func ownStatistics(
    of x: Tensor,
    extent: NormalizationExtent,
    layout: LaneLayout
  ) -> (mean: [Float], variance: [Float]) {
    let (source, half) = (x.storage, x.halfStorage)
    let sums = AlignedBuffer<Double>(uninitializedCount: layout.count)
    layout.forEachOuter { first, last in
      if let half {
        ck_bf16_sum(half.pointer, sums.pointer, layout.spatial, layout.laneCount, first, last)
      } else {
        ck_sum(source.pointer, sums.pointer, layout.spatial, layout.laneCount, first, last)
      }
    }
    let mean = layout.means(of: sums, extent: extent).map { Float($0) }
    let centers = layout.lanes { sample, channel in
      mean[extent == .instance ? sample * layout.channels + channel : channel]
    }
    layout.forEachOuter { first, last in
      if let half {
        ck_bf16_centered_squares(
          half.pointer,
          centers.pointer,
          sums.pointer,
          layout.spatial,
          layout.laneCount,
          first,
          last
        )
        return
      }
      ck_centered_squares(
        source.pointer,
        centers.pointer,
        sums.pointer,
        layout.spatial,
        layout.laneCount,
        first,
        last
      )
    }
    return (mean, layout.means(of: sums, extent: extent).map { Float($0) })
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
    let layout = LaneLayout(x)
    let arriving = gradient.relaid(x.layout)
    func index(_ sample: Int, _ channel: Int) -> Int {
      extent == .instance ? sample * layout.channels + channel : channel
    }
    let inverse = result.variance.map { 1 / ($0 + epsilon).squareRoot() }
    let centers = layout.lanes { result.mean[index($0, $1)] }
    let sums = AlignedBuffer<Double>(uninitializedCount: layout.count)
    let products = AlignedBuffer<Double>(uninitializedCount: layout.count)
    let (input, output, incoming) = (x.storage, result.output.storage, arriving.storage)
    // All three in bfloat16, or none.
    let halves = HalfOperands(x, result.output, arriving)
    layout.forEachOuter { first, last in
      if let halves {
        ck_bf16_affine_leaky_sums(
          halves.x.pointer,
          halves.y.pointer,
          halves.gradient.pointer,
          centers.pointer,
          negativeSlope,
          sums.pointer,
          products.pointer,
          layout.spatial,
          layout.laneCount,
          first,
          last
        )
        return
      }
      ck_affine_leaky_sums(
        input.pointer,
        output.pointer,
        incoming.pointer,
        centers.pointer,
        negativeSlope,
        sums.pointer,
        products.pointer,
        layout.spatial,
        layout.laneCount,
        first,
        last
      )
    }

    var scaleGradient = [Float](repeating: 0, count: layout.channels)
    var shiftGradient = [Float](repeating: 0, count: layout.channels)
    for channel in 0..<layout.channels {
      var (scaleSum, shiftSum) = (0.0, 0.0)
      for sample in 0..<layout.samples {
        let place = layout.place(sample, channel)
        shiftSum += sums.elements[place]
        scaleSum += products.elements[place] * Double(inverse[index(sample, channel)])
      }
      scaleGradient[channel] = Float(scaleSum)
      shiftGradient[channel] = Float(shiftSum)
    }

    // dx = γ/σ · (g − mean(g) − x̂ · mean(g·x̂)), written as a·g + b·x + c with x̂ = (x − μ)/σ.
    let gains = layout.channelValues(scale, default: 1)
    let meanGradient = layout.means(of: sums, extent: extent)
    let meanProduct = layout.means(of: products, extent: extent)
    let a = layout.lanes { gains[$1] * inverse[index($0, $1)] }
    let b = layout.lanes { sample, channel in
      guard usesOwnStatistics else { return 0 }
      let i = index(sample, channel)
      return -gains[channel] * inverse[i] * inverse[i] * inverse[i] * Float(meanProduct[i])
    }
    let c = layout.lanes { sample, channel in
      guard usesOwnStatistics else { return 0 }
      let i = index(sample, channel)
      let pull = result.mean[i] * inverse[i] * inverse[i] * Float(meanProduct[i])
      return gains[channel] * inverse[i] * (pull - Float(meanGradient[i]))
    }
    let parameters = (
      Tensor(scaleGradient, shape: [layout.channels]),
      Tensor(shiftGradient, shape: [layout.channels])
    )
    if let halves {
      let target = AlignedBuffer<UInt16>(uninitializedCount: halves.x.count)
      layout.forEachOuter { first, last in
        ck_bf16_affine_leaky_gradient(
          halves.x.pointer,
          halves.y.pointer,
          halves.gradient.pointer,
          a.pointer,
          b.pointer,
          c.pointer,
          negativeSlope,
          target.pointer,
          layout.spatial,
          layout.laneCount,
          first,
          last
        )
      }
      let back = Tensor(shape: x.shape, layout: x.layout, halfStorage: target)
      return (back, parameters.0, parameters.1)
    }
    let inputGradient = x.emptyLike()
    let target = inputGradient.storage
    layout.forEachOuter { first, last in
      ck_affine_leaky_gradient(
        input.pointer,
        output.pointer,
        incoming.pointer,
        a.pointer,
        b.pointer,
        c.pointer,
        negativeSlope,
        target.pointer,
        layout.spatial,
        layout.laneCount,
        first,
        last
      )
    }
    return (inputGradient, parameters.0, parameters.1)
  }
}

/// The operands of a normalisation's gradient when they are in bfloat16.
private struct HalfOperands: Sendable {
  let x: AlignedBuffer<UInt16>
  let y: AlignedBuffer<UInt16>
  let gradient: AlignedBuffer<UInt16>

  init?(_ x: Tensor, _ y: Tensor, _ gradient: Tensor) {
    guard let x = x.halfStorage, let y = y.halfStorage, let gradient = gradient.halfStorage
    else { return nil }
    (self.x, self.y, self.gradient) = (x, y, gradient)
  }
}

/// The kernels' view of `[N, C, spatial…]`: where the numbers of a sample's channel stand.
private struct LaneLayout: Sendable {
  let samples: Int
  let channels: Int
  let spatial: Int64
  let laneCount: Int64
  private let blocksPerSample: Int

  init(_ x: Tensor) {
    samples = x.shape[0]
    channels = x.shape[1]
    spatial = Int64(x.spatialCount)
    laneCount = Int64(x.lanes)
    blocksPerSample = (channels + x.lanes - 1) / x.lanes
  }

  /// One number for each outer and lane, padding lanes included.
  var count: Int { samples * blocksPerSample * Int(laneCount) }

  /// The place of a sample's channel among `count` numbers.
  func place(_ sample: Int, _ channel: Int) -> Int {
    sample * blocksPerSample * Int(laneCount) + channel
  }

  /// Numbers in lane order; padding lanes get 0, which keeps them 0 in every result.
  func lanes(_ value: (_ sample: Int, _ channel: Int) -> Float) -> AlignedBuffer<Float> {
    let buffer = AlignedBuffer<Float>(repeating: 0, count: count)
    for sample in 0..<samples {
      for channel in 0..<channels {
        buffer.mutableElements[place(sample, channel)] = value(sample, channel)
      }
    }
    return buffer
  }

  func channelValues(_ tensor: Tensor?, default value: Float) -> [Float] {
    tensor?.values ?? [Float](repeating: value, count: channels)
  }

  /// Sums over space turned into means, `[N, C]` or `[C]`.
  func means(of sums: AlignedBuffer<Double>, extent: NormalizationExtent) -> [Double] {
    switch extent {
    case .instance:
      return (0..<samples * channels).map { index in
        sums.elements[place(index / channels, index % channels)] / Double(spatial)
      }
    case .batch:
      return (0..<channels).map { channel in
        let total = (0..<samples).reduce(0.0) { $0 + sums.elements[place($1, channel)] }
        return total / (Double(spatial) * Double(samples))
      }
    }
  }

  func forEachOuter(_ body: @Sendable (_ first: Int64, _ last: Int64) -> Void) {
    EngineThreads.forEachRange(
      samples * blocksPerSample,
      itemCost: Int(spatial * laneCount)
    ) { range in
      body(Int64(range.lowerBound), Int64(range.upperBound))
    }
  }
}
