import CKernels
import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct TileWindowsTests {
  /// n = ⌈(size − patch) / (patch · step)⌉ + 1, spread evenly, halves rounded to even.
  @Test(
    arguments: [
      (16, 16, 0.5, [0]), (17, 16, 0.5, [0, 1]), (24, 16, 0.5, [0, 8]), (25, 16, 0.5, [0, 4, 9]),
      (33, 16, 0.5, [0, 6, 11, 17]), (40, 16, 0.8, [0, 12, 24]), (21, 16, 0.2, [0, 2, 5]),
    ]
  )
  func startsAreSpreadEvenly(size: Int, patch: Int, step: Double, expected: [Int]) {
    #expect(TileWindows.starts(size: size, patch: patch, step: step) == expected)
  }

  @Test func weightsFallFromTenAndNeverReachZero() {
    let weights = TileWindows.gaussian([8, 16]).map { Float16(bitPattern: $0) }
    #expect(weights[4 * 16 + 8] == 10)
    // One deviation (1 of 8 voxels) away: 10 exp(-1/2).
    #expect(weights[5 * 16 + 8] == Float16(10 * exp(-0.5)))
    #expect(weights[4 * 16 + 6] == Float16(10 * exp(-0.5)))
    let corner = TileWindows.gaussian([64, 64, 64]).map { Float16(bitPattern: $0) }
    #expect(corner[0] == .leastNonzeroMagnitude)
    #expect(corner.allSatisfy { $0 > 0 })
  }

  @Test(
    .enabled(
      if: Fixtures.reference("nnunet") != nil,
      "nnU-Net's reference arrays are not beside the checkout"
    ),
    arguments: ["40x56x40", "56x40", "33x21x17", "16x112x112"]
  )
  func weightsEqualNNUNets(name: String) throws {
    let root = try #require(Fixtures.reference("nnunet"))
    let file = try NPZFile(root + "/unit/window/gaussian_\(name).npz")
    let half = try file.array("half")
    let expected = half.bytes.withUnsafeBytes { Array($0.bindMemory(to: UInt16.self)) }
    #expect(TileWindows.gaussian(half.shape) == expected)
  }
}

@Suite struct WindowSlabTests {
  /// Sums are rounded to half precision after every tile, in the order of the tiles.
  @Test func sumsAreRoundedAfterEachTile() throws {
    let (classes, columns) = (2, 5)
    let patch = [2, 2, 3]
    let slab = WindowSlab(classes: classes, depth: 2, rows: 0..<2, columns: columns)
    let weights = TileWindows.gaussian(patch)
    var sums = [Float16](repeating: 0, count: classes * 20)
    var totals = [Float16](repeating: 0, count: 20)
    var random = RandomStream(seed: 5)
    for origin in [0, 1, 2] {
      let scores = (0..<classes * 12).map { _ in Float(random.normal() * 7) }
      scores.withUnsafeBufferPointer { scores in
        guard let base = scores.baseAddress else { return }
        slab.add(base, head: nil, patch: patch, origin: [0, 0, origin], weights: weights)
      }
      for z in 0..<2 {
        for y in 0..<2 {
          for x in 0..<3 {
            let cell = (z * 2 + y) * 3 + x
            let place = (z * 2 + y) * columns + x + origin
            let weight = Float16(bitPattern: weights[cell])
            totals[place] = Float16(Float(totals[place]) + Float(weight))
            for c in 0..<classes {
              let product = scores[c * 12 + cell] * Float(weight)
              sums[c * 20 + place] = Float16(Float(sums[c * 20 + place]) + product)
            }
          }
        }
      }
    }
    for z in 0..<2 {
      let found = try #require(slab.finish(z))
      for c in 0..<classes {
        for place in 0..<2 * columns {
          let wanted = Float16(
            Float(sums[c * 20 + z * 2 * columns + place]) / Float(totals[z * 2 * columns + place])
          )
          #expect(found[c * 2 * columns + place] == wanted.bitPattern)
        }
      }
    }
  }

