import Foundation
import Imaging
import Support
import Testing

struct SurfaceExtractionTests {
  private static func map(
    _ size: SIMD3<Int>,
    spacing: SIMD3<Double> = [1, 1, 1],
    origin: SIMD3<Double> = .zero,
    direction: Matrix3 = .identity,
    _ label: (SIMD3<Int>) -> UInt16
  ) throws -> LabelMap {
    let geometry = try ImageGeometry(
      size: size,
      spacing: spacing,
      origin: origin,
      direction: direction
    )
    var labels: [UInt16] = []
    for z in 0..<size.z {
      for y in 0..<size.y { for x in 0..<size.x { labels.append(label([x, y, z])) } }
    }
    return LabelMap(geometry: geometry, labels: labels, table: [])
  }

  private static func sphere(radius: Double, spacing: SIMD3<Double>) throws -> LabelMap {
    let half = SIMD3<Int>((SIMD3(repeating: radius) / spacing).rounded(.up)) &+ 2
    return try map(half &* 2 &+ 1, spacing: spacing, origin: [-30, 12, 5]) { index in
      let offset = SIMD3<Double>(index &- half) * spacing
      return dot(offset, offset) <= radius * radius ? 1 : 0
    }
  }

  @Test(arguments: [5.0, 10, 20])
  func volumeAndAreaOfASphereAreNearTheTruth(radius: Double) throws {
    let mesh = try SurfaceExtraction().surface(
      of: Self.sphere(radius: radius, spacing: [1, 1, 1]),
      label: 1
    )
    let volume = 4 / 3 * Double.pi * pow(radius, 3) / 1000
    let area = 4 * Double.pi * radius * radius
    #expect(mesh.isWatertight)
    #expect(abs(mesh.volumeML / volume - 1) < 0.025, "\(mesh.volumeML / volume)")
    #expect(abs(mesh.areaMM2 / area - 1) < 0.03, "\(mesh.areaMM2 / area)")
  }

  @Test func anisotropicVoxelsGiveTheSameSphere() throws {
    let mesh = try SurfaceExtraction().surface(
      of: Self.sphere(radius: 15, spacing: [0.8, 1, 2.5]),
      label: 1
    )
    let truth = 4 / 3 * Double.pi * pow(15, 3) / 1000
    #expect(mesh.isWatertight)
    #expect(abs(mesh.volumeML / truth - 1) < 0.02, "\(mesh.volumeML / truth)")
  }

  @Test func oneVoxelIsAnOctahedronAroundItsCentre() throws {
    let map = try Self.map([3, 3, 3], spacing: [2, 2, 2], origin: [10, 20, 30]) {
      $0 == [1, 1, 1] ? 7 : 0
    }
    let mesh = SurfaceExtraction(smoothingSteps: 0).surface(of: map, label: 7)
    #expect(mesh.vertices.count == 6 && mesh.triangles.count == 8)
    // An octahedron with corners 1 mm from the centre has 4/3 mm³.
    #expect(abs(mesh.volumeML - 4 / 3.0 / 1000) < 1e-12)
    let centre = mesh.vertices.reduce(SIMD3<Double>.zero, +) / 6
    #expect(centre == [12, 22, 32])
    #expect(mesh.vertexNormals.allSatisfy { abs(dot($0, $0) - 1) < 1e-12 })
  }

  @Test func aStructureAtTheEdgeIsClosedThere() throws {
    let map = try Self.map([4, 4, 4]) { _ in 1 }
    let mesh = SurfaceExtraction(smoothingSteps: 0).surface(of: map, label: 1)
    #expect(mesh.isWatertight)
    let low = mesh.vertices.reduce(mesh.vertices[0]) { pointwiseMin($0, $1) }
    let high = mesh.vertices.reduce(mesh.vertices[0]) { pointwiseMax($0, $1) }
    #expect(low == [-0.5, -0.5, -0.5] && high == [3.5, 3.5, 3.5])
  }

