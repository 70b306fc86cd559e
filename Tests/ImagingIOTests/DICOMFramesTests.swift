import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// Files of several images: enhanced and older multi-frame objects, mosaics.
@Suite struct DICOMFramesTests {
  @Test func enhancedFramesFollowTheirPlaces() throws {
    let loaded = try DICOMExpected.read("enhanced-ct")
    try DICOMExpected.check(loaded.volume, is: "enhanced-ct")
    #expect(loaded.files.count == 1)
    #expect(loaded.source?.description == "4 DICOM slices")
    #expect(try DICOMExpected.series("enhanced-ct").slices == 4)
  }

  @Test func bValuesOfEqualGridsAreOneVolume() throws {
    let series = try DICOMExpected.series("enhanced-mr")
    #expect(series.volumes.map(\.size) == [[8, 6, 3, 2]])
    #expect(series.volumes.map(\.why) == ["2 points by b-value"])
    for point in 1...2 {
      let volume = try DICOMExpected.read("enhanced-mr") { $0.timePoint = point }.volume
      try DICOMExpected.check(volume, is: "enhanced-mr#\(point)")
    }
  }

  @Test func volumeInTimeAsksForAPoint() throws {
    let path = Fixtures.path("dicom/enhanced-mr")
    let choices = ["1: b-value 0.0 s/mm2", "2: b-value 1000.0 s/mm2"]
    #expect(throws: ImagingIOError.severalTimePoints(path: path, choices: choices)) {
      try DICOMExpected.read("enhanced-mr")
    }
    #expect(throws: ImagingIOError.noSuchSelection(path: path, selection: "time point 3")) {
      try DICOMExpected.read("enhanced-mr") { $0.timePoint = 3 }
    }
  }

  @Test(arguments: ["mosaic-csa", "mosaic-csa1"])
  func tilesOfMosaicsAreSlices(name: String) throws {
    let series = try DICOMExpected.series(name)
    #expect(series.volumes.map(\.size) == [[8, 6, 7, 2]])
    #expect(series.slices == 14)
    for point in 1...2 {
      let loaded = try DICOMExpected.read(name) { $0.timePoint = point }
      try DICOMExpected.check(loaded.volume, is: "\(name)#\(point)")
      #expect(loaded.files == [Fixtures.path("dicom/\(name)/\(point).dcm")])
    }
  }

  @Test(arguments: ["dose", "dose-absolute"])
  func planesOfADoseGridLieAtTheirOffsets(name: String) throws {
    let volume = try DICOMExpected.read(name).volume
    // The scaling is applied in double precision here and in the generator, in one product.
    try DICOMExpected.check(volume, is: name, relative: 1e-15)
  }

  @Test func nuclearSlicesFollowTheirVector() throws {
    let series = try DICOMExpected.series("nuclear")
    #expect(series.volumes.map(\.why) == ["energy window 1.0", "energy window 2.0"])
    for window in 1...2 {
      let volume = try DICOMExpected.read("nuclear") { $0.volume = window }.volume
      try DICOMExpected.check(volume, is: "nuclear/\(window)")
    }
  }

  @Test func picturesInTimeArePlanarPoints() throws {
    let series = try DICOMExpected.series("ultrasound")
    #expect(series.volumes.map(\.size) == [[8, 6, 1, 3]])
    #expect(series.problems.map(\.code) == ["no-patient-geometry"])
    for point in 1...3 {
      let loaded = try DICOMExpected.read("ultrasound") { $0.timePoint = point }
      try DICOMExpected.check(loaded.volume, is: "ultrasound#\(point)")
      #expect(loaded.volume.geometry.isPlanar)
      #expect(loaded.source == nil)
    }
  }

  /// Every number of a header may be a lie.
  @Test func claimsOfManyFramesAreRefused() throws {
    let original = try Data(
      contentsOf: URL(fileURLWithPath: Fixtures.path("dicom/ultrasound/1.dcm"))
    )
    for claim in ["99999999  ", "2147483647", "-1        ", "0         "] {
      var bytes = [UInt8](original)
      let tag: [UInt8] = [0x28, 0, 0x08, 0] + Array("IS".utf8) + [2, 0] + Array("3 ".utf8)
      let place = try #require(bytes.indices.first { bytes[$0...].starts(with: tag) })
      bytes.replaceSubrange(
        place..<place + tag.count,
        with: [0x28, 0, 0x08, 0] + Array("IS".utf8) + [10, 0] + Array(claim.utf8)
      )
      let folder = try TemporaryFolder()
      try Data(bytes).write(to: URL(fileURLWithPath: folder.file("many.dcm")))
      #expect(throws: ImagingIOError.self) {
        try DICOMFormat().read(
          folder.file("many.dcm"),
          selection: VolumeSelection(),
          progress: SilentProgress()
        )
      }
    }
  }
}
