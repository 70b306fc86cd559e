import Foundation

/// The memory that the process holds.
public enum ProcessMemory {
  /// Bytes in physical memory now; 0 when the system does not tell.
  public static var residentBytes: Int {
    guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else {
      return 0
    }
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }

  /// Bytes as GB (10^9 bytes) with one digit, rounded up.
  /// - Parameter bytes: A number of bytes.
  /// - Returns: Such as "2.4".
  public static func gigabytes(_ bytes: Int) -> String {
    let tenths = (bytes + 99_999_999) / 100_000_000
    return "\(tenths / 10).\(tenths % 10)"
  }
}
