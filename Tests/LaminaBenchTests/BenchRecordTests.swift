import Foundation
import LaminaBench
import Support
import Testing

@Suite("Records of measurements")
struct BenchRecordTests {
  static func record(
    _ engine: String = "lamina-f32",
    median: Double = 10,
    memory: Int = 100,
    first: Double = 1,
    error: Double? = 1e-6
  ) -> BenchRecord {
    BenchRecord(
      engine: engine,
      network: "net",
      medianMS: median,
      minimumMS: median - 1,
      runs: 3,
      gflops: 50,
      firstResultS: first,
      peakMemoryMiB: memory,
      relativeError: error
    )
  }

  /// The keys that timers of other engines print.
  static let keys: Set<String> = [
    "engine", "network", "medianMS", "minimumMS", "runs", "gflops", "firstResultS",
    "peakMemoryMiB", "relativeError",
  ]

  @Test("a record is one line with exactly the agreed keys", arguments: [1e-6, nil])
  func keys(_ error: Double?) throws {
    let line = try Self.record(error: error).line
    #expect(!line.contains("\n"))
    let document = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    #expect(Set((document ?? [:]).keys) == Self.keys)
    #expect((document?["relativeError"] is NSNull) == (error == nil))
    #expect(
      try JSONDecoder().decode(BenchRecord.self, from: Data(line.utf8)) == Self.record(error: error)
    )
  }

  @Test("a record without rounding keeps times below the other timers' 0.1 ms")
  func unrounded() {
    let record = BenchRecord(
      engine: "e",
      network: "n",
      timing: Stopwatch.Timing(
        output: 0,
        firstResult: 0.125,
        seconds: [0x1p-16, 0x1p-15, 0x1p-14],
        peakMemoryMiB: 77
      ),
      gigaflop: 0x1p-15,
      relativeError: 0,
      isRounded: false
    )
    #expect(record.medianMS == 1000 * 0x1p-15)
    #expect(record.minimumMS == 1000 * 0x1p-16)
    #expect(record.gflops == 1)
    #expect(record.firstResultS == 0.125)
  }

  @Test("a timing becomes a record rounded as other timers round")
  func rounding() {
    let timing = Stopwatch.Timing(
      output: 0,
      firstResult: 1.23456,
      seconds: [0.0123456, 0.02, 0.0111111],
      peakMemoryMiB: 77
    )
    let record = BenchRecord(
      engine: "e",
      network: "n",
      timing: timing,
      gigaflop: 2,
      relativeError: 1.2345e-5
    )
    #expect(
      record
        == BenchRecord(
          engine: "e",
          network: "n",
          medianMS: 12.3,
          minimumMS: 11.1,
          runs: 3,
          // 2 / 0.0123456
          gflops: 162,
          firstResultS: 1.23,
          peakMemoryMiB: 77,
          relativeError: 1.2e-5
        )
    )
  }
}
