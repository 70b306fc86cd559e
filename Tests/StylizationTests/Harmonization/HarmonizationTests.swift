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
  private func head(
    seed: UInt64,
    scale: (Float) -> Float,
    noise: Float = 2,
    times: Int = 1,
    isSmooth: Bool = false
  ) throws -> Volume<Float> {
    var random = RandomStream(seed: seed)
    let side = 28 * times
    let white = (0..<side * side * side).map { _ in Float(random.normal()) }
    /// The noise of a voxel; smooth noise is the mean of eight neighbours, as strong.
    func noiseValue(_ x: Int, _ y: Int, _ z: Int) -> Float {
      guard isSmooth else { return white[(z * side + y) * side + x] }
      var sum: Float = 0
      for corner in 0..<8 {
        let (i, j, k) = (x + corner % 2, y + corner / 2 % 2, z + corner / 4)
        sum += white[(k % side * side + j % side) * side + i % side]
      }
      return sum / Float(8).squareRoot()
    }
    var voxels: [Float] = []
    for z in 0..<side {
      for y in 0..<side {
        for x in 0..<side {
          let at = SIMD3(Float(x), Float(y), Float(z)) - (Float(side) / 2 - 0.5)
          let radius = (at * at).sum().squareRoot() / Float(times)
          let tissue: Float = radius < 5 ? 160 : radius < 8 ? 110 : radius < 11 ? 70 : 5
          voxels.append(scale(tissue + noise * noiseValue(x, y, z)))
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

  private func group(times: Int = 1) throws -> IntensityGroup {
    var paths: [String] = []
    for seed in 1...3 {
      let path = folder.file("reference-\(seed).nii.gz")
      try NIfTIWriter.write(
        .float32(head(seed: UInt64(seed), scale: { $0 }, times: times)),
        to: path
      )
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
    let scaled = try #require(change.distanceScaled)
    #expect(change.distanceAfter < 0.6 * scaled)
    #expect(change.tissueDice.allSatisfy { ($0 ?? 0) > 0.95 } && change.warnings.isEmpty)
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
    // Large enough that most of it is no edge.
    let group = try group(times: 2)
    let own = try head(seed: 1, scale: { $0 }, times: 2)
    // The same values in the same shares, but a noise that a filter has smoothed.
    let scan = try head(seed: 9, scale: { $0 }, times: 2, isSmooth: true)
    /// Differences of neighbours in the middle, where there is no edge.
    func roughness(_ scan: Volume<Float>) -> Float {
      var (sum, count) = (Float(0), Float(0))
      for z in 24..<32 {
        for y in 24..<32 {
          for x in 24..<32 {
            sum += abs(scan[x + 1, y, z] - scan[x, y, z])
            count += 1
          }
        }
      }
      return sum / count
    }
    let plain = roughness(try harmonised(scan, group, .histogram))
    let adapted = roughness(try harmonised(scan, group, .details))
    #expect(plain < 0.8 * roughness(own))
    #expect(abs(adapted - roughness(own)) < 0.6 * abs(plain - roughness(own)))
  }

  @Test func changedAnatomyIsWarnedOf() throws {
    let group = try group()
    let scan = try head(seed: 9) { $0 }
    // The inner tissue is gone.
    let after = scan.map { $0 > 135 ? 110 : $0 }
    let change = try HarmonizationChange(before: scan, after: after, group: group, path: "scan")
    #expect(change.warnings.contains { $0.contains("Anatomy may have changed") })
  }

  @Test func fewValuesLeaveNumbersUndefined() throws {
    let group = try group()
    // The foreground has two values, and both quartiles are one of them.
    let scan = try head(seed: 9) { $0 < 40 ? 0 : $0 < 135 ? 100 : 120 }
    let after = try harmonised(scan, group, .histogram)
    let change = try HarmonizationChange(before: scan, after: after, group: group, path: "scan")
    #expect(change.distanceScaled == nil)
    #expect(change.tissueDice == [nil, nil, nil])
    #expect(change.distanceBefore.isFinite && change.distanceAfter.isFinite)
    let data = try JSONEncoder().encode(change)
    #expect(try JSONDecoder().decode(HarmonizationChange.self, from: data) == change)
  }

  @Test func valuesThatAreNoNumbersAreLeftOut() throws {
    let group = try group()
    let scan = try head(seed: 9) { $0 }
    var voxels = try harmonised(scan, group, .histogram).voxels
    // In the middle of the brightest tissue.
    voxels[(14 * 28 + 14) * 28 + 14] = .nan
    let after = Volume(geometry: scan.geometry, voxels: voxels)
    let change = try HarmonizationChange(before: scan, after: after, group: group, path: "scan")
    #expect(change.distanceAfter.isFinite && change.gradientCorrelation.isFinite)
    #expect(change.tissueDice.allSatisfy { ($0 ?? 0) > 0.95 })
  }

  @Test func groupsWithoutANameAreCalledByTheirNumber() throws {
    let path = folder.file("Doe-Jane.nii.gz")
    try NIfTIWriter.write(.float32(head(seed: 1) { $0 }), to: path)
    let group = try IntensityGroup(
      name: nil,
      paths: [path],
      selection: VolumeSelection(),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    #expect(group.name == "1 reference scan" && group.words == group.name)
    let saved = String(decoding: try JSONEncoder().encode(group), as: UTF8.self)
    let summary = HarmonizationStage(group, method: .histogram).record.summary
    #expect(!saved.contains("Doe") && summary == "intensities as of 1 reference scan")
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
