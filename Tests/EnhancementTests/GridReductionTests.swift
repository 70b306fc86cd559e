import Enhancement
import Imaging
import TestSupport
import Testing

@Suite struct GridReductionTests {
  @Test func aHalvingHasTheKnownWeightsOfTheCubic() {
    // Keys' cubic at the distances 1/4, 3/4, 5/4 and 7/4 of coarse places, times 256.
    let expected = [-3, -9, 29, 111, 111, 29, -9, -3].map { Double($0) / 256 }
    expectClose(
      GridReduction.cubic(2).map(Double.init),
      expected,
      Tolerance(absolute: 1e-6, relative: 0)
    )
  }

  @Test func aRampStaysARampAwayFromTheEdges() throws {
    let grid = try SampleModel.scan([24, 24, 1], isPlanar: true)
    var ramp = grid
    for y in 0..<24 { for x in 0..<24 { ramp[x, y, 0] = Float(x) + 100 * Float(y) } }
    let coarse = try GridReduction.pair(ramp, scale: [3, 3, 1]).coarse
    #expect(coarse.geometry.size == SIMD3(8, 8, 1))
    #expect(coarse.geometry.spacing == SIMD3(1.5, 2.25, 1))
    // The middle of three fine places is the one in the middle.
    for y in 2..<6 {
      for x in 2..<6 {
        #expect(abs(coarse[x, y, 0] - Float(3 * x + 1) - 100 * Float(3 * y + 1)) < 1e-2)
      }
    }
  }

  @Test func aThickSliceIsTheMeanOfThinOnes() throws {
    let scan = try SampleModel.scan([4, 5, 11])
    let (fine, coarse) = try GridReduction.pair(scan, scale: [1, 1, 4])
    #expect(fine.geometry.size == SIMD3(4, 5, 8) && coarse.geometry.size == SIMD3(4, 5, 2))
    let mean = (4..<8).reduce(Float(0)) { $0 + scan[1, 2, $1] } / 4
    #expect(abs(coarse[1, 2, 1] - mean) < 1e-3)
    let edge = SIMD3(-0.5, -0.5, -0.5)
    let gap = coarse.geometry.position(ofIndex: edge) - scan.geometry.position(ofIndex: edge)
    #expect((gap * gap).sum().squareRoot() < 1e-9)
  }

  @Test func oneAxisOfAVolumeIsThatOfThickSlicesAndOfAPictureACubic() throws {
    let scan = try SampleModel.scan([4, 12, 5])
    let coarse = try GridReduction.pair(scan, scale: [1, 4, 1]).coarse
    let mean = (4..<8).reduce(Float(0)) { $0 + scan[2, $1, 3] } / 4
    #expect(abs(coarse[2, 1, 3] - mean) < 1e-3)
    let picture = try SampleModel.scan([24, 24, 1], isPlanar: true)
    let narrow = try GridReduction.pair(picture, scale: [4, 1, 1]).coarse
    let flat = (12..<16).reduce(Float(0)) { $0 + picture[$1, 3, 0] } / 4
    #expect(abs(narrow[3, 3, 0] - flat) > 1e-3)
  }
}
