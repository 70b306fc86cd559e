import Foundation
import Imaging
import ImagingIO
import Pipelines
import Stylization
import Support
import TestSupport
import Testing

@Suite struct HarmonizationTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A head of three tissues, on a scale of its own.
  private func head(seed: UInt64, scale: (Float) -> Float, noise: Float = 2) throws -> Volume<Float>
  {
    var random = RandomStream(seed: seed)
    let side = 28
    var voxels: [Float] = []
    for z in 0..<side {
      for y in 0..<side {
        for x in 0..<side {
          let at = SIMD3(Float(x), Float(y), Float(z)) - 13.5
          let radius = (at * at).sum().squareRoot()
          let tissue: Float = radius < 5 ? 160 : radius < 8 ? 110 : radius < 11 ? 70 : 5
          voxels.append(scale(tissue + noise * Float(random.normal())))
        }
      }
    }
    let geometry = try ImageGeometry(
      size: SIMD3(repeating: side),
      spacing: SIMD3(1, 1, 1.5),
      origin: SIMD3(-3, 4, 5),
      direction: .identity
    )
    return Volume(geometry: geometry, voxels: voxels)
  }

  private func group() throws -> IntensityGroup {
    var paths: [String] = []
    for seed in 1...3 {
      let path = folder.file("reference-\(seed).nii.gz")
      try NIfTIWriter.write(.float32(head(seed: UInt64(seed)) { $0 }), to: path)
      paths.append(path)
    }
    return try IntensityGroup(
      name: "site A",
      paths: paths,
      selection: VolumeSelection(),
      progress: SilentProgress(),
      interruption: Interruption()
    )
  }

  private func harmonised(
    _ scan: Volume<Float>,
    _ group: IntensityGroup,
    _ method: HarmonizationStage.Method
  ) throws -> Volume<Float> {
    try HarmonizationStage(group, method: method)
      .apply(scan, progress: SilentProgress(), interruption: Interruption())
  }

  @Test(arguments: HarmonizationStage.Method.allCases)
  func aScanOfAnotherScannerComesNear(_ method: HarmonizationStage.Method) throws {
    let group = try group()
    // Another unit, and another contrast.
    let scan = try head(seed: 9) { 300 + 900 * pow(max($0, 0) / 170, 1.6) }
    let after = try harmonised(scan, group, method)
    let change = try HarmonizationChange(before: scan, after: after, group: group, path: "scan")
    #expect(after.geometry == scan.geometry)
    #expect(change.distanceAfter < 0.3 * change.distanceBefore)
    #expect(change.distanceAfter < 0.6 * change.distanceScaled)
    #expect(change.tissueDice.allSatisfy { $0 > 0.95 } && change.warnings.isEmpty)
    // One of the group stays as it is.
    let own = try head(seed: 4) { $0 }
    let same = try HarmonizationChange(
      before: own,
      after: harmonised(own, group, method),
      group: group,
      path: "own"
    )
    #expect(same.gradientCorrelation > 0.98 && same.distanceAfter < 3)
  }

  @Test func detailsBecomeAsStrong() throws {
    let group = try group()
    let scan = try head(seed: 9, scale: { $0 }, noise: 5)
    func roughness(_ scan: Volume<Float>) -> Float {
      let places = (0..<scan.voxels.count - 1).filter { scan.voxels[$0] > 140 }
      return places.reduce(0) { $0 + abs(scan.voxels[$1 + 1] - scan.voxels[$1]) }
        / Float(places.count)
    }
    let (plain, adapted) = (
      try harmonised(scan, group, .histogram), try harmonised(scan, group, .details)
    )
    #expect(roughness(adapted) < 0.95 * roughness(plain))
  }

  @Test func changedAnatomyIsWarnedOf() throws {
    let group = try group()
    let scan = try head(seed: 9) { $0 }
    // The inner tissue is gone.
    let after = scan.map { $0 > 135 ? 110 : $0 }
    let change = try HarmonizationChange(before: scan, after: after, group: group, path: "scan")
    #expect(change.warnings.contains { $0.contains("Anatomy may have changed") })
  }

  @Test func groupsAreKeptAsNumbers() throws {
    let group = try group()
    let path = folder.file("group.json")
    try JSONEncoder().encode(group).write(to: URL(fileURLWithPath: path))
    #expect(try IntensityGroup(contentsOf: path) == group)
    try Data("{}".utf8).write(to: URL(fileURLWithPath: path))
    #expect(throws: StylizationError.damagedGroup(path: path)) {
      try IntensityGroup(contentsOf: path)
    }
    let flat = Volume<Float>(
      geometry: try head(seed: 1) { $0 }.geometry,
      voxels: [Float](repeating: 3, count: 28 * 28 * 28)
    )
    #expect(throws: StylizationError.noContrast(path: "flat")) {
      try HarmonizationStage(group, method: .histogram)
        .check(flat, modality: nil, path: "flat")
    }
  }
}
