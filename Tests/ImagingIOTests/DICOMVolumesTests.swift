import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// How the images of a series become volumes, and how one is chosen.
@Suite struct DICOMVolumesTests {
  @Test func temporalPositionsAreOneVolumeInTime() throws {
    let series = try DICOMExpected.series("time-series")
    #expect(series.volumes.map(\.size) == [[8, 6, 3, 3]])
    #expect(series.volumes.map(\.why) == ["3 points by temporal position"])
    for point in 1...3 {
      let loaded = try DICOMExpected.read("time-series") { $0.timePoint = point }
      try DICOMExpected.check(loaded.volume, is: "time-series#\(point)")
      #expect(loaded.files.count == 3)
    }
  }

  @Test func echoesStayApartAndKeepTheirTimes() throws {
    let series = try DICOMExpected.series("echoes-in-time")
    #expect(series.volumes.map(\.size) == [[8, 6, 2, 2], [8, 6, 2, 2]])
    #expect(
      series.volumes.map(\.why) == [
        "echo time 5.0 ms, 2 points by temporal position",
        "echo time 15.0 ms, 2 points by temporal position",
      ]
    )
    let volume = try DICOMExpected.read("echoes-in-time") {
      $0.volume = 2
      $0.timePoint = 1
    }.volume
    #expect(Set(DICOMExpected.doubles(volume)) == [5, 6])
  }

  @Test func privateBValuesAndDirectionsArePoints() throws {
    let series = try DICOMExpected.series("diffusion")
    #expect(series.volumes.map(\.size) == [[8, 6, 2, 3]])
    #expect(series.volumes.map(\.why) == ["3 points by b-value and gradient direction"])
    // Files 5 and 6 have the direction that sorts first.
    let second = try DICOMExpected.read("diffusion") { $0.timePoint = 2 }.volume
    #expect(Set(DICOMExpected.doubles(second)) == [5, 6])
  }

  @Test func triggerTimesAreRankedAtEachPlace() throws {
    let series = try DICOMExpected.series("cine")
    #expect(series.volumes.map(\.size) == [[8, 6, 3, 2]])
    let second = try DICOMExpected.read("cine") { $0.timePoint = 2 }.volume
    #expect(Set(DICOMExpected.doubles(second)) == [10, 11, 12])
  }

  @Test func localiserStaysApart() throws {
    let series = try DICOMExpected.series("localiser")
    #expect(
      series.volumes.map(\.why) == [
        "slices of one orientation, size and spacing", "localiser images",
      ]
    )
    #expect(series.volumes.map { $0.size[2] } == [3, 1])
  }

  @Test func magnitudeAndPhaseStayApart() throws {
    let series = try DICOMExpected.series("magnitude-phase")
    #expect(series.volumes.map(\.size) == [[8, 6, 2], [8, 6, 2]])
    #expect(series.volumes.contains { $0.why == "phase images" })
  }

  @Test func phasesOfContrastAreVolumes() throws {
    let series = try DICOMExpected.series("contrast-phases")
    #expect(series.volumes.map(\.why) == ["acquisition 1.0", "acquisition 2.0"])
  }

  @Test func imagesOfOneUIDAtOtherPlacesAreKept() throws {
    let loaded = try DICOMExpected.read("same-uid")
    #expect(loaded.volume.geometry.size.z == 3)
    #expect(loaded.summary.problems.map(\.code).contains("shared-instance-uid"))
  }

  @Test func positionsOfUndistinguishedSlicesAreNamed() throws {
    let error = #expect(throws: ImagingIOError.self) {
      try DICOMExpected.read("duplicate-position")
    }
    #expect(error?.description.contains("-27.5 mm along the normal") == true)
  }

  // MARK: - Regridding

  @Test(arguments: [("tilted-linear", [8, 9, 5]), ("missing-linear", [8, 6, 6])])
  func crookedSlicesAreStraightenedExactly(name: String, size: [Int]) throws {
    #expect(throws: ImagingIOError.self) { try DICOMExpected.read(name) }
    let loaded = try DICOMExpected.read(name) { $0.regrids = true }
    #expect(loaded.summary.problems.contains { $0.code == "regridded" })
    let volume = loaded.volume.asFloat
    let grid = volume.geometry
    #expect([grid.size.x, grid.size.y, grid.size.z] == size)
    let tilt = name == "tilted-linear" ? tan(12 * Double.pi / 180) : 0
    var inside = 0
    for z in 0..<grid.size.z {
      for y in 0..<grid.size.y {
        for x in 0..<grid.size.x {
          let place = grid.position(ofIndex: SIMD3(Double(x), Double(y), Double(z)))
          // Where the slices reach: their own column runs from 0 to 5 pixels of 0.75 mm.
          let row = (place.y + 4 - place.z * tilt) / 0.75
          guard row > 1e-6, row < 5 - 1e-6 else { continue }
          inside += 1
          let wanted = 2 * place.x + 3 * place.y - place.z + 100
          #expect(abs(Double(volume[x, y, z]) - wanted) < 1e-4, "\(x) \(y) \(z)")
        }
      }
    }
    #expect(inside >= 8 * 4 * 5)
    #expect(loaded.source?.description == "5 DICOM slices")
  }

  // MARK: - Rules

  private func choose(_ change: (inout SeriesRules) -> Void) throws -> LoadedVolume {
    try DICOMExpected.read("two-series") { change(&$0.rules) }
  }

  @Test func rulesTakeTheOnlySeriesThatFulfilsThem() throws {
    #expect(try choose { $0.minimumSlices = 4 }.volume.geometry.size.z == 4)
    #expect(try choose { $0.descriptionPattern = "t1*" }.volume.geometry.size.z == 3)
    #expect(
      try choose {
        $0.descriptionPattern = "T? ax*L"; $0.minimumSlices = 4
      }.files.count == 4
    )
    let localiser = try DICOMExpected.read("localiser") {
      $0.rules.modality = "ct"
      $0.rules.minimumSlices = 2
    }
    #expect(localiser.volume.geometry.size.z == 3)
    let axial = try DICOMExpected.read("three-planes") { $0.rules.plane = "axial" }
    #expect(axial.volume.geometry.size.z == 3)
  }

  @Test func rulesThatFitNoneOrSeveralListTheSeries() throws {
    let none = #expect(throws: ImagingIOError.self) { try choose { $0.modality = "CT" } }
    #expect(none?.description.contains("2: MR, \"T2 axial\", 4 slices: its modality is MR") == true)
    #expect(none?.failure == .usage)
    let several = #expect(throws: ImagingIOError.self) { try choose { $0.plane = "axial" } }
    #expect(several?.description.contains("holds 2 series") == true)
    let wide = #expect(throws: ImagingIOError.self) { try choose { $0.maximumSliceSpacingMM = 1 } }
    #expect(wide?.description.contains("its slice spacing is 2.5 mm") == true)
  }
}
