import Foundation
import Support
import Testing

@Suite("Files of benchmarks")
struct BenchmarkFileTests {
  private static let date = Date(timeIntervalSince1970: 1_741_944_360)

  private static let machine = BenchMachine(
    processor: "Some Processor",
    cores: 4,
    features: ["avx2"],
    threads: 2,
    versions: ["lamina": "0.1.0"]
  )

  private static func record(
    _ median: Double,
    engine: String = "lamina-f32",
    error: Double? = 1e-6
  ) -> BenchRecord {
    BenchRecord(
      engine: engine,
      network: "net",
      medianMS: median,
      minimumMS: median,
      runs: 3,
      gflops: 50,
      firstResultS: 1,
      peakMemoryMiB: 100,
      relativeError: error
    )
  }

  private static func comparison(_ own: [Double], _ rival: [Double]) -> BenchComparison {
    BenchComparison(
      rival: .init(command: "rival", records: rival.map { record($0, engine: "rival") }),
      lamina: .init(command: "own", records: own.map { record($0) })
    )
  }

  private static let contents: [BenchmarkFile.Content] = [
    .measurement(record(0.012345), callsMS: [0.01, 0.012345, 0.02]),
    .measurement(record(10, error: nil), callsMS: []),
    .comparison(comparison([10, 12, 11], [20, 21, 22])),
    .operations([
      OperationTime(name: "a", forwardMS: 1, backwardMS: 2, gflops: nil),
      OperationTime(name: "b", forwardMS: 1, backwardMS: 0, gflops: 30),
    ]),
  ]

  @Test("each kind of content comes back as it was written", arguments: contents.indices)
  func roundTrip(_ index: Int) throws {
    let file = BenchmarkFile(
      date: Self.date,
      machine: Self.machine,
      content: Self.contents[index]
    )
    let data = try file.json()
    #expect(try BenchmarkFile.read(data) == file)
    let document = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    #expect(document?["schema"] as? String == "lamina.benchmark/1")
    #expect(document?["date"] as? String == "2025-03-14T09:26:00Z")
  }

