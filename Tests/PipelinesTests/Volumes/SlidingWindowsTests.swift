import Pipelines
import Support
import TestSupport
import Testing

@Suite struct SlidingWindowsTests {
  @Test func windowsLieWhereMONAIPutsThem() throws {
    for reference in try VolumeReference().windows {
      let plan = SlidingWindowPlan(
        size: reference.roi,
        overlap: [Double](repeating: reference.overlap, count: 3)
      )
      #expect(SlidingWindows(reference.size, plan: plan).starts == reference.starts)
    }
  }

  @Test func weightsAreThoseOfMONAI() throws {
    for reference in try VolumeReference().weights {
      let plan = SlidingWindowPlan(
        size: reference.roi,
        blending: .gaussian,
        sigmaScale: [Double](repeating: reference.sigma, count: 3)
      )
      let weights = SlidingWindows(reference.roi, plan: plan).weights
      #expect(VolumeReference.difference(weights, reference.weights) <= 1e-7)
    }
  }

  @Test func smallVolumesAreCentredInTheWindow() {
    let windows = SlidingWindows([5, 20, 8], plan: SlidingWindowPlan(size: [8, 16, 0]))
    #expect(windows.size == [8, 20, 8])
    #expect(windows.padding == [1, 0, 0])
    #expect(windows.window == [8, 16, 8])
    #expect(windows.starts == [[0], [0, 4], [0]])
  }

  @Test func overlappingWindowsGiveTheirMean() throws {
    // Each window gives its number; where two overlap, the mean of both is due.
    let plan = SlidingWindowPlan(size: [4, 3, 2], overlap: [0.5, 0, 0])
    let grid = SlidingWindows([6, 3, 2], plan: plan)
    #expect(grid.origins == [[0, 0, 0], [2, 0, 0]])
    var planes: [[Float]] = []
    let accumulator = WindowAccumulator(grid, scan: [6, 3, 2], classes: 1) { index, scores in
      #expect(index == planes.count)
      planes.append(scores)
    }
    for (number, origin) in grid.origins.enumerated() {
      let scores = [Float](repeating: Float(number), count: 24)
      try scores.withUnsafeBufferPointer { try accumulator.add($0, at: origin) }
    }
    try accumulator.finish()
    #expect(planes.map { $0[0] } == [0, 0, 0.5, 0.5, 1, 1])
    #expect(planes.allSatisfy { $0.count == 6 && Set($0).count == 1 })
  }
}
