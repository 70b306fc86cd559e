import Enhancement
import Foundation
import Imaging
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct ThickSliceStageTests {
  /// Balls of random places, sizes and brightness, which look alike along every axis.
  private func balls(_ size: SIMD3<Int>, spacing: SIMD3<Double> = .one) throws -> Volume<Float> {
    var random = RandomStream(seed: 6)
    let extent = SIMD3<Double>(size) * spacing
    let list = (0..<60).map { _ in
      (
        SIMD3(random.uniform(), random.uniform(), random.uniform()) * extent,
        2 + 5 * random.uniform(), Float(20 + 60 * random.uniform())
      )
    }
    let geometry = try ImageGeometry(
      size: size,
      spacing: spacing,
      origin: [5, -7, 11],
      direction: Matrix3([0.8, 0.6, 0], [-0.6, 0.8, 0], [0, 0, 1])
    )
    var voxels: [Float] = []
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          let place = (SIMD3(Double(x), Double(y), Double(z)) + 0.5) * spacing
          voxels.append(
            list.reduce(Float(0)) { value, ball in
              let gap = place - ball.0
              let depth = ball.1 - (gap * gap).sum().squareRoot()
              return value + ball.2 * Float(min(max(depth + 0.5, 0), 1))
            }
          )
        }
      }
    }
    return Volume(geometry: geometry, voxels: voxels)
  }

  private func improved(_ scan: Volume<Float>, _ settings: String) throws -> Volume<Float> {
    let stage = ThickSliceStage(try ThickSliceSettings(settings[...]))
    try stage.check(scan, modality: nil, path: "scan")
    return try stage.apply(scan, progress: SilentProgress(), interruption: Interruption())
  }

  @Test func slicesBecomeSharperThanTheirInterpolation() throws {
    let (fine, thick) = try GridReduction.pair(balls([40, 40, 40]), scale: [1, 1, 4])
    let result = try improved(thick, "steps=40")
    #expect(result.geometry.difference(from: fine.geometry) == nil)
    func quality(_ image: Volume<Float>) throws -> Double {
      try #require(try ImageQuality(of: image, reference: fine, dataRange: 100).psnr)
    }
    let before = try quality(thick.resampled(to: fine.geometry, interpolation: .cubicBSpline))
    // The scan is small and the learning short: half of what 200 steps give.
    let after = try quality(result)
    #expect(after > before + 0.5, "\(before) dB became \(after)")
  }

  @Test func theNumberOfThreadsChangesNothing() throws {
    let scan = try balls([18, 20, 9], spacing: [1, 1, 2.3])
    let results = try [1, 3].map { count in
      try Parallelism.$threadCount.withValue(count) { try improved(scan, "steps=3,seed=7") }
    }
    #expect(results[0] == results[1])
    #expect(try improved(scan, "steps=3,seed=8") != results[0])
  }

  @Test func anyRatioKeepsTheFieldOfView() throws {
    let scan = try balls([16, 18, 7], spacing: [1, 1.05, 3.3])
    let result = try improved(scan, "steps=1")
    #expect(result.geometry.size == SIMD3(16, 18, 23))
    for corner in [SIMD3(-0.5, -0.5, -0.5), SIMD3(15.5, 17.5, 6.5)] {
      let fine = (corner + 0.5) * SIMD3(1, 1, 23.0 / 7) - 0.5
      let gap = result.geometry.position(ofIndex: fine) - scan.geometry.position(ofIndex: corner)
      #expect((gap * gap).sum().squareRoot() < 1e-9)
    }
    #expect(try improved(scan, "steps=1,ratio=2").geometry.size == SIMD3(16, 18, 14))
  }

  @Test func slicesMayRunAlongAnyAxis() throws {
    let scan = try balls([18, 20, 9], spacing: [1, 1, 3])
    let axes = Array(scan.geometry.orientation.code)
    let turned = try Orientation(code: String([axes[2], axes[0], axes[1]]))
    let result = try improved(scan.reoriented(to: turned), "steps=2")
    #expect(result.geometry.size == SIMD3(27, 18, 20))
    #expect(
      try result.reoriented(to: scan.geometry.orientation).voxels
        == improved(scan, "steps=2").voxels
    )
  }

  @Test func aConstantScanStaysConstant() throws {
    let scan = try balls([16, 16, 5], spacing: [1, 1, 2]).map { _ in Float(-1000) }
    let result = try improved(scan, "")
    #expect(result.geometry.size.z == 10 && result.voxels.allSatisfy { $0 == -1000 })
  }

  @Test func scansWithoutThickSlicesAreRefused() throws {
    let stage = ThickSliceStage(ThickSliceSettings())
    for (size, spacing) in [
      (SIMD3(16, 16, 16), SIMD3(1.0, 1, 1.08)), (SIMD3(16, 16, 3), SIMD3(1.0, 1, 4)),
      (SIMD3(9, 16, 8), SIMD3(1.0, 1, 4)), (SIMD3(16, 16, 8), SIMD3(0.1, 0.1, 4)),
    ] {
      let scan = try balls(size, spacing: spacing)
      #expect(throws: PipelinesError.self) { try stage.check(scan, modality: nil, path: "scan") }
    }
    let picture = try SampleModel.scan([20, 20, 1], isPlanar: true)
    #expect(throws: PipelinesError.self) { try stage.check(picture, modality: nil, path: "scan") }
    var hole = try balls([16, 16, 5], spacing: [1, 1, 2])
    try stage.check(hole, modality: nil, path: "scan")
    hole[3, 3, 3] = .nan
    #expect(throws: PipelinesError.self) { try stage.check(hole, modality: nil, path: "scan") }
  }

  @Test func anInterruptionEndsTheLearning() throws {
    let scan = try balls([16, 16, 5], spacing: [1, 1, 2])
    let interruption = Interruption()
    interruption.raise()
    #expect(throws: SupportError.interrupted) {
      try ThickSliceStage(ThickSliceSettings())
        .apply(scan, progress: SilentProgress(), interruption: interruption)
    }
  }

  @Test func settingsAreReadAndMistakesNamed() throws {
    let settings = try ThickSliceSettings("minutes=2.5,thickness=5,profile=gaussian,seed=9")
    #expect(settings.duration == .minutes(2.5) && settings.thicknessMM == 5)
    #expect(settings.profile.rawValue == "gaussian" && settings.seed == 9)
    #expect(try ThickSliceSettings("") == ThickSliceSettings())
    for text in [
      "minutes", "minutes=0", "steps=two", "ratio=1", "width=3", "profile=sinc",
      "minutes=1,steps=2", "steps=1,steps=2",
    ] {
      #expect(throws: EnhancementError.self) { try ThickSliceSettings(text[...]) }
    }
  }
}
