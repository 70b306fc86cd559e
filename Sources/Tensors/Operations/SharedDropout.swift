import Support

/// Dropout that leaves out the same channels, or values, of every sample of a batch.
///
/// What is left out follows from the seed and from the shape of one sample alone, and the rest is
/// enlarged so that the expectation stays. A network whose dropout is drawn so is one draw of the
/// distribution over networks that dropout stands for (Gal and Ghahramani 2016, "Dropout as a Bayesian
/// approximation"), and the same one wherever and however often it is run. With whole channels the
/// shape of the image does not matter.
/// - Parameters:
///   - x: `[N, C, spatial…]` or `[N, C]`.
///   - probability: The share left out, 0 ≤ p < 1.
///   - wholeChannels: Whether a channel is kept or left out as one (Tompson et al. 2015, "Efficient
///     object localization using convolutional networks").
///   - seed: What the choice follows from.
/// - Returns: The shape of `x`.
public func sharedDropout(
  _ x: Tensor,
  probability: Double,
  wholeChannels: Bool,
  seed: UInt64
) -> Tensor {
  precondition((0..<1).contains(probability), "the dropout probability \(probability)")
  precondition(x.rank > 1, "dropout of \(x.shape), which has no channels")
  if probability == 0 { return x }
  return operation("shared dropout", on: [x], shape: x.shape) { operands in
    let input = operands[0]
    let kept = Float(1 / (1 - probability))
    let run = wholeChannels ? input.spatialCount : 1
    let sample = input.count / max(1, input.shape[0])
    var random = RandomStream(seed: seed)
    var values = [Float](repeating: 0, count: input.count)
    for plane in 0..<sample / max(1, run) where !random.chance(probability) {
      for start in stride(from: plane * run, to: input.count, by: max(1, sample)) {
        for offset in start..<start + run { values[offset] = kept }
      }
    }
    return input * Tensor(values, shape: input.shape).relaid(input.layout)
  }
}
