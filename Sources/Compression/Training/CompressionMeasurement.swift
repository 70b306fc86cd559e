import Foundation
import Imaging
import ImagingIO
import Support

/// What compression costs and loses, beside JPEG and PNG, on planes of 8 bits.
public struct CompressionMeasurement: Codable, Sendable, Equatable {
  /// A setting of the network, and JPEG at the same bits.
  public struct Row: Codable, Sendable, Equatable {
    /// The network.
    public let network: CompressionCurve.Point
    /// JPEG's PSNR at the same bits; nil beyond its rates.
    public let jpegPSNR: Double?
    /// JPEG's structural similarity at the same bits.
    public let jpegSSIM: Double?
    /// JPEG's multi-scale structural similarity at the same bits.
    public let jpegMSSSIM: Double?
  }

  /// Version of this record.
  public private(set) var schema = "lamina.compression/1"
  /// Where the planes come from.
  public let images: String
  /// Planes that were measured.
  public let planes: Int
  /// The network at several qualities; empty without one.
  public let rows: [Row]
  /// JPEG at several qualities (baseline, optimal Huffman tables).
  public let jpeg: CompressionCurve
  /// Bits a pixel of exact files without a network.
  public let losslessBits: Double
  /// Bits a pixel of PNG files.
  public let pngBits: Double
  /// Bits a pixel of exact files upon the network at its middle quality; nil without one.
  public let residualBits: Double?
  /// Planes whose restored values were not the original's; must be 0.
  public let losses: Int
  /// Files that could not be used, one sentence each.
  public let notes: [String]
  /// That it is not for clinical use.
  public private(set) var notice = Version.disclaimer

  private static let jpegQualities = [1, 3, 6, 10, 15, 20, 30, 40, 50, 60, 70, 80, 88, 94]
  private static let qualities = [0, 0.25, 0.5, 0.75, 1]

  /// Measures.
  /// - Parameters:
  ///   - model: The network; nil for exact compression alone.
  ///   - images: The planes.
  ///   - interruption: Looked at between planes.
  /// - Throws: `SupportError.interrupted`; what writing throws.
  public init(
    _ model: CompressionModel?,
    images: CompressionImages,
    interruption: Interruption
  ) throws {
    let planes = images.planes
    self.images = images.name
    self.planes = planes.count
    notes = images.notes
    let jpeg = try CompressionCurve(
      jpeg: planes,
      qualities: Self.jpegQualities,
      interruption: interruption
    )
    self.jpeg = jpeg
    rows =
      try model.map { model in
        try CompressionCurve(
          model,
          planes: planes,
          qualities: Self.qualities,
          interruption: interruption
        ).points.map { point in
          Row(
            network: point,
            jpegPSNR: jpeg.value(atBits: point.bitsPerPixel, \.psnr),
            jpegSSIM: jpeg.value(atBits: point.bitsPerPixel, \.ssim),
            jpegMSSSIM: jpeg.value(atBits: point.bitsPerPixel, \.msssim)
          )
        }
      } ?? []
    var (exact, png, residual, pixels, losses) = (0, 0, 0, 0, 0)
    for plane in planes {
      try interruption.check()
      let image = plane.image
      pixels += plane.width * plane.height
      png += try image.png().count
      let data = try ImageCompressor().compressed(image, path: plane.id)
      exact += data.count
      var isKept = try CompressedFile(data, path: plane.id).restored() == image
      if let model {
        let layered = try ImageCompressor(model: model, quality: 0.5, isExact: true)
          .compressed(image, path: plane.id)
        residual += layered.count
        let back = try CompressedFile(layered, path: plane.id).restored(model: model)
        isKept = isKept && back == image
      }
      losses += isKept ? 0 : 1
    }
    let area = Double(max(1, pixels))
    losslessBits = 8 * Double(exact) / area
    pngBits = 8 * Double(png) / area
    residualBits = model == nil ? nil : 8 * Double(residual) / area
    self.losses = losses
  }
}
