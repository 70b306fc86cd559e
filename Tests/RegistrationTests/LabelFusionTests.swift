import Foundation
import Imaging
import Registration
import Support
import TestSupport
import Testing

/// Majority, STAPLE and local weights.
@Suite struct LabelFusionTests {
  private func map(_ labels: [UInt16]) throws -> LabelMap {
    let geometry = try ImageGeometry(
      size: [labels.count, 1, 1],
      spacing: [1, 1, 1],
      origin: .zero,
      direction: .identity
    )
    return LabelMap(geometry: geometry, labels: labels, table: [])
  }

  private func image(_ map: LabelMap) -> Volume<Float> {
    Volume(geometry: map.geometry, voxels: map.labels.map { Float($0) })
  }

  @Test func theMajorityWinsAndTiesGoToTheSmallestNumber() throws {
    let maps = [try map([0, 1, 2, 5]), try map([0, 1, 3, 4]), try map([1, 2, 3, 3])]
    let fused = try LabelFusion.majority.fused(maps, images: [], target: image(maps[0]))
    #expect(fused.labels == [0, 1, 3, 3])
    #expect(throws: RegistrationError.self) {
      try LabelFusion.majority.fused([], images: [], target: image(maps[0]))
    }
    #expect(throws: RegistrationError.self) {
      try LabelFusion.majority.fused([try map([1])], images: [], target: image(maps[0]))
    }
  }

  /// One step by hand: two raters of reliability 0.9 over four voxels, A = 1100 and B = 1000, so that
  /// the prior of 1 is 3/8.
  @Test func oneStepOfStapleIsAsByHand() throws {
    let staple = try Staple(
      [try map([1, 1, 0, 0]), try map([1, 0, 0, 0])],
      initialReliability: 0.9,
      iterations: 1
    )
    // W(1) of the votes (1, 1), (1, 0) and (0, 0):
    let both = 0.375 * 0.81 / (0.375 * 0.81 + 0.625 * 0.01)
    let one = 0.375
    let none = 0.375 * 0.01 / (0.375 * 0.01 + 0.625 * 0.81)
    let ones = both + one + 2 * none
    let zeros = 4 - ones
    #expect(staple.classes == [0, 1])
    // At said * 2 + true.
    let first = [
      2 * (1 - none) / zeros, 2 * none / ones,
      (2 - both - one) / zeros, (both + one) / ones,
    ]
    let second = [
      (1 - one + 2 * (1 - none)) / zeros, (one + 2 * none) / ones,
      (1 - both) / zeros, both / ones,
    ]
    expectClose(staple.performances[0], first, Tolerance(absolute: 1e-12, relative: 0))
    expectClose(staple.performances[1], second, Tolerance(absolute: 1e-12, relative: 0))
    #expect(staple.labels == [1, 0, 0, 0])
  }

  @Test func stapleFindsTheReliableRaters() throws {
    // Three labels; three raters err in 2 % of the voxels and two in 45 %: the two agree with nobody.
    var random = RandomStream(seed: 2)
    let truth = (0..<6000).map { UInt16($0 / 2000) }
    let rates = [0.02, 0.02, 0.02, 0.45, 0.45]
    let maps = try rates.map { rate in
      try map(truth.map { random.chance(rate) ? UInt16(random.next() % 3) : $0 })
    }
    let staple = try Staple(maps)
    for (rate, table) in zip(rates, staple.performances) {
      for label in 0..<3 {
        // A wrong draw is right by chance in a third; three standard errors of 2000 draws are 0.03.
        #expect(abs(table[label * 3 + label] - (1 - rate * 2 / 3)) < 0.035)
      }
    }
    let errors = zip(staple.labels, truth).count { $0 != $1 }
    let majority = try LabelFusion.majority.fused(maps, images: [], target: image(maps[0])).labels
    #expect(errors < zip(majority, truth).count { $0 != $1 })
    #expect(errors < 12)
    #expect(staple.iterations < 100)
  }

  @Test func theAtlasThatLooksLikeTheImageCountsMore() throws {
    let geometry = try MadeUpImages.geometry([24, 20, 16], spacing: [2, 2, 2])
    let target = MadeUpImages.image(geometry)
    let close = MadeUpImages.image(geometry, contrast: { 300 - 2 * $0 })
    let far = MadeUpImages.image(geometry, map: { $0 + SIMD3(9, 0, 0) })
    let count = geometry.voxelCount
    func all(_ label: UInt16) -> LabelMap {
      LabelMap(geometry: geometry, labels: [UInt16](repeating: label, count: count), table: [])
    }
    let fused = try LabelFusion.locallyWeighted.fused(
      [all(1), all(2), all(1)],
      images: [far, close, far],
      target: target
    )
    let center = geometry.offset(12, 10, 8)
    #expect(fused.labels[center] == 2)
    #expect(Double(fused.labels.count { $0 == 2 }) > 0.9 * Double(count))
    // A constant atlas tells nothing: equal weights, so the majority.
    let flat = target.map { _ in Float(1) }
    let even = try LabelFusion.locallyWeighted.fused(
      [all(1), all(2), all(1)],
      images: [flat, flat, flat],
      target: target
    )
    #expect(even.labels.allSatisfy { $0 == 1 })
    #expect(throws: RegistrationError.self) {
      try LabelFusion.locallyWeighted.fused([all(1)], images: [], target: target)
    }
  }
}
