import Imaging
import Testing

@Suite struct SliceRegriddingTests {
  private let plane = SIMD2(6, 5)

  /// Slices of a linear function of the patient position, which interpolation reproduces.
  private func slices(_ origins: [SIMD3<Double>], _ direction: Matrix3) -> [Float] {
    origins.flatMap { origin in
      (0..<plane.y).flatMap { y in
        (0..<plane.x).map { x in
          value(origin + direction * SIMD3(Double(x) * 0.5, Double(y) * 0.75, 0))
        }
      }
    }
  }

  private func value(_ p: SIMD3<Double>) -> Float { Float(3 * p.x - 2 * p.y + 0.5 * p.z + 7) }

  private func regridding(
    _ origins: [SIMD3<Double>],
    _ direction: Matrix3 = .identity
  ) throws -> SliceRegridding {
    try SliceRegridding(
      sliceOrigins: origins,
      direction: direction,
      planeSize: plane,
      planeSpacing: SIMD2(0.5, 0.75)
    )
  }

  @Test func aTiltedStackBecomesStraight() throws {
    // 0.3 mm along y for each 2 mm: a tilt of 8.5 degrees.
    let origins = (0..<5).map { SIMD3(10, -4 + 0.3 * Double($0), 2 * Double($0)) }
    let regridding = try regridding(origins)
    let straight = regridding.resample(slices(origins, .identity), outside: -1000)
    #expect(straight.geometry.size == SIMD3(6, 7, 5))
    #expect(straight.geometry.spacing == SIMD3(0.5, 0.75, 2))
    #expect(straight.geometry.origin == SIMD3(10, -4, 0))
    for z in 0..<5 {
      for y in 0..<7 {
        // The slice reaches from half a pixel before its first row to half a pixel after its last.
        let row = Double(y) - 0.4 * Double(z)
        let isInside = row >= -0.5 && row <= 4.5
        let clamped = min(max(row, 0), 4)
        for x in 0..<6 {
          let expected =
            isInside
            ? value(SIMD3(10 + 0.5 * Double(x), origins[z].y + 0.75 * clamped, 2 * Double(z)))
            : -1000
          #expect(abs(straight[x, y, z] - expected) < 1e-4)
        }
      }
    }
  }

  @Test func aMissingSliceIsInterpolated() throws {
    let depths = [0.0, 1.5, 4.5, 6]
    let origins = depths.map { SIMD3(0, 0, $0) }
    let regridding = try regridding(origins)
    let straight = regridding.resample(slices(origins, .identity), outside: 0)
    #expect(straight.geometry.size == SIMD3(6, 5, 5))
    #expect(straight.geometry.spacing.z == 1.5)
    for z in 0..<5 {
      let expected = value(SIMD3(1, 1.5, 1.5 * Double(z)))
      #expect(abs(straight[2, 2, z] - expected) < 1e-5)
    }
  }

  @Test func anObliqueStackKeepsItsDirection() throws {
    let direction = Matrix3(SIMD3(0.6, 0.8, 0), SIMD3(0, 0, -1), SIMD3(-0.8, 0.6, 0))
    let origins = (0..<4).map { index in
      direction * SIMD3(-0.25 * Double(index), 0, 3 * Double(index)) + SIMD3(1, 2, 3)
    }
    let regridding = try regridding(origins, direction)
    let straight = regridding.resample(slices(origins, direction), outside: 0)
    #expect(straight.geometry.direction == direction)
    #expect(straight.geometry.size == SIMD3(8, 5, 4))
    // A voxel that all neighbours hold: interpolation of a linear function is exact.
    let position = straight.geometry.position(ofIndex: SIMD3(3, 2, 2))
    #expect(abs(straight[3, 2, 2] - value(position)) < 1e-4)
  }

  @Test func labelsGoBackOntoTheirSlices() throws {
    let origins = (0..<3).map { SIMD3(0, 1.5 * Double($0), 2 * Double($0)) }
    let regridding = try regridding(origins)
    let size = regridding.geometry.size
    #expect(size == SIMD3(6, 9, 3))
    let numbers = (0..<size.x * size.y * size.z).map { UInt16($0 + 1) }
    let map = LabelMap(geometry: regridding.geometry, labels: numbers, table: [])
    let planes = regridding.labelsOnSlices(map)
    #expect(planes.count == 3)
    for z in 0..<3 {
      for y in 0..<5 {
        for x in 0..<6 { #expect(planes[z][x + 6 * y] == map[x, y + 2 * z, z]) }
      }
    }
  }

  @Test func hopelessStacksAreRefused() {
    #expect(throws: ImagingError.self) { try regridding([.zero]) }
    #expect(throws: ImagingError.self) { try regridding([.zero, .zero]) }
    #expect(throws: ImagingError.self) { try regridding([.zero, SIMD3(0, 0, -1)]) }
    #expect(throws: ImagingError.self) {
      try regridding([.zero, SIMD3(0, 0, 1), SIMD3(0, 0, 2), SIMD3(0, 0, 1e9)])
    }
    #expect(throws: ImagingError.self) { try regridding([.zero, SIMD3(1e7, 0, 1)]) }
    #expect(throws: ImagingError.self) { try regridding([.zero, SIMD3(0, 0, .nan)]) }
  }
}
