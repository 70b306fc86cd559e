import Foundation
import LaminaBench
import Layers
import Networks
import Support
import Tensors
import TestSupport
import Testing

/// A folder of exports with one tiny network, `tiny`, and its output.
private struct TinyExport {
  let folder: TemporaryFolder
  var path: String { URL(fileURLWithPath: folder.file("x")).deletingLastPathComponent().path }

  init(shape: [Int] = [1, 1, 6, 5], weights: Bool = true, error: Float = 0) throws {
    folder = try TemporaryFolder()
    let configuration = NetworkConfiguration.dnCNN(DnCNNConfiguration(depth: 3, features: 4))
    var random = RandomStream(seed: 4)
    let network = try configuration.makeNetwork(random: &random)
    let input = Tensor((0..<30).map { Float($0 % 7) - 3 }, shape: [1, 1, 6, 5])
    let output = network(input, in: .inference)
    let largest = output.values.map { abs($0) }.max() ?? 1
    var expected = output.values
    expected[0] += error * largest
    try write("input", input.values, shape: [1, 1, 6, 5])
    try write("output", expected, shape: [1, 1, 6, 5])
    if weights {
      try network.weights.encoded().write(to: URL(fileURLWithPath: folder.file("tiny.safetensors")))
    }
    let description = try JSONEncoder().encode(configuration)
    let facts = """
      {"tiny": {"input": \(shape), "output": \(shape), "convolutionGFLOP": 1e-6,
      "network": \(String(decoding: description, as: UTF8.self))},
      "foreign": {"input": \(shape), "output": \(shape), "convolutionGFLOP": 1}}
      """
    try Data(facts.utf8).write(to: URL(fileURLWithPath: folder.file("networks.json")))
  }

  private func write(_ name: String, _ values: [Float], shape: [Int]) throws {
    let sizes = shape.map(String.init).joined(separator: ", ")
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(sizes)), }\n"
    var data = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, UInt8(header.utf8.count), 0])
    data.append(Data(header.utf8))
    for value in values {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
    }
    try data.write(to: URL(fileURLWithPath: folder.file("tiny.\(name).npy")))
  }
}

@Suite("The program lamina-bench")
struct BenchProgramTests {
  @Test("a network gives one line with the agreed keys and its error")
  func network() throws {
    let export = try TinyExport(error: 0.25)
    let result = try BenchProgram.run("network", export.path, "tiny", "f32", "--threads", "1")
    #expect(result.status == 0)
    #expect(result.error.isEmpty)
    #expect(result.output.filter { $0 == "\n" }.count == 1)
    let document = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
    #expect(Set((document as? [String: Any] ?? [:]).keys) == BenchRecordTests.keys)
    let record = try JSONDecoder().decode(BenchRecord.self, from: Data(result.output.utf8))
    #expect(record.engine == "lamina-f32")
    #expect(record.network == "tiny")
    #expect(record.runs == 25)
    // The changed value may be the largest now: 0.25 / 1 to 0.25 / 1.25.
    #expect((0.19...0.26).contains(record.relativeError ?? 0))
  }

