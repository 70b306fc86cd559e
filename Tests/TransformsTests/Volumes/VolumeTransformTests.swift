import Foundation
import Support
import TestSupport
import Testing
import Transforms

/// A volume whose values and classes are seeded random numbers.
private func randomVolume(channels: Int = 1, size: SIMD3<Int>, classes: Int = 4) -> VolumePatch {
  var random = RandomStream(seed: 5)
  let voxels = size.x * size.y * size.z
  return VolumePatch(
    channels: channels,
    size: size,
    values: (0..<channels * voxels).map { _ in Float(random.normal()) },
    classes: (0..<voxels).map { _ in UInt16(random.next() % UInt64(classes)) }
  )
}

/// The class at a place, or nil outside.
private func classAt(_ patch: VolumePatch, _ x: Int, _ y: Int, _ z: Int) -> UInt16? {
  let size = patch.size
  guard (0..<size.x).contains(x), (0..<size.y).contains(y), (0..<size.z).contains(z) else {
    return nil
  }
  return patch.classes[(z * size.y + y) * size.x + x]
}

@Suite struct VolumeTransformTests {
  /// A change of everything.
  private var everything: VolumeTransform {
    var augmentation = VolumeAugmentation()
    augmentation.rotationProbability = 1
    augmentation.scalingProbability = 1
    augmentation.deformationProbability = 1
    augmentation.noiseProbability = 1
    augmentation.blurProbability = 1
    augmentation.brightnessProbability = 1
    augmentation.contrastProbability = 1
    augmentation.lowResolutionProbability = 1
    augmentation.invertedGammaProbability = 1
    augmentation.gammaProbability = 1
    augmentation.channelProbability = 1
    augmentation.mirrorProbability = 1
    augmentation.swaps = [[1, 2]]
    var random = RandomStream(seed: 11)
    return augmentation.draw(patchSize: [7, 6, 5], channels: 2, &random)
  }

  @Test func theIdentityCopiesTheSourcesVoxels() {
    let source = randomVolume(channels: 2, size: [6, 5, 4])
    let same = VolumeTransform().apply(to: source, origin: .zero, patchSize: source.size)
    #expect(same == source)
  }

