import CKernels
import Support

/// Normalises groups of channels: y = γ (x − μ) / √(σ² + ε) + β, with μ and σ² of sample and group.
///
/// Wu and He 2018, equation 1 with the sets of section 3.1. The variance is the biased one.
/// - Parameters:
///   - x: `[N, C, spatial…]`.
///   - groups: Into how many groups of neighbours the channels are split.
///   - scale: γ, `[C]`, or nil for 1.
///   - shift: β, `[C]`, or nil for 0.
///   - epsilon: Added to the variance.
/// - Returns: The shape of `x`, in its layout.
/// - Precondition: The number of groups divides the channels; scale and shift have one number each.
public func groupNormalization(
  _ x: Tensor,
  groups: Int,
  scale: Tensor? = nil,
  shift: Tensor? = nil,
  epsilon: Float = 1e-5
) -> Tensor {
  precondition(
    x.rank >= 3 && groups > 0 && x.shape[1] % groups == 0,
    "\(x.shape) in \(groups) groups"
  )
  requireFit(scale, shift, [x.shape[1]], x)
  let attributes: [String: StepAttribute] = [
    "groups": .integers([groups]), "epsilon": .number(epsilon),
    "has": .integers([scale == nil ? 0 : 1, shift == nil ? 0 : 1]),
  ]
  return normalized("group-normalization", x, scale, shift, attributes) { x, scale, shift in
    if Kernels.current.isReference {
      let (channels, spatial) = (x.shape[1], x.spatialCount)
      let reference = StandardizationReference(
        groupSize: channels / groups * spatial,
        parameterCount: channels,
        epsilon: epsilon
      ) { $0 / spatial % channels }
      return reference.run(x, scale, shift)
    }
    let state = GroupState(x, groups: groups, scale: scale, epsilon: epsilon)
    return (state.output(shift: shift), { state.gradients($0) })
  }
}

/// The part that group and layer normalisation share: optional operands and what is recorded.
///
/// The body takes detached operands, and gives the result and a function from its gradient to those
/// of input, scale and shift.
func normalized(
  _ name: String,
  _ x: Tensor,
  _ scale: Tensor?,
  _ shift: Tensor?,
  _ attributes: [String: StepAttribute],
  _ body:
    @escaping @Sendable (Tensor, Tensor?, Tensor?) -> (
      output: Tensor, gradients: @Sendable (Tensor) -> [Tensor]
    )
) -> Tensor {
  let (hasScale, hasShift) = (scale != nil, shift != nil)
  let operands = [x] + (scale.map { [$0] } ?? []) + (shift.map { [$0] } ?? [])
  return operation(name, on: operands, shape: x.shape, attributes: attributes) { operands in
    let (output, gradients) = body(
      operands[0].detached,
      hasScale ? operands[1].detached : nil,
      hasShift ? operands[hasScale ? 2 : 1].detached : nil
    )
    return output.recorded(from: operands) { gradient in
      let all = gradients(gradient)
      return [all[0]] + (hasScale ? [all[1]] : []) + (hasShift ? [all[2]] : [])
    }
  }
}

/// Checks the shapes of a normalisation's scale and shift.
func requireFit(_ scale: Tensor?, _ shift: Tensor?, _ shape: [Int], _ x: Tensor) {
  for parameter in [scale, shift] {
    precondition(
      parameter.map { $0.shape == shape } ?? true,
      "a scale or shift of \(parameter?.shape ?? []) instead of \(shape) for \(x.shape)"
    )
  }
}

/// What the fast path keeps between forward and backward.
private struct GroupState: Sendable {
  private let input: Tensor
  /// γ for each channel.
  private let gains: [Float]
  private let groups: Int
  /// Mean and 1 / √(σ² + ε) of each sample and group.
  private let means: [Double]
  private let inverses: [Double]

  private var samples: Int { input.shape[0] }
  private var channels: Int { input.shape[1] }
  private var groupChannels: Int { channels / groups }
  private var groupCells: Double { Double(groupChannels * input.spatialCount) }
  /// Channels with those that fill the last block up.
  private var padded: Int { (channels + input.lanes - 1) / input.lanes * input.lanes }

