import Foundation
import Support

extension ReportBuilder {
  /// No more rows than this stand in a table of times; the JSON has all.
  private static let maximumRows = 1000

  /// No more bars than this stand in the chart; the table has all.
  private static let maximumBars = 60

  /// The measurements of one machine, its facts first.
  /// - Parameter group: The machine, and what was measured on it.
  /// - Returns: Its section.
  func benchmark(_ group: BenchmarkGroup) -> ReportSection {
    var blocks: [ReportBlock] = [.table(machineTable(group))]
    if let chart = ratioChart(group) { blocks.append(chart) }
    let networks = networkRows(group)
    if !networks.isEmpty {
      blocks.append(.table(networkTable(networks)))
      blocks.append(
        .note(
          "Times are of one call, after calls that are not timed. A comparison ran both programs "
            + "in turn, each run a process of its own: its times are medians over the runs, its "
            + "range goes from the fastest to the slowest run, and runs says how many there were "
            + "with how many calls in all. A program by itself ran once: its range goes from the "
            + "fastest to the slowest call. The ratio is Lamina's median divided by the rival's. "
            + "Memory is the largest resident memory. The first result counts from the start of "
            + "the process. The error is the largest difference to the expected output divided "
            + "by the largest expected value."
        )
      )
    }
    for operations in group.operations { blocks += operationTable(operations) }
    return ReportSection(group.heading, blocks)
  }

  /// One sentence about the comparisons of all machines; nil when there is none.
  func benchmarkSentence(_ parts: Parts) -> String? {
    let comparisons = parts.benchmarks.compactMap(\.comparison)
    let ratios = comparisons.compactMap { item in item.ratio.time.map { ($0, item) } }
    guard let least = ratios.min(by: { $0.0 < $1.0 }), let most = ratios.max(by: { $0.0 < $1.0 })
    else { return parts.benchmarks.isEmpty ? nil : "Times were measured without a rival." }
    let faster = ratios.count { $0.0 < 1 }
    func text(_ entry: (Double, BenchComparison)) -> String {
      "\(Self.ratioText(entry.0)) (\(entry.1.lamina.median.network) beside "
        + "\(entry.1.rival.median.engine))"
    }
    let doubtful = ratios.count { !$0.1.doubts.isEmpty }
    let caution = doubtful > 0 ? ", \(doubtful) of them doubtful" : ""
    let range =
      ratios.count == 1
      ? "The ratio of the times is \(text(least))."
      : "The ratios of the times go from \(text(least)) to \(text(most))."
    return "Lamina took less time than the other program in \(faster) of "
      + "\(counted(ratios.count, "comparison")) measured\(caution). \(range)"
  }

  // MARK: The machine

  private func machineTable(_ group: BenchmarkGroup) -> ReportTable {
    var rows: [(String, ReportTable.Cell)] = []
    if let machine = group.machine {
      rows = [
        ("Processor", .text(machine.processor)), ("Cores", .text("\(machine.cores)")),
        (
          "Instructions",
          machine.features.isEmpty
            ? .undefined(reason: "the system does not tell")
            : .text(machine.features.joined(separator: ", "))
        ),
        ("Threads", .text("\(machine.threads)")),
        (
          "Versions",
          .text(
            machine.versions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
              .joined(separator: ", ")
          )
        ),
      ]
    } else {
      rows = [("Processor", .undefined(reason: "a bare record does not tell"))]
    }
    let dates = group.files.compactMap(\.date)
    if let first = dates.min(), let last = dates.max() {
      let (start, end) = (Self.text(of: first), Self.text(of: last))
      rows.append(("Measured", .text(start == end ? start : "\(start) to \(end)")))
    } else {
      rows.append(("Measured", .undefined(reason: "a bare record does not tell")))
    }
    return ReportTable(
      caption: "The machine",
      columns: [.init("What", isNumeric: false), .init("Value", isNumeric: false)],
      rows: rows.map { [.text($0.0), $0.1] }
    )
  }

  // MARK: The chart

