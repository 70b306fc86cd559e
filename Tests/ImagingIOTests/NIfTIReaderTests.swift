import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

struct NIfTIReaderTests {
  static let upright =
    [
      "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32",
      "float64",
    ].flatMap { ["\($0)-little.nii", "\($0)-big.nii"] } + [
      "nifti2-little.nii", "nifti2-big.nii", "packed.nii.gz", "pair.hdr", "pair-packed.hdr.gz",
      "qform-only.nii", "qform-only-left-handed.nii", "sform-only.nii", "double-oblique.nii",
      "no-units.nii", "planar.nii", "labels-float.nii",
    ]

  @Test(arguments: upright)
  func valuesAndPositionsAreNibabels(name: String) throws {
    let expected = try #require(try NIfTIExpected.all()[name])
    let loaded = try NIfTIReader.read(Fixtures.path("nifti/\(name)"))
    let geometry = loaded.volume.geometry
    #expect([geometry.size.x, geometry.size.y, geometry.size.z].starts(with: expected.shape))
    // Headers hold single precision: 1e-6 of a position of about 100 mm.
    #expect(expected.distance(to: geometry) < 1e-4)
    #expect(loaded.volume.scalarName == expected.scalar)
    #expect(loaded.summary.problems == [])
    if expected.scalar.hasPrefix("float") {
      #expect(loaded.volume.texts.map(Double.init) == expected.values.map(Double.init))
    } else {
      #expect(loaded.volume.texts == expected.values)
    }
  }

  @Test(arguments: [
    ("scaled-int16.nii", "float32"), ("scaled-float32.nii", "float32"),
    ("scaled-int32-big.nii", "float64"),
  ])
  func slopeAndInterceptAreApplied(name: String, scalar: String) throws {
    let expected = try #require(try NIfTIExpected.all()[name])
    let volume = try NIfTIReader.read(Fixtures.path("nifti/\(name)")).volume
    #expect(volume.scalarName == scalar)
    let wanted = expected.values.compactMap(Double.init)
    let found = volume.texts.compactMap(Double.init)
    #expect(found.count == wanted.count)
    for (found, wanted) in zip(found, wanted) {
      // One rounding to single precision.
      #expect(abs(found - wanted) <= 1.2e-7 * abs(wanted) + 1e-30)
    }
  }

  @Test func aPairIsReadByEitherName() throws {
    let header = try NIfTIReader.read(Fixtures.path("nifti/pair.hdr"))
    let image = try NIfTIReader.read(Fixtures.path("nifti/pair.img"))
    #expect(header.volume == image.volume)
    #expect(image.files.map { ($0 as NSString).lastPathComponent } == ["pair.hdr", "pair.img"])
    let packed = try NIfTIReader.read(Fixtures.path("nifti/pair-packed.img.gz"))
    #expect(packed.volume.scalarName == "uint8")
  }

  @Test(arguments: [("micron.nii", [0.5, 0.5, 2]), ("metre.nii", [1, 1, 3])])
  func unitsBecomeMillimetres(name: String, spacing: [Double]) throws {
    let found = try NIfTIReader.read(Fixtures.path("nifti/\(name)")).volume.geometry.spacing
    for axis in 0..<3 { #expect(abs(found[axis] - spacing[axis]) < 1e-6) }
  }

  @Test func theSFormWinsAndADisagreementIsSaid() throws {
    let loaded = try NIfTIReader.read(Fixtures.path("nifti/disagree.nii"))
    let expected = try #require(try NIfTIExpected.all()["disagree.nii"])
    #expect(expected.distance(to: loaded.volume.geometry) < 1e-4)
    #expect(loaded.summary.problems.map(\.code) == ["sform-qform-disagree"])
    #expect(loaded.summary.problems[0].message.contains("3.0 mm"))
  }

  @Test func aFileWithoutOrientationSaysSo() throws {
    let loaded = try NIfTIReader.read(Fixtures.path("nifti/neither.nii"))
    #expect(loaded.summary.problems.map(\.code) == ["no-orientation"])
    #expect(loaded.volume.geometry.spacing == [0.5, 0.75, 2])
    #expect(loaded.volume.geometry.direction == .identity)
    #expect(loaded.volume.geometry.origin == [0, 0, 0])
  }

  @Test func aShearIsReplacedByTheNearestRotation() throws {
    let loaded = try NIfTIReader.read(Fixtures.path("nifti/sheared.nii"))
    #expect(loaded.summary.problems.map(\.code) == ["sheared-affine"])
    // The tilt of 10 degrees, seen along the in-plane axis that makes 0.3 rad with it.
    let message = loaded.summary.problems[0].message
    let degrees = try #require(
      message.split(separator: " ").compactMap { Double($0) }.first
    )
    #expect(abs(degrees - 9.55) < 0.1)
    #expect(loaded.volume.geometry.direction.orthonormalityError < 1e-12)
    // The grid's centre stays where the file says.
    let expected = try #require(try NIfTIExpected.all()["sheared.nii"])
    let centre = SIMD3<Double>(2, 1.5, 1)
    let gap = expected.position(centre) - loaded.volume.geometry.position(ofIndex: centre)
    #expect(dot(gap, gap).squareRoot() < 1e-5)
  }

