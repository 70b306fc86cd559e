import Support
import Testing
import Transforms

@Suite struct VolumeAugmentationTests {
  private func drawn(
    _ augmentation: VolumeAugmentation,
    patchSize: SIMD3<Int> = [64, 64, 64],
    channels: Int = 2
  ) -> [VolumeTransform] {
    var random = RandomStream(seed: 1)
    return (0..<4000).map { _ in
      augmentation.draw(patchSize: patchSize, channels: channels, &random)
    }
  }

  /// Whether an event of the probability may happen so often in 4000 draws: five deviations.
  private func isLikely(_ count: Int, _ probability: Double) -> Bool {
    let deviation = (4000 * probability * (1 - probability)).squareRoot()
    return abs(Double(count) - 4000 * probability) < 5 * deviation
  }

  @Test func changesAreAsFrequentAsInNNUNet() {
    let transforms = drawn(VolumeAugmentation())
    func count(_ event: (VolumeTransform) -> Bool) -> Int { transforms.filter(event).count }
    #expect(isLikely(count { $0.rotation != .zero }, 0.2))
    #expect(isLikely(count { $0.scaling != [1, 1, 1] }, 0.2))
    #expect(count { $0.deformation != .zero } == 0)
    #expect(isLikely(count { $0.intensities[0].noise > 0 }, 0.1))
    #expect(isLikely(count { $0.intensities[0].blur != .zero }, 0.2 * 0.5))
    #expect(isLikely(count { $0.intensities.contains { $0.blur != .zero } }, 0.2 * 0.75))
    #expect(isLikely(count { $0.intensities[1].brightness != 1 }, 0.15))
    #expect(isLikely(count { $0.intensities[1].contrast != 1 }, 0.15))
    #expect(isLikely(count { $0.intensities[1].lowResolution != [1, 1, 1] }, 0.25 * 0.5))
    #expect(isLikely(count { $0.intensities[0].invertedGamma != 1 }, 0.1))
    #expect(isLikely(count { $0.intensities[0].gamma != 1 }, 0.3))
    #expect(isLikely(count { $0.intensities[0].gamma < 1 }, 0.15))
    for axis in 0..<3 { #expect(isLikely(count { $0.mirroredAxes.contains(axis) }, 0.5)) }
    #expect(isLikely(count { $0.mirroredAxes == [0, 1, 2] }, 0.125))
  }

  @Test func drawnNumbersFillTheirRangesAndStayInside() {
    let transforms = drawn(VolumeAugmentation())
    let changes = transforms.flatMap(\.intensities)
    func expect(_ numbers: [Double], fill range: ClosedRange<Double>) {
      #expect(numbers.allSatisfy { range.contains($0) })
      let reach = 0.05 * (range.upperBound - range.lowerBound)
      #expect(numbers.contains { $0 < range.lowerBound + reach })
      #expect(numbers.contains { $0 > range.upperBound - reach })
    }
    let limit = 30 * Double.pi / 180
    for axis in 0..<3 {
      expect(transforms.map { $0.rotation[axis] }.filter { $0 != 0 }, fill: -limit...limit)
      expect(changes.map { $0.blur[axis] }.filter { $0 != 0 }, fill: 0.5...1)
    }
    expect(transforms.map(\.scaling.x).filter { $0 != 1 }, fill: 0.7...1.4)
    expect(changes.map(\.noise).filter { $0 != 0 }, fill: 0...0.1)
    expect(changes.map(\.brightness), fill: 0.75...1.25)
    expect(changes.map(\.contrast), fill: 0.75...1.25)
    expect(changes.map(\.lowResolution.x).filter { $0 != 1 }, fill: 0.5...1)
    expect(changes.map(\.invertedGamma), fill: 0.7...1.5)
    expect(changes.map(\.gamma), fill: 0.7...1.5)
    #expect(transforms.allSatisfy { $0.scaling.x == $0.scaling.y && $0.scaling.x == $0.scaling.z })
    #expect(Set(changes.map(\.noiseSeed)).count > 700)
  }

  @Test func anisotropicPatchesKeepTheirSlices() {
    var augmentation = VolumeAugmentation()
    augmentation.deformationProbability = 0.5
    let transforms = drawn(augmentation, patchSize: [96, 80, 24])
    #expect(transforms.allSatisfy { $0.rotation.x == 0 && $0.rotation.y == 0 })
    #expect(transforms.contains { abs($0.rotation.z) > 3 })
    #expect(transforms.allSatisfy { $0.scaling.z == 1 && $0.deformation.z == 0 })
    #expect(
      transforms.contains { $0.scaling.x != 1 } && transforms.contains { $0.deformation.x > 3 }
    )
    #expect(transforms.allSatisfy { $0.intensities.allSatisfy { $0.lowResolution.z == 1 } })
    // Exactly three times as long is not anisotropic yet.
    #expect(drawn(augmentation, patchSize: [72, 72, 24]).contains { $0.rotation.x != 0 })
  }

