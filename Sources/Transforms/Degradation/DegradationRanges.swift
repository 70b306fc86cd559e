import Support

/// From which numbers degradations are drawn; a range left out leaves its degradation out.
package struct DegradationRanges: Codable, Sendable, Equatable {
  /// Deviation of white noise, in the image's unit.
  package var gaussianSigma: ClosedRange<Double>?
  /// Deviation of Rician noise, in the image's unit.
  package var ricianSigma: ClosedRange<Double>?
  /// How much larger Rician noise is in the corners.
  package var ricianVariation: ClosedRange<Double> = 0...0
  /// The image's unit for one quantum.
  package var poissonGain: ClosedRange<Double>?
  /// The value of no quanta.
  package var poissonOffset = 0.0
  /// Full width at half maximum of blur along each axis, mm.
  package var blurMM: ClosedRange<Double>?
  /// Share of k-space that is kept in the plane of x and y.
  package var truncation: ClosedRange<Double>?
  /// The most poses of a moving head.
  package var mostPoses = 0
  /// The largest shift along each axis, mm.
  package var translationMM = 2.0
  /// The largest turn, degrees.
  package var rotationDegrees = 2.0

  /// Creates ranges that leave everything out.
  package init() {}

  /// Draws a plan.
  ///
  /// Each degradation has a stream of its own, so that leaving one out does not change the others.
  /// - Parameter stream: Not advanced.
  /// - Returns: The plan, a function of the stream and the ranges.
  package func draw(from stream: RandomStream) -> DegradationPlan {
    var plan = DegradationPlan()
    func uniform(_ range: ClosedRange<Double>, _ random: inout RandomStream) -> Double {
      range.lowerBound + (range.upperBound - range.lowerBound) * random.uniform()
    }
    if let gaussianSigma {
      var random = stream.split(1)
      plan.gaussian = .init(sigma: uniform(gaussianSigma, &random), seed: random.next())
    }
    if let ricianSigma {
      var random = stream.split(2)
      let sigma = uniform(ricianSigma, &random)
      let variation = uniform(ricianVariation, &random)
      plan.rician = .init(sigma: sigma, variation: variation, seed: random.next())
    }
    if let poissonGain {
      var random = stream.split(3)
      let gain = uniform(poissonGain, &random)
      plan.poisson = .init(gain: gain, offset: poissonOffset, seed: random.next())
    }
    if let blurMM {
      var random = stream.split(4)
      var width = SIMD3<Double>.zero
      for axis in 0..<3 { width[axis] = uniform(blurMM, &random) }
      plan.blur = .init(widthMM: width)
    }
    if let truncation {
      var random = stream.split(5)
      let share = uniform(truncation, &random)
      plan.truncation = .init(share: [share, share, 1])
    }
    if mostPoses > 0 {
      var random = stream.split(6)
      let count = 1 + Int(random.uniform() * Double(mostPoses))
      let axis = random.chance(0.5) ? 0 : 1
      let poses = (0..<count).map { _ in
        let start = random.uniform()
        var shift = SIMD3<Double>.zero
        for axis in 0..<3 { shift[axis] = uniform(-translationMM...translationMM, &random) }
        let turn = uniform(-rotationDegrees...rotationDegrees, &random)
        return MotionArtifact.Pose(start: start, translationMM: shift, rotationDegrees: turn)
      }
      plan.motion = MotionArtifact(poses: poses, axis: axis)
    }
    return plan
  }
}
