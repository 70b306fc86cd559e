import CZip
import Foundation
import Support

/// The zip archive of `torch.save`: `NAME/data.pkl`, and a file for each storage.
final class TorchArchive: TorchStorages {
  private let path: String
  private let archive: OpaquePointer
  /// Entries by their name without the folder.
  private var entries: [String: (index: Int64, size: Int)] = [:]
  /// The storage that was read last, as tensors often share one.
  private var last: (key: String, bytes: Data)?

  /// Reads the directory.
  init(_ path: String) throws {
    self.path = path
    var opened: OpaquePointer?
    guard czip_open(path, &opened) == CZIP_OK, let opened else {
      throw LayersError.damagedWeights(path: path, reason: "its zip directory cannot be read")
    }
    archive = opened
    for index in 0..<czip_count(archive) {
      var entry = czip_entry()
      guard czip_describe(archive, index, &entry) == CZIP_OK, entry.kind == CZIP_FILE,
        let size = Int(exactly: entry.size)
      else { continue }
      let name = String(cString: entry.name)
      guard let slash = name.firstIndex(of: "/") else { continue }
      entries[String(name[name.index(after: slash)...])] = (index, size)
    }
    if let order = try? bytes("byteorder"), order.elementsEqual("big".utf8) {
      throw LayersError.damagedWeights(path: path, reason: "its numbers are big-endian")
    }
  }

  deinit { czip_close(archive) }

  /// Whether numbers lie among the constants of a program's code, where they have no names.
  var hasConstants: Bool { entries.keys.contains { $0.hasPrefix("constants/") } }

  /// The pickle that describes the file.
  func pickle() throws -> [UInt8] {
    guard entries["data.pkl"] != nil else {
      throw LayersError.damagedWeights(path: path, reason: "it holds no data.pkl")
    }
    return [UInt8](try bytes("data.pkl", limit: TorchFile.maximumPickleBytes))
  }

  private func bytes(_ name: String, limit: Int = .max) throws -> Data {
    guard let entry = entries[name] else {
      throw LayersError.damagedWeights(path: path, reason: "it holds no \(name)")
    }
    // Numbers are stored as they are: what an entry claims cannot exceed the file.
    let fileSize = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
    guard entry.size <= limit, entry.size <= fileSize else {
      throw LayersError.damagedWeights(path: path, reason: "\(name) claims \(entry.size) bytes")
    }
    var data = Data(count: entry.size)
    let status = data.withUnsafeMutableBytes {
      czip_read(archive, entry.index, $0.baseAddress, UInt64(entry.size))
    }
    guard status == CZIP_OK else {
      throw LayersError.damagedWeights(path: path, reason: "\(name) cannot be read")
    }
    return data
  }

  func count(_ key: String, number: TorchNumber) -> Int? {
    entries["data/" + key].map { $0.size / number.stored.size }
  }

  func read(_ key: String, range: Range<Int>, number: TorchNumber) throws -> Data {
    if last?.key != key { last = (key, try bytes("data/" + key)) }
    guard let bytes = last?.bytes else { return Data() }
    let size = number.stored.size
    return bytes.subdata(in: range.lowerBound * size..<range.upperBound * size)
  }
}

/// The layout before PyTorch 1.6: pickles one after the other, then the numbers.
struct TorchLegacyStorages: TorchStorages {
  private let file: RangedFile
  /// Where a storage's numbers begin, and how many bytes it has.
  private let places: [String: Range<Int>]

  /// The file's first pickle holds this number.
  private static let magic: [UInt8] = [
    0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
  ]

  /// Reads the pickles.
  static func open(
    _ file: RangedFile,
    path: String,
    allowed: @escaping (String) -> Bool
  ) throws -> (PickleTree, any TorchStorages) {
    func damaged(_ reason: String) -> LayersError { .damagedWeights(path: path, reason: reason) }
    let head = try file.read(0..<min(64, file.count))
    guard head.range(of: Data(magic)) != nil else {
      throw damaged("it is no file of torch.save")
    }
    // The pickles come first; their length is not stated, and numbers follow.
    let bytes = [UInt8](try file.read(0..<min(file.count, TorchFile.maximumPickleBytes)))
    var position = 0
    for _ in 0..<3 { position = try PickleReader.read(bytes, from: position, allowed: allowed).end }
    let object = try PickleReader.read(bytes, from: position, allowed: allowed)
    let keys = try PickleReader.read(bytes, from: object.end, allowed: allowed)
    let widths = storageWidths(object.tree.storages)
    var places: [String: Range<Int>] = [:]
    position = keys.end
    for key in keys.tree.root.items?.compactMap(\.text) ?? [] {
      guard position + 8 <= file.count, let width = widths[key] else {
        throw damaged("its numbers end early")
      }
      let stated = try file.read(position..<position + 8).reversed()
        .reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      position += 8
      guard stated <= UInt64((file.count - position) / width) else {
        throw damaged("its numbers end early")
      }
      places[key] = position..<position + Int(stated) * width
      position += Int(stated) * width
    }
    return (object.tree, TorchLegacyStorages(file: file, places: places))
  }

  /// Bytes of a number for each storage that the pickle names.
  private static func storageWidths(_ storages: [PickleValue]) -> [String: Int] {
    var widths: [String: Int] = [:]
    for storage in storages {
      guard let parts = storage.items, parts.count >= 3, let key = parts[2].text,
        let type = parts[1].globalName?.split(separator: ".").last
      else { continue }
      switch type {
      case "DoubleStorage", "LongStorage": widths[key] = 8
      case "FloatStorage", "IntStorage": widths[key] = 4
      case "HalfStorage", "BFloat16Storage", "ShortStorage": widths[key] = 2
      case "CharStorage", "ByteStorage", "BoolStorage": widths[key] = 1
      default: break
      }
    }
    return widths
  }

  func count(_ key: String, number: TorchNumber) -> Int? {
    places[key].map { $0.count / number.stored.size }
  }

  func read(_ key: String, range: Range<Int>, number: TorchNumber) throws -> Data {
    guard let place = places[key] else { return Data() }
    let size = number.stored.size
    return try file.read(
      place.lowerBound + range.lowerBound * size..<place.lowerBound + range.upperBound * size
    )
  }
}
