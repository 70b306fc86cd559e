import Foundation
import Layers
import Support
import Tensors
import TestSupport
import Testing

@Suite("Safetensors")
struct SafetensorsTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func file(header: String, values: Int, declared: UInt64? = nil) throws -> String {
    let json = Data(header.utf8)
    var data = withUnsafeBytes(of: (declared ?? UInt64(json.count)).littleEndian) { Data($0) }
    data.append(json)
    data.append(Data(count: values))
    return try write(data)
  }

  private func write(_ data: Data) throws -> String {
    let path = folder.file("weights.safetensors")
    try data.write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test("a file reads back as it was written, and is always written alike")
  func roundTrip() throws {
    let tensors = [
      "b": Tensor([1, -0.0, .infinity, 0x1p-140, 3.4e38, 0.1], shape: [2, 3]),
      "a.weight": Tensor([7], shape: []),
      "none": Tensor([], shape: [0, 4]),
      "blocked": Tensor((0..<30).map { Float($0) }, shape: [1, 5, 6]).relaid(.blocked(8)),
    ]
    let written = Safetensors(tensors: tensors, metadata: ["k\u{e9}y": "va\"lue", "n": "1"])
    let data = try written.encoded()
    #expect(try written.encoded() == data)
    let read = try Safetensors(contentsOf: write(data))
    #expect(read.metadata == written.metadata)
    #expect(read.tensors.keys.sorted() == tensors.keys.sorted())
    for (name, tensor) in tensors {
      #expect(read.tensors[name]?.shape == tensor.shape, "\(name)")
      #expect(
        read.tensors[name]?.values.map(\.bitPattern) == tensor.values.map(\.bitPattern),
        "\(name)"
      )
    }
  }

  @Test("values start at a multiple of eight bytes")
  func alignment() throws {
    for length in 1...9 {
      let name = String(repeating: "x", count: length)
      let data = try Safetensors(tensors: [name: Tensor([1], shape: [1])]).encoded()
      #expect((data.count - 4) % 8 == 0)
    }
  }

  @Test("a file of Python's package reads in every scalar type")
  func foreignFile() throws {
    let read = try Safetensors(contentsOf: Fixtures.path("tensors/foreign.safetensors"))
    #expect(read.metadata == ["made by": "g\u{e9}n\u{e9}r\u{e9}", "n": "6"])
    let values: [Float] = [0.5, -1.25, 3, 1e-3, 65504, -0.0]
    #expect(read.tensors["single"]?.values == values)
    #expect(read.tensors["double"]?.values == values)
    #expect(read.tensors["single"]?.shape == [2, 3])
    // 1e-3 in half precision is 0x1419, 1049 · 2⁻²⁰.
    #expect(read.tensors["half"]?.values == [0.5, -1.25, 3, 1049 * 0x1p-20, 65504, -0.0])
    #expect(
      read.tensors["tiny.half"]?.values == [0x1p-24, 0x1p-14, .infinity, -.infinity]
    )
    #expect(read.tensors["number"]?.shape == [])
    #expect(read.tensors["number"]?.values == [2.5])
    #expect(read.tensors["none"]?.shape == [0, 4])
  }

  @Test("bfloat16 values are the upper halves of single precision")
  func bfloat() throws {
    let header = #"{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}"#
    let path = try file(header: header, values: 0)
    var data = try Data(contentsOf: URL(fileURLWithPath: path))
    data.append(contentsOf: [0x80, 0x3F, 0x20, 0xC1])
    #expect(try Safetensors(contentsOf: write(data)).tensors["a"]?.values == [1, -10])
  }

  /// Headers that contradict the format or the sixteen bytes behind them.
  static let hostileHeaders = [
    "[]", "{", "", "null", #"{"a":1}"#,
    #"{"a":{"dtype":"F32","shape":[4]}}"#,
    #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0]}}"#,
    #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,17]}}"#,
    #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[-16,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[5],"data_offsets":[0,16]}}"#,
    #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}}"#,
    #"{"a":{"dtype":"F32","shape":[-2,-2],"data_offsets":[0,16]}}"#,
    #"{"a":{"dtype":"F32","shape":"4","data_offsets":[0,16]}}"#,
    #"{"a":{"dtype":"F32","shape":[4.5],"data_offsets":[0,16]}}"#,
    #"{"a":{"dtype":"I64","shape":[2],"data_offsets":[0,16]}}"#,
    #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,9223372036854775807]}}"#,
    // Products that overflow to 0 and to 4.
    #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}"#,
    #"{"a":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}}"#,
    #"{"a":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}}"#,
    // Two tensors in one place, a hole, and bytes that nobody owns.
    #"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
    #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
    #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
  ]

  @Test("headers that contradict themselves or the file are refused", arguments: hostileHeaders)
  func hostileHeader(_ header: String) throws {
    let path = try file(header: header, values: 16)
    let error = #expect(throws: LayersError.self) { try Safetensors(contentsOf: path) }
    #expect(error?.failure == .damagedInput)
    #expect(error?.description.contains(path) == true)
  }

  @Test(
    "headers longer than the file or than sense are refused",
    arguments: [3, 100_000_001, UInt64(Int64.max), .max]
  )
  func hostileLength(_ declared: UInt64) throws {
    let path = try file(header: "{}", values: 0, declared: declared)
    #expect(throws: LayersError.self) { try Safetensors(contentsOf: path) }
  }

  @Test("a file cut anywhere is refused")
  func truncated() throws {
    let whole = try Safetensors(
      tensors: ["a": Tensor([1, 2, 3], shape: [3]), "b": Tensor([4], shape: [1])]
    ).encoded()
    for length in 0..<whole.count {
      let path = try write(whole.prefix(length))
      #expect(throws: LayersError.self, "\(length) bytes") { try Safetensors(contentsOf: path) }
    }
  }

  @Test("a missing file is missing, not damaged")
  func missingFile() {
    let error = #expect(throws: SupportError.self) {
      try Safetensors(contentsOf: folder.file("nowhere"))
    }
    #expect(error?.failure == .missingInput)
  }

  private func layer(bias: Bool = true) -> Convolution {
    var random = RandomStream(seed: 1)
    return Convolution(
      inputChannels: 2,
      outputChannels: 3,
      kernelSize: [3, 3],
      hasBias: bias,
      random: &random
    )
  }

  @Test("weights of another network are refused, with what differs, and nothing is taken over")
  func mismatch() {
    let target = layer()
    let before = target.weight.value.values
    let stored = Safetensors(tensors: [
      "weight": Tensor(repeating: 0, shape: [3, 2, 9]), "z": Tensor([1], shape: [1]),
      "extra": Tensor([1], shape: [1]),
    ])
    let expected = LayersError.weightsMismatch(
      path: "p",
      missing: ["bias"],
      unused: ["extra", "z"],
      misshapen: ["weight"]
    )
    #expect(throws: expected) { try target.load(stored, from: "p") }
    #expect(target.weight.value.values == before)
    #expect(expected.description.contains("1 missing (bias)"))
    #expect(expected.description.contains("2 unused (extra, z)"))
  }

  @Test("weights of a like network are taken over")
  func loading() throws {
    let (source, target) = (layer(), layer())
    source.weight.value = Tensor((0..<54).map { Float($0) }, shape: [3, 2, 3, 3])
    try target.load(source.weights, from: "p")
    #expect(target.weight.value.values == source.weight.value.values)
  }

  @Test("half precision rounds to nearest, ties to even")
  func halfPrecision() throws {
    // Halves between 2048 and 4096 are 2 apart; 65520 is midway to the first that is too large;
    // 2⁻²⁵ is midway between 0 and the smallest, 3 · 2⁻²⁵ between the smallest two.
    let pairs: [(Float, Float)] = [
      (0, 0), (-0.0, -0.0), (1, 1), (-2.5, -2.5), (2049, 2048), (2051, 2052), (65504, 65504),
      (65519, 65504), (65520, .infinity), (1e30, .infinity), (-.infinity, -.infinity),
      (0x1p-24, 0x1p-24), (0x1p-25, 0), (0x1.8p-24, 0x1p-23), (0x1.01p-25, 0x1p-24),
      (0x1p-14, 0x1p-14), (0x1.ff9p-15, 0x1.ff8p-15), (0x1.ffcp-15, 0x1p-14), (1e-30, 0),
      (0.1, 0x1.998p-4),
    ]
    let values = Tensor(pairs.map(\.0) + [.nan], shape: [pairs.count + 1])
    let data = try Safetensors(tensors: ["a": values]).encoded(as: .float16)
    #expect(String(decoding: data, as: UTF8.self).contains("\"F16\""))
    let read = try #require(try Safetensors(contentsOf: write(data)).tensors["a"]).values
    #expect(read.dropLast().map(\.bitPattern) == pairs.map(\.1.bitPattern))
    #expect(read.last?.isNaN == true)
  }

  @Test("every half comes back as it was")
  func allHalves() throws {
    let bits = (0..<UInt16.max).filter { $0 & 0x7C00 != 0x7C00 }
    let header =
      #"{"a":{"dtype":"F16","shape":[\#(bits.count)],"data_offsets":[0,\#(2 * bits.count)]}}"#
    var data = withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) { Data($0) }
    data.append(Data(header.utf8))
    for pattern in bits {
      withUnsafeBytes(of: pattern.littleEndian) { data.append(contentsOf: $0) }
    }
    let read = try Safetensors(contentsOf: write(data))
    let again = try read.encoded(as: .float16)
    #expect(again.suffix(2 * bits.count) == data.suffix(2 * bits.count))
  }

  @Test("bfloat16 rounds to nearest, ties to even")
  func bfloatWriting() throws {
    let values = Tensor([1, -10, 0x1.01p0, 0x1.03p0, 0x1.02p0, .infinity], shape: [2, 3])
    let data = try Safetensors(tensors: ["a": values]).encoded(as: .bfloat16)
    let read = try #require(try Safetensors(contentsOf: write(data)).tensors["a"])
    #expect(read.shape == [2, 3])
    #expect(read.values == [1, -10, 1, 0x1.04p0, 0x1.02p0, .infinity])
  }

  @Test("a message names the first three of each kind, and how many more")
  func longMismatch() {
    let names = (0..<40).map { "layer.\($0).weight" }.sorted()
    let error = LayersError.weightsMismatch(
      path: "p",
      missing: names,
      unused: Array(names.prefix(4)),
      misshapen: Array(names.prefix(3))
    )
    let first = names.prefix(3).joined(separator: ", ")
    #expect(error.description.contains("40 missing (\(first) and 37 more)"))
    #expect(error.description.contains("4 unused (\(first) and 1 more)"))
    #expect(error.description.contains("3 of another shape (\(first))"))
    #expect(error.description.count < 400)
  }
  @Test func storedWeightsAreThoseThatWereMeasured() throws {
    var random = RandomStream(seed: 5)
    let layer = Convolution(
      inputChannels: 2,
      outputChannels: 3,
      kernelSize: [3, 3],
      random: &random
    )
    let folder = try TemporaryFolder()
    for type in Safetensors.ScalarType.allCases {
      #expect(layer.rounded(to: type) == type)
      let path = folder.file("\(type).safetensors")
      try layer.weights.encoded(as: type).write(to: URL(fileURLWithPath: path))
      let read = try Safetensors(contentsOf: path)
      for (name, parameter) in layer.namedParameters {
        #expect(read.tensors[name]?.values == parameter.value.values)
      }
    }
    // Half precision ends at 65504.
    layer.weight.value = layer.weight.value + 70_000
    let before = layer.weight.value.values
    #expect(layer.rounded(to: .float16) == .float32)
    #expect(layer.weight.value.values == before)
  }
}
