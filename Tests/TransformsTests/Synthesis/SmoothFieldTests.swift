import Testing
import Transforms

@Suite struct SmoothFieldTests {
  /// Determinants of the derivative of x + u(x) on the nodes, by differences to the next ones.
  private func determinants(_ field: SmoothField, spacing: Double) -> [Double] {
    let (size, step) = (field.size, field.step * spacing)
    func difference(_ from: Int, _ to: Int, _ axis: Int) -> SIMD3<Double> {
      let d = field.nodes[to] - field.nodes[from]
      var result = SIMD3(Double(d.x), Double(d.y), Double(d.z)) / step[axis]
      result[axis] += 1
      return result
    }
    var found: [Double] = []
    for z in 0..<size.z - 1 {
      for y in 0..<size.y - 1 {
        for x in 0..<size.x - 1 {
          let i = (z * size.y + y) * size.x + x
          let a = difference(i, i + 1, 0)
          let b = difference(i, i + size.x, 1)
          let c = difference(i, i + size.x * size.y, 2)
          found.append(
            a.x * (b.y * c.z - b.z * c.y) - a.y * (b.x * c.z - b.z * c.x)
              + a.z * (b.x * c.y - b.y * c.x)
          )
        }
      }
    }
    return found
  }

  @Test(arguments: 0..<6) func theLargestDeformationFoldsNowhere(seed: UInt64) {
    var field = SmoothField(patchSize: [96, 112, 96], spacing: [2, 2, 2])
    field.deform(deviation: 4, nodeSpacingMM: 25, seed: seed, spacing: [2, 2, 2])
    let found = determinants(field, spacing: 2)
    #expect((found.min() ?? -1) > 0)
    // It is a deformation, not a shift.
    #expect((found.max() ?? 0) > 1.2)
  }

  @Test func displacementsHaveAboutTheVelocitysDeviation() {
    var squares = 0.0
    var count = 0.0
    for seed in 0..<6 {
      var field = SmoothField(patchSize: [96, 112, 96], spacing: [2, 2, 2])
      field.deform(deviation: 2, nodeSpacingMM: 25, seed: UInt64(seed), spacing: [2, 2, 2])
      for node in field.nodes {
        squares += Double(node.x * node.x + node.y * node.y + node.z * node.z)
        count += 3
      }
    }
    // Cubic interpolation keeps 0.7 of the deviation of normals on its nodes, a bit less in space.
    let deviation = (squares / count).squareRoot()
    #expect(deviation > 0.9 && deviation < 2)
  }
}
