import CDeflate
import Foundation
import Support
import Synchronization

/// Writes one array of single-precision numbers as NumPy's compressed `.npz`, plane by plane.
///
/// Planes may come in any order and from several threads: what becomes known slice by slice for all
/// classes is written without holding the volume of any. Packed planes lie in a nameless file beside
/// the output until all are there; the bytes of the result depend on nothing but the numbers. Sizes
/// are those of zip64 (PKWARE's APPNOTE, section 4.3), as numpy writes them.
package final class NPZWriter: Sendable {
  /// Numbers along each axis; the last two are a plane's.
  package let shape: [Int]

  private struct Piece {
    var offset: Int64
    var size: Int
  }

  private struct Plane {
    var pieces: [Piece] = []
    var checksum: UInt32 = 0
  }

  private struct State {
    var planes: [Plane?]
    var spooledBytes: Int64 = 0
  }

  private let path: String
  private let entryName: String
  private let spool: FileHandle
  private let state: Mutex<State>

  /// The most that is packed at a time.
  private static let pieceBytes = 1 << 20

  /// Begins a file.
  /// - Parameters:
  ///   - path: The file; give the temporary name of an `OutputGuard`.
  ///   - key: The array's name, such as "probabilities".
  ///   - shape: Numbers along each axis, at least two.
  /// - Throws: `SupportError.unwritable`.
  package init(path: String, key: String, shape: [Int]) throws(SupportError) {
    precondition(shape.count >= 2 && shape.allSatisfy { $0 >= 1 }, "the shape \(shape)")
    self.path = path
    self.shape = shape
    entryName = key + ".npy"
    let planes = shape.dropLast(2).reduce(1, *)
    state = Mutex(State(planes: [Plane?](repeating: nil, count: planes)))
    let spoolPath = path + ".planes"
    let descriptor = open(spoolPath, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw .unwritable(path: path, reason: String(cString: strerror(errno)))
    }
    // Nameless, so that nothing is left behind whatever happens.
    unlink(spoolPath)
    spool = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// Adds a plane.
  /// - Parameters:
  ///   - values: As many numbers as the last two axes have, the last index fastest.
  ///   - index: The plane's place in C order over the axes before: of [C, z, y, x] it is c * z + k.
  /// - Throws: `SupportError.unwritable`, `.libraryFailure`.
  /// - Precondition: As many values as a plane has; each plane is written once.
  package func write(_ values: [Float], plane index: Int) throws(SupportError) {
    try values.withRawBytes { bytes throws(SupportError) in
      try write(bytes, plane: index)
    }
  }

  private func write(_ bytes: UnsafeRawBufferPointer, plane index: Int) throws(SupportError) {
    precondition(
      bytes.count == 4 * shape[shape.count - 1] * shape[shape.count - 2],
      "\(bytes.count / 4) values for a plane of \(shape)"
    )
    guard let start = bytes.baseAddress else { return }
    var plane = Plane()
    var packed: [UInt8] = []
    var sizes: [Int] = []
    for offset in stride(from: 0, to: bytes.count, by: Self.pieceBytes) {
      let length = min(Self.pieceBytes, bytes.count - offset)
      let piece = try Self.packed(start + offset, length)
      plane.checksum = cdeflate_join_crc(
        plane.checksum,
        cdeflate_crc(start + offset, Int64(length)),
        Int64(length)
      )
      packed += piece
      sizes.append(piece.count)
    }
    let descriptor = spool.fileDescriptor
    let path = path
    let failed: SupportError? = state.withLock { state in
      precondition(state.planes[index] == nil, "plane \(index) was written before")
      var offset = state.spooledBytes
      for size in sizes {
        plane.pieces.append(Piece(offset: offset, size: size))
        offset += Int64(size)
      }
      guard Self.put(packed, descriptor, at: state.spooledBytes) else {
        return .unwritable(path: path, reason: Self.reason)
      }
      state.spooledBytes = offset
      state.planes[index] = plane
      return nil
    }
    if let failed { throw failed }
  }

  /// Writes the file.
  /// - Throws: `SupportError.unwritable`.
  /// - Precondition: Every plane was written.
  package func finish() throws(SupportError) {
    let planes = state.withLock { $0.planes }.map { plane in
      guard let plane else { preconditionFailure("a plane is missing") }
      return plane
    }
    let header = NPYHeader(type: "<f4", shape: shape).bytes
    var checksum = header.withUnsafeBytes { cdeflate_crc($0.baseAddress, Int64($0.count)) }
    let packedHeader = try header.packed()
    let planeBytes = 4 * shape[shape.count - 1] * shape[shape.count - 2]
    for plane in planes {
      checksum = cdeflate_join_crc(checksum, plane.checksum, Int64(planeBytes))
    }
    // A last block without content: deflate's "fixed" type and the end code.
    let end: [UInt8] = [0x03, 0x00]
    let entry = ZipEntryRecords(
      name: entryName,
      checksum: checksum,
      size: header.count + planes.count * planeBytes,
      packedSize: packedHeader.count + end.count
        + planes.reduce(0) { $0 + $1.pieces.reduce(0) { $0 + $1.size } }
    )
    let output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard output >= 0 else { throw .unwritable(path: path, reason: Self.reason) }
    var isWhole = true
    var place: Int64 = 0
    func append(_ bytes: [UInt8]) {
      isWhole = isWhole && Self.put(bytes, output, at: place)
      place += Int64(bytes.count)
    }
    append(entry.localHeader)
    append(packedHeader)
    for piece in planes.lazy.flatMap(\.pieces) where isWhole {
      guard let bytes = Self.get(piece, spool.fileDescriptor) else {
        isWhole = false
        break
      }
      append(bytes)
    }
    append(end)
    append(entry.directory(at: 0, directoryOffset: Int(place)))
    let reason = Self.reason
    guard close(output) == 0, isWhole else { throw .unwritable(path: path, reason: reason) }
  }

  // MARK: - Bytes

  fileprivate static func packed(
    _ start: UnsafeRawPointer,
    _ length: Int
  ) throws(SupportError) -> [UInt8] {
    let bound = Int(cdeflate_bound(Int64(length)))
    var status: Int32 = 0
    let packed = [UInt8](unsafeUninitializedCapacity: bound) { buffer, initializedCount in
      var size: Int64 = 0
      status = cdeflate_pack(start, Int64(length), 0, buffer.baseAddress, Int64(bound), &size)
      initializedCount = Int(size)
    }
    guard status == Int32(CDEFLATE_OK.rawValue) else { throw .libraryFailure(library: "ISA-L") }
    return packed
  }

  private static var reason: String {
    errno == 0 ? "the disk may be full" : String(cString: strerror(errno))
  }

  private static func put(_ bytes: [UInt8], _ descriptor: Int32, at offset: Int64) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let count = pwrite(
          descriptor,
          bytes.baseAddress.map { $0 + done },
          bytes.count - done,
          off_t(offset) + done
        )
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return false }
        done += count
      }
      return true
    }
  }

  private static func get(_ piece: Piece, _ descriptor: Int32) -> [UInt8]? {
    var found = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: piece.size) { buffer, initializedCount in
      while found < piece.size {
        let count = pread(
          descriptor,
          buffer.baseAddress.map { $0 + found },
          piece.size - found,
          off_t(piece.offset) + found
        )
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { break }
        found += count
      }
      initializedCount = found
    }
    return found == piece.size ? bytes : nil
  }
}

extension [UInt8] {
  /// One piece of raw deflate that is not the last.
  fileprivate func packed() throws(SupportError) -> [UInt8] {
    let result: Result<[UInt8], SupportError> = withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return .success([]) }
      do throws(SupportError) {
        return .success(try NPZWriter.packed(start, bytes.count))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }
}