  @Test(arguments: 0..<6) func everyMaskGivesAClosedSurface(seed: Int) throws {
    var random = RandomStream(seed: UInt64(seed))
    // Sparse and dense noise meets every case of a cell with every neighbour.
    let share = [0.1, 0.3, 0.5, 0.5, 0.7, 0.9][seed]
    let map = try Self.map([12, 11, 10], spacing: [1, 2, 3]) { _ in
      random.uniform() < share ? 1 : 0
    }
    let mesh = SurfaceExtraction(smoothingSteps: 0).surface(of: map, label: 1)
    #expect(mesh.triangles.count > 100)
    #expect(mesh.isWatertight)
    #expect(mesh.volumeML > 0)
  }

  @Test func mirroredAndObliqueGridsKeepFacesOutwards() throws {
    let (c, s) = (cos(0.4), sin(0.4))
    for direction in [
      Matrix3([-1, 0, 0], [0, 1, 0], [0, 0, 1]), Matrix3([0, 1, 0], [1, 0, 0], [0, 0, 1]),
      Matrix3([c, s, 0], [-s, c, 0], [0, 0, 1]), Matrix3([c, s, 0], [s, -c, 0], [0, 0, 1]),
    ] {
      let map = try Self.map([9, 9, 9], direction: direction) { index in
        let offset = SIMD3<Double>(index &- 4)
        return dot(offset, offset) <= 9 ? 1 : 0
      }
      let mesh = SurfaceExtraction().surface(of: map, label: 1)
      #expect(mesh.isWatertight && mesh.volumeML > 0.09)
    }
  }

  @Test func everyLabelGetsItsSurface() throws {
    let map = try Self.map([8, 4, 4]) { $0.x == 0 ? 0 : $0.x < 4 ? 3 : 500 }
    let surfaces = SurfaceExtraction(smoothingSteps: 0).surfaces(of: map)
    #expect(surfaces.map(\.definition.id) == [3, 500])
    #expect(surfaces.map(\.definition.name) == ["Label 3", "Label 500"])
    #expect(surfaces.allSatisfy { $0.mesh.isWatertight })
    #expect(SurfaceExtraction().surface(of: map, label: 4).triangles.isEmpty)
  }

  @Test func anOpenOrFlippedSurfaceIsNotWatertight() throws {
    let map = try Self.map([3, 3, 3]) { $0 == [1, 1, 1] ? 1 : 0 }
    var mesh = SurfaceExtraction(smoothingSteps: 0).surface(of: map, label: 1)
    let first = mesh.triangles[0]
    mesh.triangles[0] = SIMD3(first.x, first.z, first.y)
    #expect(!mesh.isWatertight)
    mesh.triangles.removeFirst()
    #expect(!mesh.isWatertight)
  }

  @Test func fewerTrianglesKeepTheShape() throws {
    let mesh = try SurfaceExtraction().surface(
      of: Self.sphere(radius: 15, spacing: [1, 1, 1]),
      label: 1
    )
    let simple = mesh.simplified(toTriangles: 500)
    #expect(mesh.triangles.count > 5000)
    #expect(simple.triangles.count <= 500 && simple.triangles.count > 490)
    #expect(simple.isWatertight)
    #expect(abs(simple.volumeML / mesh.volumeML - 1) < 0.02)
    #expect(abs(simple.areaMM2 / mesh.areaMM2 - 1) < 0.03)
    #expect(simple == mesh.simplified(toTriangles: 500))
    #expect(mesh.simplified(toTriangles: 1_000_000) == mesh)
  }

  @Test func simplifyingNoiseKeepsItClosed() throws {
    var random = RandomStream(seed: 9)
    let map = try Self.map([10, 10, 10]) { _ in random.uniform() < 0.4 ? 1 : 0 }
    let mesh = SurfaceExtraction().surface(of: map, label: 1)
    #expect(mesh.simplified(toTriangles: mesh.triangles.count / 4).isWatertight)
  }
}