  @Test(arguments: [SIMD3(2, 1, 1), SIMD3(-2, -1, -3), SIMD3(4, 3, 2), SIMD3(9, 0, 0)])
  func aPatchBeyondTheSourceIsZeroAndOfTheOutsideClass(origin: SIMD3<Int>) {
    let source = randomVolume(channels: 2, size: [6, 5, 4])
    let size = SIMD3(5, 4, 6)
    let patch = VolumeTransform().apply(
      to: source,
      origin: origin,
      patchSize: size,
      outsideClass: 9
    )
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          let at = (z * size.y + y) * size.x + x
          let (sx, sy, sz) = (x + origin.x, y + origin.y, z + origin.z)
          let label = classAt(source, sx, sy, sz)
          #expect(patch.classes[at] == label ?? 9)
          for channel in 0..<2 {
            let value = patch.values[channel * 120 + at]
            let from = channel * 120 + (sz * 5 + sy) * 6 + sx
            #expect(value == (label == nil ? 0 : source.values[from]))
          }
        }
      }
    }
  }

  @Test func aMovedGridSeesTheSameBorderAsACopy() {
    // Turned by nothing but rounding, the interpolated patch is the copied one.
    let source = randomVolume(channels: 2, size: [6, 5, 4])
    var transform = VolumeTransform()
    transform.rotation = [0, 0, 1e-12]
    for origin in [SIMD3(-2, -1, -3), SIMD3(3, 3, 1)] {
      let (moved, copied) = (
        transform.apply(to: source, origin: origin, patchSize: [5, 4, 6], outsideClass: 9),
        VolumeTransform().apply(to: source, origin: origin, patchSize: [5, 4, 6], outsideClass: 9)
      )
      #expect(moved.classes == copied.classes)
      expectClose(moved.values, copied.values, Tolerance(absolute: 1e-6, relative: 0))
    }
  }

  @Test(arguments: [0, 1, 2])
  func aQuarterTurnPermutesTheVoxels(axis: Int) {
    let source = randomVolume(size: [5, 5, 5])
    var transform = VolumeTransform()
    transform.rotation[axis] = .pi / 2
    let turned = transform.apply(to: source, origin: .zero, patchSize: source.size)
    // The grid turns from the next axis to the one after it: (u, v) reads (-v, u) about the centre.
    let (u, v) = ((axis + 1) % 3, (axis + 2) % 3)
    var expected = source
    for z in 0..<5 {
      for y in 0..<5 {
        for x in 0..<5 {
          let place = SIMD3(x, y, z)
          var from = place
          from[u] = 4 - place[v]
          from[v] = place[u]
          let (to, at) = ((z * 5 + y) * 5 + x, (from.z * 5 + from.y) * 5 + from.x)
          expected.values[to] = source.values[at]
          expected.classes[to] = source.classes[at]
        }
      }
    }
    #expect(turned.classes == expected.classes)
    expectClose(turned.values, expected.values, Tolerance(absolute: 1e-5, relative: 0))
    #expect(turned.classes != source.classes)
  }

  @Test(arguments: [[0], [1], [2], [0, 1, 2]])
  func mirroringReversesItsAxesAndTwiceChangesNothing(axes: [Int]) {
    let source = randomVolume(channels: 2, size: [6, 5, 4])
    var transform = VolumeTransform()
    transform.mirroredAxes = axes
    let once = transform.apply(to: source, origin: .zero, patchSize: source.size)
    for z in 0..<4 {
      for y in 0..<5 {
        for x in 0..<6 {
          let at = SIMD3(
            axes.contains(0) ? 5 - x : x,
            axes.contains(1) ? 4 - y : y,
            axes.contains(2) ? 3 - z : z
          )
          let (to, from) = ((z * 5 + y) * 6 + x, (at.z * 5 + at.y) * 6 + at.x)
          #expect(once.classes[to] == source.classes[from])
          #expect(once.values[to] == source.values[from])
          #expect(once.values[120 + to] == source.values[120 + from])
        }
      }
    }
    #expect(transform.apply(to: once, origin: .zero, patchSize: source.size) == source)
  }

  @Test func mirroringComesAfterTheOtherGeometry() {
    let source = randomVolume(size: [12, 11, 10])
    var transform = everything
    transform.intensities = []
    transform.swaps = []
    transform.mirroredAxes = []
    let straight = transform.apply(to: source, origin: [2, 1, 3], patchSize: [7, 6, 5])
    transform.mirroredAxes = [0, 2]
    let mirrored = transform.apply(to: source, origin: [2, 1, 3], patchSize: [7, 6, 5])
    var mirror = VolumeTransform()
    mirror.mirroredAxes = [0, 2]
    #expect(mirror.apply(to: straight, origin: .zero, patchSize: [7, 6, 5]) == mirrored)
    #expect(mirrored != straight)
  }

  @Test func swapsExchangeTheirClassesAndNoOthers() {
    let source = randomVolume(size: [6, 5, 4], classes: 6)
    var transform = VolumeTransform()
    transform.swaps = [[1, 2], [5, 3]]
    let swapped = transform.apply(to: source, origin: .zero, patchSize: source.size)
    let names: [UInt16] = [0, 2, 1, 5, 4, 3]
    #expect(swapped.classes == source.classes.map { names[Int($0)] })
    #expect(swapped.values == source.values)
  }

  @Test func aTransformFromAFileGivesTheSameBytes() throws {
    let source = randomVolume(channels: 2, size: [12, 11, 10])
    let transform = everything
    let decoded = try JSONDecoder().decode(
      VolumeTransform.self,
      from: JSONEncoder().encode(transform)
    )
    #expect(decoded == transform)
    let first = transform.apply(to: source, origin: [2, 1, 3], patchSize: [7, 6, 5])
    let second = decoded.apply(to: source, origin: [2, 1, 3], patchSize: [7, 6, 5])
    #expect(first.values.map(\.bitPattern) == second.values.map(\.bitPattern))
    #expect(first.classes == second.classes)
    #expect(first.values.allSatisfy { $0.isFinite })
  }

  @Test func aSourceWithTheMarginShowsNoBorder() {
    let size = SIMD3(11, 9, 8)
    var transform = everything
    transform.intensities = []
    for moving in [transform.deformation, .zero] {
      transform.deformation = moving
      let margin = transform.margin(patchSize: size)
      let whole = size &+ margin &* 2
      let voxels = whole.x * whole.y * whole.z
      let ones = VolumePatch(
        channels: 1,
        size: whole,
        values: .init(repeating: 1, count: voxels),
        classes: .init(repeating: 1, count: voxels)
      )
      transform.swaps = []
      let patch = transform.apply(to: ones, origin: margin, patchSize: size)
      #expect(patch.classes.allSatisfy { $0 == 1 })
      #expect(patch.values.allSatisfy { abs($0 - 1) < 1e-6 })
    }
  }

  @Test func theMarginIsNoLargerThanNeeded() {
    // Half of 11 voxels reaches 5 from the centre; 1.4 times that is 7. Along the others, 4 and 5.6.
    var transform = VolumeTransform()
    #expect(transform.margin(patchSize: [11, 9, 9]) == .zero)
    transform.scaling = [1.4, 1.4, 0.7]
    #expect(transform.margin(patchSize: [11, 9, 9]) == [2, 2, 0])
  }

  @Test func aDeformationStaysInItsLimitAndFoldsNothing() {
    // In a ramp along x the interpolated value is the place that was read.
    let size = SIMD3(40, 24, 24)
    let margin = 8
    let whole = size &+ 2 * margin
    var ramp: [Float] = []
    for _ in 0..<whole.y * whole.z { ramp += (0..<whole.x).map { Float($0 - margin) } }
    let source = VolumePatch(
      channels: 1,
      size: whole,
      values: ramp,
      classes: .init(repeating: 0, count: ramp.count)
    )
    var transform = VolumeTransform()
    transform.deformationSpacing = 10
    transform.deformation = [4, 4, 4]
    transform.deformationSeed = 3
    let patch = transform.apply(to: source, origin: .init(repeating: margin), patchSize: size)
    var largest: Float = 0
    for row in stride(from: 0, to: patch.values.count, by: size.x) {
      for x in 0..<size.x {
        largest = max(largest, abs(patch.values[row + x] - Float(x)))
        if x > 0 { #expect(patch.values[row + x] > patch.values[row + x - 1]) }
      }
    }
    #expect(largest <= 4)
    #expect(largest > 1)
  }
}

