import Evaluation
import Imaging
import Testing

/// Shapes whose values can be derived by hand.
struct AnalyticShapeTests {
  /// A map of the voxels whose centre, in mm from the grid's middle, satisfies a condition.
  private func shape(
    _ size: SIMD3<Int>,
    spacing: SIMD3<Double> = [1, 1, 1],
    _ isInside: (SIMD3<Double>) -> Bool
  ) throws -> LabelMap {
    let geometry = try grid(size, spacing: spacing)
    var labels: [UInt16] = []
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          let index = SIMD3(Double(x), Double(y), Double(z))
          let middle = SIMD3<Double>(size &- 1) / 2
          labels.append(isInside((index - middle) * spacing) ? 1 : 0)
        }
      }
    }
    return LabelMap(geometry: geometry, labels: labels, table: [])
  }

  private func length(_ v: SIMD3<Double>) -> Double { (v * v).sum().squareRoot() }

  private func number(_ values: [String: MetricValue], _ key: String) -> Double {
    values[key]?.number ?? .nan
  }

  @Test func aShiftedSphereIsItsShiftAwayAtTheFarthest() throws {
    // Along the shift every surface point has its image at the distance of the shift; sideways
    // less.
    let sphere = try shape([50, 44, 44]) { length($0 - [-3, 0, 0]) < 15.3 }
    let shifted = try shape([50, 44, 44]) { length($0 - [3, 0, 0]) < 15.3 }
    let found = try values(sphere, shifted, toleranceMM: 6)
    // The nearest voxel may be nearer than the image, by what the grid's steps allow.
    #expect(number(found, "hd") <= 6 && number(found, "hd") > 5.3)
    #expect(number(found, "assd") > 2 && number(found, "assd") < 4)
    #expect(found["assd"] == found["masd"], "equal surfaces: both averages are one")
    #expect(found["nsd"] == .value(1) && found["nsdSurface"] == .value(1))
    // Two spheres of radius r whose centres are d apart share 1 - 3 d / (4 r) + d³ / (16 r³).
    let share = 6 / 15.3
    let dice = 1 - 3 * share / 4 + share * share * share / 16
    #expect(abs(number(found, "dice") - dice) < 0.01)
    #expect(found["relativeVolumeDifference"] == .value(0))
  }

  @Test func nestedSpheresAreTheDifferenceOfTheirRadiiApart() throws {
    let inner = try shape([60, 60, 60]) { length($0) < 15 }
    let outer = try shape([60, 60, 60]) { length($0) < 25 }
    let found = try values(inner, outer)
    // Voxels round the surface by up to half their diagonal on both sides.
    for key in ["hd", "hd95", "hd95Pooled", "assd", "masd"] {
      #expect(abs(number(found, key) - 10) < 0.9, "\(key) \(number(found, key))")
    }
    #expect(abs(number(found, "assd") - 10) < 0.3)
    // 2 r³ / (r³ + R³).
    #expect(abs(number(found, "dice") - 2 * 27.0 / (27 + 125)) < 0.005)
    #expect(found["nsd"] == .value(0))
    #expect(found["precision"] == .value(1))
  }

  @Test func planesAreAsFarApartAsTheirSlices() throws {
    // One slice each, 4 slices of 2.5 mm apart; every border voxel faces the other plane.
    let spacing = SIMD3(0.5, 0.75, 2.5)
    let one = try box(in: [8, 6, 9], from: [0, 0, 2], through: [7, 5, 2], spacing: spacing)
    let two = try box(in: [8, 6, 9], from: [0, 0, 6], through: [7, 5, 6], spacing: spacing)
    let found = try values(one, two, toleranceMM: 10)
    for key in ["hd", "hd95", "hd95Pooled", "assd", "masd"] {
      #expect(found[key] == .value(10), "\(key)")
    }
    #expect(found["nsd"] == .value(1), "a distance equal to the tolerance counts")
    #expect(found["nsdSurface"] == .value(1))
    #expect(try values(one, two, toleranceMM: 9.99)["nsd"] == .value(0))
    #expect(found["dice"] == .value(0))
  }

  @Test func anAnisotropicBoxInsideAnother() throws {
    // 10 x 8 x 6 voxels, and the same with a layer off every side: per axis 2 mm, 1 mm and 4 mm
    // nearer.
    let spacing = SIMD3(2.0, 1, 4)
    let outer = try box(in: [14, 12, 10], from: [2, 2, 2], through: [11, 9, 7], spacing: spacing)
    let inner = try box(in: [14, 12, 10], from: [3, 3, 3], through: [10, 8, 6], spacing: spacing)
    let found = try values(inner, outer)
    // The outer box's corners are a space diagonal of a voxel away.
    #expect(abs(number(found, "hd") - 21.0.squareRoot()) < 1e-6)
    #expect(abs(number(found, "dice") - 2 * 192.0 / (192 + 480)) < 1e-12)
    #expect(found["volumeReferenceML"] == .value(480 * 0.008))
    #expect(abs(number(found, "relativeVolumeDifference") - (192.0 - 480) / 480) < 1e-12)
  }

  @Test func aBoxsSurfaceHasItsArea() throws {
    // The marching-cubes surface of 6 x 5 x 4 voxels of 1 x 2 x 3 mm: flat faces, edges and corners
    // cut off.
    let spacing = SIMD3(1.0, 2, 3)
    let mask = try box(in: [9, 8, 7], from: [1, 1, 1], through: [6, 5, 4], spacing: spacing)
    let masks = CroppedMasks(
      prediction: mask.labels.map(UInt8.init),
      reference: mask.labels.map(UInt8.init),
      size: [9, 8, 7],
      spacing: spacing,
      isPlanar: false
    )
    let area = try #require(SurfelDistances(of: masks)).prediction.total
    // Flat parts: (n - 1) by (m - 1) cells of each face.
    let flat: Double = 2 * (5 * 4 * 2 + 5 * 3 * 3 + 4 * 3 * 6)
    // Edges: a quarter turn cut off at half voxels; cells along x, y and z.
    func bevel(_ a: Double, _ b: Double) -> Double { (a * a + b * b).squareRoot() / 2 }
    let alongX: Double = 5 * 1 * bevel(2, 3)
    let alongY: Double = 4 * 2 * bevel(1, 3)
    let alongZ: Double = 3 * 3 * bevel(1, 2)
    let edges = 4 * (alongX + alongY + alongZ)
    // Corners: triangles with legs of half voxels.
    let normal = SIMD3(2.0 * 3, 1 * 3, 1 * 2) / 8
    let corners = 8 * (normal * normal).sum().squareRoot()
    #expect(abs(area - (flat + edges + corners)) < 1e-9)
  }

  @Test func aBallsSurfaceTendsToItsArea() throws {
    let ball = try shape([50, 50, 50]) { length($0) < 20 }
    let mask = ball.labels.map(UInt8.init)
    let masks = CroppedMasks(
      prediction: mask,
      reference: mask,
      size: [50, 50, 50],
      spacing: [1, 1, 1],
      isPlanar: false
    )
    let area = try #require(SurfelDistances(of: masks)).prediction.total
    // Steps of a binary mask make the surface some 9 % too large at any resolution.
    #expect(abs(area / (4 * .pi * 400) - 1.09) < 0.02)
  }

  @Test func toriHaveTunnelsAndShellsHaveCavities() throws {
    func ring(_ p: SIMD3<Double>, radius: Double) -> Bool {
      let away = (p.x * p.x + p.y * p.y).squareRoot() - radius
      return away * away + p.z * p.z < 9
    }
    let size = SIMD3(40, 40, 12)
    let torus = try shape(size) { ring($0, radius: 12) }
    let disc = try shape(size) { ($0.x * $0.x + $0.y * $0.y).squareRoot() < 15 && abs($0.z) < 3 }
    let two = try shape([80, 40, 12]) {
      ring($0 - [20, 0, 0], radius: 12) || ring($0 + [20, 0, 0], radius: 12)
    }
    func betti(_ map: LabelMap) -> BettiNumbers {
      BettiNumbers(map.labels.map(UInt8.init), size: map.geometry.size)
    }
    func expect(_ map: LabelMap, _ pieces: Int, _ tunnels: Int, _ cavities: Int) {
      let found = betti(map)
      #expect(found.pieces == pieces && found.tunnels == tunnels && found.cavities == cavities)
    }
    expect(torus, 1, 1, 0)
    expect(disc, 1, 0, 0)
    expect(two, 2, 2, 0)
    expect(try shape([30, 30, 30]) { (8..<12).contains(length($0)) }, 1, 0, 1)
    // The hollow torus: its surface has two loops, and encloses one cavity.
    expect(
      try shape([44, 44, 20]) { p in
        let away = (p.x * p.x + p.y * p.y).squareRoot() - 13
        return (3.0..<6).contains((away * away + p.z * p.z).squareRoot())
      },
      1,
      2,
      1
    )
    let found = try values(torus, disc)
    #expect(found["betti0"] == .value(0))
    #expect(found["betti1"] == .value(1))
    #expect(found["betti2"] == .value(0))
  }

  @Test func aTubesCentreLineIsOneVoxelThickAndRunsThroughIt() throws {
    let tube = try shape([60, 21, 21]) { ($0.y * $0.y + $0.z * $0.z) < 20 }
    let thin = try shape([60, 21, 21]) { ($0.y * $0.y + $0.z * $0.z) < 6 }
    let found = try values(tube, thin)
    // Both centre lines lie within both tubes, though little of the volume is shared.
    #expect(found["clDice"] == .value(1))
    #expect(number(found, "dice") < 0.6)
    let line = Skeleton.thinned(tube.labels.map(UInt8.init), size: [60, 21, 21], isPlanar: false)
    let count = line.reduce(0) { $0 + Int($1) }
    #expect(count >= 50 && count <= 60)
  }
}
