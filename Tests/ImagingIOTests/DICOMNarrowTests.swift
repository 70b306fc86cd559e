import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport
import Testing

/// CT of 16 stored bits with an intercept: int16 where the values allow it.
@Suite struct DICOMNarrowTests {
  private func read(
    _ stored: [UInt16],
    isSigned: Bool,
    intercept: Int
  ) throws -> AnyVolume {
    let folder = try TemporaryFolder()
    var slice = DICOMDataSet()
    slice.set(DICOMTag.classUID, "1.2.840.10008.5.1.4.1.1.2")
    slice.set(DICOMTag.instanceUID, "2.25.2")
    slice.set(DICOMTag.seriesUID, "2.25.3")
    slice.set(DICOMTag.modality, "CT")
    slice.set(DICOMTag.position, numbers: [0, 0, 0])
    slice.set(DICOMTag.orientation, numbers: [1, 0, 0, 0, 1, 0])
    slice.set(DICOMTag.pixelSpacing, numbers: [1, 1])
    slice.set(DICOMTag.sliceThickness, number: 1)
    slice.set(DICOMTag.rescaleSlope, number: 1)
    slice.set(DICOMTag.rescaleIntercept, number: Double(intercept))
    slice.set(DICOMTag.photometric, "MONOCHROME2")
    for (tag, value) in [
      (0x0028_0002, 1), (0x0028_0010, 2), (0x0028_0011, stored.count / 2), (0x0028_0100, 16),
      (0x0028_0101, 16), (0x0028_0102, 15), (0x0028_0103, isSigned ? 1 : 0),
    ] { slice.set(UInt32(tag), number: Double(value)) }
    let bytes = stored.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    try slice.write(to: folder.file("1.dcm"), pixels: .native(bytes, vr: "OW"))
    return try DICOMFormat().read(
      folder.path,
      selection: VolumeSelection(),
      progress: SilentProgress()
    ).volume
  }

  @Test func valuesThatFitAreInt16() throws {
    let volume = try read([0, 1024, 4095, 33_791], isSigned: false, intercept: -1024)
    guard case .int16(let values) = volume else {
      Issue.record("\(volume.scalarName)")
      return
    }
    #expect(values.voxels == [-1024, 0, 3071, 32_767])
  }

  @Test func aValueThatDoesNotFitMakesThemInt32() throws {
    let volume = try read([0, 1024, 4095, 33_792], isSigned: false, intercept: -1024)
    guard case .int32(let values) = volume else {
      Issue.record("\(volume.scalarName)")
      return
    }
    #expect(values.voxels == [-1024, 0, 3071, 32_768])
  }

  @Test func negativeValuesAreKept() throws {
    let bits: [Int16] = [-2000, 0, 500, -31_744]
    let fits = try read(bits.map { UInt16(bitPattern: $0) }, isSigned: true, intercept: -1024)
    guard case .int16(let values) = fits else {
      Issue.record("\(fits.scalarName)")
      return
    }
    #expect(values.voxels == [-3024, -1024, -524, -32_768])
    let lower = try read(
      [UInt16(bitPattern: -31_745), 0, 0, 0],
      isSigned: true,
      intercept: -1024
    )
    guard case .int32(let wide) = lower else {
      Issue.record("\(lower.scalarName)")
      return
    }
    #expect(wide.voxels == [-32_769, -1024, -1024, -1024])
  }
}
