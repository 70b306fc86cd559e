import Foundation
import Support
import TestSupport
import Testing
import Transforms

@Suite struct LabelSynthesisTests {
  private let table: SynthesisTable
  private let map: SynthesisMap

  init() throws {
    table = try SyntheticHead.table()
    map = try SyntheticHead.map()
  }

  private func synthesis(
    _ size: SIMD3<Int> = [36, 40, 38],
    spacing: Double = 2,
    settings: SynthesisSettings = SynthesisSettings()
  ) -> LabelSynthesis {
    LabelSynthesis(
      table: table,
      settings: settings,
      patchSize: size,
      spacing: SIMD3(repeating: spacing)
    )
  }

  /// Entry order: head, background, white matter and cortex left, then right, fluid.
  private let means: [Float] = [80, 0, 160, 110, 160, 110, 40]

  private func plain() -> SynthesisParameters {
    SynthesisParameters(center: SyntheticHead.center, means: means)
  }

  @Test func theSameParametersGiveTheSameBytes() throws {
    let synthesis = synthesis()
    let stream = RandomStream(seed: 3)
    for sample in 0..<4 {
      var (first, second) = (stream.split(sample), stream.split(sample))
      let parameters = synthesis.draw(from: map, using: &first)
      #expect(parameters == synthesis.draw(from: map, using: &second))
      let data = try JSONEncoder().encode(parameters)
      let read = try JSONDecoder().decode(SynthesisParameters.self, from: data)
      #expect(read == parameters)
      let (values, classes) = synthesis.sample(map, parameters)
      let (again, classesAgain) = synthesis.sample(map, read)
      #expect(values == again)
      #expect(classes == classesAgain)
      #expect(values.allSatisfy { $0.isFinite })
      var third = stream.split(sample + 100)
      #expect(synthesis.sample(map, synthesis.draw(from: map, using: &third)).values != values)
    }
  }

