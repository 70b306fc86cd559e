import Foundation
import LaminaBench
import Support
import Tensors
import Testing

@Suite("NPY files")
struct NPYFileTests {
  /// A file of a header and single-precision values.
  private static func file(
    _ header: String,
    values: [Float] = [],
    version: UInt8 = 1,
    magic: String = "\u{93}NUMPY"
  ) -> Data {
    var data = Data(magic.unicodeScalars.map { UInt8($0.value) }) + Data([version, 0])
    let text = Data(header.utf8)
    let size = version == 1 ? 2 : 4
    data += Data((0..<size).map { UInt8(text.count >> (8 * $0) & 0xFF) }) + text
    for value in values {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
    }
    return data
  }

  private static func header(_ shape: String, type: String = "<f4", order: String = "False")
    -> String
  {
    "{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }          \n"
  }

  @Test("shape and values are read in every version", arguments: [1, 2, 3] as [UInt8])
  func reads(_ version: UInt8) throws {
    let values: [Float] = [1, -0.5, .infinity, 0x1p-140, 3e38, 0]
    let data = Self.file(Self.header("(1, 2, 3)"), values: values, version: version)
    let tensor = try NPYFile.tensor(data, path: "a.npy")
    #expect(tensor.shape == [1, 2, 3])
    #expect(tensor.values == values)
  }

  @Test("arrays of one dimension, of none, and empty ones are read")
  func smallShapes() throws {
    let line = try NPYFile.tensor(Self.file(Self.header("(2,)"), values: [3, 4]), path: "a")
    #expect(line.shape == [2] && line.values == [3, 4])
    let number = try NPYFile.tensor(Self.file(Self.header("()"), values: [7]), path: "a")
    #expect(number.shape.isEmpty && number.values == [7])
    #expect(try NPYFile.tensor(Self.file(Self.header("(0, 3)")), path: "a").shape == [0, 3])
  }

  @Test("a slice of other data is read by its own indices")
  func slice() throws {
    let data = Data([1, 2, 3]) + Self.file(Self.header("(2,)"), values: [3, 4])
    #expect(try NPYFile.tensor(data.dropFirst(3), path: "a").values == [3, 4])
  }

  static let damaged: [(String, Data)] = [
    ("empty", Data()),
    ("foreign", file(header("(1,)"), values: [1], magic: "PK\u{3}\u{4}xy")),
    ("version", file(header("(1,)"), values: [1], version: 4)),
    ("no values", file(header("(2, 2)"))),
    ("a value too few", file(header("(2, 2)"), values: [1, 2, 3])),
    ("a value too many", file(header("(2,)"), values: [1, 2, 3])),
    ("a byte too few", file(header("(2,)"), values: [1, 2]).dropLast()),
    ("cut header", file(header("(2,)"), values: [1, 2]).prefix(30)),
    ("double precision", file(header("(1,)", type: "<f8"), values: [1, 2])),
    ("half precision", file(header("(2,)", type: "<f2"), values: [1])),
    ("big-endian", file(header("(1,)", type: ">f4"), values: [1])),
    ("integers", file(header("(1,)", type: "<i4"), values: [1])),
    ("Fortran's order", file(header("(1, 1)", order: "True"), values: [1])),
    ("negative", file(header("(-1, -1)"), values: [1])),
    ("not a number", file(header("(one,)"), values: [1])),
    ("too large", file(header("(4294967296, 4294967296)"))),
    ("too many bytes", file(header("(4611686018427387904,)"))),
    ("no shape", file("{'descr': '<f4', 'fortran_order': False}", values: [1])),
    ("no order", file("{'descr': '<f4', 'shape': (1,)}", values: [1])),
    ("JSON", file(#"{"descr": "<f4", "fortran_order": false, "shape": [1]}"#, values: [1])),
  ]

  @Test("truncated and foreign files are refused as damaged", arguments: damaged.indices)
  func refused(_ index: Int) {
    let (name, data) = Self.damaged[index]
    let error = #expect(throws: BenchError.self, "\(name)") {
      try NPYFile.tensor(data, path: "a.npy")
    }
    #expect(error?.failure == .damagedInput)
    #expect(error?.description.contains("a.npy") == true)
  }

  @Test("a missing file is a missing input")
  func missing() {
    #expect(throws: SupportError.notFound(path: "/nowhere/a.npy")) {
      try NPYFile.tensor(contentsOf: "/nowhere/a.npy")
    }
  }
}
