import Autoencoders
import Foundation
import Imaging
import ImagingIO
import Pipelines
import Recognition
import Support
import TestSupport
import Testing

@Suite struct InpainterTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func run(_ path: String, _ holes: InpaintingRun.Holes) throws -> InpaintingRun.Result {
    try InpaintingRun(
      Inpainter(.harmonic),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    .fill(path, holes: holes)
  }

  private func geometry() throws -> ImageGeometry {
    let (c, s) = (cos(0.3), sin(0.3))
    return try ImageGeometry(
      size: [6, 5, 3],
      spacing: [1.5, 1, 4],
      origin: [-12, 30, 7],
      direction: Matrix3([c, s, 0], [-s, c, 0], [0, 0, 1])
    )
  }

  private func write(_ volume: AnyVolume, _ name: String) throws -> String {
    let path = folder.file(name)
    try NIfTIWriter.write(volume, to: path)
    return path
  }

  @Test(arguments: InpaintingNetwork.allCases)
  func aNetworkLearnsWhatNoEquationKnows(network: InpaintingNetwork) throws {
    var request = InpaintingTrainer.Request()
    (request.network, request.features) = (network, [12, 24])
    let trainer = InpaintingTrainer(
      images: Pictures.waves(60, seed: 1),
      path: "waves",
      request: request,
      checkpointFolder: folder.file("waves.training"),
      progress: SilentProgress(),
      interruption: Interruption()
    )
    var learning = LearningConfiguration()
    (learning.steps, learning.batchSize, learning.learningRate) = (150, 16, 0.005)
    learning.warmupSteps = 5
    let outcome = try trainer.train(learning, budget: .steps, resumes: false)
    let path = folder.file(network.rawValue)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try TrainedInpainter(
      outcome: outcome,
      origin: ModelOrigin(name: "waves", dataset: "waves", licence: "", source: "", command: "")
    ).write(to: path)
    let (found, problems) = try Inpainter(ModelPackage(path: path)).evaluate(
      Pictures.waves(12, seed: 2),
      path: "waves",
      holes: HolePattern(.blocks, share: 0.25),
      seed: 1,
      progress: SilentProgress(),
      interruption: Interruption()
    )
    #expect(problems.isEmpty)
    let psnr = try #require(found.comparisons.first { $0.metric == "psnrInHoles" })
    #expect(psnr.difference > 2 && psnr.differenceCI95[0] > 0, "\(psnr)")
    #expect(psnr.n == 12)
    // A colour image is none for a model of grey ones.
    let colours = ImagePlanes(
      height: 2,
      width: 2,
      values: [1, 2, 3, 4, 9, 9, 9, 9, 5, 5, 5, 5]
    )
    let error = #expect(throws: AutoencodersError.self) {
      try Inpainter(ModelPackage(path: path)).filled(
        colours,
        hidden: [true, false, false, false],
        path: "colours"
      )
    }
    #expect(error?.description.contains("colours") == true)
  }

  @Test func onlyHoleVoxelsOfAScanChangeAndItsGridStays() throws {
    let geometry = try geometry()
    let voxels = (0..<90).map { Int16($0 * $0 * 37 % 211 - 100) }
    let scan = try write(.int16(Volume(geometry: geometry, voxels: voxels)), "scan.nii.gz")
    let marks = (0..<90).map { UInt8([16, 17, 22, 70].contains($0) ? 3 : 0) }
    let mask = try write(.uint8(Volume(geometry: geometry, voxels: marks)), "mask.nii.gz")
    let result = try run(scan, InpaintingRun.Holes(mask: mask))
    #expect(result.filledCount == 4 && result.count == 90)
    try result.write(to: folder.file("filled.nii.gz"))
    let before = try ImageFormats.read(scan).volume
    let after = try ImageFormats.read(folder.file("filled.nii.gz")).volume
    #expect(after.geometry == before.geometry)
    guard case .int16(let filled) = after else {
      Issue.record("the type of the values changed")
      return
    }
    for place in voxels.indices where marks[place] == 0 {
      #expect(filled.voxels[place] == voxels[place])
    }
    #expect(filled.voxels[70] != voxels[70])
  }

  @Test func doublePrecisionKeepsItsBitsWhereNothingIsMissing() throws {
    let geometry = try geometry()
    var voxels = (0..<90).map { Double($0) / 7 + 1e-12 }
    voxels[20] = .nan
    let scan = try write(.float64(Volume(geometry: geometry, voxels: voxels)), "scan.nii")
    let result = try run(scan, InpaintingRun.Holes(missing: .nan))
    #expect(result.filledCount == 1)
    try result.write(to: folder.file("filled.nii"))
    guard case .float64(let filled) = try ImageFormats.read(folder.file("filled.nii")).volume
    else {
      Issue.record("the type of the values changed")
      return
    }
    for place in voxels.indices where place != 20 {
      #expect(filled.voxels[place] == voxels[place])
    }
    #expect(abs(filled.voxels[20] - 20.0 / 7) < 0.2)
  }

  @Test func masksThatDoNotSuitAreSaid() throws {
    let geometry = try geometry()
    let scan = try write(
      .float32(Volume(geometry: geometry, voxels: (0..<90).map(Float.init))),
      "scan.nii.gz"
    )
    func marks(_ value: (Int) -> UInt8, _ name: String) throws -> String {
      try write(.uint8(Volume(geometry: geometry, voxels: (0..<90).map(value))), name)
    }
    func reason(_ mask: String) -> String {
      let error = #expect(throws: AutoencodersError.self) {
        try run(scan, InpaintingRun.Holes(mask: mask))
      }
      #expect(error?.failure == .damagedInput)
      return error?.description ?? ""
    }
    #expect(reason(try marks({ _ in 0 }, "empty.nii.gz")).contains("hides nothing"))
    #expect(reason(try marks({ _ in 1 }, "all.nii.gz")).contains("nothing is known"))
    // A slice of which nothing is left is named.
    #expect(reason(try marks({ $0 / 30 == 1 ? 1 : 0 }, "one.nii.gz")).contains("slice 2"))
    let moved = try ImageGeometry(
      size: geometry.size,
      spacing: geometry.spacing,
      origin: geometry.origin + [5, 0, 0],
      direction: geometry.direction
    )
    let other = try write(
      .uint8(Volume(geometry: moved, voxels: (0..<90).map { UInt8($0 % 2) })),
      "moved.nii.gz"
    )
    #expect(!reason(other).isEmpty)
    let small = try ImageGeometry(
      size: [5, 5, 3],
      spacing: geometry.spacing,
      origin: geometry.origin,
      direction: geometry.direction
    )
    let fewer = try write(
      .uint8(Volume(geometry: small, voxels: (0..<75).map { UInt8($0 % 2) })),
      "small.nii.gz"
    )
    #expect(reason(fewer).contains("5 x 5 x 3"))
    #expect(throws: AutoencodersError.self) { try run(scan, InpaintingRun.Holes(missing: -1)) }
  }

  @Test func similarityInHolesIsThatOfTheirWindowsAlone() {
    var random = RandomStream(seed: 1)
    let truth = ImagePlanes(
      height: 20,
      width: 20,
      values: (0..<400).map { _ in Float(random.uniform(in: 0..<255)) }
    )
    var filled = truth
    let hidden = (0..<400).map { $0 % 20 < 10 }
    for place in 0..<400 where hidden[place] { filled.values[place] = 128 }
    let found = InpaintingQuality(of: filled, truth: truth, hidden: hidden, dataRange: 255)
    #expect((found.ssimInHoles ?? 1) < 0.3 && (found.ssim ?? 0) > 0.4)
    // Half the pixels have all the error.
    #expect(abs((found.psnr ?? 0) - (found.psnrInHoles ?? 0) - 10 * log10(2)) < 1e-9)
    let same = InpaintingQuality(of: truth, truth: truth, hidden: hidden, dataRange: 255)
    #expect(same.psnrInHoles == nil && same.ssim == 1)
  }
}
