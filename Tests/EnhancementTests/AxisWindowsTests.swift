import Enhancement
import Pipelines
import Testing

@Suite struct AxisWindowsTests {
  private static let sizes = [1, 7, 16, 17, 33, 40, 100, 131]

  @Test(arguments: sizes, [EnhancementPlan.Seam.exact, .blended])
  func weightsAddUpToOneEverywhere(size: Int, seam: EnhancementPlan.Seam) {
    for (patch, halo, multiple) in [(16, 0, 1), (16, 5, 1), (16, 4, 4), (24, 11, 8)] {
      let axis = AxisWindows(size: size, patch: patch, halo: halo, multiple: multiple, seam: seam)
      var total = [Float](repeating: 0, count: axis.sources.count)
      for window in axis.windows {
        #expect(window.start % multiple == 0 && window.weights.count == axis.length)
        for (place, weight) in window.weights.enumerated() { total[window.start + place] += weight }
      }
      #expect(total.allSatisfy { abs($0 - 1) < 1e-5 }, "\(size) in \(patch), halo \(halo)")
    }
  }

  @Test(arguments: sizes) func whatIsKeptLiesAHaloFromInnerEdges(size: Int) {
    let axis = AxisWindows(size: size, patch: 16, halo: 4, multiple: 2, seam: .exact)
    for window in axis.windows {
      if window.start > 0 { #expect(window.used.lowerBound >= 4) }
      if window.start + 16 < axis.sources.count { #expect(window.used.upperBound <= 12) }
    }
  }

  @Test func placesBeyondTheAxisMirrorIt() {
    let axis = AxisWindows(size: 5, patch: 8, halo: 0, multiple: 8, seam: .exact)
    #expect(axis.sources == [0, 1, 2, 3, 4, 3, 2, 1])
    #expect(
      AxisWindows(size: 1, patch: 8, halo: 0, multiple: 4, seam: .exact).sources == [0, 0, 0, 0]
    )
  }
}
