import Enhancement
import Imaging
import Testing

@Suite struct ImageQualityTests {
  @Test func aShiftOfOneLevelHasItsKnownErrors() throws {
    let scan = try SampleModel.scan([9, 8, 1])
    let quality = try ImageQuality(of: scan.map { $0 + 1 }, reference: scan, dataRange: 255)
    let psnr = try #require(quality.psnr)
    // 20 log10 255.
    #expect(abs(psnr - 48.1308) < 1e-2)
    #expect(abs(quality.mae - 1) < 1e-4)
    // Brightness alone has no gradient.
    #expect(quality.gradientError < 1e-4)
  }

  @Test func equalImagesHaveNoRatio() throws {
    let scan = try SampleModel.scan([5, 4, 2])
    let quality = try ImageQuality(of: scan, reference: scan, dataRange: 1)
    #expect(quality.psnr == nil && quality.ssim == nil && quality.mae == 0)
  }

  @Test func oneVoxelsGradientIsCountedAlongEveryAxis() throws {
    let flat = try SampleModel.scan([3, 3, 1]).map { _ in Float(0) }
    var dot = flat
    dot[1, 1, 0] = 2
    let quality = try ImageQuality(of: dot, reference: flat, dataRange: 1)
    // Four of twelve differences are 2: the root of 16 / 12.
    #expect(abs(quality.gradientError - 1.154_700_5) < 1e-6)
    #expect(throws: ImagingError.self) {
      try ImageQuality(of: dot, reference: flat, dataRange: 1, border: 2)
    }
  }
}
