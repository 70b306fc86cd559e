import Foundation
import Imaging
import Support
import TestSupport
import Testing

/// A grid of `resampling.json`.
struct StoredGrid: Decodable {
  let size: [Int]
  let spacing: [Double]
  let origin: [Double]
  let direction: [[Double]]

  func geometry() throws -> ImageGeometry {
    func vector(_ values: [Double]) -> SIMD3<Double> { [values[0], values[1], values[2]] }
    return try ImageGeometry(
      size: [size[0], size[1], size[2]],
      spacing: vector(spacing),
      origin: vector(origin),
      direction: Matrix3(vector(direction[0]), vector(direction[1]), vector(direction[2]))
    )
  }
}

/// What scipy gives for one pair of grids.
struct ResamplingCase: Decodable, Sendable, CustomTestStringConvertible {
  let name: String
  let source: StoredGrid
  let target: StoredGrid
  let voxels: [Float]
  let outside: Float
  let nearest: [Float]
  let linear: [Float]
  let cubicBSpline: [Float]

  var testDescription: String { name }

  func expected(_ interpolation: Interpolation) -> [Float] {
    switch interpolation {
    case .nearest: nearest
    case .linear: linear
    case .cubicBSpline: cubicBSpline
    }
  }

  static func all() throws -> [ResamplingCase] {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("imaging/resampling.json")))
    return try JSONDecoder().decode([ResamplingCase].self, from: data)
  }
}

