import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// `lamina convert` to and from DICOM objects.
@Suite struct ConvertObjectsTests {
  /// A label map with three structures on the grid of a DICOM fixture, in a NIfTI file.
  private func labels(
    on fixture: String,
    regrids: Bool = false,
    to path: String
  ) throws -> LabelMap {
    var selection = VolumeSelection()
    selection.regrids = regrids
    let loaded = try DICOMFormat().read(
      Fixtures.path("dicom/" + fixture),
      selection: selection,
      progress: SilentProgress()
    )
    let geometry = loaded.volume.geometry
    var map = LabelMap(
      geometry: geometry,
      labels: [UInt16](repeating: 0, count: geometry.voxelCount),
      table: []
    )
    for z in 0..<geometry.size.z {
      for y in 1..<geometry.size.y - 1 {
        for x in 1..<4 { map[x, y, z] = z == 0 ? 2 : 300 }
      }
    }
    map[5, 2, 1] = 7
    try NIfTIWriter.write(map, to: path)
    return map
  }

  @Test(arguments: ["axial-ct", "oblique-mr", "sagittal-mr", "enhanced-ct"], ["seg", "labelmap"])
  func labelsSurviveTheRoundTrip(fixture: String, form: String) throws {
    let folder = try TemporaryFolder()
    let map = try labels(on: fixture, to: folder.file("labels.nii.gz"))
    let written = try Program.run(
      "convert",
      folder.file("labels.nii.gz"),
      folder.file("object.dcm"),
      "--as",
      form,
      "--reference",
      Fixtures.path("dicom/" + fixture)
    )
    #expect(written.status == 0, "\(written.error)")
    let back = try Program.run(
      "convert",
      folder.file("object.dcm"),
      folder.file("back.nii.gz")
    )
    #expect(back.status == 0, "\(back.error)")
    let read = try NIfTIReader.readLabelMap(folder.file("back.nii.gz"), table: [])
    #expect(read.geometry.difference(from: map.geometry) == nil)
    #expect(read.labels == map.labels)
  }

  @Test func labelsWithoutASeriesSurviveTheRoundTrip() throws {
    let folder = try TemporaryFolder()
    let geometry = try ImageGeometry(
      size: SIMD3(6, 5, 4),
      spacing: SIMD3(1, 2, 3),
      origin: SIMD3(-7, 8, 9),
      // Left-handed, as many NIfTI files are.
      direction: Matrix3(SIMD3(1, 0, 0), SIMD3(0, -1, 0), SIMD3(0, 0, 1))
    )
    let map = LabelMap(
      geometry: geometry,
      labels: (0..<geometry.voxelCount).map { UInt16($0 % 101) },
      table: []
    )
    try NIfTIWriter.write(map, to: folder.file("labels.nii"))
    let written = try Program.run(
      "convert",
      folder.file("labels.nii"),
      folder.file("object.dcm"),
      "--as",
      "seg"
    )
    #expect(written.status == 0, "\(written.error)")
    let back = try Program.run("convert", folder.file("object.dcm"), folder.file("back.nii"))
    #expect(back.status == 0, "\(back.error)")
    let read = try NIfTIReader.readLabelMap(folder.file("back.nii"), table: [])
    #expect(read.geometry.difference(from: map.geometry) == nil)
    #expect(read.labels == map.labels)
  }

  @Test func structuresSurviveTheRoundTrip() throws {
    let folder = try TemporaryFolder()
    let series = Fixtures.path("dicom/oblique-mr")
    let map = try labels(on: "oblique-mr", to: folder.file("labels.nii.gz"))
    let written = try Program.run(
      "convert",
      folder.file("labels.nii.gz"),
      folder.file("object.dcm"),
      "--as",
      "rtstruct",
      "--reference",
      series
    )
    #expect(written.status == 0, "\(written.error)")
    let refused = try Program.run("convert", folder.file("object.dcm"), folder.file("no.nii"))
    #expect(refused.status == 65)
    #expect(refused.error.contains("--reference"))
    let back = try Program.run(
      "convert",
      folder.file("object.dcm"),
      folder.file("back.nii.gz"),
      "--reference",
      series
    )
    #expect(back.status == 0, "\(back.error)")
    let read = try NIfTIReader.readLabelMap(folder.file("back.nii.gz"), table: [])
    #expect(read.labels == map.labels)
  }