  private func ratioChart(_ group: BenchmarkGroup) -> ReportBlock? {
    let comparisons = group.files.compactMap(\.comparison)
    let bars = comparisons.compactMap { item -> ReportChart.Ratio? in
      guard let ratio = item.ratio.time else { return nil }
      let pairs = item.pairRatios
      let isDoubtful = !item.doubts.isEmpty
      return ReportChart.Ratio(
        label: Self.label(item),
        value: ratio,
        range: (pairs.min() ?? ratio)...(pairs.max() ?? ratio),
        text: Self.ratioText(ratio) + (isDoubtful ? ", doubtful" : ""),
        isDoubtful: isDoubtful
      )
    }
    guard !bars.isEmpty else { return nil }
    let omitted =
      bars.count > Self.maximumBars
      ? " The first \(Self.maximumBars) of \(bars.count) are shown; the table has all." : ""
    let doubtful =
      bars.contains(where: \.isDoubtful)
      ? " A pale, dashed bar is a ratio not to be relied on; the table's remarks say why." : ""
    return .chart(
      ReportChart(
        title: "Time beside the other program, ratio",
        summary: "Left of the line at 1 Lamina takes less time, right of it more. The thin line "
          + "goes from the lowest to the highest ratio of two runs in turn.\(doubtful)\(omitted)",
        form: .ratios(Array(bars.prefix(Self.maximumBars)))
      )
    )
  }

  /// A bar's label, cut where the number would no longer stand beside it.
  private static func label(_ item: BenchComparison) -> String {
    let text =
      "\(item.lamina.median.network), \(item.lamina.median.engine) to \(item.rival.median.engine)"
    return text.count <= 48 ? text : text.prefix(47) + "\u{2026}"
  }

  // MARK: Networks

  private struct NetworkRow {
    let network: String
    let cells: [ReportTable.Cell]
  }

  private func networkRows(_ group: BenchmarkGroup) -> [NetworkRow] {
    group.files.flatMap { file -> [NetworkRow] in
      switch file.content {
      case .operations: return []
      case .measurement(let record, let calls):
        let range = calls.min().flatMap { low in calls.max().map { low...$0 } }
        return [
          row(
            record,
            range: range,
            ratio: .undefined(reason: "measured by itself"),
            runs: "1 (\(record.runs))",
            flags: []
          )
        ]
      case .comparison(let item):
        let ratio =
          item.ratio.time.map { ReportTable.Cell.number(Self.ratioText($0)) }
          ?? .undefined(reason: "a side's time is 0 as it was rounded")
        return [
          row(
            item.lamina.median,
            range: item.lamina.rangeMS,
            ratio: ratio,
            runs: "\(item.lamina.records.count) (\(item.lamina.median.runs))",
            flags: item.doubts.map(Self.words)
          ),
          row(
            item.rival.median,
            range: item.rival.rangeMS,
            ratio: .number("1"),
            runs: "\(item.rival.records.count) (\(item.rival.median.runs))",
            flags: []
          ),
        ]
      }
    }
  }

  private func row(
    _ record: BenchRecord,
    range: ClosedRange<Double>?,
    ratio: ReportTable.Cell,
    runs: String,
    flags: [String]
  ) -> NetworkRow {
    NetworkRow(
      network: record.network,
      cells: [
        .text(record.engine),
        .number(ReportNumber.significant(record.medianMS)),
        range.map {
          .number(
            [$0.lowerBound, $0.upperBound].map { ReportNumber.significant($0) }
              .joined(separator: " to ")
          )
        } ?? .undefined(reason: "the calls' times were not kept"),
        ratio,
        .number("\(record.peakMemoryMiB)"),
        .number(ReportNumber.significant(record.firstResultS)),
        record.relativeError.map { .number(ReportNumber.scientific($0)) }
          ?? .undefined(reason: "a value was not a number"),
        .number(runs),
        .flags(flags),
      ]
    )
  }

