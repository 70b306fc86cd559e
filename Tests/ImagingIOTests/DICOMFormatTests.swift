import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// A volume as `Fixtures/dicom/generate.py` made it.
private struct Expected: Decodable {
  var size: [Int]
  var scalar: String
  /// Three rows of four: voxel index to LPS mm.
  var affine: [[Double]]
  var values: [Double]

  static func load(_ name: String) throws -> Expected {
    let data = try Data(contentsOf: URL(fileURLWithPath: Fixtures.path("dicom/expected.json")))
    return try #require(try JSONDecoder().decode([String: Expected].self, from: data)[name])
  }
}

private func read(
  _ name: String,
  series: String? = nil,
  volume: Int? = nil
) throws -> LoadedVolume {
  try DICOMFormat().read(
    Fixtures.path("dicom/" + name),
    selection: VolumeSelection(series: series, volume: volume),
    progress: SilentProgress()
  )
}

private func inspect(_ name: String) throws -> [SeriesSummary] {
  try DICOMFormat().inspect(Fixtures.path("dicom/" + name), progress: SilentProgress())
}

/// The error of reading a fixture, with paths cut down to the fixture's name.
private func failure(_ name: String) -> ImagingIOError? {
  do {
    _ = try read(name)
    return nil
  } catch {
    return error as? ImagingIOError
  }
}

private func doubles(_ volume: AnyVolume) -> [Double] {
  switch volume {
  case .int8(let volume): volume.voxels.map(Double.init)
  case .uint8(let volume): volume.voxels.map(Double.init)
  case .int16(let volume): volume.voxels.map(Double.init)
  case .uint16(let volume): volume.voxels.map(Double.init)
  case .int32(let volume): volume.voxels.map(Double.init)
  case .uint32(let volume): volume.voxels.map(Double.init)
  case .int64(let volume): volume.voxels.map { Double($0) }
  case .uint64(let volume): volume.voxels.map { Double($0) }
  case .float32(let volume): volume.voxels.map(Double.init)
  case .float64(let volume): volume.voxels
  }
}

@Suite struct DICOMFormatTests {
  @Test(arguments: [
    "axial-ct", "sagittal-mr", "oblique-mr", "rle", "big-endian", "no-preamble", "uint8", "int32",
    "jpeg-ls",
  ])
  func seriesHasTheValuesAndPositionsItWasMadeOf(name: String) throws {
    let expected = try Expected.load(name)
    let volume = try read(name).volume
    let geometry = volume.geometry
    #expect([geometry.size.x, geometry.size.y, geometry.size.z] == expected.size)
    #expect(volume.scalarName == expected.scalar)
    #expect(doubles(volume) == expected.values)
    // Headers hold positions to 1e-6 mm and directions to 1e-9.
    for corner in [SIMD3(0.0, 0, 0), [7, 0, 0], [0, 5, 0], [0, 0, 3], [7, 5, 3]] {
      let found = geometry.position(ofIndex: corner)
      for row in 0..<3 {
        let line = expected.affine[row]
        let wanted = line[0] * corner.x + line[1] * corner.y + line[2] * corner.z + line[3]
        #expect(abs(found[row] - wanted) < 1e-5, "row \(row) of \(corner)")
      }
    }
  }

  @Test func slicesFollowPositionsNotNamesOrNumbers() throws {
    let files = try read("axial-ct").files.map { ($0 as NSString).lastPathComponent }
    #expect(files == ["IM003", "IM000", "IM004", "IM001", "IM002"])
  }

