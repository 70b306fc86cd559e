import Foundation

/// What the system knows about the running process (Linux's `/proc`; see `man 5 proc`).
package enum ProcessFacts {
  /// Seconds since the process was started; 0 where the system does not tell.
  package static var secondsSinceStart: Double {
    guard let status = text("/proc/self/stat"), let uptime = text("/proc/uptime"),
      let now = uptime.split(separator: " ").first.flatMap({ Double($0) }),
      // The second field, the program's name, may hold spaces and brackets.
      let name = status.range(of: ")", options: .backwards)
    else { return 0 }
    let fields = status[name.upperBound...].split(separator: " ")
    // Field 22, counted from 1: the start in ticks after boot; two fields were cut off.
    guard fields.count > 19, let ticks = Double(fields[19]) else { return 0 }
    return now - ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  /// The largest resident memory so far, MiB, rounded down; 0 where the system does not tell.
  package static var peakMemoryMiB: Int {
    guard let status = text("/proc/self/status"),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let kibibytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first
    else { return 0 }
    return (Int(kibibytes) ?? 0) / 1024
  }

  /// A file of `/proc` as text; nil where there is none.
  static func text(_ path: String) -> String? {
    // Files of /proc have no size, so that they are read piece by piece.
    guard let file = FileHandle(forReadingAtPath: path) else { return nil }
    defer { try? file.close() }
    return (try? file.readToEnd()).map { String(decoding: $0, as: UTF8.self) }
  }
}
