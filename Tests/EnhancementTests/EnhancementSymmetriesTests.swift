import Enhancement
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct EnhancementSymmetriesTests {
  /// Moves the image by one column, which mirrors undo.
  private struct Shift: ScanStage {
    let record = StageRecord(name: "shift", summary: "one column to the right")

    func check(_: Volume<Float>, modality _: String?, path _: String) {}

    func apply(
      _ scan: Volume<Float>,
      progress _: any ProgressReporter,
      interruption _: Interruption
    ) -> Volume<Float> {
      let width = scan.geometry.size.x
      return Volume(
        geometry: scan.geometry,
        voxels: scan.voxels.indices.map { scan.voxels[$0 % width == 0 ? $0 : $0 - 1] }
      )
    }
  }

  private func run(
    _ stage: any ScanStage,
    _ volume: Volume<Float>,
    averages: Bool = false
  ) throws -> EnhancementChain.Output {
    var ensemble = EnhancementChain.Ensemble()
    ensemble.averages = averages
    ensemble.wantsSpread = true
    var notes: [String] = []
    return try EnhancementChain([stage]).apply(
      .scan(volume, storedAs: .float32(volume)),
      ensemble: ensemble,
      modality: nil,
      path: "scan",
      progress: SilentProgress(),
      interruption: Interruption(),
      notes: &notes
    )
  }

  private func image(_ size: SIMD3<Int>, _ values: [Float], spacing: SIMD3<Double>) throws
    -> Volume<Float>
  {
    Volume(
      geometry: try ImageGeometry(
        size: size,
        spacing: spacing,
        origin: [1, 2, 3],
        direction: .identity
      ),
      voxels: values
    )
  }

  @Test func theMeanOfShiftsIsTheirKernel() throws {
    var values = [Float](repeating: 0, count: 25)
    values[12] = 8
    let output = try run(Shift(), image([5, 5, 1], values, spacing: [1, 1, 2]), averages: true)
    // Two of the eight put the 8 on each of the four neighbours: a mean of 2, and √12 of deviation.
    var expected = [Float](repeating: 0, count: 25)
    for place in [7, 11, 13, 17] { expected[place] = 2 }
    expectClose(
      output.content.grey.voxels.map(Double.init),
      expected.map(Double.init),
      Tolerance(absolute: 1e-6, relative: 0)
    )
    let spread = try #require(output.spread)
    expectClose(
      spread.voxels.map(Double.init),
      expected.map { Double($0) / 2 * 12.squareRoot() },
      Tolerance(absolute: 1e-5, relative: 0)
    )
    #expect(output.summary?.symmetries == 8 && output.summary?.isAveraged == true)
  }

  @Test func withoutAveragingTheResultIsThatOfTheImageAsItLies() throws {
    let scan = try image(
      [6, 4, 2],
      (0..<48).map { Float($0 * $0 % 17) },
      spacing: [1, 1, 1]
    )
    let output = try run(Shift(), scan)
    let plain = Shift().apply(scan, progress: SilentProgress(), interruption: Interruption())
    #expect(output.content.grey == plain)
    #expect(output.summary?.isAveraged == false)
  }

  @Test func otherSpacingsLeaveFourMirrorImages() throws {
    var values = [Float](repeating: 0, count: 15)
    values[7] = 8
    let output = try run(Shift(), image([5, 3, 1], values, spacing: [1, 2, 2]), averages: true)
    #expect(output.summary?.symmetries == 4)
    #expect(output.content.grey.voxels == [0, 0, 0, 0, 0, 0, 4, 0, 4, 0, 0, 0, 0, 0, 0])
  }

  @Test func aStepWithoutPreferenceHasNoSpread() throws {
    let scan = try image([6, 5, 3], (0..<90).map { Float($0) }, spacing: [1, 1, 1])
    let median = try StageCatalog.stage("median")
    let output = try run(median, scan, averages: true)
    #expect(output.spread?.voxels.allSatisfy { $0 == 0 } == true)
    #expect(output.content.grey.geometry == scan.geometry)
  }

  @Test func theOrientationOfTheModelAndAFinerGridStayInPlace() throws {
    let coronal = try Orientation(code: "RSA")
    let enhancer = try SampleModel.enhancer(
      SampleModel.dnCNN(),
      SampleModel.plan {
        $0.orientation = coronal
        $0.task = .superResolution
        $0.scale = [2, 2, 1]
        $0.enlargement = .spline
      }
    )
    let scan = try SampleModel.scan([10, 8, 6])
    let plain = try enhancer.improved(scan)
    let output = try run(enhancer, scan)
    #expect(output.content.grey.geometry.difference(from: plain.geometry) == nil)
    #expect(output.content.grey.voxels == plain.voxels)
    #expect(output.spread?.geometry.size == plain.geometry.size)
  }

  @Test func theCorrelationWithTheErrorIsPearsons() throws {
    func line(_ values: [Float]) throws -> Volume<Float> {
      try image([4, 1, 1], values, spacing: [1, 1, 1])
    }
    let (result, truth) = (try line([1, 0, 3, 6]), try line([0, 2, 0, 2]))
    // Errors are 1, 2, 3 and 4.
    func correlation(_ spread: [Float]) throws -> Double? {
      EnhancementSpread.correlation(of: try line(spread), errorOf: result, against: truth)
    }
    #expect(abs(try #require(try correlation([2, 4, 6, 8])) - 1) < 1e-12)
    #expect(abs(try #require(try correlation([4, 3, 2, 1])) + 1) < 1e-12)
    #expect(try correlation([1, 1, 1, 1]) == nil)
  }
}
