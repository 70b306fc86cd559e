import Foundation
import Imaging
import ImagingIO
import Support

/// A volume as grey images, one for each slice of its third axis.
///
/// Slices stand as radiologists look at them: the patient's left on the right of axial and coronal
/// slices, the front on the left of sagittal ones, the head or the front at the top. Whole numbers
/// that fit into 8 or 16 bits keep their values; others are mapped linearly to 0...65535.
struct SliceImages {
  private let pixels: Volume<UInt16>
  private let is16Bit: Bool
  /// How values changed, or nil when they did not.
  let remark: String?

  /// The number of slices.
  var count: Int { pixels.geometry.size.z }

  init(_ volume: AnyVolume) {
    let values = volume.asFloat
    var low = Float.infinity
    var high = -Float.infinity
    var isWhole = true
    for value in values.voxels where value.isFinite {
      low = min(low, value)
      high = max(high, value)
      isWhole = isWhole && value == value.rounded()
    }
    if low > high { (low, high) = (0, 0) }
    let oriented: Volume<UInt16>
    if isWhole, low >= 0, high <= 65535 {
      oriented = values.map { $0.isFinite ? UInt16($0) : 0 }
      is16Bit = high > 255
      remark = nil
    } else {
      let scale = high > low ? 65535 / (high - low) : 0
      oriented = values.map { value in
        value.isNaN ? 0 : UInt16(((min(max(value, low), high) - low) * scale).rounded())
      }
      is16Bit = true
      remark = "The values \(low) to \(high) became the grey levels 0 to 65535."
    }
    pixels = oriented.reoriented(to: Self.display(of: oriented.geometry))
  }

  /// The orientation in which columns run to the right and rows down on the screen.
  private static func display(of geometry: ImageGeometry) -> Orientation {
    let code =
      switch geometry.orientation.axes[2].patientAxis {
      case 0: "PIL"
      case 1: "LIP"
      default: "LPS"
      }
    guard !geometry.isPlanar, let orientation = try? Orientation(code: code) else {
      return geometry.orientation
    }
    return orientation
  }

  /// Writes one file, or a folder of `slice_0001.png` and so on.
  func write(to path: String, asFolder: Bool, outputs: OutputGuard) throws -> [String] {
    guard asFolder else {
      try outputs.writeFile(path) { try write(slice: 0, to: $0) }
      return [path]
    }
    let folder = path.hasSuffix("/") ? String(path.dropLast()) : path
    let names = (1...count).map { String(format: "slice_%04d.png", $0) }
    try outputs.writeFolder(folder) { temporary in
      for (index, name) in names.enumerated() {
        try write(slice: index, to: temporary + "/" + name)
      }
    }
    return names.map { folder + "/" + $0 }
  }

  private func write(slice: Int, to path: String) throws {
    let size = pixels.geometry.size
    let plane = size.x * size.y
    let values = Array(pixels.voxels[(slice * plane)..<((slice + 1) * plane)])
    let image = PNGImage(
      width: size.x,
      height: size.y,
      channels: 1,
      samples: is16Bit
        ? .sixteenBit(values) : .eightBit(values.map { UInt8(truncatingIfNeeded: $0) }),
      spacingMM: [pixels.geometry.spacing.x, pixels.geometry.spacing.y]
    )
    let data = try PNGEncoder.encode(image)
    do {
      try data.write(to: URL(fileURLWithPath: path))
    } catch {
      throw SupportError.unwritable(path: path, reason: OutputGuard.reason(of: error))
    }
  }
}
