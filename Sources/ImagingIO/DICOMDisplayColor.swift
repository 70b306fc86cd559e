import Foundation
import Imaging

/// Recommended Display CIELab Value: colours of segments as DICOM stores them (PS3.3 C.10.7.1.1).
///
/// L* of 0 to 100 and a*, b* of -128 to 127 are spread over 0 to 65535 each. sRGB is that of
/// IEC 61966-2-1. Lamina writes what the standard asks for, values of ICC's profile connection
/// space, whose white is D50; highdicom, dcmqi and others keep the white of sRGB, D65, and are read
/// so.
enum DICOMColor {
  /// The white that L*, a* and b* relate to.
  enum White { case d50, d65 }

  /// Linear sRGB to XYZ at D50 (rows), the sRGB primaries adapted by Bradford's matrix.
  private static let toXYZ: [SIMD3<Double>] = [
    [0.436_074_7, 0.385_064_9, 0.143_080_4],
    [0.222_504_5, 0.716_878_6, 0.060_616_9],
    [0.013_932_2, 0.097_104_5, 0.714_173_3],
  ]
  /// XYZ to linear sRGB (rows), by white.
  private static let toRGB: [White: [SIMD3<Double>]] = [
    .d50: [
      [3.133_856_1, -1.616_866_7, -0.490_614_6],
      [-0.978_768_4, 1.916_141_5, 0.033_454_0],
      [0.071_945_3, -0.228_991_4, 1.405_242_7],
    ],
    .d65: [
      [3.240_454_2, -1.537_138_5, -0.498_531_4],
      [-0.969_266_0, 1.876_010_8, 0.041_556_0],
      [0.055_643_4, -0.204_025_9, 1.057_225_2],
    ],
  ]
  /// The whites in XYZ.
  private static let d50 = SIMD3(0.964_22, 1, 0.825_21)
  private static let d65 = SIMD3(0.950_47, 1, 1.088_83)
  /// The bounds of the linear part of L* (CIE 15): (6/29)^3, and the slope below.
  private static let epsilon = 216.0 / 24389
  private static let kappa = 24389.0 / 27

  /// The three unsigned 16-bit values of a colour, at D50.
  static func cieLab(_ color: LabelColor) -> [Double] {
    let linear = SIMD3(color.red, color.green, color.blue).map { value -> Double in
      let v = Double(value) / 255
      return v <= 0.040_45 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4)
    }
    let f = SIMD3(product(toXYZ, linear) / d50).map { t -> Double in
      t > epsilon ? cbrt(t) : (kappa * t + 16) / 116
    }
    let lab = SIMD3(116 * f.y - 16, 500 * (f.x - f.y), 200 * (f.y - f.z))
    let stored = SIMD3(lab.x / 100, (lab.y + 128) / 255, (lab.z + 128) / 255) * 65535
    return (0..<3).map { min(max(stored[$0].rounded(), 0), 65535) }
  }

  /// The colour of three unsigned 16-bit values; outside of sRGB the nearest channel values.
  static func color(cieLab stored: [Double], white: White) -> LabelColor? {
    guard stored.count == 3, stored.allSatisfy({ (0...65535).contains($0) }) else { return nil }
    let y = (stored[0] / 65535 * 100 + 16) / 116
    let f = SIMD3(
      y + (stored[1] / 65535 * 255 - 128) / 500,
      y,
      y - (stored[2] / 65535 * 255 - 128) / 200
    )
    let xyz =
      f.map { t -> Double in
        let cube = t * t * t
        return cube > epsilon ? cube : (116 * t - 16) / kappa
      } * (white == .d50 ? d50 : d65)
    let channels = product(toRGB[white] ?? [], xyz).map { v -> Double in
      let channel = v <= 0.003_130_8 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055
      return min(max((channel * 255).rounded(), 0), 255)
    }
    return LabelColor(
      red: UInt8(channels.x),
      green: UInt8(channels.y),
      blue: UInt8(channels.z)
    )
  }

  private static func product(_ rows: [SIMD3<Double>], _ vector: SIMD3<Double>) -> SIMD3<Double> {
    SIMD3(dot(rows[0], vector), dot(rows[1], vector), dot(rows[2], vector))
  }
}

extension SIMD3 {
  /// Each of the three replaced.
  fileprivate func map<Other: SIMDScalar>(_ transform: (Scalar) -> Other) -> SIMD3<Other> {
    SIMD3<Other>(transform(x), transform(y), transform(z))
  }
}
