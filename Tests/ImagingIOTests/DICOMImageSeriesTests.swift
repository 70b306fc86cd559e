import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

@Suite struct DICOMImageSeriesTests {
  private var series: DICOMImageSeries {
    var series = DICOMImageSeries(
      seriesDescription: "Sharper",
      derivation: "Super-resolution",
      algorithmName: "Net",
      algorithmVersion: "1.2",
      date: Date(timeIntervalSince1970: 1_700_000_000)
    )
    series.timeZone = .gmt
    return series
  }

  private func read(_ path: String) throws -> LoadedVolume {
    try DICOMFormat().read(path, selection: VolumeSelection(), progress: SilentProgress())
  }

  @Test(arguments: ["dicom-rt/series", "dicom/axial-ct", "dicom/oblique-mr", "dicom/sagittal-mr"])
  func seriesReadBackEqual(name: String) throws {
    let image = try read(Fixtures.path(name))
    let folder = try TemporaryFolder()
    let source = try DICOMSource(files: image.files)
    let written = try series.write(image.volume, source: source, to: folder.path)
    let again = try read(folder.path)
    #expect(again.volume.geometry.difference(from: image.volume.geometry) == nil)
    let pairs = zip(again.volume.asFloat.voxels, image.volume.asFloat.voxels)
    let worst = pairs.map { abs($0 - $1) }.max() ?? .infinity
    #expect(Double(worst) <= written.largestError * 1.001 + 1e-4)
    #expect(name == "dicom/oblique-mr" || written.largestError == 0)
    #expect(again.files == written.files)
    let first = try DICOMFile(path: written.files[0]).root
    let original = try DICOMFile(path: image.files[0]).root
    for tag in [0x0020_000D, 0x0010_0020, 0x0008_0016] as [UInt32] {
      #expect(first.text(tag) == original.text(tag))
    }
    for tag in [DICOMTag.seriesUID, DICOMTag.instanceUID] {
      #expect(first.text(tag) != original.text(tag))
    }
    #expect(first.texts(DICOMTag.imageType).prefix(2) == ["DERIVED", "SECONDARY"])
    #expect(first.text(0x0008_2111)?.contains("Super-resolution") == true)
  }

  @Test func finerGridsReferToTheSlicesAround() throws {
    let image = try read(Fixtures.path("dicom-rt/series"))
    let source = try DICOMSource(files: image.files)
    let old = image.volume.geometry
    let geometry = try ImageGeometry(
      size: [11, 9, 7],
      spacing: [0.7, 0.9, old.spacing.z / 2],
      origin: old.origin,
      direction: old.direction
    )
    let voxels = (0..<geometry.voxelCount).map { Float(sin(Double($0))) * 1500 + 0.3 }
    let volume = Volume(geometry: geometry, voxels: voxels)
    let folder = try TemporaryFolder()
    let written = try series.write(.float32(volume), source: source, to: folder.path)
    #expect(written.largestError < 0.03)
    #expect(written.largestError > 0)
    let again = try read(folder.path)
    #expect(again.volume.geometry.difference(from: geometry) == nil)
    for (a, b) in zip(again.volume.asFloat.voxels, voxels) {
      #expect(abs(Double(a) - Double(b)) <= written.largestError + 2e-4)
    }
    let counts = try written.files.map { try DICOMFile(path: $0).root.items(0x0008_2112).count }
    #expect(counts == [1, 2, 1, 2, 1, 2, 1])
  }

  @Test func kindsAreNotGuessed() throws {
    let geometry = try ImageGeometry(
      size: [3, 2, 2],
      spacing: [1, 1, 2],
      origin: [0, 0, 0],
      direction: .identity
    )
    let volume = AnyVolume.uint16(
      Volume(geometry: geometry, voxels: (0..<12).map { UInt16($0 * 5957) })
    )
    let folder = try TemporaryFolder()
    #expect(throws: ImagingIOError.self) {
      try series.write(volume, source: nil, to: folder.path)
    }
    var resonance = series
    resonance.kind = .mr
    let written = try resonance.write(volume, source: nil, to: folder.path)
    #expect(written.largestError == 0)
    let again = try read(folder.path)
    #expect(again.volume == volume)
    #expect(again.summary.modality == "MR")
  }

  @Test func valuesThatAreNotFiniteAreRefused() throws {
    let geometry = try ImageGeometry(
      size: [2, 1, 1],
      spacing: [1, 1, 1],
      origin: [0, 0, 0],
      direction: .identity
    )
    let folder = try TemporaryFolder()
    var tomography = series
    tomography.kind = .ct
    for values in [[Double.nan, 0], [-1e308, 1e308]] {
      let volume = Volume(geometry: geometry, voxels: values)
      let series = tomography
      #expect(throws: ImagingIOError.self) {
        try series.write(.float64(volume), source: nil, to: folder.path)
      }
    }
    let constant = Volume(geometry: geometry, voxels: [0.1, 0.1])
    let written = try tomography.write(.float64(constant), source: nil, to: folder.path)
    #expect(written.largestError == 0)
  }
}
