import CMPI
import Foundation
import Support
import Synchronization

/// The processes that `mpirun` started, joined by Open MPI.
///
/// The library is loaded when one is made and at no other time.
package final class MessagePassing: GradientExchange {
  package let rank: Int
  package let count: Int
  // The training calls from one thread at a time; the pointer is freed in `finish`, the last call.
  private nonisolated(unsafe) let world: OpaquePointer
  private let hasFailed = Mutex(false)

  /// Joins the other processes.
  /// - Parameter environment: The variables that launchers set.
  /// - Throws: `DistributedError.noLibrary`, `.otherLibrary`, `.failed`; `.otherLauncher` when the
  ///   launcher started several processes that do not see each other.
  package init(environment: [String: String]) throws {
    var made: OpaquePointer?
    switch cmpi_status(rawValue: UInt32(bitPattern: cmpi_open(&made))) {
    case CMPI_OK: break
    case CMPI_MISSING: throw DistributedError.noLibrary
    case CMPI_FOREIGN: throw DistributedError.otherLibrary
    default: throw DistributedError.failed(call: "starting")
    }
    guard let made else { throw DistributedError.failed(call: "starting") }
    world = made
    rank = Int(cmpi_rank(made))
    count = Int(cmpi_size(made))
    if let started = Self.processCount(environment), started != count {
      throw DistributedError.otherLauncher(started: started, joined: count)
    }
  }

  /// The number of processes that a launcher says it started; nil without a launcher.
  /// - Parameter environment: The variables that launchers set.
  /// - Returns: The number, or nil.
  package static func processCount(_ environment: [String: String]) -> Int? {
    // Of Open MPI's launcher, of those that speak PMI.
    for name in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE"] {
      if let count = environment[name].flatMap({ Int($0) }), count > 0 { return count }
    }
    return nil
  }

  package func sum(_ values: UnsafeMutableBufferPointer<Float>) throws {
    try check(cmpi_sum_floats(world, values.baseAddress, Int64(values.count)), "adding gradients")
  }

  package func sums(of values: [Double]) -> [Double] {
    var result = values
    let status = result.withUnsafeMutableBufferPointer {
      cmpi_sum_doubles(world, $0.baseAddress, Int64($0.count))
    }
    if status != 0 { hasFailed.withLock { $0 = true } }
    return result
  }

  package func broadcast(_ data: Data, from root: Int) throws -> Data {
    var length = Int64(data.count)
    try check(
      withUnsafeMutableBytes(of: &length) {
        cmpi_broadcast(world, $0.baseAddress, Int64($0.count), Int32(root))
      },
      "sending a length"
    )
    var bytes = rank == root ? data : Data(count: Int(length))
    guard !bytes.isEmpty else { return bytes }
    try check(
      bytes.withUnsafeMutableBytes {
        cmpi_broadcast(world, $0.baseAddress, Int64($0.count), Int32(root))
      },
      "sending the state"
    )
    return bytes
  }

  package func wait() throws { try check(cmpi_barrier(world), "waiting") }

  /// Waits for all processes and leaves them; nothing may be called after it.
  /// - Throws: `DistributedError.failed`.
  package func finish() throws { try check(cmpi_close(world), "ending") }

  private func check(_ status: Int32, _ call: String) throws {
    guard status == 0, !hasFailed.withLock({ $0 }) else {
      throw DistributedError.failed(call: call)
    }
  }
}
