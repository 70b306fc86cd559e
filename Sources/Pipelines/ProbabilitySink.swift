import Foundation
import Imaging
import Support
import Synchronization

/// Class probabilities that arrive piece by piece and in any order, kept in a file.
///
/// The file holds `[class][z][y][x]` of the scan's own grid in single precision, x fastest; it is
/// scratch space that goes with the sink. The system writes it out as it needs memory, so that
/// classes x volume is never held by force.
package final class ProbabilitySink: Sendable {
  private struct Mapping {
    var size: [Int] = []
    // Unmapped in deinit only; who writes writes to places of its own.
    nonisolated(unsafe) var values: UnsafeMutablePointer<Float>?
  }

  private let folder: ScratchFolder
  private let path: String
  private let descriptor: Int32
  private let mapping = Mutex(Mapping())

  /// Opens a scratch file in the system's temporary folder (`TMPDIR`).
  /// - Throws: `SupportError.unwritable`.
  package init() throws {
    folder = try ScratchFolder()
    path = folder.path + "/probabilities"
    descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else {
      throw SupportError.unwritable(path: path, reason: String(cString: strerror(errno)))
    }
  }

  deinit {
    mapping.withLock { mapping in
      if let values = mapping.values { munmap(values, mapping.size.reduce(4, *)) }
    }
    close(descriptor)
  }

  /// Classes, slices, rows and columns.
  package var size: [Int] { mapping.withLock { $0.size } }

  /// States the size, before anything is written; what is never written reads as 0.
  /// - Parameter size: Classes, slices, rows and columns.
  /// - Throws: `SupportError.unwritable`.
  package func begin(size: [Int]) throws {
    let bytes = size.reduce(4, *)
    // Room is taken now, so that a full disk is an error and not a signal.
    let status = posix_fallocate(descriptor, 0, off_t(bytes))
    guard status == 0 else {
      throw SupportError.unwritable(path: path, reason: String(cString: strerror(status)))
    }
    let address = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
    guard let address, address != MAP_FAILED else {
      throw SupportError.unwritable(path: path, reason: String(cString: strerror(errno)))
    }
    mapping.withLock {
      $0 = Mapping(
        size: size,
        values: address.bindMemory(to: Float.self, capacity: bytes / 4)
      )
    }
  }

  /// Calls a body with all values.
  /// - Parameter body: Gets them, and must not keep them.
  /// - Returns: What the body returns.
  package func withValues<Result>(
    _ body: (UnsafeMutableBufferPointer<Float>) throws -> Result
  ) rethrows -> Result {
    let (values, count) = mapping.withLock { mapping in
      nonisolated(unsafe) let values = mapping.values
      return (values, mapping.values == nil ? 0 : mapping.size.reduce(1, *))
    }
    return try body(UnsafeMutableBufferPointer(start: values, count: count))
  }

  /// Lets the system take the memory of what was written; the values stay.
  func release() {
    mapping.withLock { mapping in
      if let values = mapping.values {
        madvise(values, mapping.size.reduce(4, *), Int32(MADV_DONTNEED))
      }
    }
  }

  /// Makes the first class certain everywhere.
  func fillBackground() {
    let voxels = size.dropFirst().reduce(1, *)
    withValues { $0.prefix(voxels).update(repeating: 1) }
  }

  /// Where the part that a network sees lies.
  /// - Parameters:
  ///   - prepared: The scan as the network sees it.
  ///   - scanSize: Voxels of the scan along x, y, z.
  /// - Returns: The place; nil before `begin`.
  func target(for prepared: NNUNetPreparation, scanSize: SIMD3<Int>) -> ProbabilityTarget? {
    let memory = SIMD3(1, scanSize.x, scanSize.x * scanSize.y)
    var steps = SIMD3<Int>()
    var start = 0
    for axis in 0..<3 {
      let source = prepared.reordering.sources[axis]
      let isTurned = prepared.reordering.flips[axis]
      steps[axis] = isTurned ? -memory[source] : memory[source]
      start += isTurned ? memory[source] * (scanSize[source] - 1) : 0
      start += steps[axis] * prepared.box.low[axis]
    }
    return withValues { values in
      values.baseAddress.map {
        ProbabilityTarget(
          values: $0,
          voxelCount: scanSize.product,
          start: start,
          steps: steps,
          width: prepared.box.size.x
        )
      }
    }
  }

  /// Writes a plane of the oriented scan to the scan's own places.
  /// - Parameters:
  ///   - scores: `[class][row][column]` of the plane.
  ///   - plane: The plane's number along the oriented grid's third axis.
  ///   - grid: The scan's grid, perhaps turned.
  ///   - scan: The scan's own grid.
  func write(_ scores: [Float], plane: Int, of grid: ImageGeometry, scan: ImageGeometry) {
    let turn = GridReordering(from: scan.orientation, to: grid.orientation)
    let memory = [1, scan.size.x, scan.size.x * scan.size.y]
    var steps = SIMD3<Int>()
    var start = 0
    for axis in 0..<3 {
      let source = turn.sources[axis]
      steps[axis] = turn.flips[axis] ? -memory[source] : memory[source]
      if turn.flips[axis] { start += (scan.size[source] - 1) * memory[source] }
    }
    start += plane * steps.z
    let (width, height, count) = (grid.size.x, grid.size.y, grid.voxelCount)
    withValues { values in
      for index in 0..<scores.count / (width * height) {
        for y in 0..<height {
          let from = (index * height + y) * width
          let to = index * count + start + y * steps.y
          for x in 0..<width { values[to + x * steps.x] = scores[from + x] }
        }
      }
    }
  }
}