  @Test func tiltedSlicesAreRefusedOrStraightenedAsAsked() throws {
    let folder = try TemporaryFolder()
    let series = Fixtures.path("dicom/tilted-linear")
    let refused = try Program.run("convert", series, folder.file("image.nii.gz"))
    #expect(refused.status == 65)
    #expect(refused.error.contains("tilt of"))
    #expect(refused.error.contains("--regrid"))
    let straight = try Program.run("convert", series, folder.file("image.nii.gz"), "--regrid")
    #expect(straight.status == 0, "\(straight.error)")
    // Labels on the straight grid keep it in a SEG, voxel for voxel.
    let map = try labels(on: "tilted-linear", regrids: true, to: folder.file("labels.nii.gz"))
    let written = try Program.run(
      "convert",
      folder.file("labels.nii.gz"),
      folder.file("object.dcm"),
      "--as",
      "seg",
      "--reference",
      series
    )
    #expect(written.status == 0, "\(written.error)")
    let back = try Program.run("convert", folder.file("object.dcm"), folder.file("back.nii.gz"))
    #expect(back.status == 0, "\(back.error)")
    let read = try NIfTIReader.readLabelMap(folder.file("back.nii.gz"), table: [])
    #expect(read.geometry.difference(from: map.geometry) == nil)
    #expect(read.labels == map.labels)
  }

  @Test func anImageBecomesASeriesAndComesBack() throws {
    let folder = try TemporaryFolder()
    let series = Fixtures.path("dicom/axial-ct")
    let out = folder.file("image.nii.gz")
    #expect(try Program.run("convert", series, out).status == 0)
    let written = try Program.run(
      "convert",
      out,
      folder.file("series"),
      "--as",
      "dicom",
      "--reference",
      series
    )
    #expect(written.status == 0, "\(written.error)")
    let back = try ImageFormats.read(folder.file("series"))
    let original = try ImageFormats.read(series)
    #expect(back.volume.geometry.difference(from: original.volume.geometry) == nil)
    #expect(back.volume.asFloat.voxels == original.volume.asFloat.voxels)
    let orphan = try Program.run("convert", out, folder.file("other"), "--as", "dicom")
    #expect(orphan.status == 65)
  }

  @Test func aPictureBecomesADocument() throws {
    let folder = try TemporaryFolder()
    let series = Fixtures.path("dicom/axial-ct")
    #expect(try Program.run("convert", series, folder.file("slices")).status == 0)
    let written = try Program.run(
      "convert",
      folder.file("slices"),
      folder.file("document.dcm"),
      "--as",
      "document",
      "--reference",
      series
    )
    #expect(written.status == 0, "\(written.error)")
    let page = try DICOMFormat.readColor(folder.file("document.dcm"), frame: 5)
    #expect(page.width == 8)
    #expect(page.height == 6)
    let none = try Program.run(
      "convert",
      folder.file("absent.pdf"),
      folder.file("document2.dcm"),
      "--as",
      "document"
    )
    #expect(none.status == 66)
  }

  @Test(arguments: ["rgb", "palette"]) func coloursAreKeptInPictures(name: String) throws {
    let folder = try TemporaryFolder()
    let file = Fixtures.path("dicom/\(name)/1.dcm")
    let written = try Program.run("convert", file, folder.file("picture.png"))
    #expect(written.status == 0, "\(written.error)")
    let picture = try ColorImage.read(folder.file("picture.png"))
    let expected = try DICOMFormat.readColor(file)
    #expect(picture.width == expected.width)
    #expect(picture.pixels == expected.rgb)
    #expect(Set(expected.rgb).count > 3)
    // Colours are no volume.
    #expect(try Program.run("convert", file, folder.file("volume.nii")).status == 65)
  }

  /// The first layer of the SEG is read as uint8, the second as uint16.
  @Test func layersOfDifferentTypesBecomeOneFile() throws {
    let folder = try TemporaryFolder()
    let geometry = try Samples.geometry([4, 3, 2])
    func layer(_ label: UInt16) -> AnyVolume {
      .uint16(Volume(geometry: geometry, voxels: (0..<24).map { $0 % 3 == 0 ? label : 0 }))
    }
    try NIfTIWriter.write(
      timePoints: [layer(7), layer(700)],
      secondsApart: 0,
      to: folder.file("layers.nii")
    )
    let written = try Program.run(
      "convert",
      folder.file("layers.nii"),
      folder.file("object.dcm"),
      "--as",
      "seg"
    )
    #expect(written.status == 0, "\(written.error)")
    let back = try Program.run("convert", folder.file("object.dcm"), folder.file("back.nii"))
    #expect(back.status == 0, "\(back.error)")
    for (point, label) in [(1, 7), (2, 700)] as [(Int, UInt16)] {
      let read = try NIfTIReader.read(
        folder.file("back.nii"),
        selection: VolumeSelection(volume: point)
      )
      let labels = try NIfTIReader.labelMap(from: read.volume, table: [], path: "back.nii").labels
      #expect(labels == (0..<24).map { $0 % 3 == 0 ? label : 0 })
    }
  }

  @Test func formsAndEndingsMustFit() throws {
    let folder = try TemporaryFolder()
    for arguments in [
      ["x.nii", "x.dcm"], ["x.nii", "x.nii.gz", "--as", "seg"], ["x.nii", "x.dcm", "--as", "png"],
    ] {
      let result = try Program.start(["convert"] + arguments, in: folder.path).wait()
      #expect(result.status == 64)
    }
  }
}
