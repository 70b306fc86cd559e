import Foundation
import Reporting
import Support
import Testing

/// Benchmarks on pages; set LAMINA_REPORT_FOLDER to keep a page for a look in a browser.
@Suite("Benchmarks in reports")
struct BenchmarkReportTests {
  private static func machine(_ processor: String = "Some Processor", threads: Int = 2)
    -> BenchMachine
  {
    BenchMachine(
      processor: processor,
      cores: 4,
      features: ["avx2", "avx512f", "amx_bf16"],
      threads: threads,
      versions: ["lamina": "0.1.0", "oneDNN": "3.7.2"]
    )
  }

  private static func record(
    _ engine: String,
    _ network: String,
    _ median: Double,
    error: Double? = 1.2e-6
  ) -> BenchRecord {
    BenchRecord(
      engine: engine,
      network: network,
      medianMS: median,
      minimumMS: median * 0.98,
      runs: 25,
      gflops: 120,
      firstResultS: 0.42,
      peakMemoryMiB: 321,
      relativeError: error
    )
  }

  private static func comparison(
    _ network: String,
    own: [Double],
    rival: [Double],
    name: String = "torch-f32",
    machine: BenchMachine = machine(),
    date: Date = sampleDate
  ) -> ReportItem {
    .benchmark(
      BenchmarkFile(
        date: date,
        machine: machine,
        content: .comparison(
          BenchComparison(
            rival: .init(
              command: "python /home/someone/timer.py",
              records: rival.map { record(name, network, $0) }
            ),
            lamina: .init(
              command: "lamina-bench network /home/someone/exports",
              records: own.map { record("lamina-f32", network, $0) }
            )
          )
        )
      )
    )
  }

  private static var sample: [ReportItem] {
    [
      comparison("unet2d_256", own: [15.2, 15.0, 15.4], rival: [30.3, 30.0, 30.6]),
      comparison("plain3d_96", own: [420, 431, 424], rival: [390, 400, 395]),
      comparison("resencM_96", own: [900, 1300, 920], rival: [1000, 1010, 1005]),
      comparison("dncnn_512", own: [80], rival: [400], name: "onnxruntime-f32"),
      comparison("rrdb_64", own: [600, 601, 602], rival: [100, 101, 102]),
      .benchmark(
        BenchmarkFile(
          date: sampleDate.addingTimeInterval(3600),
          machine: machine(),
          content: .measurement(
            record("lamina-int8", "unet2d_256", 7.5, error: 0.025),
            callsMS: [7.25, 7.5, 9.75]
          )
        )
      ),
      .benchmark(
        BenchmarkFile(
          date: sampleDate,
          machine: machine(threads: 1),
          content: .operations([
            OperationTime(name: "convolution 3>32", forwardMS: 1.25, backwardMS: 3.5, gflops: 91.5),
            OperationTime(name: "maximum pooling 2", forwardMS: 0.5, backwardMS: 0.75, gflops: nil),
          ])
        )
      ),
    ]
  }

  @Test("the page is well-formed, has the notice, and tells neither paths nor commands")
  func page() throws {
    let page = try builder().html(Self.sample, date: sampleDate)
    if let folder = ProcessInfo.processInfo.environment["LAMINA_REPORT_FOLDER"] {
      let url = URL(fileURLWithPath: folder).appendingPathComponent("benchmark.html")
      try Data(page.utf8).write(to: url)
    }
    #expect(Markup.problems(page) == [])
    #expect(page.ranges(of: Version.disclaimer).count >= 3)
    #expect(page.contains("<title>Benchmark of 5 networks</title>"))
    #expect(!page.contains("/home") && !page.contains("timer.py"))
  }

