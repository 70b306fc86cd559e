import Enhancement
import Foundation
import Imaging
import ImagingIO
import Pipelines
import Support
import TestSupport
import Testing

@Suite struct EnhancementMeasurementTests {
  /// Takes away what is asked for, so that the result is known.
  private struct Fade: ScanStage {
    let share: Float
    let record: StageRecord

    init(_ share: Float) {
      self.share = share
      record = StageRecord(name: "fade", summary: "values times \(share)")
    }

    func check(_: Volume<Float>, modality _: String?, path _: String) {}

    func apply(
      _ scan: Volume<Float>,
      progress _: any ProgressReporter,
      interruption _: Interruption
    ) -> Volume<Float> { scan.map { $0 * share } }
  }

  private let folder = try? TemporaryFolder()

  private func picture(_ channels: Int, _ value: (Int) -> UInt8) throws -> String {
    let path = try #require(folder).file("\(channels).png")
    let image = PNGImage(
      width: 24,
      height: 20,
      channels: channels,
      samples: .eightBit((0..<24 * 20 * channels).map(value))
    )
    try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: path))
    return path
  }

  private func measure(
    _ path: String,
    _ degradation: String...,
    steps: [any ScanStage] = [Fade(1)],
    against: [any ScanStage] = [],
    change: (inout EnhancementMeasurement.Options) -> Void = { _ in }
  ) throws -> (EnhancementMeasurement.Measured, EnhancementEvaluation) {
    var options = EnhancementMeasurement.Options(try ImageDegradation(degradation))
    change(&options)
    let measurement = try EnhancementMeasurement(
      EnhancementChain(steps),
      against: against.map { EnhancementChain([$0]) },
      options: options,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    let measured = try measurement.measure(path, id: "a")
    let cases = [(measured.entry, measured.rivals)]
    return (measured, measurement.evaluation(of: cases, notes: measured.notes))
  }

  @Test func theNoisyPictureIsNeitherRoundedNorCutOffButTheResultIs() throws {
    // Half of black's noise is below 0, which a file would not hold.
    let path = try picture(1) { _ in 0 }
    let (measured, _) = try measure(path, "gaussian:25")
    #expect(abs((measured.entry.before.psnr ?? 0) - 20.17) < 0.7)
    // Without the lower half of the noise the error is smaller by 3 dB.
    let gain = (measured.entry.after.psnr ?? 0) - (measured.entry.before.psnr ?? 0)
    #expect(abs(gain - 3.01) < 0.7)
  }

  @Test func rivalsSeeTheSameImagesAndTheirLeadIsPaired() throws {
    let path = try picture(1) { UInt8(90 + $0 % 24 * 4) }
    let (measured, evaluation) = try measure(
      path,
      "gaussian:10",
      against: [Fade(1), Fade(0.5)]
    )
    #expect(measured.rivals[0] == measured.entry.after)
    let rivals = try #require(evaluation.against)
    #expect(rivals[0].summary["psnr"]?["lead"]?.mean == 0)
    let lead = try #require(rivals[1].summary["psnr"]?["lead"]?.mean)
    let own = try #require(measured.entry.after.psnr)
    #expect(abs(lead - (own - (measured.rivals[1].psnr ?? 0))) < 1e-9 && lead > 5)
    #expect(evaluation.degradation == ["gaussian:10"] && evaluation.seed == 1)
  }

  @Test func reducedColoursAreComparedByLumaWithinTheBorder() throws {
    let path = try picture(3) { place in
      UInt8(60 + (place / 3 % 24) * 5 + (place % 3) * 20 + (place / 72 % 2) * 10)
    }
    let (measured, _) = try measure(path, "reduce:2")
    #expect(measured.entry.border == 2)
    #expect(measured.entry.before == measured.entry.after)
    let (all, _) = try measure(path, "reduce:2") { $0.usesLuma = false }
    #expect(all.entry.before != measured.entry.before)
    #expect(measured.notes.contains { $0.contains("coarse grid") })
  }

  @Test func greyErrorsShrinkToTheRangeOfLuma() throws {
    func content(_ value: Float) throws -> EnhancementContent {
      let grey = try SampleModel.scan([16, 16, 1], isPlanar: true).map { _ in value }
      return .picture(EnhancementPicture(channels: [grey, grey, grey], bits: 8))
    }
    var comparison = EnhancementComparison(dataRange: 255)
    comparison.usesLuma = true
    let quality = try comparison.quality(
      of: content(130),
      reference: content(120),
      isFile: true
    )
    #expect(abs(quality.mae - 10 * 219 / 255) < 1e-4)
    comparison.usesLuma = false
    #expect(
      try comparison.quality(of: content(130), reference: content(120), isFile: true).mae == 10
    )
  }

  @Test func scansAreMeasuredInTheirRange() throws {
    let scan = try SampleModel.scan([20, 18, 4]).map { $0 * 10 }
    let path = try #require(folder).file("scan.nii.gz")
    try NIfTIWriter.write(.float32(scan), to: path)
    let (measured, _) = try measure(path, "gaussian:5%")
    let sorted = scan.voxels.sorted()
    let width = Double(sorted[Int((0.995 * 1439).rounded())] - sorted[0])
    #expect(abs((measured.entry.dataRange ?? 0) - width) < 1e-2)
    // 5 % of the range: 20 log10(20) dB.
    #expect(abs((measured.entry.before.psnr ?? 0) - 26.02) < 0.5)
    let (thick, _) = try measure(path, "reduce:1x1x2")
    #expect(thick.before.grey.geometry.size == scan.geometry.size)
  }

  @Test func stepsOfAnotherScaleAreRefused() throws {
    let enhancer = try SampleModel.enhancer(
      SampleModel.dnCNN(),
      SampleModel.plan {
        $0.task = .superResolution
        $0.scale = [3, 3, 1]
        $0.enlargement = .spline
      }
    )
    #expect(throws: EnhancementError.self) {
      try measure("none", "reduce:2", steps: [enhancer])
    }
    let path = try picture(1) { UInt8($0 % 24 * 5) }
    let (measured, _) = try measure(path, "reduce:3", steps: [enhancer])
    #expect(measured.after.grey.geometry.size == SIMD3(24, 18, 1))
  }

  @Test func aStepThatThinsTheThickestAxisSuitsAnyReductionOfOne() throws {
    let thinner = try SampleModel.enhancer(
      SampleModel.dnCNN(),
      SampleModel.plan {
        $0.task = .superResolution
        $0.scale = [1, 4, 1]
        $0.enlargement = .spline
        $0.throughPlane = true
      }
    )
    let scan = try SampleModel.scan([12, 10, 8])
    let path = try #require(folder).file("scan.nii.gz")
    try NIfTIWriter.write(.float32(scan), to: path)
    let (measured, _) = try measure(path, "reduce:1x1x4", steps: [thinner])
    #expect(measured.after.grey.geometry.size == scan.geometry.size)
    #expect(measured.before.grey.geometry.size == scan.geometry.size)
    #expect(throws: EnhancementError.self) {
      try measure("none", "reduce:1x1x2", steps: [thinner])
    }
  }
}