  init(_ x: Tensor, groups: Int, scale: Tensor?, epsilon: Float) {
    input = x
    self.groups = groups
    gains = scale?.values ?? [Float](repeating: 1, count: x.shape[1])
    let (samples, perGroup) = (x.shape[0], x.shape[1] / groups)
    let cells = Double(perGroup * x.spatialCount)
    let padded = (x.shape[1] + x.lanes - 1) / x.lanes * x.lanes
    func groupMeans(_ sums: AlignedBuffer<Double>) -> [Double] {
      (0..<samples * groups).map { index in
        let start = index / groups * padded + index % groups * perGroup
        return sums.elements[start..<start + perGroup].reduce(0, +) / cells
      }
    }
    let (lanes, spatial, source) = (x.lanes, x.spatialCount, x.storage)
    let sums = AlignedBuffer<Double>(uninitializedCount: samples * padded)
    EngineThreads.forEachRange(x.outerCount, itemCost: spatial * lanes) { range in
      ck_sum(
        source.pointer,
        sums.pointer,
        Int64(spatial),
        Int64(lanes),
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    let means = groupMeans(sums)
    let centers = AlignedBuffer<Float>(repeating: 0, count: samples * padded)
    for place in 0..<samples * x.shape[1] {
      let (sample, channel) = (place / x.shape[1], place % x.shape[1])
      centers.mutableElements[sample * padded + channel] = Float(
        means[sample * groups + channel / perGroup]
      )
    }
    EngineThreads.forEachRange(x.outerCount, itemCost: spatial * lanes) { range in
      ck_centered_squares(
        source.pointer,
        centers.pointer,
        sums.pointer,
        Int64(spatial),
        Int64(lanes),
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    self.means = means
    inverses = groupMeans(sums).map { 1 / ($0 + Double(epsilon)).squareRoot() }
  }

  /// A number for each outer and lane, from sample and channel; 0 for the lanes that fill up.
  private func lanes(_ value: (_ sample: Int, _ channel: Int) -> Double) -> AlignedBuffer<Float> {
    let result = AlignedBuffer<Float>(repeating: 0, count: samples * padded)
    for sample in 0..<samples {
      for channel in 0..<channels {
        result.mutableElements[sample * padded + channel] = Float(value(sample, channel))
      }
    }
    return result
  }

  private func group(_ sample: Int, _ channel: Int) -> Int {
    sample * groups + channel / groupChannels
  }

  func output(shift: Tensor?) -> Tensor {
    let offsets = shift?.values
    let scales = lanes { Double(gains[$1]) * inverses[group($0, $1)] }
    let shifts = lanes { sample, channel in
      let place = group(sample, channel)
      return Double(offsets?[channel] ?? 0)
        - means[place] * inverses[place] * Double(gains[channel])
    }
    let result = input.emptyLike()
    let (source, target) = (input.storage, result.storage)
    let (spatial, lanes) = (input.spatialCount, input.lanes)
    EngineThreads.forEachRange(input.outerCount, itemCost: spatial * lanes) { range in
      ck_affine_leaky(
        source.pointer,
        target.pointer,
        scales.pointer,
        shifts.pointer,
        1,
        Int64(spatial),
        Int64(lanes),
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    return result
  }

  /// The gradients of input, scale and shift.
  ///
  /// With s = 1/√(σ² + ε), v = (x − μ) s, and means over the group:
  /// dx = s (γ g − mean(γ g) − v mean(γ g v)); dγ = Σ g v, dβ = Σ g.
  func gradients(_ gradient: Tensor) -> [Tensor] {
    let arriving = gradient.relaid(input.layout)
    let (sums, products) = sums(arriving)
    var (scaleGradient, shiftGradient) = (
      [Double](repeating: 0, count: channels), [Double](repeating: 0, count: channels)
    )
    var meanG = [Double](repeating: 0, count: means.count)
    var meanGV = meanG
    for sample in 0..<samples {
      for channel in 0..<channels {
        let (place, lane) = (group(sample, channel), sample * padded + channel)
        let (g, gv) = (sums.elements[lane], products.elements[lane] * inverses[place])
        shiftGradient[channel] += g
        scaleGradient[channel] += gv
        meanG[place] += Double(gains[channel]) * g / groupCells
        meanGV[place] += Double(gains[channel]) * gv / groupCells
      }
    }
    // dx = a g + b x + c.
    let a = lanes { Double(gains[$1]) * inverses[group($0, $1)] }
    let b = lanes { -inverses[group($0, $1)] * inverses[group($0, $1)] * meanGV[group($0, $1)] }
    let c = lanes { sample, channel in
      let (i, s) = (group(sample, channel), inverses[group(sample, channel)])
      return s * s * means[i] * meanGV[i] - s * meanG[i]
    }
    let back = input.emptyLike()
    let (x, dy, dx) = (input.storage, arriving.storage, back.storage)
    let (spatial, lanes) = (input.spatialCount, input.lanes)
    EngineThreads.forEachRange(input.outerCount, itemCost: 2 * spatial * lanes) { range in
      ck_affine_leaky_gradient(
        x.pointer,
        x.pointer,
        dy.pointer,
        a.pointer,
        b.pointer,
        c.pointer,
        1,
        dx.pointer,
        Int64(spatial),
        Int64(lanes),
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    return [
      back,
      Tensor(scaleGradient.map { Float($0) }, shape: [channels]),
      Tensor(shiftGradient.map { Float($0) }, shape: [channels]),
    ]
  }

  /// Σ g and Σ g (x − μ) over space, for each outer and lane.
  private func sums(
    _ gradient: Tensor
  ) -> (gradient: AlignedBuffer<Double>, product: AlignedBuffer<Double>) {
    let sums = AlignedBuffer<Double>(uninitializedCount: samples * padded)
    let products = AlignedBuffer<Double>(uninitializedCount: samples * padded)
    let centers = lanes { means[group($0, $1)] }
    let (x, dy) = (input.storage, gradient.storage)
    let (spatial, lanes) = (input.spatialCount, input.lanes)
    EngineThreads.forEachRange(input.outerCount, itemCost: 2 * spatial * lanes) { range in
      // A slope of 1 makes the kernel ignore the sign of its second operand, y.
      ck_affine_leaky_sums(
        x.pointer,
        x.pointer,
        dy.pointer,
        centers.pointer,
        1,
        sums.pointer,
        products.pointer,
        Int64(spatial),
        Int64(lanes),
        Int64(range.lowerBound),
        Int64(range.upperBound)
      )
    }
    return (sums, products)
  }
}
