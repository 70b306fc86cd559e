import Foundation
import Pipelines
import TestSupport
import Testing

/// Against what nnU-Net's own planner chose, stored by `Fixtures/nnunet/make_planning.py`.
@Suite struct NNUNetPlannerTests {
  private struct Golden: Decodable {
    let datasets: [Dataset]
    let topologies: [Topology]
  }

  struct Topology: Decodable, Sendable, CustomTestStringConvertible {
    let size: [Int]
    let spacing: [Double]
    let strides: [[Int]]
    let kernels: [[Int]]
    let patch: [Int]
    let multiples: [Int]

    var testDescription: String { "\(size) of \(spacing) mm" }
  }

  struct Dataset: Decodable, Sendable, CustomTestStringConvertible {
    let name: String
    let classes: Int
    let gigabytes: Double
    let sizes: [[Int]]
    let spacings: [[Double]]
    let transposeForward: [Int]
    let configurations: [String: Plan]

    var testDescription: String { name }
  }

  struct Plan: Decodable, Sendable {
    let spacing: [Double]
    let patch: [Int]
    let batch: Int
    let medianSize: [Double]
    let features: [Int]
    let strides: [[Int]]
    let kernels: [[Int]]
    let mapValues: Int
  }

  private static func golden() -> Golden {
    let data = FileManager.default.contents(atPath: Fixtures.path("nnunet/planning.json")) ?? Data()
    return (try? JSONDecoder().decode(Golden.self, from: data))
      ?? Golden(datasets: [], topologies: [])
  }

  @Test func theStoredPlansAreThere() {
    #expect(Self.golden().datasets.count == 15)
    #expect(Self.golden().topologies.count == 14)
  }

  @Test(arguments: golden().topologies)
  func stepsAndWindowsAreNNUNets(_ expected: Topology) {
    let found = UNetTopology(spacing: expected.spacing, patchSize: expected.size)
    #expect(found.strides == expected.strides)
    #expect(found.kernels == expected.kernels)
    #expect(found.patchSize == expected.patch)
    #expect(found.multiples == expected.multiples)
  }

  @Test(arguments: golden().datasets)
  func configurationsAreNNUNets(_ expected: Dataset) throws {
    let planner = NNUNetPlanner(
      sizes: expected.sizes,
      spacings: expected.spacings,
      classes: expected.classes,
      memoryGB: expected.gigabytes
    )
    #expect(
      NNUNetPlanner.transposition(for: planner.targetSpacing) == expected.transposeForward
    )
    let full = planner.volumes()
    try compare(full, expected.configurations["3d_fullres"], "3d_fullres")
    try compare(
      full.flatMap(planner.lowResolution),
      expected.configurations["3d_lowres"],
      "3d_lowres"
    )
    try compare(planner.slices(), expected.configurations["2d"], "2d")
  }

  private func compare(
    _ found: NNUNetPlanner.Configuration?,
    _ expected: Plan?,
    _ name: Comment
  ) throws {
    guard let expected else {
      #expect(found == nil, name)
      return
    }
    let found = try #require(found, name)
    #expect(found.topology.patchSize == expected.patch, name)
    #expect(found.topology.strides == expected.strides, name)
    #expect(found.topology.kernels == expected.kernels, name)
    #expect(found.batchSize == expected.batch, name)
    #expect(found.features == expected.features, name)
    #expect(found.mapValues == expected.mapValues, name)
    // Percentiles and repeated products are rounded in another order than NumPy's.
    for (one, other) in zip(found.spacing, expected.spacing) {
      #expect(abs(one - other) < 1e-9 * other, name)
    }
    for (one, other) in zip(found.medianSize, expected.medianSize) {
      #expect(abs(one - other) < 1e-9, name)
    }
  }
}
