import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// What stored pixels mean.
@Suite struct DICOMValuesTests {
  @Test(arguments: ["modality-table", "float-pixels", "double-pixels", "pet"])
  func valuesAreThoseTheFilesWereMadeOf(name: String) throws {
    try DICOMExpected.check(try DICOMExpected.read(name).volume, is: name)
  }

  @Test(arguments: ["pet", "pet-philips"])
  func uptakeFollowsDoseWeightAndTime(name: String) throws {
    let loaded = try DICOMExpected.read(name) { $0.usesSUV = true }
    // Rounding to single precision.
    try DICOMExpected.check(loaded.volume, is: name + "-suv", relative: 1e-7)
    #expect(!loaded.summary.problems.contains { $0.code.hasPrefix("suv") })
  }

  @Test func plainValuesSayThatUptakeIsPossible() throws {
    #expect(try DICOMExpected.read("pet").summary.problems.map(\.code) == ["suv-possible"])
  }

  @Test func uptakeOfOtherModalitiesIsRefused() throws {
    #expect(throws: ImagingIOError.self) {
      try DICOMExpected.read("rle") { $0.usesSUV = true }
    }
  }

  @Test func uptakeWithoutWeightSaysSo() throws {
    let original = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("dicom/pet/0.dcm")))
    var bytes = [UInt8](original)
    let weight: [UInt8] = [0x10, 0, 0x30, 0x10] + Array("DS".utf8) + [2, 0] + Array("70".utf8)
    let place = try #require(bytes.indices.first { bytes[$0...].starts(with: weight) })
    bytes.replaceSubrange(place + 8..<place + 10, with: Array("0 ".utf8))
    let folder = try TemporaryFolder()
    try Data(bytes).write(to: URL(fileURLWithPath: folder.file("0.dcm")))
    var selection = VolumeSelection()
    selection.usesSUV = true
    let error = #expect(throws: ImagingIOError.self) {
      try DICOMFormat().read(folder.path, selection: selection, progress: SilentProgress())
    }
    #expect(error?.description.contains("Patient's Weight is missing") == true)
    selection.usesSUV = false
    let loaded = try DICOMFormat().read(
      folder.path,
      selection: selection,
      progress: SilentProgress()
    )
    #expect(loaded.summary.problems.map(\.code) == ["suv-impossible"])
  }

  @Test func paddingIsKeptAndCounted() throws {
    let loaded = try DICOMExpected.read("padding")
    let problem = try #require(loaded.summary.problems.first { $0.code == "pixel-padding" })
    #expect(problem.message.hasPrefix("5 voxels hold the padding value (stored as -2000)"))
    #expect(DICOMExpected.doubles(loaded.volume).first == -3024)
  }

  @Test func coloursOfAPaletteAreRead() throws {
    let expected = try DICOMExpected.load("palette")
    let path = Fixtures.path("dicom/palette/1.dcm")
    let found = try DICOMFormat.readColor(path)
    #expect([found.width, found.height] == expected.size)
    #expect(found.rgb == expected.rgb)
    #expect(throws: ImagingIOError.self) { try DICOMExpected.read("palette") }
    #expect(throws: ImagingIOError.noSuchSelection(path: path, selection: "frame 2")) {
      try DICOMFormat.readColor(path, frame: 2)
    }
  }

  /// Where the shim has no decoder of three samples, they are refused and never misread.
  @Test func redGreenAndBlueAreRightOrRefused() throws {
    let expected = try DICOMExpected.load("rgb")
    do {
      let found = try DICOMFormat.readColor(Fixtures.path("dicom/rgb/1.dcm"))
      #expect([found.width, found.height] == expected.size)
      #expect(found.rgb == expected.rgb)
    } catch ImagingIOError.unsupported(_, let what, _) {
      #expect(what == "pixels that have no decoder here")
    }
    #expect(throws: ImagingIOError.self) { try DICOMExpected.read("rgb") }
  }

  @Test func greyIsNoColour() {
    #expect(throws: ImagingIOError.self) {
      try DICOMFormat.readColor(Fixtures.path("dicom/rle/0.dcm"))
    }
  }
}

@Suite struct VolumeSanityTests {
  private func codes(
    _ voxels: [Float],
    spacing: SIMD3<Double> = [1, 1, 1],
    modality: String? = "CT"
  ) throws -> [String] {
    let geometry = try ImageGeometry(
      size: [voxels.count, 1, 1],
      spacing: spacing,
      origin: .zero,
      direction: .identity
    )
    let volume = AnyVolume.float32(Volume(geometry: geometry, voxels: voxels))
    return VolumeSanity.problems(of: volume, modality: modality).map(\.code)
  }

  @Test func ordinaryVolumeHasNoProblem() throws {
    #expect(try codes([-1000, 0, 300]).isEmpty)
    #expect(try codes([0, 20, 4095], modality: "MR").isEmpty)
    #expect(try codes([0, 20, 4095], modality: nil).isEmpty)
  }

  @Test func tomographyWithoutAirIsNotInHounsfieldUnits() throws {
    #expect(try codes([0, 20, 4095]) == ["not-hounsfield"])
  }

  @Test func oneValueEverywhereIsConstant() throws {
    #expect(try codes([7, 7, 7]) == ["constant-volume"])
    #expect(try codes([7], modality: nil).isEmpty)
  }

  @Test func valuesThatAreNoNumbersAreCounted() throws {
    #expect(try codes([.nan, -1000, .infinity, 5]) == ["non-finite-values"])
    #expect(try codes([.nan, .nan]) == ["non-finite-values"])
  }

  @Test func spacingIsJudged() throws {
    #expect(try codes([-1000, 0], spacing: [0.5, 0.5, 5.1]) == ["anisotropic-voxels"])
    #expect(try codes([-1000, 0], spacing: [0.5, 0.5, 5]).isEmpty)
    #expect(try codes([-1000, 0], spacing: [0.005, 0.005, 0.005]) == ["absurd-spacing"])
    #expect(try codes([-1000, 0], spacing: [60, 60, 60]) == ["absurd-spacing"])
  }
}