  @Test func infiniteScoresAreNoticed() {
    let slab = WindowSlab(classes: 1, depth: 1, rows: 0..<1, columns: 2)
    let weights = TileWindows.gaussian([1, 1, 2])
    [Float(1), 1e9].withUnsafeBufferPointer { scores in
      guard let base = scores.baseAddress else { return }
      slab.add(base, head: nil, patch: [1, 1, 2], origin: [0, 0, 0], weights: weights)
    }
    #expect(slab.finish(0) == nil)
  }

  /// The head's product, for blocks that fill registers and for what is left over.
  @Test(arguments: [(1, 1, 1), (5, 7, 64), (32, 25, 128), (33, 6, 130)])
  func headsAreProductsOfFeatures(features: Int, outputs: Int, count: Int) {
    var random = RandomStream(seed: 9)
    func numbers(_ count: Int) -> [Float] { (0..<count).map { _ in Float(random.normal()) } }
    let stride = count + 3
    let (x, weights, bias) = (
      numbers(features * stride), numbers(outputs * features), numbers(outputs)
    )
    var y = [Float](repeating: 0, count: outputs * count)
    ck_head_row(
      x,
      Int64(stride),
      weights,
      bias,
      Int64(features),
      Int64(outputs),
      Int64(count),
      &y
    )
    for k in 0..<outputs {
      for i in 0..<count {
        var sum = Double(bias[k])
        for f in 0..<features {
          sum += Double(weights[k * features + f]) * Double(x[f * stride + i])
        }
        // Single precision over up to 33 terms of order 1.
        #expect(abs(Double(y[k * count + i]) - sum) < 2e-5)
      }
    }
  }
}

@Suite struct ScoreRowTests {
  /// One rounding from double to half precision, as numpy's `astype(float16)` has it.
  @Test func sumsAreRoundedOnce() {
    var random = RandomStream(seed: 3)
    let count = 4000
    let rows = (0..<2).map { _ in
      (0..<count).map { _ in Float16(random.normal() * 3).bitPattern }
    }
    let low = (0..<count).map { Int32($0) }
    let high = (0..<count).map { Int32(min($0 + 1, count - 1)) }
    let share = (0..<count).map { _ in random.uniform() }
    var scratch = [Double](repeating: 0, count: count)
    var y = [Float](repeating: 0, count: count)
    rows[0].withUnsafeBufferPointer { first in
      rows[1].withUnsafeBufferPointer { second in
        low.withUnsafeBufferPointer { low in
          high.withUnsafeBufferPointer { high in
            share.withUnsafeBufferPointer { share in
              var row = ck_score_row()
              row.rows.0 = first.baseAddress
              row.rows.1 = second.baseAddress
              row.weights.0 = 0.25
              row.weights.1 = 0.75
              row.row_count = 2
              row.input = Int64(count)
              row.output = Int64(count)
              row.low = low.baseAddress
              row.high = high.baseAddress
              row.share = share.baseAddress
              ck_score_row_values(&row, &scratch, &y)
            }
          }
        }
      }
    }
    func blended(_ index: Int) -> Double {
      0.25 * Double(Float16(bitPattern: rows[0][index]))
        + 0.75 * Double(Float16(bitPattern: rows[1][index]))
    }
    for index in 0..<count {
      let value =
        blended(index) * (1 - share[index]) + blended(min(index + 1, count - 1)) * share[index]
      #expect(y[index] == Float(Float16(value)))
    }
  }
}

@Suite struct NNUNetPreparationTests {
  private func plan(_ normalization: NNUNetPlan.Normalization) -> NNUNetPlan {
    NNUNetPlan(
      configuration: "3d_fullres",
      channels: [normalization],
      transposeForward: [2, 0, 1],
      spacing: [1, 1, 1],
      patchSize: [4, 4, 4],
      data: .spline(order: 3, orderAcross: 0, separates: nil),
      segmentation: .spline(order: 1, orderAcross: 0, separates: nil),
      probabilities: .spline(order: 1, orderAcross: 0, separates: nil),
      mirrorAxes: [],
      heads: .labels([0, 1]),
      previousStage: nil
    )
  }

