import CKernels
import Support

/// Rectifier with a learned slope: v for v > 0, else a · v.
///
/// He et al. 2015, "Delving deep into rectifiers", equation 1.
/// - Parameters:
///   - x: `[N, C, spatial…]` or `[N, C]`; any shape when there is one slope.
///   - slope: a, `[1]` for all channels or `[C]`.
/// - Returns: The shape of `x`, in its layout.
/// - Precondition: One slope, or as many as channels.
public func parametricReLU(_ x: Tensor, slope: Tensor) -> Tensor {
  precondition(
    slope.count == 1 || (x.rank >= 2 && slope.shape == [x.shape[1]]),
    "slopes \(slope.shape) for \(x.shape)"
  )
  return operation("prelu", on: [x, slope], shape: x.shape, action: .parametricReLU) { operands in
    let (x, slope) = (operands[0], operands[1])
    let (input, slopes) = (x.detached, slope.plain)
    if Kernels.current.isReference {
      return ParametricReLUReference.value(input, slopes).recorded(from: [x, slope]) { gradient in
        let back = ParametricReLUReference.gradients(gradient, x: input, slopes)
        return [back.x, back.slope]
      }
    }
    let view = ChannelView(input)
    let laneSlopes = view.spread(slopes)
    let needsSlope = slope.isTracked
    let result = view.rectified(input, gate: input, laneSlopes)
    return result.recorded(from: [x, slope]) { gradient in
      let arriving = gradient.relaid(input.layout)
      return [
        view.rectified(arriving, gate: input, laneSlopes),
        needsSlope ? view.slopeGradient(input, arriving, shape: slopes.shape) : nil,
      ]
    }
  }
}

/// The kernels' view of a tensor, outer x spatial x lanes, with one channel for each lane.
private struct ChannelView: Sendable {
  let samples: Int
  let channels: Int
  let blocks: Int
  let lanes: Int
  let spatial: Int

  init(_ x: Tensor) {
    samples = x.rank >= 2 ? x.shape[0] : 1
    channels = x.rank >= 2 ? x.shape[1] : 1
    lanes = x.lanes
    blocks = (channels + lanes - 1) / lanes
    spatial = x.rank >= 2 ? x.spatialCount : x.count
  }

  /// The slope of each outer and lane.
  func spread(_ slopes: Tensor) -> AlignedBuffer<Float> {
    let result = AlignedBuffer<Float>(repeating: 0, count: samples * blocks * lanes)
    let values = slopes.values
    for sample in 0..<samples {
      for channel in 0..<channels {
        result.mutableElements[sample * blocks * lanes + channel] =
          values.count == 1 ? values[0] : values[channel]
      }
    }
    return result
  }

  /// value · (gate > 0 ? 1 : slope): the function itself with the input as its own gate, and its
  /// gradient with the input as gate.
  func rectified(
    _ value: Tensor,
    gate: Tensor,
    _ slopes: AlignedBuffer<Float>
  ) -> Tensor {
    let result = gate.emptyLike()
    let (from, seen, to) = (value.storage, gate.storage, result.storage)
    let (spatial, lanes) = (spatial, lanes)
    EngineThreads.forEachRange(samples * blocks, itemCost: spatial * lanes) { range in
      ck_prelu(
        from.pointer,
        seen.pointer,
        to.pointer,
        slopes.pointer,
        Int64(spatial),
        Int64(lanes),
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    return result
  }

  /// Σ g · v over v ≤ 0, for each channel or all.
  func slopeGradient(_ x: Tensor, _ gradient: Tensor, shape: [Int]) -> Tensor {
    let sums = AlignedBuffer<Double>(uninitializedCount: samples * blocks * lanes)
    let (value, arriving) = (x.storage, gradient.storage)
    let (spatial, lanes) = (spatial, lanes)
    EngineThreads.forEachRange(samples * blocks, itemCost: spatial * lanes) { range in
      ck_prelu_slope_sums(
        value.pointer,
        arriving.pointer,
        sums.pointer,
        Int64(spatial),
        Int64(lanes),
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    let totals = (0..<channels).map { channel in
      (0..<samples).reduce(0.0) { $0 + sums.elements[$1 * blocks * lanes + channel] }
    }
    if shape.reduce(1, *) == channels { return Tensor(totals.map { Float($0) }, shape: shape) }
    return Tensor([Float(totals.reduce(0, +))], shape: shape)
  }
}
