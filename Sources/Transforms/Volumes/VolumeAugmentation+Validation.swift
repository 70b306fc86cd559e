extension VolumeAugmentation {
  /// Checks settings that come from a file.
  /// - Throws: `VolumeAugmentationError` for the first setting that has no meaning.
  public func validate() throws(VolumeAugmentationError) {
    let probabilities = [
      ("rotationProbability", rotationProbability), ("scalingProbability", scalingProbability),
      ("deformationProbability", deformationProbability), ("noiseProbability", noiseProbability),
      ("blurProbability", blurProbability), ("brightnessProbability", brightnessProbability),
      ("contrastProbability", contrastProbability),
      ("lowResolutionProbability", lowResolutionProbability),
      ("invertedGammaProbability", invertedGammaProbability),
      ("gammaProbability", gammaProbability), ("channelProbability", channelProbability),
      ("mirrorProbability", mirrorProbability),
    ]
    for (setting, value) in probabilities where !(0...1).contains(value) {
      throw .probabilityOutOfRange(setting: setting, value: value)
    }
    let sizes = [
      ("rotationDegrees", rotationDegrees), ("inPlaneRotationDegrees", inPlaneRotationDegrees),
      ("deformation", deformation.lowerBound), ("deformation", deformation.upperBound),
      ("noise", noise.lowerBound), ("noise", noise.upperBound),
      ("blur", blur.lowerBound), ("blur", blur.upperBound),
    ]
    for (setting, value) in sizes where !(value >= 0 && value.isFinite) {
      throw .valueOutOfRange(setting: setting, value: value)
    }
    let factors = [
      ("anisotropy", anisotropy), ("deformationSpacing", deformationSpacing),
      ("scaling", scaling.lowerBound), ("scaling", scaling.upperBound),
      ("brightness", brightness.lowerBound), ("brightness", brightness.upperBound),
      ("contrast", contrast.lowerBound), ("contrast", contrast.upperBound),
      ("lowResolution", lowResolution.lowerBound), ("lowResolution", lowResolution.upperBound),
      ("gamma", gamma.lowerBound), ("gamma", gamma.upperBound),
    ]
    for (setting, value) in factors where !(value > 0 && value.isFinite) {
      throw .valueOutOfRange(setting: setting, value: value)
    }
    for axis in mirrorAxes + [leftRightAxis] where !(0...2).contains(axis) {
      throw .unknownAxis(axis)
    }
    var seen = Set<Int>()
    for pair in swaps {
      let isPair = pair.count == 2 && pair.allSatisfy { UInt16(exactly: $0) != nil }
      guard isPair, pair.allSatisfy({ seen.insert($0).inserted }) else { throw .invalidSwap(pair) }
    }
  }
}