  @Test func aDeformationIsHeldBelowFolding() {
    var augmentation = VolumeAugmentation.none
    augmentation.deformationProbability = 1
    augmentation.deformation = 3...9
    augmentation.deformationSpacing = 10
    let transforms = drawn(augmentation)
    #expect(transforms.allSatisfy { $0.deformation.max() <= 4 && $0.deformation.min() >= 3 })
    #expect(transforms.allSatisfy { $0.deformationSpacing == 10 })
  }

  @Test func classesAreSwappedOnlyWhereLeftAndRightAreMirrored() {
    var augmentation = VolumeAugmentation()
    augmentation.swaps = [[1, 2]]
    augmentation.leftRightAxis = 2
    let transforms = drawn(augmentation)
    for transform in transforms {
      #expect(transform.swaps == (transform.mirroredAxes.contains(2) ? [[1, 2]] : []))
    }
    augmentation.mirrorAxes = [1]
    #expect(drawn(augmentation).allSatisfy { $0.swaps.isEmpty && !$0.mirroredAxes.contains(0) })
  }

  @Test func noAugmentationIsTheIdentity() {
    var identity = VolumeTransform()
    identity.intensities = [IntensityChange(), IntensityChange()]
    #expect(drawn(.none).allSatisfy { $0 == identity })
  }

  @Test func theSameStreamDrawsTheSameTransforms() {
    #expect(drawn(VolumeAugmentation()) == drawn(VolumeAugmentation()))
  }
}

@Suite struct VolumeAugmentationValidationTests {
  @Test func theDefaultsAreValid() throws {
    try VolumeAugmentation().validate()
    try VolumeAugmentation.none.validate()
  }

  @Test func meaninglessSettingsAreNamed() {
    func expect(
      _ error: VolumeAugmentationError,
      _ change: (inout VolumeAugmentation) -> Void
    ) {
      var augmentation = VolumeAugmentation()
      change(&augmentation)
      #expect(throws: error) { try augmentation.validate() }
    }
    expect(.probabilityOutOfRange(setting: "gammaProbability", value: 1.5)) {
      $0.gammaProbability = 1.5
    }
    expect(.probabilityOutOfRange(setting: "noiseProbability", value: -0.1)) {
      $0.noiseProbability = -0.1
    }
    expect(.valueOutOfRange(setting: "noise", value: -1)) { $0.noise = -1...0 }
    expect(.valueOutOfRange(setting: "scaling", value: 0)) { $0.scaling = 0...1 }
    expect(.valueOutOfRange(setting: "deformationSpacing", value: .infinity)) {
      $0.deformationSpacing = .infinity
    }
    expect(.unknownAxis(3)) { $0.mirrorAxes = [0, 3] }
    expect(.unknownAxis(-1)) { $0.leftRightAxis = -1 }
    expect(.invalidSwap([1])) { $0.swaps = [[1]] }
    expect(.invalidSwap([1, 70_000])) { $0.swaps = [[1, 70_000]] }
    expect(.invalidSwap([2, 3])) { $0.swaps = [[1, 2], [2, 3]] }
    expect(.invalidSwap([4, 4])) { $0.swaps = [[4, 4]] }
  }
}
