import Foundation
import Imaging
import Support

/// Writes images as compressed files.
public struct ImageCompressor: Sendable {
  /// Slices that are coded together: what a chunk learnt is of use within it, and chunks are coded side by
  /// side and damage stays in one.
  static let planesInChunk = 16
  /// The share of a volume's voxels that may be brighter than the network's 1.
  private static let brightShare = 0.001

  private let mode: CompressedHeader.Mode
  private let model: CompressionModel?
  private let quality: Double

  /// Compresses exactly, without a network.
  public init() { (mode, model, quality) = (.lossless, nil, 0) }

  /// Compresses by a network.
  /// - Parameters:
  ///   - model: The network.
  ///   - quality: The rate, 0 the lowest that was trained, 1 the highest.
  ///   - isExact: Whether what is left over is coded too.
  /// - Precondition: A quality of 0 to 1.
  public init(model: CompressionModel, quality: Double, isExact: Bool) {
    precondition((0...1).contains(quality), "a quality of \(quality)")
    (mode, self.model, self.quality) = (isExact ? .residual : .lossy, model, quality)
  }

  /// Compresses an image.
  /// - Parameters:
  ///   - image: The image.
  ///   - path: Its file, for messages.
  ///   - progress: Told about every chunk.
  ///   - interruption: Looked at before every chunk.
  /// - Returns: The file's bytes.
  /// - Throws: `CompressionError.unsuitableImage`; `SupportError.interrupted`.
  public func compressed(
    _ image: PlanarImage,
    path: String,
    progress: any ProgressReporter = SilentProgress(),
    interruption: Interruption = Interruption()
  ) throws -> Data {
    guard mode == .lossless || image.numbers == .whole else {
      throw CompressionError.unsuitableImage(
        path: path,
        reason: "its values are no whole numbers, and networks code those only; use --lossless, or "
          + "convert it to whole numbers"
      )
    }
    let planes = Self.separated(image)
    let range = Self.range(planes)
    let scale = scale(image, range)
    let steps = model?.steps(quality: quality) ?? []
    let coding = ChunkCoding(
      kind: image.kind,
      mode: mode,
      numbers: image.numbers,
      width: image.width,
      height: image.height,
      range: range,
      scale: scale,
      quality: quality,
      steps: steps,
      model: model
    )
    let size = image.kind == .picture ? max(1, planes.count) : Self.planesInChunk
    let perPlane = image.numbers == .halves ? 2 : 1
    let chunks = (image.depth + size - 1) / size
    var streams: [[UInt8]] = []
    progress.begin("compressing", total: chunks)
    defer { progress.end() }
    let together = coding.chunksAtOnce
    while streams.count < chunks {
      try interruption.check()
      let first = streams.count
      let count = min(together, chunks - first)
      streams += ChunkCoding.sideBySide(count) { index in
        let start = (first + index) * size
        let end = min(start + size, image.depth)
        return coding.encoded(Array(planes[start * perPlane..<end * perPlane]), first: start)
      }
      progress.update(streams.count, detail: nil)
    }
    let header = CompressedHeader(
      kind: image.kind,
      mode: mode,
      size: [image.width, image.height, image.kind == .picture ? 1 : image.depth],
      channels: image.kind == .picture ? planes.count : 1,
      type: image.type,
      spacing: image.geometry.map { [$0.spacing.x, $0.spacing.y, $0.spacing.z] },
      origin: image.geometry.map { [$0.origin.x, $0.origin.y, $0.origin.z] },
      direction: image.geometry.map { $0.direction.columns.flatMap { [$0.x, $0.y, $0.z] } },
      isPlanar: image.geometry?.isPlanar ?? true,
      numbers: image.numbers,
      range: [range.lowerBound, range.upperBound],
      scale: model == nil ? nil : [scale.low, scale.high],
      quality: model == nil ? nil : quality,
      model: model.map { CompressedHeader.Model(name: $0.name, weights: $0.weights) },
      planesInChunk: size,
      digest: mode == .lossy ? nil : try Self.digest(image.planes),
      chunks: try streams.map {
        CompressedHeader.Chunk(bytes: $0.count, digest: try Self.digest(of: $0))
      }
    )
    return try CompressedFile.joined(header, streams)
  }

  /// The planes with colours as luma and differences.
  static func separated(_ image: PlanarImage) -> [[Int32]] {
    guard image.kind == .picture, image.planes.count >= 3 else { return image.planes }
    var planes = image.planes
    for place in planes[0].indices {
      (planes[0][place], planes[1][place], planes[2][place]) = ReversibleColours.forward(
        image.planes[0][place],
        image.planes[1][place],
        image.planes[2][place]
      )
    }
    return planes
  }

  private static func range(_ planes: [[Int32]]) -> ClosedRange<Int> {
    var (low, high) = (Int32.max, Int32.min)
    for plane in planes {
      for value in plane { (low, high) = (min(low, value), max(high, value)) }
    }
    return low <= high ? Int(low)...Int(high) : 0...0
  }

  /// Pictures have the range of their type, volumes that of all but the brightest voxels.
  private func scale(
    _ image: PlanarImage,
    _ range: ClosedRange<Int>
  ) -> (low: Double, high: Double) {
    if image.kind == .picture { return (0, image.type == "uint16" ? 65_535 : 255) }
    guard mode != .lossless else { return (0, 1) }
    // Counted in 2^16 steps of the range, whatever its width.
    let step = max(1, (range.count + 0xFFFF) >> 16)
    var counts = [Int](repeating: 0, count: range.count / step + 1)
    for plane in image.planes {
      for value in plane { counts[(Int(value) - range.lowerBound) / step] += 1 }
    }
    var left = Int(Self.brightShare * Double(image.planes.count * image.width * image.height))
    var bin = counts.count - 1
    while bin > 0, counts[bin] <= left {
      left -= counts[bin]
      bin -= 1
    }
    let low = Double(range.lowerBound)
    return (low, max(low + 1, low + Double((bin + 1) * step - 1)))
  }

  /// SHA-256 of planes of whole numbers, little-endian.
  static func digest(_ planes: [[Int32]]) throws -> String {
    var data = Data(capacity: 4 * planes.reduce(0) { $0 + $1.count })
    for plane in planes {
      plane.map(\.littleEndian).withUnsafeBytes { data.append(contentsOf: $0) }
    }
    return try SHA256.hexDigest(of: data)
  }

  static func digest(of bytes: [UInt8]) throws -> String {
    String(try SHA256.hexDigest(of: Data(bytes)).prefix(16))
  }
}