struct ResamplingTests {
  @Test(arguments: try ResamplingCase.all(), Interpolation.allCases)
  func valuesAreThoseOfScipy(stored: ResamplingCase, interpolation: Interpolation) throws {
    let volume = Volume(geometry: try stored.source.geometry(), voxels: stored.voxels)
    let target = try stored.target.geometry()
    let result = volume.resampled(
      to: target,
      interpolation: interpolation,
      outside: stored.outside
    )
    #expect(result.geometry == target)
    // Values are about 100; single precision between the axes' passes leaves 1e-6 of that.
    let expected = stored.expected(interpolation)
    #expect(result.voxels.count == expected.count)
    let gaps = zip(result.voxels, expected).map { abs($0 - $1) }
    let worst = gaps.indices.max { gaps[$0] < gaps[$1] } ?? 0
    #expect(
      gaps[worst] < 1e-3,
      "voxel \(worst): \(result.voxels[worst]) and \(expected[worst])"
    )
  }

  @Test(arguments: try ResamplingCase.all())
  func labelsAreTheNearestVoxels(stored: ResamplingCase) throws {
    let numbers = stored.voxels.indices.map { UInt16($0 % 60000 + 1) }
    let geometry = try stored.source.geometry()
    let target = try stored.target.geometry()
    let map = LabelMap(geometry: geometry, labels: numbers, table: []).resampled(to: target)
    let floats = Volume(geometry: geometry, voxels: numbers.map(Float.init))
      .resampled(to: target, interpolation: .nearest, outside: 0)
    #expect(map.labels.map(Float.init) == floats.voxels)
  }

  @Test(arguments: Interpolation.allCases)
  func theSameGridGivesTheSameValues(interpolation: Interpolation) throws {
    let stored = try #require(try ResamplingCase.all().first)
    let volume = Volume(geometry: try stored.source.geometry(), voxels: stored.voxels)
    #expect(volume.resampled(to: volume.geometry, interpolation: interpolation) == volume)
  }

  @Test(arguments: Orientation.all)
  func reorientingIsResamplingToAReorientedGrid(orientation: Orientation) throws {
    let stored = try #require(try ResamplingCase.all().first)
    let volume = Volume(geometry: try stored.source.geometry(), voxels: stored.voxels)
    let turned = volume.reoriented(to: orientation)
    for interpolation in Interpolation.allCases {
      let resampled = volume.resampled(to: turned.geometry, interpolation: interpolation)
      #expect(resampled.voxels == turned.voxels)
    }
  }

  @Test(arguments: Interpolation.allCases)
  func theNumberOfThreadsChangesNothing(interpolation: Interpolation) throws {
    for stored in try ResamplingCase.all() {
      let volume = Volume(geometry: try stored.source.geometry(), voxels: stored.voxels)
      let target = try stored.target.geometry()
      let one = Parallelism.$threadCount.withValue(1) {
        volume.resampled(to: target, interpolation: interpolation)
      }
      let five = Parallelism.$threadCount.withValue(5) {
        volume.resampled(to: target, interpolation: interpolation)
      }
      #expect(one == five)
    }
  }

  @Test func halfAVoxelBeyondTheCentresIsTheEdgeAndFartherIsOutside() throws {
    let source = Volume<Float>(
      geometry: try line(count: 3, spacing: 1, origin: 0),
      voxels: [1, 2, 4]
    )
    // Centres at -0.75, -0.5, -0.25, ..., 2.75.
    let target = try line(count: 15, spacing: 0.25, origin: -0.75)
    let linear = source.resampled(to: target, interpolation: .linear, outside: -9)
    #expect(
      linear.voxels
        == [-9, 1, 1, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4, 4, -9]
    )
    let nearest = source.resampled(to: target, interpolation: .nearest, outside: -9)
    #expect(nearest.voxels == [-9, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, -9])
  }

  @Test func aSplineThroughAnImpulseIsTheCardinalSpline() throws {
    // The cardinal cubic spline at 1/2 and 3/2, from its closed form for an infinite line.
    var voxels = [Float](repeating: 0, count: 41)
    voxels[20] = 1
    let source = Volume(geometry: try line(count: 41, spacing: 1, origin: 0), voxels: voxels)
    let result = source.resampled(
      to: try line(count: 2, spacing: 1, origin: 20.5),
      interpolation: .cubicBSpline
    )
    // c[k] = sqrt(3) z^|k|; value at 1/2 = (c[0] + c[1]) 23/48 + (c[1] + c[2]) / 48.
    let z = 3.0.squareRoot() - 2
    let c = (0...4).map { pow(z, Double($0)) * 3.0.squareRoot() }
    let half = (c[0] + c[1]) * 23 / 48 + (c[1] + c[2]) / 48
    let threeHalves = (c[1] + c[2]) * 23 / 48 + (c[0] + c[3]) / 48
    #expect(abs(Double(result.voxels[0]) - half) < 1e-6)
    #expect(abs(Double(result.voxels[1]) - threeHalves) < 1e-6)
  }

  @Test func aNewSpacingKeepsTheOuterCorner() throws {
    let stored = try #require(try ResamplingCase.all().first)
    let old = try stored.source.geometry()
    let new = try old.resampled(toSpacing: [0.4, 2.2, 2.5])
    #expect(new.size == [18, 4, 6])
    #expect(new.spacing == [0.4, 2.2, 2.5])
    let gap =
      old.position(ofIndex: [-0.5, -0.5, -0.5]) - new.position(ofIndex: [-0.5, -0.5, -0.5])
    #expect(dot(gap, gap).squareRoot() < 1e-12 * 100)
    #expect(try old.resampled(toSpacing: [100, 100, 100]).size == [1, 1, 1])
    #expect(throws: ImagingError.self) { try old.resampled(toSpacing: [0, 1, 1]) }
    #expect(throws: ImagingError.self) { try old.resampled(toSpacing: [1, .nan, 1]) }
    #expect(throws: ImagingError.self) { try old.resampled(toSpacing: [1e-14, 1, 1]) }
  }

  private func line(count: Int, spacing: Double, origin: Double) throws -> ImageGeometry {
    try ImageGeometry(
      size: [count, 1, 1],
      spacing: [spacing, 1, 1],
      origin: [origin, 0, 0],
      direction: .identity
    )
  }
}
