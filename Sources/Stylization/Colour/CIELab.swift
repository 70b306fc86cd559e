import Foundation
import Recognition

/// CIE L*a*b* of sRGB colours (IEC 61966-2-1), white D65, 2° observer (CIE 15:2004).
package enum CIELab {
  private static let white = SIMD3<Float>(0.95047, 1, 1.08883)
  private static let linear: [Float] = (0...255).map { step in
    let v = Double(step) / 255
    return Float(v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4))
  }

  /// L*, a* and b* of a colour.
  /// - Parameters:
  ///   - red: Of 255.
  ///   - green: Of 255.
  ///   - blue: Of 255.
  /// - Returns: L* 0 to 100, a* and b* about -110 to 110.
  package static func lab(red: UInt8, green: UInt8, blue: UInt8) -> SIMD3<Float> {
    let (r, g, b) = (linear[Int(red)], linear[Int(green)], linear[Int(blue)])
    let x = (0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / white.x
    let y = 0.2126729 * r + 0.7151522 * g + 0.0721750 * b
    let z = (0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / white.z
    func f(_ t: Float) -> Float {
      t > 216.0 / 24389 ? Float(cbrt(Double(t))) : (24389.0 / 27 * t + 16) / 116
    }
    let (fx, fy, fz) = (f(x), f(y), f(z))
    return SIMD3(116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz))
  }

  /// The sRGB colour, cut off at the gamut's faces.
  /// - Parameter lab: L*, a* and b*.
  /// - Returns: Red, green and blue, 0 to 255.
  package static func rgb(_ lab: SIMD3<Float>) -> SIMD3<Float> {
    let fy = (lab.x + 16) / 116
    func inverse(_ f: Float) -> Float {
      f * f * f > 216.0 / 24389 ? f * f * f : (116 * f - 16) * 27 / 24389
    }
    let x = inverse(fy + lab.y / 500) * white.x
    let y = inverse(fy)
    let z = inverse(fy - lab.z / 200) * white.z
    let r = 3.2404542 * x - 1.5371385 * y - 0.4985314 * z
    let g = -0.9692660 * x + 1.8760108 * y + 0.0415560 * z
    let b = 0.0556434 * x - 0.2040259 * y + 1.0572252 * z
    func encoded(_ v: Float) -> Float {
      let v = min(max(v, 0), 1)
      return 255
        * (v <= 0.0031308 ? 12.92 * v : 1.055 * Float(pow(Double(v), 1 / 2.4)) - 0.055)
    }
    return SIMD3(encoded(r), encoded(g), encoded(b))
  }
}

extension ImagePlanes {
  /// Planes of L*, a* and b*.
  package var lab: ImagePlanes {
    let (area, bytes) = (width * height, bytes)
    var result = [Float](repeating: 0, count: 3 * area)
    for pixel in 0..<area {
      let lab = CIELab.lab(
        red: bytes[3 * pixel],
        green: bytes[3 * pixel + 1],
        blue: bytes[3 * pixel + 2]
      )
      for channel in 0..<3 { result[channel * area + pixel] = lab[channel] }
    }
    return ImagePlanes(height: height, width: width, values: result)
  }

  /// The picture in red, green and blue; these planes are L*, a* and b*.
  package var fromLab: ImagePlanes {
    let area = width * height
    var result = values
    for pixel in 0..<area {
      let rgb = CIELab.rgb(SIMD3(values[pixel], values[area + pixel], values[2 * area + pixel]))
      for channel in 0..<3 { result[channel * area + pixel] = rgb[channel] }
    }
    return ImagePlanes(height: height, width: width, values: result)
  }

  /// The picture with a* and b* of another of the same size: only the lightness is its own.
  /// - Parameter other: Gives the colours.
  /// - Returns: The picture.
  package func withColours(of other: ImagePlanes) -> ImagePlanes {
    let area = width * height
    return ImagePlanes(
      height: height,
      width: width,
      values: Array(lab.values[..<area]) + other.lab.values[area...]
    ).fromLab
  }
}
