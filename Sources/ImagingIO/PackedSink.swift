import CDeflate
import Foundation
import Support
import Synchronization

/// A file being written, plain, gzip or zlib.
///
/// Packed files are one gzip member or zlib stream without a time stamp. Pieces of 1 MiB are packed
/// side by side, each on its own, so that the bytes do not depend on the number of threads.
final class PackedSink {
  /// How the bytes are packed.
  enum Packing: Equatable {
    case plain
    case gzip(Effort)
    case zlib(Effort)
  }

  /// What packing is good at.
  enum Effort: Equatable {
    /// ISA-L's level 3: for images.
    case fast
    /// zlib's level 6: for label maps, whose long runs it packs much smaller.
    case small
  }

  private static let pieceBytes = 1 << 20
  /// Pieces that are packed before they are written.
  private static let batch = 16

  private let path: String
  private let packing: Packing
  private var file: UnsafeMutablePointer<FILE>?
  private var pending: [UInt8] = []
  private var checksum: UInt32
  private var total = 0

  /// Bytes written to the file so far.
  private(set) var writtenBytes = 0

  /// Creates the file.
  /// - Parameters:
  ///   - path: The file.
  ///   - packing: How bytes are packed.
  ///   - header: Plain bytes that come first.
  /// - Throws: `SupportError.unwritable` when the system refuses.
  init(path: String, packing: Packing, header: [UInt8] = []) throws(SupportError) {
    self.path = path
    self.packing = packing
    if case .zlib = packing { checksum = 1 } else { checksum = 0 }
    errno = 0
    file = fopen(path, "wb")
    guard file != nil else {
      throw .unwritable(path: path, reason: String(cString: strerror(errno)))
    }
    try header.withRawBytes { bytes throws(SupportError) in try put(bytes) }
    switch packing {
    case .plain: break
    case .gzip(let effort):
      // RFC 1952: deflate, no flags, no time, effort, an unknown system.
      try put([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, effort == .fast ? 4 : 0, 255])
    case .zlib:
      // RFC 1950: deflate with a window of 32 kB.
      try put([0x78, 0x9C])
    }
  }

  deinit {
    if let file { fclose(file) }
  }

  /// Appends the bytes of values.
  func write<Value: BitwiseCopyable>(_ values: [Value]) throws(SupportError) {
    try values.withRawBytes { bytes throws(SupportError) in try write(bytes) }
  }

  /// Appends bytes.
  func write(_ bytes: UnsafeRawBufferPointer) throws(SupportError) {
    guard packing != .plain else { return try put(bytes) }
    var rest = bytes
    // Pieces are cut at the same places however the bytes arrive.
    if !pending.isEmpty {
      let taken = min(rest.count, Self.pieceBytes - pending.count)
      pending.append(contentsOf: rest.prefix(taken))
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(taken))
      guard pending.count == Self.pieceBytes else { return }
      try flushPending()
    }
    let whole = rest.count / Self.pieceBytes * Self.pieceBytes
    try pack(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)))
    pending.append(contentsOf: rest.dropFirst(whole))
  }

  /// Closes the file; only then it is known that the disk took everything.
  func finish() throws(SupportError) {
    guard file != nil else { return }
    if packing != .plain {
      try flushPending()
      // A last block without content: deflate's "fixed" type and the end code.
      try put([0x03, 0x00])
    }
    let sum = checksum
    switch packing {
    case .plain: break
    case .gzip:
      let length = UInt32(truncatingIfNeeded: total)
      try put((0..<4).map { UInt8(truncatingIfNeeded: sum >> (8 * UInt32($0))) })
      try put((0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * UInt32($0))) })
    case .zlib: try put((0..<4).map { UInt8(truncatingIfNeeded: sum >> (24 - 8 * UInt32($0))) })
    }
    guard let file else { return }
    self.file = nil
    errno = 0
    guard fclose(file) == 0 else { throw failure() }
  }

  private func flushPending() throws(SupportError) {
    let bytes = pending
    pending.removeAll(keepingCapacity: true)
    try bytes.withRawBytes { bytes throws(SupportError) in try pack(bytes) }
  }

  private struct Piece: Sendable {
    var packed: [UInt8] = []
    var checksum: UInt32 = 0
  }

  private func pack(_ bytes: UnsafeRawBufferPointer) throws(SupportError) {
    let count = (bytes.count + Self.pieceBytes - 1) / Self.pieceBytes
    let (isSmall, isZlib) =
      switch packing {
      case .plain: (false, false)
      case .gzip(let effort): (effort == .small, false)
      case .zlib(let effort): (effort == .small, true)
      }
    // The address as a number crosses to other threads; `bytes` outlives the loop.
    let start = UInt(bitPattern: bytes.baseAddress)
    let byteCount = bytes.count
    for first in stride(from: 0, to: count, by: Self.batch) {
      let last = min(count, first + Self.batch)
      let pieces = Mutex([Piece?](repeating: nil, count: last - first))
      Parallelism.forEach(last - first) { place in
        let offset = (first + place) * Self.pieceBytes
        let length = min(Self.pieceBytes, byteCount - offset)
        let piece = Self.packed(start + UInt(offset), length, isSmall: isSmall, isZlib: isZlib)
        pieces.withLock { $0[place] = piece }
      }
      for (place, piece) in pieces.withLock({ $0 }).enumerated() {
        guard let piece else { throw .libraryFailure(library: isSmall ? "zlib" : "ISA-L") }
        let length = min(Self.pieceBytes, bytes.count - (first + place) * Self.pieceBytes)
        checksum =
          isZlib
          ? cdeflate_join_adler(checksum, piece.checksum, Int64(length))
          : cdeflate_join_crc(checksum, piece.checksum, Int64(length))
        total += length
        try put(piece.packed)
      }
    }
  }

  private static func packed(
    _ address: UInt,
    _ length: Int,
    isSmall: Bool,
    isZlib: Bool
  ) -> Piece? {
    guard let start = UnsafeRawPointer(bitPattern: address) else { return nil }
    let bound = Int(cdeflate_bound(Int64(length)))
    var status: Int32 = 0
    let packed = [UInt8](unsafeUninitializedCapacity: bound) { buffer, initializedCount in
      var size: Int64 = 0
      status = cdeflate_pack(
        start,
        Int64(length),
        isSmall ? 1 : 0,
        buffer.baseAddress,
        Int64(bound),
        &size
      )
      initializedCount = Int(size)
    }
    guard status == Int32(CDEFLATE_OK.rawValue) else { return nil }
    let sum = isZlib ? cdeflate_adler(start, Int64(length)) : cdeflate_crc(start, Int64(length))
    return Piece(packed: packed, checksum: sum)
  }

  private func put(_ bytes: [UInt8]) throws(SupportError) {
    try bytes.withRawBytes { bytes throws(SupportError) in try put(bytes) }
  }

  private func put(_ bytes: UnsafeRawBufferPointer) throws(SupportError) {
    guard let file, let base = bytes.baseAddress, !bytes.isEmpty else { return }
    errno = 0
    guard fwrite(base, 1, bytes.count, file) == bytes.count else { throw failure() }
    writtenBytes += bytes.count
  }

  private func failure() -> SupportError {
    let reason = errno == 0 ? "the disk may be full" : String(cString: strerror(errno))
    return .unwritable(path: path, reason: reason)
  }
}

extension Array where Element: BitwiseCopyable {
  /// `withUnsafeBytes` with a typed error.
  func withRawBytes<Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let result: Result<Void, Failure> = withUnsafeBytes { bytes in
      do throws(Failure) {
        return .success(try body(bytes))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }
}
