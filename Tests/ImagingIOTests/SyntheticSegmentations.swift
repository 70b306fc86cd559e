import Foundation
import Imaging
import ImagingIO
import TestSupport

/// Label maps and DICOM series for the tests of segmentations.
enum SyntheticSegmentation {
  static let algorithm = DICOMSegmentationObject.Algorithm(name: "Ellipsoids", version: "1.2")
  static let date = Date(timeIntervalSince1970: 1_700_000_000)
  static let liver = CodedConcept(value: "10200004", scheme: "SCT", meaning: "Liver")

  /// A rotation about two axes, to no round angle.
  static var oblique: Matrix3 {
    let (a, b) = (0.3, -0.45)
    let first = Matrix3([cos(a), sin(a), 0], [-sin(a), cos(a), 0], [0, 0, 1])
    let second = Matrix3([1, 0, 0], [0, cos(b), sin(b)], [0, -sin(b), cos(b)])
    return first * second
  }

  static func geometry(
    _ size: SIMD3<Int>,
    spacing: SIMD3<Double> = [0.7, 0.9, 2.5],
    direction: Matrix3 = .identity
  ) throws -> ImageGeometry {
    try ImageGeometry(
      size: size,
      spacing: spacing,
      origin: [-31.25, 17.5, 101.125],
      direction: direction
    )
  }

  /// Boxes of the given labels, scattered by a fixed rule; later ones cover earlier ones.
  static func map(
    _ geometry: ImageGeometry,
    labels: [Int],
    slices: Range<Int>? = nil,
    seed: UInt64 = 7
  ) -> LabelMap {
    var state = seed
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % max(bound, 1)
    }
    let size = geometry.size
    let range = slices ?? 0..<size.z
    var values = [UInt16](repeating: 0, count: geometry.voxelCount)
    for label in labels {
      let x = next(size.x - 2)
      let y = next(size.y - 2)
      let z = range.lowerBound + next(range.count - 1)
      for k in z..<min(z + 2, range.upperBound) {
        for j in y..<min(y + 3, size.y) {
          for i in x..<min(x + 4, size.x) { values[geometry.offset(i, j, k)] = UInt16(label) }
        }
      }
    }
    let table = labels.enumerated().map { index, label in
      LabelDefinition(
        id: label,
        name: "Structure \(label)",
        color: LabelColor(
          red: UInt8(label * 37 % 256),
          green: UInt8(label * 91 % 256),
          blue: UInt8(label * 151 % 256)
        ),
        code: index == 0 ? liver : nil
      )
    }
    return LabelMap(geometry: geometry, labels: values, table: table)
  }

  static func object(
    _ layers: [LabelMap],
    source: DICOMSource? = nil,
    shift: SliceShift? = nil
  ) -> DICOMSegmentationObject {
    var object = DICOMSegmentationObject(
      layers: layers,
      source: source,
      shift: shift,
      algorithm: algorithm,
      date: date
    )
    object.timeZone = .gmt
    return object
  }

  /// Writes a CT series on a grid, and gives its files in the order of the slices.
  static func writeSeries(
    _ geometry: ImageGeometry,
    shift: SIMD2<Double> = .zero,
    to folder: String
  ) throws -> [String] {
    let size = geometry.size
    return try (0..<size.z).map { slice in
      var data = DICOMDataSet()
      data.set(0x0008_0005, "ISO_IR 192")
      data.set(0x0008_0016, "1.2.840.10008.5.1.4.1.1.2")
      data.set(0x0008_0018, "2.25.1000\(slice)")
      data.set(0x0008_0020, "20200102")
      data.set(0x0008_0030, "101112")
      data.set(0x0008_0060, "CT")
      data.set(0x0010_0010, "Test^Größe")
      data.set(0x0010_0020, "T1")
      data.set(0x0010_0030, "19700101")
      data.set(0x0010_0040, "O")
      data.set(0x0020_000D, "2.25.11")
      data.set(0x0020_000E, "2.25.12")
      data.set(0x0020_0011, "2")
      data.set(0x0020_0013, "\(slice + 1)")
      data.set(0x0020_0052, "2.25.13")
      data.set(0x0018_0050, numbers: [geometry.spacing.z])
      let (row, column) = (geometry.direction.columns[0], geometry.direction.columns[1])
      let k = Double(slice)
      let place =
        geometry.position(ofIndex: [0, 0, k])
        + geometry.direction * SIMD3(shift.x * k, shift.y * k, 0)
      data.set(0x0020_0032, numbers: [place.x, place.y, place.z])
      data.set(0x0020_0037, numbers: [row.x, row.y, row.z, column.x, column.y, column.z])
      data.set(0x0028_0030, numbers: [geometry.spacing.y, geometry.spacing.x])
      for (tag, value) in [
        (0x0028_0002, 1), (0x0028_0010, size.y), (0x0028_0011, size.x), (0x0028_0100, 16),
        (0x0028_0101, 16), (0x0028_0102, 15), (0x0028_0103, 0),
      ] { data.set(UInt32(tag), number: Double(value)) }
      data.set(0x0028_0004, "MONOCHROME2")
      data.set(0x0028_1052, "-1024")
      data.set(0x0028_1053, "1")
      let path = folder + "/\(slice).dcm"
      let pixels = [UInt8](repeating: 0, count: 2 * size.x * size.y)
      try data.write(to: path, pixels: .native(pixels, vr: "OW"))
      return path
    }
  }
}
