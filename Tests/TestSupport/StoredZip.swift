import Foundation

/// Writes archives whose entries are stored as they are.
public enum StoredZip {
  /// Writes the files of a folder, one after another, uncompressed.
  /// - Parameters:
  ///   - folder: The folder; other things than files are left out.
  ///   - path: The archive to write.
  ///   - renaming: Turns a file's name below the folder into its name in the archive.
  /// - Throws: What reading and writing throws.
  public static func write(
    _ folder: String,
    to path: String,
    renaming: (String) -> String = { $0 }
  ) throws {
    var body = Data()
    var directory = Data()
    var count: UInt16 = 0
    func add(_ values: UInt64..., widths: [Int], to data: inout Data) {
      for (value, width) in zip(values, widths) {
        for byte in 0..<width { data.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
      }
    }
    guard let walk = FileManager.default.enumerator(atPath: folder) else {
      throw CocoaError(.fileReadNoSuchFile)
    }
    for case let name as String in walk {
      guard walk.fileAttributes?[.type] as? FileAttributeType == .typeRegular else { continue }
      let data = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
      let stored = Data(renaming(name).utf8)
      let checksum = UInt64(crc(data))
      let offset = UInt64(body.count)
      let (size, length) = (UInt64(data.count), UInt64(stored.count))
      add(
        0x0403_4B50,
        20,
        0,
        0,
        0,
        0x21,
        checksum,
        size,
        size,
        length,
        0,
        widths: [4, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2],
        to: &body
      )
      body += stored + data
      add(
        0x0201_4B50,
        20,
        20,
        0,
        0,
        0,
        0x21,
        checksum,
        size,
        size,
        length,
        0,
        0,
        0,
        0,
        0,
        offset,
        widths: [4, 2, 2, 2, 2, 2, 2, 4, 4, 4, 2, 2, 2, 2, 2, 4, 4],
        to: &directory
      )
      directory += stored
      count += 1
    }
    var end = Data()
    add(
      0x0605_4B50,
      0,
      0,
      UInt64(count),
      UInt64(count),
      UInt64(directory.count),
      UInt64(body.count),
      0,
      widths: [4, 2, 2, 2, 2, 4, 4, 2],
      to: &end
    )
    try (body + directory + end).write(to: URL(fileURLWithPath: path))
  }

  private static func crc(_ data: Data) -> UInt32 {
    var value: UInt32 = ~0
    for byte in data {
      value ^= UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }
    return ~value
  }
}