  @Test func aPlanarFileIsOneSlice() throws {
    let geometry = try NIfTIReader.read(Fixtures.path("nifti/planar.nii")).volume.geometry
    #expect(geometry.isPlanar)
    #expect(geometry.size == [6, 5, 1])
    #expect(geometry.spacing.z == 1)
  }

  @Test func aTimePointMustBeChosen() throws {
    let path = Fixtures.path("nifti/four-d.nii.gz")
    let expected = try #require(try NIfTIExpected.all()["four-d.nii.gz"])
    let choices = ["time point 1", "time point 2", "time point 3"]
    #expect(throws: ImagingIOError.severalTimePoints(path: path, choices: choices)) {
      try NIfTIReader.read(path)
    }
    var joined: [String] = []
    for number in 1...3 {
      joined += try NIfTIReader.read(path, selection: .init(volume: number)).volume.texts
    }
    #expect(joined == expected.values)
    #expect(throws: ImagingIOError.noSuchSelection(path: path, selection: "volume 4")) {
      try NIfTIReader.read(path, selection: .init(volume: 4))
    }
    #expect(throws: ImagingIOError.noSuchSelection(path: path, selection: "series 2")) {
      try NIfTIReader.read(path, selection: .init(series: "2", volume: 1))
    }
    let summary = try NIfTIFormat().inspect(path, progress: SilentProgress())
    #expect(summary.map(\.volumes.first?.size) == [[4, 3, 2, 3]])
  }

  @Test func nonFiniteValuesAreKeptAndCounted() throws {
    let loaded = try NIfTIReader.read(Fixtures.path("nifti/non-finite.nii"))
    #expect(loaded.summary.problems.map(\.code) == ["non-finite-values"])
    #expect(loaded.summary.problems[0].message.hasPrefix("3 voxels"))
    #expect(loaded.volume.nonFiniteCount == 3)
  }

  @Test(arguments: [("complex.nii", "complex"), ("rgb.nii", "RGB")])
  func colourAndComplexValuesAreUnsupported(name: String, word: String) throws {
    let error = #expect(throws: ImagingIOError.self) {
      try NIfTIReader.read(Fixtures.path("nifti/\(name)"))
    }
    #expect(error?.description.contains(word) == true)
    #expect(error?.failure == .damagedInput)
  }

  @Test func aFloatFileOfWholeNumbersIsALabelMap() throws {
    let table = [LabelDefinition(id: 1, name: "a", color: LabelDefinition.defaultColor(0))]
    let labels = try NIfTIReader.readLabelMap(
      Fixtures.path("nifti/labels-float.nii"),
      table: table
    )
    let expected = try #require(try NIfTIExpected.all()["labels-float.nii"])
    #expect(labels.labels.map(Double.init) == expected.values.compactMap(Double.init))
    #expect(labels.table == table)
  }

  @Test func anImageIsNoLabelMap() throws {
    let error = #expect(throws: ImagingIOError.self) {
      try NIfTIReader.readLabelMap(Fixtures.path("nifti/non-finite.nii"), table: [])
    }
    #expect(error?.description.contains("60 voxels that are not whole numbers") == true)
    let negative = #expect(throws: ImagingIOError.self) {
      try NIfTIReader.readLabelMap(Fixtures.path("nifti/int8-little.nii"), table: [])
    }
    #expect(negative?.description.contains("not whole numbers from 0 to 65535") == true)
  }

  @Test func everyFixtureIsRecognisedByItsContent() throws {
    for name in try NIfTIExpected.all().keys {
      #expect(NIfTIFormat().recognises(Fixtures.path("nifti/\(name)")))
    }
    #expect(!NIfTIFormat().recognises(Fixtures.path("nifti/generate.py")))
    #expect(!NIfTIFormat().recognises(Fixtures.path("nifti")))
  }
}
