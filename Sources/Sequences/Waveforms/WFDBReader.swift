import Foundation
import Support

/// Reads records in the format of PhysioNet's WFDB: a header, signal files, annotations.
///
/// Formats 16, 61, 80 and 212 of PhysioNet's "WFDB signal file formats" (signal(5)). Sums of samples are
/// checked against the header's.
public enum WFDBReader {
  /// The header's path of a record that is named with or without an ending.
  /// - Parameter path: Such as `folder/100`, `folder/100.hea` or `folder/100.dat`.
  /// - Returns: `folder/100.hea`.
  public static func header(of path: String) -> String {
    let ending = (path as NSString).pathExtension.lowercased()
    let known = ["hea", "dat", "atr", "qrs"].contains(ending)
    return (known ? (path as NSString).deletingPathExtension : path) + ".hea"
  }

  /// The records of a path: itself, or those of a folder.
  /// - Parameter path: A record, with or without an ending, or a folder.
  /// - Returns: Paths without an ending, sorted by name.
  /// - Throws: `SupportError.notFound`; `SequencesError.nothingToUse` for a folder without records.
  public static func records(_ path: String) throws -> [String] {
    if FileManager.default.isFolder(path) {
      let found = try FileManager.default.names(in: path).filter { $0.hasSuffix(".hea") }
        .map { path + "/" + $0.dropLast(4) }
      guard !found.isEmpty else {
        throw SequencesError.nothingToUse(
          path: path,
          reason: "it holds no header (.hea) of a record"
        )
      }
      return found
    }
    let header = header(of: path)
    guard FileManager.default.fileExists(atPath: header) else {
      throw SupportError.notFound(path: header)
    }
    return [(header as NSString).deletingPathExtension]
  }

  /// Reads a record's signals.
  /// - Parameter path: The record, with or without an ending.
  /// - Returns: The signals in physical units; missing samples are not numbers.
  /// - Throws: `SupportError.notFound`, `.unreadable`; `SequencesError.damaged` (also for a sum that differs
  ///   from the header's, and for a file that ends early), `.unsupported`.
  public static func read(_ path: String) throws -> WaveformRecord {
    let headerPath = header(of: path)
    let text = String(decoding: try contents(headerPath), as: UTF8.self)
    let header = try WFDBHeader(text, path: headerPath)
    let folder = (headerPath as NSString).deletingLastPathComponent
    var signals: [WaveformRecord.Signal] = []
    var start = 0
    while start < header.signals.count {
      let first = header.signals[start]
      let group = header.signals[start...].prefix { $0.file == first.file }
      let file = (folder.isEmpty ? "" : folder + "/") + first.file
      guard group.allSatisfy({ $0.format == first.format && $0.byteOffset == first.byteOffset })
      else { throw SequencesError.unsupported(path: file, reason: "its signals differ in format") }
      let all = try samples(
        contents(file).dropFirst(first.byteOffset),
        format: first.format,
        signals: group.count,
        count: header.count,
        path: file
      )
      for (index, signal) in group.enumerated() {
        signals.append(try physical(all, index, group.count, signal, file))
      }
      start += group.count
    }
    guard signals.allSatisfy({ $0.values.count == signals[0].values.count }) else {
      throw SequencesError.damaged(path: headerPath, reason: "its files differ in length")
    }
    return WaveformRecord(name: header.name, samplingHz: header.samplingHz, signals: signals)
  }

  static func contents(_ path: String) throws -> Data {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    do {
      return try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw SupportError.unreadable(path: path, reason: "the system refuses")
    }
  }

  /// The value that says that a sample is missing.
  private static func missing(_ format: Int) -> Int {
    switch format {
    case 80: -128
    case 212: -2048
    default: -32768
    }
  }

  private static func physical(
    _ all: [Int16],
    _ index: Int,
    _ step: Int,
    _ signal: WFDBHeader.Signal,
    _ path: String
  ) throws(SequencesError) -> WaveformRecord.Signal {
    let none = missing(signal.format)
    var sum = 0
    let values = stride(from: index, to: all.count, by: step).map { place -> Float in
      let value = Int(all[place])
      sum &+= value
      return value == none ? .nan : Float((Double(value) - Double(signal.baseline)) / signal.gain)
    }
    if let expected = signal.checksum,
      Int16(truncatingIfNeeded: sum) != Int16(truncatingIfNeeded: expected)
    {
      throw .damaged(path: path, reason: "the sum of a signal's samples is not the header's")
    }
    return WaveformRecord.Signal(name: signal.name, unit: signal.unit, values: values)
  }

  /// All samples of a file, those of one time side by side.
  private static func samples(
    _ data: Data,
    format: Int,
    signals: Int,
    count: Int?,
    path: String
  ) throws(SequencesError) -> [Int16] {
    let bytes = [UInt8](data)
    let available: Int
    switch format {
    case 16, 61: available = bytes.count / 2
    case 80: available = bytes.count
    case 212: available = bytes.count / 3 * 2 + (bytes.count % 3 == 2 ? 1 : 0)
    default:
      throw .unsupported(path: path, reason: "its format \(format) is none of 16, 61, 80 and 212")
    }
    let wanted = (count ?? available / signals) * signals
    guard wanted > 0, wanted <= available else {
      throw .damaged(
        path: path,
        reason: "it has \(available) samples where the header says \(wanted)"
      )
    }
    func word(_ low: UInt8, _ high: UInt8) -> Int16 {
      Int16(bitPattern: UInt16(low) | UInt16(high) << 8)
    }
    /// Twelve bits in two's complement.
    func twelve(_ low: UInt8, _ high: UInt8) -> Int16 {
      Int16(bitPattern: (UInt16(low) | UInt16(high) << 8) << 4) >> 4
    }
    return (0..<wanted).map { index in
      switch format {
      case 16: return word(bytes[2 * index], bytes[2 * index + 1])
      case 61: return word(bytes[2 * index + 1], bytes[2 * index])
      case 80: return Int16(bytes[index]) - 128
      default:
        // Two samples in three bytes; the middle one has the upper bits of both.
        let place = index / 2 * 3
        return index % 2 == 0
          ? twelve(bytes[place], bytes[place + 1] & 15)
          : twelve(bytes[place + 2], bytes[place + 1] >> 4)
      }
    }
  }
}
