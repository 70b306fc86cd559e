import Foundation
import Imaging
import Registration
import Support
import TestSupport
import Testing

/// Costs and their derivatives.
@Suite struct CostFunctionTests {
  /// A pair of images that do not lie over each other, the moving one oblique and of other spacing.
  ///
  /// It holds all of the fixed one: samples that leave it change the cost in steps, of which a
  /// derivative knows nothing.
  private func cost(
    _ measure: SimilarityMeasure,
    bending: Double = 0
  ) throws -> CostFunction {
    let fixed = MadeUpImages.image(try MadeUpImages.geometry([24, 22, 20], spacing: [3, 3, 3]))
    let moving = MadeUpImages.image(
      try MadeUpImages.geometry([76, 64, 56], spacing: [1.7, 1.9, 2.1], turn: 0.2),
      map: { $0 + SIMD3(1.5, -2, 1) },
      contrast: { measure == .mutualInformation ? 120 - $0 : $0 }
    )
    var settings = RegistrationSettings(measure: measure)
    settings.bendingWeight = bending
    settings.linearSamples = 5000
    return try CostFunction(fixed: fixed, moving: moving, settings: settings)
  }

  /// Compares with central differences.
  ///
  /// The step is so small that hardly a sample crosses a border between voxels, where linear
  /// interpolation has a kink, and so large that single-precision values do not count.
  private func compare(
    _ gradient: [Double],
    at places: [Int],
    step: Double,
    _ value: (Int, Double) throws -> Double?,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let slopes = try places.map { place in
      let ahead = try #require(try value(place, step))
      let behind = try #require(try value(place, -step))
      return (ahead - behind) / (2 * step)
    }
    let scale = gradient.map(abs).max() ?? 0
    #expect(scale > 0, sourceLocation: sourceLocation)
    // Many samples lie near one plane of voxels and cross it together: kinks leave up to 1.3 %.
    expectClose(
      places.map { gradient[$0] },
      slopes,
      Tolerance(absolute: 0.02 * scale, relative: 0),
      sourceLocation: sourceLocation
    )
  }

  @Test(arguments: SimilarityMeasure.allCases)
  func rigidGradientsAreThoseOfDifferences(_ measure: SimilarityMeasure) throws {
    let cost = try cost(measure)
    let transform = RigidTransform(
      center: [1, 2, -1],
      rotation: [0.05, -0.08, 0.04],
      translation: [2, 1, -1.5]
    )
    let gradient = try #require(try cost.evaluate(transform)).gradient
    #expect(gradient.count == 6)
    // Angles and shifts have other units, so that each kind has its own scale.
    try compare(Array(gradient[0..<3]), at: [0, 1, 2], step: 1e-3) { place, step in
      var moved = transform
      moved.rotation[place] += step
      return try cost.evaluate(moved)?.value
    }
    try compare(Array(gradient[3..<6]), at: [0, 1, 2], step: 1e-2) { place, step in
      var moved = transform
      moved.translation[place] += step
      return try cost.evaluate(moved)?.value
    }
  }

  @Test(arguments: SimilarityMeasure.allCases)
  func affineGradientsAreThoseOfDifferences(_ measure: SimilarityMeasure) throws {
    let cost = try cost(measure)
    let transform = AffineTransform(
      center: [1, 2, -1],
      matrix: Matrix3([1.05, 0.02, 0], [0.03, 0.96, -0.04], [0, 0.05, 1.02]),
      translation: [2, 1, -1.5]
    )
    let gradient = try #require(try cost.evaluate(transform)).gradient
    #expect(gradient.count == 12)
    try compare(Array(gradient[0..<9]), at: Array(0..<9), step: 1e-3) { place, step in
      var moved = transform
      moved.matrix.columns[place / 3][place % 3] += step
      return try cost.evaluate(moved)?.value
    }
  }

  @Test(arguments: SimilarityMeasure.allCases)
  func splineGradientsAreThoseOfDifferences(_ measure: SimilarityMeasure) throws {
    let cost = try cost(measure, bending: 3)
    let geometry = try MadeUpImages.geometry([24, 22, 20], spacing: [3, 3, 3])
    var grid = try BSplineTransform(over: geometry, spacing: [18, 18, 18])
    var random = RandomStream(seed: 5)
    grid.coefficients = grid.coefficients.map { _ in
      SIMD4(Float(random.normal()), Float(random.normal()), Float(random.normal()), 0)
    }
    let linear = AffineTransform(center: .zero, translation: [1, 0.5, -1])
    let gradient = try #require(try cost.evaluate(grid, before: linear)).gradient
    // The control points that matter most, all three directions.
    let places = gradient.indices.sorted { abs(gradient[$0]) > abs(gradient[$1]) }.prefix(12)
    try compare(gradient, at: Array(places), step: 2e-2) { place, step in
      var moved = grid
      moved.coefficients[place / 3][place % 3] += Float(step)
      return try cost.evaluate(moved, before: linear)?.value
    }
  }

  @Test func mutualInformationOfEqualImagesIsTheEntropyOfTheHistogram() throws {
    // Two values, one half each, in windows that do not overlap: ln 2.
    let geometry = try MadeUpImages.geometry([16, 16, 16])
    let voxels = (0..<4096).map { Float($0 / 2048) }
    let image = Volume(geometry: geometry, voxels: voxels)
    let cost = try CostFunction(fixed: image, moving: image, settings: RegistrationSettings())
    let value = try #require(try cost.evaluate(RigidTransform(center: .zero))).value
    #expect(abs(value + log(2)) < 1e-7)
  }

  @Test func costsDoNotDependOnTheNumberOfThreads() throws {
    let cost = try cost(.mutualInformation, bending: 1)
    let geometry = try MadeUpImages.geometry([24, 22, 20], spacing: [3, 3, 3])
    let grid = try BSplineTransform(over: geometry, spacing: [12, 12, 12])
    let linear = AffineTransform(center: .zero, translation: [1, 0.5, -1])
    let results = try [1, 2, 3, 7].map { threads in
      try Parallelism.$threadCount.withValue(threads) {
        try #require(try cost.evaluate(grid, before: linear))
      }
    }
    for result in results.dropFirst() {
      #expect(result.value.bitPattern == results[0].value.bitPattern)
      #expect(result.gradient == results[0].gradient)
    }
  }
}