  @Test("machines have a section each with what they are and when they measured")
  func machines() throws {
    let document = try builder().document(Self.sample, date: sampleDate)
    let headings = document.sections.map(\.heading).filter { $0.hasPrefix("Benchmark") }
    #expect(
      headings == [
        "Benchmark: Some Processor, 2 threads", "Benchmark: Some Processor, 1 thread",
      ]
    )
    let page = ReportWriter.html(document)
    for text in [
      "<td class=\"text\">Some Processor</td>", "avx2, avx512f, amx_bf16",
      "lamina 0.1.0, oneDNN 3.7.2", "2025-03-14 09:26 UTC to 2025-03-14 10:26 UTC",
    ] {
      #expect(page.contains(text), "\(text)")
    }
  }

  @Test("a network's rows hold its numbers, the ratio and the runs")
  func rows() throws {
    let tables = try Self.tables(Self.sample)
    let table = try #require(tables.first { $0.caption == "Networks" })
    let group = try #require(table.groups.first)
    #expect(group.heading == .text("unet2d_256"))
    #expect(
      group.rows == [
        [
          .text("lamina-f32"), .number("15.2"), .number("15.0 to 15.4"), .number("0.502"),
          .number("321"), .number("0.420"), .number("1.2\u{202F}×\u{202F}10⁻⁶"),
          .number("3 (75)"), .flags([]),
        ],
        [
          .text("torch-f32"), .number("30.3"), .number("30.0 to 30.6"), .number("1"),
          .number("321"), .number("0.420"), .number("1.2\u{202F}×\u{202F}10⁻⁶"),
          .number("3 (75)"), .flags([]),
        ],
        [
          .text("lamina-int8"), .number("7.50"), .number("7.25 to 9.75"),
          .undefined(reason: "measured by itself"), .number("321"), .number("0.420"),
          .number("0.025"), .number("1 (25)"), .flags([]),
        ],
      ]
    )
  }

  @Test("doubtful ratios are marked in the table, the chart and the problems")
  func doubts() throws {
    let page = try builder().html(Self.sample, date: sampleDate)
    #expect(page.contains("<span class=\"flag\">fewer than 3 runs</span>"))
    #expect(page.contains("<span class=\"flag\">runs differ by more than 10 %</span>"))
    #expect(page.ranges(of: "doubtful\"").count == 2, "two bars")
    #expect(page.contains("0.200, doubtful"))
    #expect(
      page.contains(
        "dncnn_512: the ratio to onnxruntime-f32 should not be relied on (fewer than 3 runs)."
      )
    )
    #expect(page.contains("2 remarks need a look"))
    #expect(page.contains("in 3 of 5 comparisons measured, 2 of them doubtful."))
    let sound = try builder().html([Self.sample[0]], date: sampleDate)
    #expect(!sound.contains("doubtful\"") && sound.contains("No problem was noticed."))
  }

  @Test("bars have the lengths of their ratios; the line stands at 1")
  func chart() throws {
    // 0.5 and 2: the axis ends at 1.05 x 2, so that 1 lies at 100 / 2.1 = 47.62 %.
    let page = try builder().html(
      [
        Self.comparison("a", own: [10, 10, 10], rival: [20, 20, 20]),
        Self.comparison("b", own: [20, 20, 20], rival: [10, 10, 10]),
      ],
      date: sampleDate
    )
    #expect(page.contains("width=\"23.81%\" height=\"14\" rx=\"2\" class=\"less\""))
    #expect(page.contains("width=\"95.24%\" height=\"14\" rx=\"2\" class=\"more\""))
    #expect(page.contains("x1=\"47.62%\" y1=\"4\" x2=\"47.62%\" y2=\"100\" class=\"unity\""))
    #expect(page.contains("less time than the other program in 1 of 2 comparisons measured."))
  }

  @Test("a ratio far beyond the others is cut at the axis's end, which is said")
  func outlier() throws {
    let page = try builder().html(Self.sample, date: sampleDate)
    #expect(page.contains("5.95, beyond the axis"))
    #expect(page.contains("width=\"100.00%\" height=\"14\" rx=\"2\" class=\"more\""))
  }

  @Test("operations have a table of their own")
  func operations() throws {
    let table = try #require(try Self.tables(Self.sample).first { $0.caption == "Operations" })
    #expect(
      table.groups.first?.rows == [
        [.text("convolution 3>32"), .number("1.25"), .number("3.50"), .number("91.5")],
        [
          .text("maximum pooling 2"), .number("0.500"), .number("0.750"),
          .undefined(reason: "its arithmetic was not counted"),
        ],
      ]
    )
  }

  @Test("names that would be markup stay text; extreme numbers leave the page whole")
  func hostileNames() throws {
    let items: [ReportItem] = [
      Self.comparison(
        hostile,
        own: [1e12, 1e12, 1e12],
        rival: [1e-9, 1e-9, 1e-9],
        name: hostile,
        machine: Self.machine(hostile)
      ),
      Self.comparison("zero", own: [0, 0, 0], rival: [0, 0, 0]),
      .benchmark(
        BenchmarkFile(
          date: nil,
          machine: nil,
          content: .measurement(Self.record(hostile, hostile, 1, error: nil), callsMS: [])
        )
      ),
      .benchmark(BenchmarkFile(date: nil, machine: nil, content: .operations([]))),
    ]
    let page = try builder().html(items, date: sampleDate)
    #expect(Markup.problems(page) == [])
    #expect(!page.contains("<script") && !page.contains("<img src=x") && !page.contains("\u{0}"))
    #expect(!page.lowercased().contains(">nan<") && !page.lowercased().contains(">inf<"))
    #expect(page.contains("undefined: a side&#39;s time is 0 as it was rounded"))
    #expect(page.contains("undefined: a value was not a number"))
    #expect(page.contains("Benchmark: machine not recorded"))
  }

  @Test("very many measurements make a page of limited length that says so")
  func many() throws {
    let items = [ReportItem](
      repeating: Self.comparison("net", own: [1, 1, 1], rival: [1, 1, 1]),
      count: 600
    )
    let document = try builder().document(items, date: sampleDate)
    let page = ReportWriter.html(document)
    #expect(page.contains("Networks, the first 1000 rows of 1200"))
    #expect(page.contains("The first 60 of 600 are shown"))
    #expect(page.ranges(of: "class=\"less\"").count == 60)
  }

  @Test("small numbers have a power of ten")
  func scientific() {
    #expect(ReportNumber.scientific(1.24e-6) == "1.2\u{202F}×\u{202F}10⁻⁶")
    #expect(ReportNumber.scientific(9.96e-13) == "1.0\u{202F}×\u{202F}10⁻¹²")
    #expect(ReportNumber.scientific(0.025) == "0.025")
    #expect(ReportNumber.scientific(0) == "0")
  }

  private static func tables(_ items: [ReportItem]) throws -> [ReportTable] {
    try builder().document(items, date: sampleDate).sections.flatMap(\.blocks).compactMap {
      if case .table(let table) = $0 { table } else { nil }
    }
  }
}
