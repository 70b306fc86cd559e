import Foundation

/// What the directory of an archive says of one file in it.
struct ArchiveEntry: Equatable, Sendable {
  /// Its place in the archive's directory.
  var index: Int
  /// Its name as stored; it is shown to people and never used as a path.
  var name: String
  /// Bytes when expanded.
  var size: UInt64
  /// Bytes in the archive.
  var packedSize: UInt64
}

/// How far an archive may expand.
///
/// Deflate cannot expand data by more than 1032 to 1 (zlib's technical notes); entries that claim
/// more, or that share their compressed bytes, are there to fill a disk.
struct ArchiveLimits {
  /// The largest ratio of one entry.
  static let entryRatio: UInt64 = 1100
  /// The largest ratio of all entries to the archive, beyond `freely`.
  static let totalRatio: UInt64 = 100
  /// Bytes that may be expanded whatever the ratio: empty label maps compress very well.
  static let freely: UInt64 = 256 << 20
  /// The part of the free disk space that is left alone: one sixteenth.
  static let spareDivisor: UInt64 = 16

  /// The archive file's size.
  var archiveBytes: UInt64
  /// Free space where the entries go, or nil when it is not known.
  var freeBytes: UInt64?

  /// Why the entries must not be extracted, in words that follow "it", or nil.
  func objection(to entries: [ArchiveEntry]) -> (what: String, remedy: String)? {
    var total: UInt64 = 0
    for entry in entries {
      let allowance = entry.packedSize.multipliedReportingOverflow(by: Self.entryRatio)
      if !allowance.overflow, entry.size > max(allowance.partialValue, 1 << 20) {
        return (
          "an entry that claims to expand from \(entry.packedSize) to \(entry.size) bytes",
          "unpack it yourself if you trust it"
        )
      }
      let sum = total.addingReportingOverflow(entry.size)
      total = sum.overflow ? .max : sum.partialValue
    }
    let allowance = archiveBytes.multipliedReportingOverflow(by: Self.totalRatio)
    if !allowance.overflow, total > max(allowance.partialValue, Self.freely) {
      return (
        "entries that expand to \(total) bytes from \(archiveBytes)",
        "unpack it yourself if you trust it"
      )
    }
    if let freeBytes, total > freeBytes - freeBytes / Self.spareDivisor {
      return (
        "\(total) bytes, more than the \(freeBytes) bytes that are free for temporary files",
        "set TMPDIR to a larger disk"
      )
    }
    return nil
  }
}

/// Names for extracted files that owe nothing to the archive but their order and their endings.
///
/// Entries are numbered in the order of their names, numbers within names by value. Entries of one
/// folder that differ by their ending only share a number, so that `scan.hdr` finds `scan.img`.
struct ArchiveNames {
  /// The path below the folder of extraction, for each entry in turn.
  let paths: [String]
  /// The positions of the entries in the order of their paths.
  let order: [Int]

  /// Numbers entries by their names.
  init(_ names: [String]) {
    var stems: [String: Int] = [:]
    var folders: [String: Int] = [:]
    var taken: Set<String> = []
    var paths = [String](repeating: "", count: names.count)
    let order = names.indices.sorted {
      let result = names[$0].compare(names[$1], options: [.numeric, .caseInsensitive])
      return result == .orderedSame ? $0 < $1 : result == .orderedAscending
    }
    let isFlat = Set(names.map(Self.folder)).count == 1
    for index in order {
      let (stem, ending) = Self.split(names[index])
      let parent = String(Self.folder(of: names[index]))
      let folder = folders[parent, default: folders.count + 1]
      folders[parent] = folder
      let prefix = isFlat ? "" : Self.padded(folder, 4) + "/"
      let number = stems[stem, default: stems.count + 1]
      stems[stem] = number
      var path = prefix + Self.padded(number, 7) + ending
      // Two entries may have one name.
      while !taken.insert(path).inserted {
        let extra = stems.count + 1
        stems["\0\(extra)"] = extra
        path = prefix + Self.padded(extra, 7) + ending
      }
      paths[index] = path
    }
    self.paths = paths
    self.order = order
  }

  private static func folder(of name: String) -> Substring {
    name.lastIndex(of: "/").map { name[..<$0] } ?? ""
  }

  /// Splits off an ending of letters and digits that begins with a letter, with ".gz" after it.
  private static func split(_ name: String) -> (stem: String, ending: String) {
    let start = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
    var rest = name[start...]
    var ending = ""
    if rest.lowercased().hasSuffix(".gz") {
      ending = ".gz"
      rest = rest.dropLast(3)
    }
    if let dot = rest.lastIndex(of: "."), dot != rest.startIndex {
      let letters = rest[rest.index(after: dot)...].lowercased()
      let isPlain = letters.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) }
      if (1...5).contains(letters.utf8.count), isPlain, letters.first?.isLetter == true {
        ending = "." + letters + ending
        rest = rest[..<dot]
      }
    }
    return (String(name[..<start]) + rest, ending)
  }

  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
