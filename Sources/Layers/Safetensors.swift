import Foundation
import Support
import Tensors

/// Tensors by name in the safetensors format (Hugging Face, format specification 0.4).
///
/// The file is an 8-byte little-endian header length, a JSON header (`name: {dtype, shape,
/// data_offsets}` and string `__metadata__`), then the values. Written files hold F32, F16 or BF16; these
/// and F64 are read, each rounded to single precision.
public struct Safetensors: Sendable {
  /// How values are written.
  public enum ScalarType: String, Codable, Sendable, CaseIterable {
    /// Single precision: values come back as they were.
    case float32
    /// IEEE half precision: 11 bits, up to 65504; larger values become infinite.
    case float16
    /// bfloat16: 8 bits, the range of single precision.
    case bfloat16

    var stored: StoredNumber {
      switch self {
      case .float32: .float32
      case .float16: .float16
      case .bfloat16: .bfloat16
      }
    }
  }

  /// The tensors by name.
  public var tensors: [String: Tensor]
  /// Free text by key.
  public var metadata: [String: String]

  /// Larger headers are refused, as in the format's own library.
  private static let maximumHeaderLength = 100_000_000

  /// Creates a file's content.
  /// - Parameters:
  ///   - tensors: The tensors by name.
  ///   - metadata: Free text by key.
  public init(tensors: [String: Tensor], metadata: [String: String] = [:]) {
    self.tensors = tensors
    self.metadata = metadata
  }

  /// The bytes of the file; the same content gives the same bytes.
  /// - Parameter type: How values are written, rounded to nearest, ties to even.
  /// - Returns: The file.
  /// - Throws: What JSON encoding throws.
  public func encoded(as type: ScalarType = .float32) throws -> Data {
    let stored = type.stored
    var offset = 0
    var header: [String: Any] = [:]
    if !metadata.isEmpty { header["__metadata__"] = metadata }
    let names = tensors.keys.sorted()
    for name in names {
      guard let tensor = tensors[name] else { continue }
      let end = offset + tensor.count * stored.size
      header[name] =
        [
          "dtype": stored.rawValue, "shape": tensor.shape, "data_offsets": [offset, end],
        ] as [String: Any]
      offset = end
    }
    var json = try JSONSerialization.data(withJSONObject: header, options: [.sortedKeys])
    // Values start at a multiple of 8, padded with spaces as the specification allows.
    json.append(contentsOf: [UInt8](repeating: 0x20, count: (8 - json.count % 8) % 8))
    var data = Data(capacity: 8 + json.count + offset)
    withUnsafeBytes(of: UInt64(json.count).littleEndian) { data.append(contentsOf: $0) }
    data.append(json)
    for name in names {
      guard let tensor = tensors[name] else { continue }
      stored.withEncoded(tensor) { data.append(contentsOf: $0) }
    }
    return data
  }

  /// Reads a file.
  /// - Parameters:
  ///   - path: The file.
  ///   - isSkipped: Tells by its name whether a tensor is left out; its type need not be known then.
  /// - Throws: `SupportError.notFound`, `.unreadable`, or `LayersError.damagedWeights` when the header
  ///   is not JSON, ranges overlap or leave holes, or sizes contradict shapes.
  public init(
    contentsOf path: String,
    skipping isSkipped: (_ name: String) -> Bool = { _ in false }
  ) throws {
    guard FileManager.default.fileExists(atPath: path) else {
      throw SupportError.notFound(path: path)
    }
    let file = try RangedFile(path)
    func damaged(_ reason: String) -> LayersError { .damagedWeights(path: path, reason: reason) }
    guard file.count >= 8 else { throw damaged("it holds only \(file.count) bytes") }
    let declared = try file.read(0..<8).enumerated().reduce(UInt64(0)) {
      $0 | UInt64($1.element) << (8 * UInt64($1.offset))
    }
    guard declared <= UInt64(min(file.count - 8, Self.maximumHeaderLength)) else {
      throw damaged("its header claims \(declared) bytes")
    }
    let start = 8 + Int(declared)
    let json = try file.read(8..<start)
    guard let header = try? JSONSerialization.jsonObject(with: json) as? [String: Any] else {
      throw damaged("its header is not JSON")
    }

    metadata = header["__metadata__"] as? [String: String] ?? [:]
    tensors = [:]
    var ranges: [(start: Int, end: Int, name: String)] = []
    for (name, value) in header where name != "__metadata__" {
      guard let fields = value as? [String: Any], let type = fields["dtype"] as? String,
        let shape = fields["shape"] as? [Int], let range = fields["data_offsets"] as? [Int],
        range.count == 2, range[0] >= 0, range[0] <= range[1], range[1] <= file.count - start,
        shape.allSatisfy({ $0 >= 0 })
      else { throw damaged("the entry \(name) is malformed") }
      ranges.append((range[0], range[1], name))
      if isSkipped(name) { continue }
      guard let stored = StoredNumber(rawValue: type) else {
        throw damaged("\(name) has the unsupported type \(type)")
      }
      let byteCount = range[1] - range[0]
      guard let count = Self.elementCount(shape), count <= byteCount,
        count * stored.size == byteCount
      else {
        throw damaged("\(name) has \(byteCount) bytes for the shape \(shape) of \(type)")
      }
      let bytes = try file.read(start + range[0]..<start + range[1])
      tensors[name] = bytes.withUnsafeBytes { stored.decoded($0, shape: shape) }
    }
    // The format demands that the tensors cover the values without holes and overlaps.
    var end = 0
    for range in ranges.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
      guard range.start == end else {
        throw damaged("the values of \(range.name) start at \(range.start), not at \(end)")
      }
      end = range.end
    }
    guard end == file.count - start else {
      throw damaged("\(file.count - start - end) bytes belong to no tensor")
    }
  }

  /// The product of a shape that may be hostile; nil when it overflows.
  private static func elementCount(_ shape: [Int]) -> Int? {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      if overflow { return nil }
      count = product
    }
    return count
  }
}

extension Layer {
  /// All parameters as a weights file's content.
  public var weights: Safetensors {
    Safetensors(
      tensors: Dictionary(
        uniqueKeysWithValues: namedParameters.map { ($0.name, $0.parameter.value) }
      )
    )
  }

  /// Takes over stored weights, all or none.
  /// - Parameters:
  ///   - file: The stored weights.
  ///   - path: Where they came from, for messages.
  /// - Throws: `LayersError.weightsMismatch` when names or shapes differ.
  public func load(_ file: Safetensors, from path: String) throws(LayersError) {
    let wanted = namedParameters
    let names = Set(wanted.map(\.name))
    let missing = wanted.map(\.name).filter { file.tensors[$0] == nil }.sorted()
    let unused = file.tensors.keys.filter { !names.contains($0) }.sorted()
    let misshapen = wanted.filter { entry in
      file.tensors[entry.name].map { $0.shape != entry.parameter.shape } ?? false
    }.map(\.name).sorted()
    guard missing.isEmpty, unused.isEmpty, misshapen.isEmpty else {
      throw .weightsMismatch(path: path, missing: missing, unused: unused, misshapen: misshapen)
    }
    for (name, parameter) in wanted {
      if let tensor = file.tensors[name] { parameter.value = tensor }
    }
  }
}
