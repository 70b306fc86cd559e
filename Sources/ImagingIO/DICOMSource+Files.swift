import Foundation
import Imaging
import Support

extension DICOMSource {
  /// Reads the headers of single-frame slices of one series: a source without reading its pixels.
  ///
  /// The slices are sorted along the right-handed normal of the first one's plane.
  /// - Parameter files: The files of the slices, in any order.
  /// - Throws: `ImagingIOError.damaged` when a file is no DICOM or lies nowhere in the patient,
  ///   `.mixedGeometry` when their planes are not parallel; `SupportError.unreadable`.
  package init(files: [String]) throws {
    var slices: [Slice] = []
    var study = ""
    var series = ""
    var frameOfReference: String?
    var thickness: Double?
    for path in files {
      let item = try DICOMDerivedObject.open(path).root
      guard let slice = Slice(item, path: path) else {
        throw ImagingIOError.damaged(path: path, reason: "it has no plane in the patient")
      }
      slices.append(slice)
      study = item.text(0x0020_000D) ?? study
      series = item.text(DICOMTag.seriesUID) ?? series
      frameOfReference = item.text(0x0020_0052) ?? frameOfReference
      thickness =
        item.number(DICOMTag.spacingBetweenSlices).flatMap { $0 > 0 ? $0 : nil }
        ?? item.number(DICOMTag.sliceThickness).flatMap { $0 > 0 ? $0 : nil } ?? thickness
    }
    if let first = slices.first {
      let normal = first.plane.direction.columns[2]
      for slice in slices where dot(slice.plane.direction.columns[2], normal) < 0.999_99 {
        throw ImagingIOError.mixedGeometry(path: slice.path, what: "orientation")
      }
      slices.sort { dot($0.plane.position, normal) < dot($1.plane.position, normal) }
      if let last = slices.last, slices.count > 1 {
        thickness =
          dot(last.plane.position - slices[0].plane.position, normal) / Double(slices.count - 1)
      }
    }
    self.init(
      slices: slices,
      sliceSpacing: thickness ?? 1,
      studyUID: study,
      seriesUID: series,
      frameOfReferenceUID: frameOfReference
    )
  }
}

extension DICOMSource.Slice {
  fileprivate init?(_ item: DICOMItem, path: String) {
    guard
      let plane = DICOMPlane(
        orientation: item.numbers(DICOMTag.orientation),
        position: item.numbers(DICOMTag.position)
      ),
      let spacing = item.numbers(DICOMTag.pixelSpacing), spacing.count == 2,
      let rows = item.number(0x0028_0010).flatMap({ Int(exactly: $0) }),
      let columns = item.number(0x0028_0011).flatMap({ Int(exactly: $0) })
    else { return nil }
    self.init(
      path: path,
      classUID: item.text(DICOMTag.classUID) ?? "",
      instanceUID: item.text(DICOMTag.instanceUID) ?? "",
      frame: nil,
      plane: plane,
      pixelSpacing: SIMD2(spacing[1], spacing[0]),
      size: SIMD2(columns, rows)
    )
  }
}