  @Test func summaryTellsSeriesAndVolume() throws {
    let series = try inspect("axial-ct")
    #expect(series.count == 1)
    #expect(series[0].uid == "1.2.826.0.1.3680043.8.498.77.2")
    #expect(series[0].modality == "CT")
    #expect(series[0].description == "Thorax")
    #expect(series[0].slices == 5)
    #expect(series[0].transferSyntax == "1.2.840.10008.1.2")
    #expect(series[0].problems.isEmpty)
    #expect(
      series[0].volumes == [
        VolumeSummary(
          number: 1,
          size: [8, 6, 5],
          spacingMM: [0.5, 0.75, 2.5],
          orientation: "LPS",
          why: "all slices of the series"
        )
      ]
    )
  }

  @Test func axisCodeNamesTheSidesToWhichIndicesGrow() throws {
    #expect(try inspect("sagittal-mr")[0].volumes[0].orientation == "PIR")
    #expect(try inspect("oblique-mr")[0].volumes[0].orientation == "LPS")
  }

  @Test func severalSeriesAreListedAndChosen() throws {
    let path = Fixtures.path("dicom/two-series")
    let choices = ["1: MR, \"T1 axial\", 3 slices", "2: MR, \"T2 axial\", 4 slices"]
    #expect(failure("two-series") == .severalSeries(path: path, choices: choices))
    #expect(try read("two-series", series: "2").volume.geometry.size.z == 4)
    #expect(
      try read("two-series", series: "1.2.826.0.1.3680043.8.498.77.8").volume.geometry.size.z == 3
    )
    #expect(throws: ImagingIOError.noSuchSelection(path: path, selection: "series 3")) {
      try read("two-series", series: "3")
    }
    #expect(throws: ImagingIOError.noSuchSelection(path: path, selection: "volume 2")) {
      try read("two-series", series: "1", volume: 2)
    }
  }

  @Test func missingSliceIsAnErrorWithThePlacesOfTheGap() {
    #expect(
      failure("missing-slice")
        == .unsupported(
          path: Fixtures.path("dicom/missing-slice"),
          what: "slices spaced unevenly along their normal: 2.5 mm but 5.0 mm after slice 3 of 5 "
            + "(from -25.0 to -20.0 mm)",
          remedy: "complete the series, or resample the slices to a straight grid with --regrid"
        )
    )
  }

  @Test func unevenGapIsAnErrorWithItsPlaces() throws {
    let error = try #require(failure("uneven"))
    #expect(error.description.contains("2.0 mm but 2.5 mm after slice 3 of 5 (from 4.0 to 6.5 mm)"))
    #expect(error.failure == .damagedInput)
  }

  @Test func planesThatStandAloneAreVolumes() throws {
    let path = Fixtures.path("dicom/three-planes")
    let why = "slices of one orientation, size and spacing"
    #expect(
      failure("three-planes")
        == .severalVolumes(path: path, choices: ["1: 3 slices, \(why)", "2: 2 slices, \(why)"])
    )
    #expect(try read("three-planes", volume: 1).volume.geometry.size.z == 3)
    #expect(try read("three-planes", volume: 2).volume.geometry.size.z == 2)
    let series = try inspect("three-planes")[0]
    #expect(series.volumes.map(\.number) == [1, 2])
    #expect(series.problems.map(\.code) == ["mixed-geometry"])
  }

  @Test func strayOrientationInsideAStackIsAnError() throws {
    #expect(
      failure("mixed-orientation")
        == .mixedGeometry(
          path: Fixtures.path("dicom/mixed-orientation"),
          what: "orientation (5 + 1)"
        )
    )
    #expect(
      try inspect("mixed-orientation")[0].problems.map(\.code) == [
        "uneven-slices", "mixed-geometry",
      ]
    )
  }

  @Test func differentSlicesAtOnePlaceAreAnError() throws {
    #expect(throws: ImagingIOError.self) { try read("duplicate-position") }
    #expect(try inspect("duplicate-position")[0].problems.map(\.code) == ["duplicate-position"])
  }

  @Test func copyOfAFileIsReadOnceAndReported() throws {
    let loaded = try read("copied-file")
    #expect(loaded.volume.geometry.size.z == 3)
    #expect(loaded.summary.problems.map(\.code) == ["duplicate-file"])
  }

  @Test func echoesAreVolumes() throws {
    #expect(
      try inspect("echoes")[0].volumes.map(\.why) == ["echo time 5.0 ms", "echo time 15.0 ms"]
    )
    #expect(try read("echoes", volume: 2).volume.geometry.size.z == 3)
  }

  @Test func tiltIsRefusedInDegrees() throws {
    let error = try #require(failure("tilted"))
    #expect(error.description.contains("a tilt of 12.0 degrees"))
    #expect(error.failure == .damagedInput)
  }

  @Test(arguments: [
    ("no-position", "no-position"), ("mosaic", "mosaic"), ("mpeg2", "transfer-syntax"),
    ("multi-frame", "multi-frame"), ("colour", "colour"), ("truncated", "damaged-file"),
    ("cut-header", "damaged-file"),
  ])
  func inputThatCannotBeAVolumeIsRefusedWithItsCode(name: String, code: String) throws {
    let error = try #require(failure(name))
    #expect(error.failure == .damagedInput)
    let series = try inspect(name)
    #expect(series.count == 1)
    #expect(series[0].problems.map(\.code).contains(code))
    #expect(!error.description.contains("Sample"))
  }

  @Test func truncatedPixelsNameTheFile() {
    #expect(
      failure("truncated")
        == .damaged(
          path: Fixtures.path("dicom/truncated/27-2.dcm"),
          reason: "it ends before its pixel data does"
        )
    )
  }

  @Test func oneSliceTakesItsThickness() throws {
    let geometry = try read("single").volume.geometry
    #expect(geometry.spacing == [0.5, 0.75, 4])
    #expect(!geometry.isPlanar)
    #expect(try read("single-planar").volume.geometry.isPlanar)
  }

  @Test func fileAloneIsReadWithoutItsNeighbours() throws {
    let loaded = try read("axial-ct/IM000")
    #expect(loaded.volume.geometry.size == [8, 6, 1])
    #expect(loaded.files == [Fixtures.path("dicom/axial-ct/IM000")])
  }

  @Test func pictureWithoutPatientIsPlanarAndSaysSo() throws {
    let loaded = try read("picture")
    #expect(loaded.volume.geometry.isPlanar)
    #expect(loaded.volume.geometry.spacing == [0.5, 0.75, 1])
    #expect(loaded.volume.geometry.direction == .identity)
    #expect(
      loaded.summary.problems.map(\.code) == ["no-patient-geometry", "constant-volume"]
    )
  }

  @Test func invertedGreyKeepsStoredValuesAndSaysSo() throws {
    let loaded = try read("monochrome1")
    #expect(doubles(loaded.volume).first == 220)
    #expect(loaded.summary.problems.map(\.code) == ["monochrome1"])
  }

  @Test func contentDecidesWhatIsDICOM() {
    let format = DICOMFormat()
    for name in ["axial-ct", "axial-ct/IM000", "no-preamble", "no-preamble/0", "two-series"] {
      #expect(format.recognises(Fixtures.path("dicom/" + name)), "\(name)")
    }
    for name in ["axial-ct/notes.txt", "expected.json", "absent"] {
      #expect(!format.recognises(Fixtures.path("dicom/" + name)), "\(name)")
    }
  }

  @Test func textIsNotDICOM() {
    let path = Fixtures.path("dicom/axial-ct/notes.txt")
    #expect(failure("axial-ct/notes.txt") == .unrecognised(path: path))
  }

  @Test func absentInputIsMissing() {
    #expect(throws: SupportError.notFound(path: Fixtures.path("dicom/absent"))) {
      try read("absent")
    }
  }

  @Test func linksThatLoopAreFollowedOnce() throws {
    let folder = try TemporaryFolder()
    let files = FileManager.default
    try files.copyItem(atPath: Fixtures.path("dicom/axial-ct"), toPath: folder.file("scan"))
    try files.createSymbolicLink(
      atPath: folder.file("scan/loop"),
      withDestinationPath: folder.path
    )
    try files.createSymbolicLink(
      atPath: folder.file("again"),
      withDestinationPath: folder.file("scan/IM000")
    )
    let loaded = try DICOMFormat().read(
      folder.path,
      selection: VolumeSelection(),
      progress: SilentProgress()
    )
    #expect(loaded.volume.geometry.size.z == 5)
    #expect(loaded.summary.problems.isEmpty)
  }

  @Test func threadsDoNotChangeTheVolume() throws {
    let one = try Parallelism.$threadCount.withValue(1) { try read("oblique-mr") }
    let many = try Parallelism.$threadCount.withValue(7) { try read("oblique-mr") }
    #expect(one.volume == many.volume)
    #expect(one.files == many.files)
  }
}