  private func networkTable(_ rows: [NetworkRow]) -> ReportTable {
    var order: [String] = []
    var groups: [String: [[ReportTable.Cell]]] = [:]
    for row in rows.prefix(Self.maximumRows) {
      if groups[row.network] == nil { order.append(row.network) }
      groups[row.network, default: []].append(row.cells)
    }
    let omitted =
      rows.count > Self.maximumRows ? ", the first \(Self.maximumRows) rows of \(rows.count)" : ""
    return ReportTable(
      caption: "Networks\(omitted)",
      columns: [
        .init("Program", isNumeric: false), .init("Median", unit: "ms"), .init("Range", unit: "ms"),
        .init("Ratio"), .init("Memory", unit: "MiB"), .init("First result", unit: "s"),
        .init("Relative error"), .init("Runs (calls)"), .init("Remarks", isNumeric: false),
      ],
      groups: order.map { .init(heading: .text($0), rows: groups[$0] ?? []) }
    )
  }

  // MARK: Operations

  private func operationTable(_ operations: [OperationTime]) -> [ReportBlock] {
    let rows = operations.prefix(Self.maximumRows).map { item -> [ReportTable.Cell] in
      [
        .text(item.name), .number(ReportNumber.significant(item.forwardMS)),
        .number(ReportNumber.significant(item.backwardMS)),
        item.gflops.map { .number(ReportNumber.significant($0)) }
          ?? .undefined(reason: "its arithmetic was not counted"),
      ]
    }
    let omitted =
      operations.count > Self.maximumRows
      ? ", the first \(Self.maximumRows) of \(operations.count)" : ""
    return [
      .table(
        ReportTable(
          caption: "Operations\(omitted)",
          columns: [
            .init("Operation", isNumeric: false), .init("Forward", unit: "ms"),
            .init("Backward", unit: "ms"), .init("Speed", unit: "GFLOP/s"),
          ],
          rows: Array(rows)
        )
      ),
      .note(
        "Medians of at least three calls. Backward is the gradient for all operands without the "
          + "forward pass. Speed counts multiplications and additions of convolutions forward."
      ),
    ]
  }

  // MARK: Words

  static func words(_ doubt: BenchComparison.Doubt) -> String {
    switch doubt {
    case .fewRuns: "fewer than \(BenchComparison.fewestPairs) runs"
    case .largeSpread:
      "runs differ by more than \(ReportNumber.fixed(100 * BenchComparison.largestSpread, 0)) %"
    }
  }

  static func ratioText(_ ratio: Double) -> String {
    ratio < 0.001 ? ReportNumber.scientific(ratio) : ReportNumber.significant(ratio)
  }
}

/// Benchmarks that were measured on the same machine with the same versions and threads.
struct BenchmarkGroup {
  /// The machine; nil where it was not recorded.
  let machine: BenchMachine?
  /// What was measured, in the order of the page.
  var files: [BenchmarkFile]

  /// The section's heading.
  var heading: String {
    guard let machine else { return "Benchmark: machine not recorded" }
    return "Benchmark: \(machine.processor), \(counted(machine.threads, "thread"))"
  }

  /// The files' lists of operations.
  var operations: [[OperationTime]] {
    files.compactMap { file in
      if case .operations(let times) = file.content { times } else { nil }
    }
  }

  /// Puts the benchmarks of one machine together, in the order in which machines first appear.
  static func groups(of files: [BenchmarkFile]) -> [BenchmarkGroup] {
    var groups: [BenchmarkGroup] = []
    for file in files {
      if let index = groups.firstIndex(where: { $0.machine == file.machine }) {
        groups[index].files.append(file)
      } else {
        groups.append(BenchmarkGroup(machine: file.machine, files: [file]))
      }
    }
    return groups
  }
}

extension BenchmarkFile {
  /// The comparison; nil for other content.
  var comparison: BenchComparison? {
    if case .comparison(let comparison) = content { comparison } else { nil }
  }

  /// The names of the networks.
  var networks: [String] {
    switch content {
    case .measurement(let record, _): [record.network]
    case .comparison(let comparison): [comparison.lamina.median.network]
    case .operations: []
    }
  }
}