/// Turned and scaled patches as batchgeneratorsv2 makes them.
@Suite struct VolumeTransformReferenceTests {
  struct File: Decodable {
    struct Case: Decodable {
      let angles: [Double]
      let scales: [Double]
      let expected: [Float]
      let labels: [UInt16]
    }
    let size: [Int]
    let patch: [Int]
    let outsideClass: UInt16
    let image: [Float]
    let classes: [UInt16]
    let cases: [Case]
  }

  @Test func theGeometryIsThatOfNNUNet() throws {
    let url = URL(fileURLWithPath: Fixtures.path("augmentation/geometry.json"))
    let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: url))
    #expect(file.cases.count == 4)
    let source = VolumePatch(
      channels: 1,
      size: SIMD3(file.size[0], file.size[1], file.size[2]),
      values: file.image,
      classes: file.classes
    )
    let patchSize = SIMD3(file.patch[0], file.patch[1], file.patch[2])
    for stored in file.cases {
      // Its axes are z, y, x, which reverses the sense of each angle.
      var transform = VolumeTransform()
      transform.rotation = [-stored.angles[2], -stored.angles[1], -stored.angles[0]]
      transform.scaling = [stored.scales[2], stored.scales[1], stored.scales[0]]
      let result = transform.apply(
        to: source,
        origin: (source.size &- patchSize) / 2,
        patchSize: patchSize,
        outsideClass: file.outsideClass
      )
      // It computes places in single precision, which shifts them by up to 1e-6 voxels.
      expectClose(result.values, stored.expected, Tolerance(absolute: 1e-5, relative: 0))
      #expect(result.classes == stored.labels)
    }
    #expect(file.cases.contains { $0.labels.contains(file.outsideClass) })
  }
}