  @Test("a timer's line is a measurement without machine and date")
  func bareLine() throws {
    let record = Self.record(5)
    #expect(
      try BenchmarkFile.read(Data(record.line.utf8))
        == BenchmarkFile(date: nil, machine: nil, content: .measurement(record, callsMS: []))
    )
  }

  @Test("medians and ratios are those of the records, whatever the file says")
  func recomputed() throws {
    let file = BenchmarkFile(
      date: Self.date,
      machine: Self.machine,
      content: .comparison(Self.comparison([10, 10, 10], [20, 20, 20]))
    )
    let text = String(decoding: try file.json(), as: UTF8.self)
      .replacingOccurrences(of: "\"time\" : 0.5", with: "\"time\" : 0.1")
    #expect(text.contains("0.1"))
    #expect(try BenchmarkFile.read(Data(text.utf8)) == file)
  }

  @Test(
    "what is no benchmark is foreign",
    arguments: [
      "", "{}", "[]", "[1]", "null", "\"text\"", "{\"schema\": 1}",
      "{\"schema\": \"lamina.evaluation/1\"}", "{\"engine\": \"x\", \"network\": \"y\"}", "\u{0}",
    ]
  )
  func foreign(_ text: String) {
    #expect(throws: BenchmarkFile.ReadingError.foreign) {
      try BenchmarkFile.read(Data(text.utf8))
    }
  }

  @Test("a file that was cut anywhere is refused", arguments: contents.indices)
  func truncated(_ index: Int) throws {
    let data = try BenchmarkFile(
      date: Self.date,
      machine: Self.machine,
      content: Self.contents[index]
    ).json()
    // Only the line end may be missing.
    for length in 0..<(data.count - 2) {
      #expect(throws: BenchmarkFile.ReadingError.self, "\(length)") {
        try BenchmarkFile.read(data.prefix(length))
      }
    }
  }

  @Test(
    "absurd values are refused, each by its key or kind",
    arguments: [
      ("\"runs\" : 3", "\"runs\" : 9223372036854775807"),
      ("\"runs\" : 3", "\"runs\" : -1"),
      ("\"runs\" : 3", "\"runs\" : 1e400"),
      ("\"runs\" : 3", "\"runs\" : 3.5"),
      ("\"peakMemoryMiB\" : 100", "\"peakMemoryMiB\" : 9223372036854775807"),
      ("\"medianMS\" : 10", "\"medianMS\" : 1e308"),
      ("\"medianMS\" : 10", "\"medianMS\" : 1e999"),
      ("\"medianMS\" : 10", "\"medianMS\" : -1"),
      ("\"medianMS\" : 10", "\"medianMS\" : \"10\""),
      ("\"medianMS\" : 10", "\"medianMS\" : null"),
      ("\"medianMS\" : 10", "\"medianms\" : 10"),
      ("\"relativeError\" : 1e-06", "\"relativeError\" : -1"),
      ("\"engine\" : \"rival\"", "\"engine\" : \"\(String(repeating: "x", count: 201))\""),
      ("\"threads\" : 2", "\"threads\" : 0"),
      ("\"cores\" : 4", "\"cores\" : 1e18"),
      ("2025-03-14T09:26:00Z", "yesterday"),
      ("lamina.benchmark/1", "lamina.benchmark/2"),
    ]
  )
  func hostile(_ found: String, _ replacement: String) throws {
    let data = try BenchmarkFile(
      date: Self.date,
      machine: Self.machine,
      content: .comparison(Self.comparison([10], [10]))
    ).json()
    let text = String(decoding: data, as: UTF8.self)
    #expect(text.contains(found), "\(text)")
    let changed = text.replacingOccurrences(of: found, with: replacement)
    let error = #expect(throws: BenchmarkFile.ReadingError.self) {
      try BenchmarkFile.read(Data(changed.utf8))
    }
    if case .invalid(let reason) = error { #expect(!reason.isEmpty) } else { #expect(error == nil) }
  }

  @Test("a side without or with too many records is refused", arguments: [0, 101])
  func records(_ count: Int) throws {
    let record = try Self.record(1).line
    let records = [String](repeating: record, count: count).joined(separator: ",")
    let text = """
      {"schema": "lamina.benchmark/1", "date": "2025-03-14T09:26:00Z",
      "machine": {"processor": "", "cores": 1, "features": [], "threads": 1, "versions": {}},
      "pairs": 1, "rival": {"command": "", "records": [\(record)]},
      "lamina": {"command": "", "records": [\(records)]}}
      """
    #expect(
      throws: BenchmarkFile.ReadingError.invalid(reason: "the value of \"records\" is out of range")
    ) {
      try BenchmarkFile.read(Data(text.utf8))
    }
  }

  @Test("ratios of times below the timers' rounding stay")
  func smallTimes() {
    let item = Self.comparison([0.012, 0.010, 0.011], [0.022, 0.022, 0.022])
    #expect(item.ratio.time == 0.5)
    #expect(Self.comparison([0.001], [1e6]).ratio.time == 1e-9)
    #expect(item.pairRatios == [0.5455, 0.4545, 0.5])
    #expect(Self.comparison([1], [0]).ratio.time == nil)
    #expect(Self.comparison([1], [0]).pairRatios == [])
  }

  @Test("few runs and runs that differ make a ratio doubtful")
  func doubts() {
    #expect(Self.comparison([10, 10, 10.5], [20, 20, 20]).doubts == [])
    #expect(Self.comparison([10, 10], [20, 20]).doubts == [.fewRuns])
    // 11.1 - 10 is more than a tenth of the median 10, on either side.
    #expect(Self.comparison([10, 10, 11.1], [20, 20, 20]).doubts == [.largeSpread])
    #expect(Self.comparison([10, 10, 10], [20, 17, 20]).doubts == [.largeSpread])
    #expect(Self.comparison([10], [20]).doubts == [.fewRuns])
    #expect(Self.comparison([10, 20], [20, 20]).doubts == [.fewRuns, .largeSpread])
  }
}