  private func scan(_ values: [Float], _ size: SIMD3<Int>) throws -> ScanChannels {
    let geometry = try ImageGeometry(
      size: size,
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    return ScanChannels([.float32(Volume(geometry: geometry, voxels: values))])
  }

  /// Axes (z, y, x) become (x, z, y); zeros around are cut off.
  @Test func axesAreTransposedAndZerosCutOff() throws {
    var values = [Float](repeating: 0, count: 2 * 3 * 4)
    // x 1, y 0...1, z 2.
    values[1 + 2 * (0 + 3 * 2)] = 5
    values[1 + 2 * (1 + 3 * 2)] = 7
    let prepared = try NNUNetPreparation(
      scan(values, [2, 3, 4]),
      plan: plan(.none),
      interruption: Interruption()
    )
    #expect(prepared.fullSize == [3, 4, 2])
    #expect(prepared.box == GridBox(low: [0, 2, 1], size: [2, 1, 1]))
    #expect(prepared.channels == [[5, 7]])
  }

  @Test func anEmptyScanIsTakenWhole() throws {
    let prepared = try NNUNetPreparation(
      scan([Float](repeating: 0, count: 24), [2, 3, 4]),
      plan: plan(.zScore(usesMask: true)),
      interruption: Interruption()
    )
    #expect(prepared.box.size == [3, 4, 2])
    #expect(prepared.channels[0].allSatisfy { $0 == 0 })
  }

  /// 1, 3 and a hole of 0 inside: mean 4/3 over the mask with the hole; outside stays 0.
  @Test func holesCountAsInsideTheMask() throws {
    var mask: [UInt8] = [
      0, 1, 1, 1,
      1, 1, 0, 1,
      0, 1, 1, 1,
    ]
    HoleFilling.fill(&mask, size: [4, 3, 1])
    // One slice: everything touches the outside.
    #expect(mask[6] == 0)
    var block = [UInt8](repeating: 1, count: 27)
    block[13] = 0
    block[0] = 0
    HoleFilling.fill(&block, size: [3, 3, 3])
    #expect(block[13] == 1 && block[0] == 0)
  }

  @Test func intensitiesOfCTAreClippedAndScaled() {
    var values: [Float] = [-2000, -100, 50, 3000]
    NNUNetPlan.Normalization.ct(mean: 50, deviation: 100, low: -500, high: 450)
      .apply(to: &values, inside: nil)
    #expect(values == [-5.5, -1.5, 0, 4])
  }

  @Test func masksLimitStatisticsAndChanges() {
    var values: [Float] = [9, 1, 3]
    NNUNetPlan.Normalization.zScore(usesMask: true).apply(to: &values, inside: [0, 1, 1])
    #expect(values == [9, -1, 1])
    var all: [Float] = [1, 3]
    NNUNetPlan.Normalization.zScore(usesMask: false).apply(to: &all, inside: nil)
    #expect(all == [-1, 1])
    var range: [Float] = [2, 4, 10]
    NNUNetPlan.Normalization.rescaleTo01.apply(to: &range, inside: nil)
    #expect(range == [0, 0.25, 1])
  }
}

@Suite struct NNUNetPostprocessingTests {
  @Test func eachStepKeepsTheLargestComponentAndItsEquals() throws {
    let geometry = try ImageGeometry(
      size: [8, 1, 1],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    let map = LabelMap(geometry: geometry, labels: [1, 1, 0, 2, 0, 1, 2, 0], table: [])
    #expect(
      NNUNetPostprocessing(steps: [[1, 2]]).applied(to: map).labels == [1, 1, 0, 0, 0, 1, 2, 0]
    )
    #expect(
      NNUNetPostprocessing(steps: [[1], [2]]).applied(to: map).labels == [1, 1, 0, 2, 0, 0, 2, 0]
    )
  }

  @Test func theFileIsReadAndUnknownFunctionsAreRefused() throws {
    let folder = try TemporaryFolder()
    func write(_ function: String) throws {
      let text = """
        {"postprocessing_fns": ["\(function)"],
         "postprocessing_kwargs": [{"labels_or_regions": [1, [2, 3]], "background_label": 0}]}
        """
      try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file("p.json")))
    }
    try write("remove_all_but_largest_component_from_segmentation")
    #expect(try NNUNetPostprocessing(contentsOf: folder.file("p.json")).steps == [[1, 2, 3]])
    try write("os.system")
    #expect(throws: PipelinesError.self) {
      try NNUNetPostprocessing(contentsOf: folder.file("p.json"))
    }
  }
}
