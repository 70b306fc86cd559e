import Foundation
import Imaging
import Support

/// A compressed file: `LAMC`, a version of one byte, the header's length in four bytes (little-endian), the
/// header (JSON), the first 16 digits of the header's SHA-256, and the chunks one after the other.
///
/// Files of version 1 have no digest of their header.
public struct CompressedFile: Sendable {
  /// What the file says of itself.
  public let header: CompressedHeader
  /// Bytes of the file.
  public let byteCount: Int
  private let data: Data
  private let path: String
  private let first: Int

  private static let magic = Data("LAMC".utf8)
  private static let version: UInt8 = 2
  private static let prefix = 9
  private static let digits = 16

  /// Reads a file's header; the chunks are checked when they are restored.
  /// - Parameter path: The file.
  /// - Throws: `CompressionError.damaged`, `.unsupported`; `SupportError.notFound`, `.unreadable`.
  public init(path: String) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
    } catch {
      throw SupportError.unreadable(path: path, reason: OutputGuard.reason(of: error))
    }
    try self.init(data, path: path)
  }

  /// Reads a file's header from memory.
  /// - Parameters:
  ///   - data: The file's bytes.
  ///   - path: The file, for messages.
  /// - Throws: `CompressionError.damaged`, `.unsupported`.
  package init(_ data: Data, path: String) throws {
    guard data.count >= Self.magic.count, data.prefix(Self.magic.count) == Self.magic else {
      throw CompressionError.unsupported(
        path: path,
        reason: data.isEmpty ? "it is empty" : "it is no compressed image of Lamina's (.lamc)"
      )
    }
    guard data.count > Self.prefix else {
      throw CompressionError.damaged(path: path, reason: "it ends within its header")
    }
    let version = data[data.startIndex + 4]
    guard (1...Self.version).contains(version) else {
      throw CompressionError.unsupported(
        path: path,
        reason:
          "its version is \(version), and this program knows \(Self.version); use a later Lamina"
      )
    }
    let length = (0..<4).reduce(0) { $0 | Int(data[data.startIndex + 5 + $1]) << (8 * $1) }
    let sealed = version > 1 ? Self.digits : 0
    guard length <= CompressedHeader.maximumBytes, Self.prefix + length + sealed <= data.count
    else {
      throw CompressionError.damaged(path: path, reason: "it ends within its header")
    }
    let start = data.startIndex + Self.prefix
    let text = data.subdata(in: start..<start + length)
    let seal = data.subdata(in: start + length..<start + length + sealed)
    guard try sealed == 0 || seal == Self.seal(text) else {
      throw CompressionError.damaged(path: path, reason: "its header is not as it was written")
    }
    let header: CompressedHeader
    do {
      header = try JSONDecoder().decode(CompressedHeader.self, from: text)
    } catch {
      throw CompressionError.damaged(path: path, reason: "its header cannot be read")
    }
    guard header.schema == CompressedHeader.currentSchema else {
      throw CompressionError.unsupported(path: path, reason: "its schema is \(header.schema)")
    }
    try header.check(path: path)
    (self.header, self.data, self.path) = (header, data, path)
    (byteCount, first) = (data.count, start + length + sealed)
    let wanted = header.chunks.reduce(first - data.startIndex) { $0 + $1.bytes }
    if data.count > wanted {
      throw CompressionError.damaged(
        path: path,
        reason: "\(data.count - wanted) bytes follow its last chunk"
      )
    }
  }

  private static func seal(_ header: Data) throws -> Data {
    Data(try ImageCompressor.digest(of: Array(header)).utf8)
  }

  /// The bytes of a file.
  static func joined(_ header: CompressedHeader, _ streams: [[UInt8]]) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let text = try encoder.encode(header)
    var data = magic
    data.append(version)
    for shift in 0..<4 { data.append(UInt8(truncatingIfNeeded: text.count >> (8 * shift))) }
    data.append(text)
    data.append(try seal(text))
    for stream in streams { data.append(contentsOf: stream) }
    return data
  }

  /// Restores the image.
  /// - Parameters:
  ///   - model: The network that the file was written with; nil without one.
  ///   - progress: Told about every chunk.
  ///   - interruption: Looked at before every chunk.
  /// - Returns: The image, checked against its digest where every value is restored.
  /// - Throws: `CompressionError.needsModel`, `.damaged`; `.unsupported` for an image that this machine's
  ///   memory cannot hold; `SupportError.interrupted`.
  public func restored(
    model: CompressionModel? = nil,
    progress: any ProgressReporter = SilentProgress(),
    interruption: Interruption = Interruption()
  ) throws -> PlanarImage {
    if let needed = header.model {
      guard let model else {
        throw CompressionError.needsModel(path: path, name: needed.name, found: nil)
      }
      guard model.weights == needed.weights else {
        throw CompressionError.needsModel(path: path, name: needed.name, found: model.name)
      }
    }
    // Values are whole numbers of 32 bits while they are restored, and once more in their own type. A few
    // bytes may claim gigabytes, as of an image of one value.
    let needed = header.valueCount * 4 + header.plainBytes
    guard needed <= Int(clamping: ProcessInfo.processInfo.physicalMemory) else {
      throw CompressionError.unsupported(
        path: path,
        reason: "its image needs \(ProcessMemory.gigabytes(needed)) GB, more than this machine has"
      )
    }
    let streams = try checkedStreams()
    let coding = ChunkCoding(
      kind: header.kind,
      mode: header.mode,
      numbers: header.numbers,
      width: header.size[0],
      height: header.size[1],
      range: header.range[0]...header.range[1],
      scale: header.scale.map { ($0[0], $0[1]) } ?? (0, 1),
      quality: header.quality ?? 0,
      steps: header.quality.flatMap { model?.steps(quality: $0) } ?? [],
      model: header.model == nil ? nil : model
    )
    let depth = header.kind == .picture ? header.channels : header.size[2]
    let perPlane = header.numbers == .halves ? 2 : 1
    let size = header.planesInChunk
    var planes: [[Int32]] = []
    progress.begin("restoring", total: streams.count)
    defer { progress.end() }
    let together = coding.chunksAtOnce
    for first in stride(from: 0, to: streams.count, by: together) {
      try interruption.check()
      let count = min(together, streams.count - first)
      let made = ChunkCoding.sideBySide(count) { index in
        let start = (first + index) * size
        return coding.decoded(
          Array(streams[first + index]),
          count: (min(start + size, depth) - start) * perPlane,
          first: start
        )
      }
      for (index, restored) in made.enumerated() {
        guard let restored else { throw damage(chunk: first + index, "ends early") }
        planes += restored
      }
      progress.update(first + count, detail: nil)
    }
    return try image(planes)
  }

  private func checkedStreams() throws -> [Data] {
    var place = first
    return try header.chunks.enumerated().map { index, chunk in
      guard place + chunk.bytes <= data.endIndex else {
        throw CompressionError.damaged(
          path: path,
          reason:
            "it is cut short: chunk \(index + 1) of \(header.chunks.count) and what follows are "
            + "missing"
        )
      }
      let bytes = data[place..<place + chunk.bytes]
      place += chunk.bytes
      guard try ImageCompressor.digest(of: Array(bytes)) == chunk.digest else {
        throw damage(chunk: index, "is not as it was written")
      }
      return bytes
    }
  }

  private func damage(chunk: Int, _ what: String) -> CompressionError {
    .damaged(path: path, reason: "chunk \(chunk + 1) of \(header.chunks.count) \(what)")
  }

  private func image(_ coded: [[Int32]]) throws -> PlanarImage {
    var planes = coded
    if header.kind == .picture, planes.count >= 3 {
      for place in planes[0].indices {
        (planes[0][place], planes[1][place], planes[2][place]) = ReversibleColours.backward(
          coded[0][place],
          coded[1][place],
          coded[2][place]
        )
      }
    }
    if header.kind == .picture, header.mode == .lossy {
      let limit: Int32 = header.type == "uint16" ? 65_535 : 255
      planes = planes.map { $0.map { min(max($0, 0), limit) } }
    }
    if let digest = header.digest, try ImageCompressor.digest(planes) != digest {
      throw CompressionError.damaged(
        path: path,
        reason: "the restored values are not the original's"
      )
    }
    return PlanarImage(
      kind: header.kind,
      width: header.size[0],
      height: header.size[1],
      planes: planes,
      type: header.type,
      geometry: header.kind == .volume ? try header.geometry() : nil,
      numbers: header.numbers
    )
  }
}
