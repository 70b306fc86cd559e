import Enhancement
import Imaging
import Testing

@Suite struct CubicEnlargementTests {
  private func line(_ values: [Float]) throws -> Volume<Float> {
    Volume(
      geometry: try ImageGeometry(
        size: [values.count, 1, 1],
        spacing: [2, 2, 1],
        origin: [0, 0, 0],
        direction: .identity,
        isPlanar: true
      ),
      voxels: values
    )
  }

  @Test func anImpulseBecomesTheKernel() throws {
    let fine = try CubicEnlargement.enlarged(
      line([0, 0, 0, 1, 0, 0, 0]),
      scale: [2, 1]
    )
    #expect(fine.geometry.size == SIMD3(14, 1, 1))
    #expect(fine.geometry.spacing.x == 1 && fine.geometry.origin.x == -0.5)
    // Keys' kernel with a = -1/2 at distances of 1.75, 1.25, 0.75, 0.25 and back.
    let kernel: [Float] = [
      -0.023_437_5, -0.070_312_5, 0.226_562_5, 0.867_187_5, 0.867_187_5, 0.226_562_5,
      -0.070_312_5, -0.023_437_5,
    ]
    #expect(fine.voxels == [0, 0, 0] + kernel + [0, 0, 0])
  }

  @Test func columnsAreTreatedAsRows() throws {
    let row = try line([3, 1, 4, 1, 5, 9])
    let column = Volume(
      geometry: try ImageGeometry(
        size: [1, 6, 1],
        spacing: [2, 2, 1],
        origin: [0, 0, 0],
        direction: .identity,
        isPlanar: true
      ),
      voxels: row.voxels
    )
    for factor in [2, 3] {
      let a = try CubicEnlargement.enlarged(row, scale: [factor, 1])
      let b = try CubicEnlargement.enlarged(column, scale: [1, factor])
      #expect(a.voxels == b.voxels)
    }
  }

  @Test func constantsAndWholeGridsStay() throws {
    let constant = try line([7, 7, 7])
    let fine = try CubicEnlargement.enlarged(constant, scale: [3, 2])
    #expect(fine.voxels.allSatisfy { abs($0 - 7) < 1e-5 })
    let image = try line([3, 1, 4])
    #expect(try CubicEnlargement.enlarged(image, scale: [1, 1]) == image)
  }
}
