import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

private func read(
  _ path: String,
  timePoint: Int? = nil,
  regrids: Bool = false
) throws -> LoadedVolume {
  var selection = VolumeSelection()
  selection.timePoint = timePoint
  selection.regrids = regrids
  return try DICOMFormat().read(path, selection: selection, progress: SilentProgress())
}

/// Series against the conversions by another program that lie beside them.
@Suite struct DICOMRealDataTests {
  @Test(
    .enabled(if: Fixtures.developmentData("dcm_qa") != nil),
    arguments: [
      ("ax/axasc36", "ax_asc_36sl_9"), ("ax/axdesc36", "ax_desc_36sl_10"),
      ("ax/axasc36b", "ax_asc_36sl_11"), ("ax/axint36", "ax_int_36sl_12"),
      ("cor/corasc35", "cor_asc_35sl_16"), ("cor/cordesc35", "cor_desc_35sl_17"),
      ("cor/corint35", "cor_int_35sl_18"), ("sag/sagasc35", "sag_asc_35sl_22"),
      ("sag/sagdesc35", "sag_desc_35sl_23"), ("sag/sagint35", "sag_int_35sl_24"),
      ("axmb/AxAsc36mb2a", "fMRI_MB_asc_25"), ("axmb/AxInt36mb", "fMRI_MB_int_26"),
    ]
  )
  func mosaicsHaveTheValuesAndPlacesOfTheirReference(folder: String, name: String) throws {
    let input = try #require(Fixtures.developmentData("dcm_qa/In/Orientation/" + folder))
    let reference = try #require(Fixtures.developmentData("dcm_qa/Ref/\(name).nii"))
    let series = try DICOMFormat().inspect(input, progress: SilentProgress())
    #expect(series.count == 1)
    #expect(series[0].volumes.count == 1)
    #expect(series[0].volumes.first?.size.last == 2)
    for point in 1...2 {
      let found = try read(input, timePoint: point).volume
      let expected = try NIfTIReader.read(reference, selection: VolumeSelection(volume: point))
      let wanted = expected.volume.asFloat
      let values = found.asFloat
      let (grid, other) = (values.geometry, wanted.geometry)
      #expect(grid.voxelCount == other.voxelCount)
      var misplaced = 0
      var different = 0
      for z in 0..<grid.size.z {
        for y in 0..<grid.size.y {
          for x in 0..<grid.size.x {
            let place = grid.position(ofIndex: SIMD3(Double(x), Double(y), Double(z)))
            let index = other.index(ofPosition: place)
            let nearest = index.rounded(.toNearestOrEven)
            let miss = (index - nearest) * other.spacing
            guard dot(miss, miss).squareRoot() < 0.01, nearest.min() >= 0,
              (nearest - SIMD3<Double>(other.size &- 1)).max() <= 0
            else {
              misplaced += 1
              continue
            }
            let there = wanted[Int(nearest.x), Int(nearest.y), Int(nearest.z)]
            if there != values[x, y, z] { different += 1 }
          }
        }
      }
      #expect(misplaced == 0, "voxels of time point \(point) lie elsewhere")
      #expect(different == 0, "voxels of time point \(point) have other values")
    }
  }

  @Test(.enabled(if: Fixtures.developmentData("dcm_qa_ct") != nil))
  func tiltedHeadIsRefusedInDegreesOrStraightened() throws {
    let input = try #require(Fixtures.developmentData("dcm_qa_ct/In/GE"))
    let error = #expect(throws: ImagingIOError.self) { try read(input) }
    // The gantry's own display says 18.5.
    #expect(error?.description.contains("a tilt of 18.5 degrees") == true)
    #expect(error?.description.contains("--regrid") == true)
    let loaded = try read(input, regrids: true)
    let problem = loaded.summary.problems.first { $0.code == "regridded" }
    #expect(problem?.message.contains("18.5 degrees") == true)
    let grid = loaded.volume.geometry
    #expect(grid.size.x == 512)
    #expect(grid.size.y > 512)
    #expect(abs(grid.spacing.z - 4.22 * 0.9483237) < 1e-3)
    #expect(loaded.source != nil)
  }

  @Test(.enabled(if: Fixtures.developmentData("hippocampus-dicom") != nil))
  func hippocampusSeriesReads() throws {
    let path = try #require(
      Fixtures.developmentData("hippocampus-dicom/Study1/13_HCropVolume")
    )
    let loaded = try read(path)
    #expect(loaded.files.count == loaded.volume.geometry.size.z)
    #expect(loaded.summary.problems.isEmpty)
  }
}
