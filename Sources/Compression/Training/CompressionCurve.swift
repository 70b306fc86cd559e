import Evaluation
import Foundation
import ImagingIO
import Support

/// Rates and distortions of planes of 8 bits.
public struct CompressionCurve: Codable, Sendable, Equatable {
  /// Means over planes at one setting.
  public struct Point: Codable, Sendable, Equatable {
    /// The setting: a network's quality, 0 to 1, or JPEG's, 1 to 100.
    public let quality: Double
    /// Bits of the whole files for a pixel.
    public let bitsPerPixel: Double
    /// Peak signal-to-noise ratio in dB, the mean over planes, those of no error at 99.
    public let psnr: Double
    /// Structural similarity, as `StructuralSimilarity` defines it.
    public let ssim: Double
    /// Multi-scale structural similarity; nil where planes are smaller than 176 pixels.
    public let msssim: Double?
  }

  /// The points, the lowest rate first.
  public let points: [Point]

  init(points: [Point]) { self.points = points }

  /// Measures a network; files are written and restored.
  init(
    _ model: CompressionModel,
    planes: [TrainingPlane],
    qualities: [Double],
    interruption: Interruption
  ) throws {
    points = try qualities.map { quality in
      let compressor = ImageCompressor(model: model, quality: quality, isExact: false)
      return try Self.point(quality, planes, interruption) { plane in
        let data = try compressor.compressed(plane.image, path: plane.id)
        let file = try CompressedFile(data, path: plane.id)
        return (data.count, try file.restored(model: model).planes[0])
      }
    }
  }

  /// Measures JPEG.
  init(jpeg planes: [TrainingPlane], qualities: [Int], interruption: Interruption) throws {
    points = try qualities.map { quality in
      try Self.point(Double(quality), planes, interruption) { plane in
        let data = try JPEGEncoder.encode(
          plane.bytes,
          width: plane.width,
          height: plane.height,
          channels: 1,
          quality: quality
        )
        let folder = try ScratchFolder()
        return try withExtendedLifetime(folder) {
          let path = folder.path + "/plane.jpg"
          try data.write(to: URL(fileURLWithPath: path))
          return (data.count, try PlanarImage(path: path).planes[0])
        }
      }
    }
  }

  private static func point(
    _ quality: Double,
    _ planes: [TrainingPlane],
    _ interruption: Interruption,
    _ body: (TrainingPlane) throws -> (bytes: Int, restored: [Int32])
  ) throws -> Point {
    var (bits, pixels, psnr, ssim) = (0, 0, 0.0, 0.0)
    var msssim: Double? = 0
    for plane in planes {
      try interruption.check()
      let (bytes, restored) = try body(plane)
      bits += 8 * bytes
      pixels += plane.width * plane.height
      let truth = plane.bytes.map { Float($0) }
      let image = restored.map { Float($0) }
      let error = zip(truth, image).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
      let mean = error / Double(truth.count)
      psnr += mean > 0 ? min(99, 20 * log10(255) - 10 * log10(mean)) : 99
      let size = SIMD3(plane.width, plane.height, 1)
      ssim +=
        StructuralSimilarity.value(image, truth, size: size, dataRange: 255, slicewise: true) ?? 1
      msssim = msssim.flatMap { sum in
        MultiScaleSimilarity.value(image, truth, size: size, dataRange: 255).map { sum + $0 }
      }
    }
    let count = Double(max(1, planes.count))
    return Point(
      quality: quality,
      bitsPerPixel: Double(bits) / Double(max(1, pixels)),
      psnr: psnr / count,
      ssim: ssim / count,
      msssim: msssim.map { $0 / count }
    )
  }

  /// A quantity at a rate, between points on straight lines; nil beyond the ends.
  /// - Parameters:
  ///   - bits: Bits a pixel.
  ///   - quantity: Such as the similarity.
  /// - Returns: The quantity.
  public func value(atBits bits: Double, _ quantity: (Point) -> Double?) -> Double? {
    for (low, high) in zip(points, points.dropFirst())
    where low.bitsPerPixel <= bits && bits <= high.bitsPerPixel {
      guard let a = quantity(low), let b = quantity(high) else { return nil }
      let width = high.bitsPerPixel - low.bitsPerPixel
      return width > 0 ? a + (b - a) * (bits - low.bitsPerPixel) / width : a
    }
    return nil
  }
}

extension TrainingPlane {
  /// The values in 8 bits.
  var bytes: [UInt8] { values.map { UInt8(min(max($0, 0), 1) * 255 + 0.5) } }

  /// A picture of 8 bits.
  var image: PlanarImage {
    PlanarImage(
      kind: .picture,
      width: width,
      height: height,
      planes: [bytes.map(Int32.init)],
      type: "uint8",
      geometry: nil
    )
  }
}