  @Test func withoutDeformationClassesAreTheNearestLabels() {
    let size = SIMD3(31, 35, 33)
    let outputs: [UInt16: UInt16] = [0: 0, 500: 0, 2: 1, 3: 2, 41: 3, 42: 4, 24: 5]
    // 0.3 mm from the voxel centres, so that no place lies between two voxels.
    var parameters = plain()
    parameters.center = SyntheticHead.center + 0.3
    let (_, classes) = synthesis(size, spacing: 3).sample(map, parameters)
    var expected: [UInt16] = []
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          let d = SIMD3(Double(x), Double(y), Double(z)) - SIMD3<Double>(size &- 1) / 2
          let voxel = ((parameters.center + d * 3) / 2).rounded(.toNearestOrAwayFromZero)
          let isInside =
            voxel.min() >= 0 && voxel.x < 44 && voxel.y < 48 && voxel.z < 40
          expected.append(isInside ? outputs[SyntheticHead.label(at: voxel * 2)] ?? 99 : 0)
        }
      }
    }
    #expect(classes == expected)
    #expect(Set(classes) == [0, 1, 2, 3, 4, 5])
  }

  @Test func aQuarterTurnAboutTheLastAxis() throws {
    // One voxel of every label along x; the patch's y axis reads it after a turn by 90 degrees,
    // since the patch's place (x, y) reads the map's (−y, x).
    let labels: [UInt16] = [500, 2, 3, 41, 42]
    var cube = [UInt16](repeating: 0, count: 125)
    for x in 0..<5 { cube[x + 5 * (2 + 5 * 2)] = labels[x] }
    let map = try SynthesisMap(labels: cube, size: [5, 5, 5], spacing: .one, table: table)
    var parameters = SynthesisParameters(center: [2, 2, 2], means: means)
    parameters.rotation.z = .pi / 2
    let (_, classes) = synthesis([5, 5, 5], spacing: 1).sample(map, parameters)
    var expected = [UInt16](repeating: 0, count: 125)
    for (x, output) in [UInt16(0), 1, 2, 3, 4].enumerated() {
      expected[2 + 5 * (4 - x + 5 * 2)] = output
    }
    #expect(classes == expected)
  }

  @Test func magnificationEnlargesTheObjectAlongItsAxis() {
    func extent(_ classes: [UInt16], axis: Int) -> Int {
      var places: Set<Int> = []
      for (i, value) in classes.enumerated() where value > 0 {
        places.insert([i % 60, i / 60 % 60, i / 3600][axis])
      }
      return places.count
    }
    let synthesis = synthesis([60, 60, 60], spacing: 1)
    var parameters = plain()
    let before = synthesis.sample(map, parameters).classes
    parameters.scale.z = 1.25
    let after = synthesis.sample(map, parameters).classes
    #expect(extent(before, axis: 0) == extent(after, axis: 0))
    let ratio = Double(extent(after, axis: 2)) / Double(extent(before, axis: 2))
    #expect(abs(ratio - 1.25) < 0.06)
  }

  @Test func mirroringSwapsLeftAndRightExactly() {
    let synthesis = synthesis()
    let swapped: [UInt16] = [0, 3, 4, 1, 2, 5]
    var stream = RandomStream(seed: 8)
    for _ in 0..<6 {
      var parameters = synthesis.draw(from: map, using: &stream)
      parameters.darkLower = .zero
      parameters.darkUpper = .zero
      parameters.mirrors = false
      let straight = synthesis.sample(map, parameters).classes
      parameters.mirrors = true
      let mirrored = synthesis.sample(map, parameters).classes
      var expected: [UInt16] = []
      for row in 0..<straight.count / 36 {
        expected += straight[row * 36..<row * 36 + 36].reversed().map { swapped[Int($0)] }
      }
      #expect(mirrored == expected)
    }
  }

  @Test func deformationKeepsTheShareOfClassesRoughly() {
    let synthesis = synthesis([60, 60, 60], spacing: 1)
    func shares(_ parameters: SynthesisParameters) -> [Double] {
      var counts = [Double](repeating: 0, count: 6)
      for value in synthesis.sample(map, parameters).classes { counts[Int(value)] += 1 }
      return counts
    }
    let before = shares(plain())
    var sums = [Double](repeating: 0, count: 6)
    for seed in 0..<8 {
      var parameters = plain()
      parameters.deformation = 3
      parameters.deformationSeed = UInt64(seed)
      let after = shares(parameters)
      #expect(after != before)
      for i in 0..<6 { sums[i] += after[i] / 8 }
    }
    expectClose(sums, before, Tolerance(absolute: 0, relative: 0.12))
  }

  @Test func thickSlicesTakeDetailAwayAcrossThem() {
    let synthesis = synthesis()
    func energy(_ values: [Float], stride: Int) -> Double {
      zip(values, values.dropFirst(stride)).reduce(0) { $0 + pow(Double($1.1 - $1.0), 2) }
    }
    var parameters = plain()
    parameters.deviations = means.map { $0 > 0 ? 20 : 0 }
    let sharp = synthesis.sample(map, parameters).values
    parameters.acquiredSpacing.z = 8
    parameters.blur.z = 2 * log(10) / (2 * .pi) * 4
    let thick = synthesis.sample(map, parameters).values
    let across = energy(thick, stride: 36 * 40) / energy(sharp, stride: 36 * 40)
    let along = energy(thick, stride: 1) / energy(sharp, stride: 1)
    #expect(across < 0.15)
    #expect(along > 3 * across)
  }

  @Test func coarseSamplingKeepsALinearRamp() throws {
    // Sixteen slabs of rising intensity; slices 4 voxels apart and linear interpolation keep a ramp.
    let entries = (0..<20).map { SynthesisTable.Entry(label: $0, intensity: $0, output: $0) }
    let table = try SynthesisTable(entries: entries)
    let labels = (0..<20 * 9).map { UInt16($0 / 9) }
    let map = try SynthesisMap(labels: labels, size: [3, 3, 20], spacing: .one, table: table)
    let synthesis = LabelSynthesis(
      table: table,
      settings: SynthesisSettings(),
      patchSize: [3, 3, 20],
      spacing: .one
    )
    var parameters = SynthesisParameters(
      center: [1, 1, 9.5],
      means: (0..<20).map { Float($0) * 10 }
    )
    parameters.acquiredSpacing.z = 4
    parameters.blur.z = 1
    parameters.phase.z = 0.3
    let values = synthesis.sample(map, parameters).values
    // Between the ends, where the blur sees the border.
    let inner = (7..<13).map { values[4 + 9 * $0] }
    let steps = zip(inner, inner.dropFirst()).map { $1 - $0 }
    expectClose(
      steps,
      [Float](repeating: steps[0], count: 5),
      Tolerance(absolute: 0, relative: 0.02)
    )
    #expect(steps[0] > 0)
  }

  /// Half of the voxels have mean 100, half 200: their distance in deviations gives the noise.
  @Test(arguments: [true, false]) func noiseHasItsDeviation(ofIntensities: Bool) throws {
    var parameters = SynthesisParameters(
      center: [15.5, 15.5, 15.5],
      means: [200, 0, 100, 0, 0, 0, 0]
    )
    if ofIntensities { parameters.deviations[0] = 10 } else { parameters.noise = 10 }
    parameters.deviations[2] = parameters.deviations[0]
    let labels = (0..<32 * 32 * 32).map { UInt16($0 < 16384 ? 2 : 500) }
    let map = try SynthesisMap(labels: labels, size: [32, 32, 32], spacing: .one, table: table)
    let values = synthesis([32, 32, 32], spacing: 1).sample(map, parameters).values
    let low = moments(Array(values[..<16384]))
    let high = moments(Array(values[16384...]))
    // Clipping at the percentile 99.5 and 0.5 takes 1 % of the deviation.
    #expect(abs((high.mean - low.mean) / low.deviation - 10) < 0.3)
    #expect(abs((high.mean - low.mean) / high.deviation - 10) < 0.3)
  }

  @Test func theBiasFieldIsSmoothAndHasItsDeviation() throws {
    let count = 40 * 40 * 40
    // One half is dark, which gives the zero of the scale.
    let labels = (0..<count).map { UInt16($0 < count / 2 ? 0 : 500) }
    let map = try SynthesisMap(
      labels: labels,
      size: [40, 40, 40],
      spacing: [6, 6, 6],
      table: table
    )
    let synthesis = synthesis([40, 40, 40], spacing: 6)
    var logarithms: [Float] = []
    for seed in 0..<12 {
      var parameters = SynthesisParameters(center: [117, 117, 117], means: means)
      parameters.bias = 0.4
      parameters.biasSeed = UInt64(seed)
      let values = synthesis.sample(map, parameters).values
      let gains = values[(count / 2)...].map { log($0 - values[0]) }
      let (mean, _) = moments(gains)
      logarithms += gains.map { $0 - mean }
      let steps = zip(gains, gains.dropFirst()).prefix(39).map { abs($1 - $0) }
      #expect((steps.max() ?? 1) < 0.25)
    }
    // Cubic interpolation between normals loses some of the variance, clipping a little.
    let deviation = moments(logarithms).deviation
    #expect(deviation > 0.2 && deviation < 0.4)
  }

  @Test func gammaBendsIntensitiesBetweenZeroAndTheLargest() throws {
    let labels: [UInt16] = [0, 2, 500]
    let map = try SynthesisMap(labels: labels, size: [3, 1, 1], spacing: .one, table: table)
    var parameters = SynthesisParameters(center: [1, 0, 0], means: [200, 0, 100, 0, 0, 0, 0])
    parameters.gamma = 2
    let values = synthesis([3, 1, 1], spacing: 1).sample(map, parameters).values
    // (100 / 200)² is a quarter.
    #expect(abs((values[1] - values[0]) / (values[2] - values[0]) - 0.25) < 1e-3)
  }

  @Test(arguments: [false, true]) func strippingLeavesNothingOutsideTheBrain(fluid: Bool) {
    let synthesis = synthesis()
    var parameters = plain()
    let whole = synthesis.sample(map, parameters)
    parameters.strips = true
    parameters.stripsFluid = fluid
    let (values, classes) = synthesis.sample(map, parameters)
    let dark = values.min()
    let stays = whole.classes.map { $0 > 0 && !(fluid && $0 == 5) }
    #expect(classes == zip(whole.classes, stays).map { $1 ? $0 : 0 })
    #expect(values.map { $0 > dark ?? 0 } == stays)
    parameters.rim = 2
    let rim = synthesis.sample(map, parameters)
    func shown(_ values: [Float]) -> Int {
      let dark = values.min() ?? 0
      return values.count { $0 > dark }
    }
    #expect(shown(rim.values) > shown(values))
    #expect(shown(rim.values) < shown(whole.values))
  }

  @Test func aCutRemovesTheHeadBeyondItsPlaneButNotTheBrain() {
    let synthesis = synthesis()
    var parameters = plain()
    let whole = synthesis.sample(map, parameters)
    parameters.cuts = [[0, 0, -1, 10]]
    let cut = synthesis.sample(map, parameters)
    #expect(cut.classes == whole.classes)
    let (dark, darkWhole) = (cut.values.min() ?? 0, whole.values.min() ?? 0)
    let expected = whole.values.indices.map { i in
      let isBelow = Double(i / (36 * 40)) < 18.5 - 5
      return whole.values[i] > darkWhole && !(isBelow && whole.classes[i] == 0)
    }
    #expect(cut.values.map { $0 > dark } == expected)
    let removed = zip(whole.values, expected).count { $0 > darkWhole && !$1 }
    #expect(removed > 500)
  }

  @Test func aCutFieldOfViewIsDarkAndHasNoClass() {
    var parameters = plain()
    parameters.means[1] = 60
    parameters.darkLower.y = 0.25
    let (values, classes) = synthesis().sample(map, parameters)
    let dark = values.min() ?? 0
    let isCut = values.indices.map { $0 / 36 % 40 < 10 }
    #expect(values.map { $0 == dark } == isCut)
    #expect(zip(classes, isCut).allSatisfy { $0 == 0 || !$1 })
  }

  @Test func drawnParametersStayWithinTheSettings() {
    let settings = SynthesisSettings()
    let synthesis = synthesis(settings: settings)
    var stream = RandomStream(seed: 21)
    let drawn = (0..<2000).map { _ in synthesis.draw(from: map, using: &stream) }
    #expect(drawn.allSatisfy { abs($0.rotation).max() <= 20 * .pi / 180 })
    #expect(drawn.allSatisfy { abs($0.scale - 1).max() <= 0.15 })
    #expect(drawn.allSatisfy { $0.means.allSatisfy { (0...255).contains($0) } })
    #expect(drawn.allSatisfy { $0.deviations.allSatisfy { (0...35).contains($0) } })
    #expect(drawn.allSatisfy { $0.acquiredSpacing.max() <= 9 })
    #expect(drawn.allSatisfy { (0...2).contains($0.rim) })
    func share(_ condition: (SynthesisParameters) -> Bool) -> Double {
      Double(drawn.count(where: condition)) / 2000
    }
    #expect(abs(share(\.mirrors) - 0.5) < 0.05)
    #expect(abs(share(\.strips) - 0.4) < 0.05)
    #expect(abs(share { !$0.cuts.isEmpty } - 0.6 * 0.3) < 0.04)
    #expect(abs(share { $0.noise == 0 } - 0.25) < 0.05)
    // Symmetric or T1-like: both sides have one mean.
    #expect(abs(share { $0.means[2] == $0.means[4] } - (0.25 + 0.75 * 0.7)) < 0.05)
  }

  @Test func t1LikeImagesHaveBrightWhiteMatterAndDarkFluid() {
    var settings = SynthesisSettings()
    settings.t1Probability = 1
    settings.inversionProbability = 0
    settings.strippingProbability = 0
    func ordered() -> Double {
      let synthesis = synthesis(settings: settings)
      var stream = RandomStream(seed: 5)
      let drawn = (0..<300).map { _ in synthesis.draw(from: map, using: &stream).means }
      return Double(drawn.count { $0[2] > $0[3] && $0[3] > $0[6] && $0[1] == 0 }) / 300
    }
    #expect(ordered() > 0.98)
    settings.inversionProbability = 1
    #expect(ordered() < 0.02)
  }

  private func moments(_ values: [Float]) -> (mean: Float, deviation: Float) {
    let count = Float(values.count)
    let mean = values.reduce(0, +) / count
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (squares / count).squareRoot())
  }

  private func abs(_ vector: SIMD3<Double>) -> SIMD3<Double> { pointwiseMax(vector, -vector) }
  private func abs(_ value: Double) -> Double { Swift.abs(value) }
  private func abs(_ value: Float) -> Float { Swift.abs(value) }
}
