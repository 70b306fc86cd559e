import Enhancement
import Imaging
import ImagingIO
import Pipelines
import Support
import Testing

@Suite struct ImageDegradationTests {
  private func apply(
    _ degradation: ImageDegradation,
    to image: EnhancementContent,
    seed: UInt64 = 1,
    name: String = "a"
  ) throws -> (clean: EnhancementContent, degraded: EnhancementContent) {
    let range = try #require(IntensityRange.fixed(low: 0, high: 255).scale(for: []))
    return try degradation.applied(to: image, range: range, seed: seed, name: name)
  }

  private func picture(_ size: SIMD2<Int>) throws -> EnhancementContent {
    .picture(
      EnhancementPicture(
        channels: [try SampleModel.scan([size.x, size.y, 1], isPlanar: true)],
        bits: 8
      )
    )
  }

  private func scan(_ size: SIMD3<Int>) throws -> EnhancementContent {
    let volume = try SampleModel.scan(size)
    return .scan(volume, storedAs: .float32(volume))
  }

  @Test func descriptionsSayWhatIsDone() throws {
    let found = try ImageDegradation(["reduce:2", "reduce:1x1x4", "gaussian:25", "rician:5%"])
    #expect(
      found.steps == [
        .reduction([2, 2, 1]), .reduction([1, 1, 4]), .noise(.gaussian, .greyLevels(25)),
        .noise(.rician, .share(0.05)),
      ]
    )
    #expect(found.scale == [2, 2, 4] && !found.endsInFile)
    for text in [
      "gaussian", "gaussian:", "gaussian:-3", "gaussian:nan", "gaussian:900", "salt:5%", "reduce:1",
      "reduce:0", "reduce:2x2", "reduce:2xx2", "reduce:1000", "reduce:2:3", "",
      "low-dose-ct:5%", "low-dose-ct:2000",
    ] {
      #expect(throws: EnhancementError.unknownDegradation(text: text)) {
        try ImageDegradation([text])
      }
    }
  }

  @Test func noiseFollowsFromSeedAndNameAlone() throws {
    let image = try picture([40, 30])
    let noise = try ImageDegradation(["gaussian:25"])
    func noisy(_ seed: UInt64, _ name: String) throws -> [Float] {
      try apply(noise, to: image, seed: seed, name: name).degraded.grey.voxels
    }
    let first = try noisy(1, "a")
    #expect(try noisy(1, "a") == first)
    #expect(try noisy(1, "b") != first)
    #expect(try noisy(2, "a") != first)
    let differences = zip(first, image.grey.voxels).map { Double($0 - $1) }
    let deviation = (differences.reduce(0) { $0 + $1 * $1 } / 1200).squareRoot()
    // Five standard errors of a deviation of 25 from 1200 values.
    #expect(abs(deviation - 25) < 2.6)
    // Neither rounded nor cut off.
    #expect(first.contains { $0 != $0.rounded() })
  }

  @Test func coloursGetNoiseOfTheirOwn() throws {
    let grey = try SampleModel.scan([20, 20, 1], isPlanar: true)
    let image = EnhancementContent.picture(
      EnhancementPicture(channels: [grey, grey, grey], bits: 8)
    )
    let channels = try apply(ImageDegradation(["gaussian:5%"]), to: image).degraded.channels
    #expect(channels[0] != channels[1] && channels[1] != channels[2])
  }

  @Test func reducedPicturesAreWhatFilesHold() throws {
    let reduction = try ImageDegradation(["reduce:2"])
    let (clean, degraded) = try apply(reduction, to: picture([21, 15]))
    #expect(reduction.endsInFile)
    #expect(clean.grey.geometry.size == SIMD3(20, 14, 1))
    #expect(degraded.grey.geometry.size == SIMD3(10, 7, 1))
    #expect(degraded.grey.voxels.allSatisfy { $0 == $0.rounded() && 0...255 ~= $0 })
  }

  @Test func thickSlicesAreMeansOfThinOnes() throws {
    let (clean, degraded) = try apply(
      ImageDegradation(["reduce:1x1x4"]),
      to: scan([5, 4, 9])
    )
    #expect(clean.grey.geometry.size == SIMD3(5, 4, 8))
    #expect(degraded.grey.geometry.spacing.z == 4 * clean.grey.geometry.spacing.z)
    let mean = (0..<4).map { clean.grey[2, 3, 4 + $0] }.reduce(0, +) / 4
    #expect(abs(degraded.grey[2, 3, 1] - mean) < 1e-3)
  }

  @Test func aLowDoseHasItsHounsfieldUnitsInTheBody() throws {
    let volume = try SampleModel.disc(slices: 2)
    let head = volume.voxels
    let found = try apply(
      ImageDegradation(["low-dose-ct:40"]),
      to: .scan(volume, storedAs: .float32(volume))
    )
    let body = head.indices.filter { head[$0] > 0 }
    let squares = body.reduce(0.0) { sum, place in
      let error = Double(found.degraded.grey.voxels[place] - head[place])
      return sum + error * error
    }
    #expect(abs((squares / Double(body.count)).squareRoot() - 40) < 0.01)
    #expect(found.clean.grey.voxels == head)
    // No values below 0, and slices that are not axial.
    #expect(throws: EnhancementError.self) {
      try apply(ImageDegradation(["low-dose-ct:40"]), to: scan([20, 20, 3]))
    }
    let coronal = volume.reoriented(to: try Orientation(code: "LSP"))
    #expect(throws: EnhancementError.self) {
      try apply(
        ImageDegradation(["low-dose-ct:40"]),
        to: .scan(coronal, storedAs: .float32(coronal))
      )
    }
  }

  @Test func whatDoesNotSuitAnImageIsRefused() throws {
    #expect(throws: EnhancementError.self) {
      try apply(ImageDegradation(["gaussian:25"]), to: scan([5, 4, 3]))
    }
    #expect(throws: EnhancementError.self) {
      try apply(ImageDegradation(["reduce:1x1x4"]), to: scan([5, 4, 3]))
    }
    #expect(throws: EnhancementError.self) {
      try apply(ImageDegradation(["reduce:1x1x2"]), to: picture([8, 8]))
    }
  }
}