  @Test("a network's file holds the record, each call and the machine; the line stays as it is")
  func file() throws {
    let export = try TinyExport()
    let path = export.folder.file("network.json")
    let arguments = [
      "network", export.path, "tiny", "f32", "--exact", "--unrounded", "--output", path,
      "--threads", "1",
    ]
    let result = try BenchProgram.run(arguments)
    #expect(result.status == 0, "\(result.error)")
    let document = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
    #expect(Set((document as? [String: Any] ?? [:]).keys) == BenchRecordTests.keys)
    let record = try JSONDecoder().decode(BenchRecord.self, from: Data(result.output.utf8))
    #expect(record.engine == "lamina-f32-exact")
    #expect(record.medianMS > 0)
    let file = try BenchmarkFile.read(Data(contentsOf: URL(fileURLWithPath: path)))
    guard case .measurement(record, let calls) = file.content else {
      Issue.record("the file holds \(file.content)")
      return
    }
    #expect(calls.count == record.runs)
    #expect(file.machine == .current(threads: 1))
    #expect(abs(file.date?.timeIntervalSinceNow ?? 1e9) < 600)
    #expect(try BenchProgram.run(arguments).status == 73)
    #expect(
      try BenchProgram.run("network", export.path, "tiny", "f32", "--exact", "--eager").status
        == 64
    )
  }

  @Test("Linux's description of a processor gives its model and the features that matter")
  func processor() {
    let facts = BenchMachine.processorFacts(
      """
      processor\t: 0
      model name\t: Some: Processor @ 2 GHz
      flags\t\t: fpu avx2 avx hypervisor fma

      processor\t: 1
      model name\t: Another
      """
    )
    #expect(facts.name == "Some: Processor @ 2 GHz")
    #expect(facts.features == ["avx", "fma", "avx2"])
    #expect(BenchMachine.processorFacts("Features : asimd sve").features == ["asimd", "sve"])
    #expect(BenchMachine.processorFacts("").name == nil)
  }

  @Test("training gives a record of its own name")
  func training() throws {
    let export = try TinyExport()
    let result = try BenchProgram.run("training", export.path, "tiny", "2", "f32")
    let record = try JSONDecoder().decode(BenchRecord.self, from: Data(result.output.utf8))
    #expect(record.engine == "lamina-training-batch2-f32")
    #expect(record.relativeError == 0)
  }

  @Test("errors are one sentence and have the exit status of their kind")
  func errors() throws {
    let export = try TinyExport()
    let (misshapen, weightless) = (
      try TinyExport(shape: [1, 1, 5, 6]), try TinyExport(weights: false)
    )
    defer { withExtendedLifetime((export, misshapen, weightless)) {} }
    let runs: [(status: Int32, arguments: [String])] = [
      (64, []), (64, ["network"]), (64, ["network", export.path, "tiny", "f16"]),
      (64, ["training", export.path, "tiny", "0", "f32"]),
      (64, ["training", export.path, "tiny", "1", "int8"]),
      (64, ["network", export.path, "tiny", "f32", "--threads", "0"]),
      (64, ["operations", "--filter", "no such operation"]),
      (64, ["against", "true", "--", "operations"]),
      (64, ["against", "true", "--", "network", "x"]),
      (66, ["network", export.path + "/nowhere", "tiny", "f32"]),
      (66, ["network", export.path, "unknown", "f32"]),
      (69, ["network", export.path, "foreign", "f32"]),
      (65, ["network", misshapen.path, "tiny", "f32"]),
      (66, ["network", weightless.path, "tiny", "f32"]),
      (69, ["against", "false", "--", "network", export.path, "tiny", "f32"]),
      (
        66,
        [
          "against", "echo '\(try BenchRecordTests.record().line)'", "--", "network", "x", "y",
          "f32",
        ]
      ),
    ]
    for (status, arguments) in runs {
      let result = try BenchProgram.run(arguments)
      #expect(result.status == status, "\(arguments): \(result.error)")
      #expect(result.output.isEmpty, "\(arguments)")
      let lines = result.error.split(separator: "\n").filter { !$0.hasSuffix(" ms") }
      #expect(lines.count == 1, "\(arguments): \(result.error)")
      #expect(lines.first?.hasPrefix("lamina-bench: error: ") == true, "\(arguments)")
    }
  }

  @Test("a comparison is printed and written; an existing file stays without --force")
  func against() throws {
    let export = try TinyExport()
    let rival = "echo '\(try BenchRecordTests.record("rival", median: 1e6).line)'"
    let file = export.folder.file("comparison.json")
    let arguments = [
      "against", rival, "--pairs", "2", "--output", file, "--", "network", export.path, "tiny",
      "f32",
    ]
    let result = try BenchProgram.run(arguments)
    #expect(result.status == 0, "\(result.error)")
    let written = try String(contentsOf: URL(fileURLWithPath: file), encoding: .utf8)
    #expect(written == result.output)
    let comparison = try JSONDecoder().decode(BenchComparison.self, from: Data(written.utf8))
    #expect(comparison.pairs == 2)
    #expect(comparison.rival.median.engine == "rival")
    #expect(comparison.lamina.records.map(\.network) == ["tiny", "tiny"])
    // Lamina's times are not rounded, so that even this network has a ratio.
    let ratio = try #require(comparison.ratio.time)
    #expect(ratio > 0 && ratio < 0.01)
    #expect(try BenchmarkFile.read(Data(written.utf8)).content == .comparison(comparison))
    #expect(try BenchProgram.run(arguments).status == 73)
    #expect(try BenchProgram.run(["against", "--force"] + arguments.dropFirst()).status == 0)
  }

  @Test("operations are listed with their times")
  func operations() throws {
    let folder = try TemporaryFolder()
    let result = try BenchProgram.run(
      "operations",
      "--filter",
      "concatenation",
      "--seconds",
      "0.001",
      "--json",
      folder.file("times.json")
    )
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n")
    #expect(lines.first?.hasPrefix("operation") == true)
    #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("concatenation") })
    let data = try Data(contentsOf: URL(fileURLWithPath: folder.file("times.json")))
    guard case .operations(let rows) = try BenchmarkFile.read(data).content else {
      Issue.record("the file holds no operations")
      return
    }
    #expect(rows.count == lines.count - 1 && rows.count >= 5)
    #expect(zip(rows, lines.dropFirst()).allSatisfy { $1.hasPrefix($0.name) })
  }
}
