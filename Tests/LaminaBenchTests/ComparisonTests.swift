import Foundation
import LaminaBench
import Support
import Testing

@Suite("Comparison with a rival")
struct ComparisonTests {
  /// A shell command that prints something before the record.
  private static func command(_ record: BenchRecord) throws -> String {
    "echo starting; echo chatter >&2; echo '\(try record.line)'; echo"
  }

  @Test("medians and their ratio come from alternating runs")
  func ratios() throws {
    let rival = try Self.command(BenchRecordTests.record("rival", median: 20, memory: 50, first: 2))
    let own = try Self.command(BenchRecordTests.record(median: 10, memory: 200, first: 0.5))
    var order: [String] = []
    let comparison = try BenchComparison.run(
      rival: (.shell(rival), "rival"),
      own: (.shell(own), "own"),
      pairs: 2
    ) { order.append($0.engine) }
    #expect(order == ["rival", "lamina-f32", "rival", "lamina-f32"])
    #expect(comparison.pairs == 2)
    #expect(comparison.rival.median.medianMS == 20)
    #expect(comparison.lamina.median.medianMS == 10)
    #expect(comparison.lamina.records.count == 2)
    #expect(comparison.ratio.time == 0.5)
    #expect(comparison.ratio.memory == 4)
    #expect(comparison.ratio.firstResult == 0.25)
  }

  @Test("a side's summary has the median of each value and the largest error")
  func summary() {
    let records = [30.0, 10, 12].map { BenchRecordTests.record(median: $0, error: $0 * 1e-6) }
    let side = BenchComparison.Side(command: "c", records: records)
    #expect(side.median.medianMS == 12)
    #expect(side.median.minimumMS == 11)
    #expect(side.median.runs == 9)
    #expect(side.median.relativeError == 30 * 1e-6)
    let undefined = BenchComparison.Side(
      command: "c",
      records: records + [BenchRecordTests.record(error: nil)]
    )
    #expect(undefined.median.relativeError == nil)
  }

  @Test("what is 0 has no ratio")
  func noRatio() {
    let none = BenchComparison.Side(command: "c", records: [BenchRecordTests.record(memory: 0)])
    let some = BenchComparison.Side(command: "c", records: [BenchRecordTests.record()])
    #expect(BenchComparison(rival: none, lamina: some).ratio.memory == nil)
    #expect(BenchComparison(rival: some, lamina: none).ratio.memory == nil)
    #expect(BenchComparison(rival: some, lamina: none).ratio.time == 1)
  }

  @Test(
    "a rival that fails is named with its reason",
    arguments: [
      ("echo no module >&2; exit 3", "it ended with status 3 after saying: no module"),
      ("exit 5", "it ended with status 5"),
      ("kill -9 $$", "it ended with signal 9"),
      ("echo '{\"engine\": 1}'", "its last line is no record: {\"engine\": 1}"),
      ("true", "its last line is no record: "),
    ]
  )
  func failingRival(_ command: String, _ reason: String) throws {
    let own = try Self.command(BenchRecordTests.record())
    let error = #expect(throws: BenchError.self) {
      try BenchComparison.run(
        rival: (.shell(command), command),
        own: (.shell(own), "own"),
        pairs: 1
      )
    }
    #expect(error == .rivalFailed(command: command, reason: reason))
    #expect(error?.failure == .missingComponent)
  }

  @Test("Lamina's own failure keeps its exit status")
  func failingOwn() throws {
    let rival = try Self.command(BenchRecordTests.record())
    for (status, failure) in [(66, Failure.missingInput), (1, .internalFault)] {
      let error = #expect(throws: BenchError.self) {
        try BenchComparison.run(
          rival: (.shell(rival), "rival"),
          own: (.shell("exit \(status)"), "own"),
          pairs: 1
        )
      }
      #expect(error?.failure == failure)
    }
  }

  @Test("much output on both streams stops nobody")
  func fullPipes() throws {
    let record = BenchRecordTests.record()
    let noise = "yes message | head -c 300000"
    let run = ChildRun.shell("\(noise) >&2; \(noise); echo; echo '\(try record.line)'")
    #expect(run.run() == .record(record))
  }
}
