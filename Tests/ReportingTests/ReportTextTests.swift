import Evaluation
import Reporting
import Testing

struct ReportTextTests {
  @Test func numbersAreWrittenOnceTheSameWay() {
    #expect(ReportNumber.fixed(0.8714, 3) == "0.871")
    #expect(ReportNumber.fixed(-0.25, 2) == "\u{2212}0.25")
    #expect(ReportNumber.fixed(-0.001, 2) == "0.00")
    #expect(ReportNumber.fixed(.nan, 2) == ReportNumber.undefined)
    #expect(
      ReportNumber.significant(1234.5) == "1234" || ReportNumber.significant(1234.5) == "1235"
    )
    #expect(ReportNumber.significant(0.012345) == "0.0123")
    #expect(ReportNumber.significant(0) == "0")
    #expect(
      [0.045, 0.4, 3.414, 27.49, 1432.4].map(ReportNumber.millilitres)
        == ["0.045", "0.40", "3.41", "27.5", "1432"]
    )
    #expect(ReportNumber.duration(0.42) == "0.42\u{202F}s")
    #expect(ReportNumber.duration(185) == "3\u{202F}min 05\u{202F}s")
    #expect(ReportNumber.duration(7620) == "2\u{202F}h 07\u{202F}min")
  }

  static func card(_ markdown: String) -> String {
    let page = ReportWriter.html(
      ReportDocument(
        title: "t",
        subtitle: "",
        sections: [ReportSection("Card", [.markdown(markdown)])]
      )
    )
    #expect(Markup.problems(page) == [])
    guard let start = page.firstRange(of: "<div class=\"card\">"),
      let end = page.firstRange(of: "</section>")
    else { return "" }
    return String(page[start.upperBound..<end.lowerBound].dropLast("</div>\n".count))
  }

  @Test(arguments: [
    ("# A\n\n## B", "<h3>A</h3><h4>B</h4>"),
    ("one\ntwo\n\nthree", "<p>one two</p><p>three</p>"),
    ("- a\n- b\n  c\n\n1. d", "<ul><li>a</li><li>b c</li></ul><ol><li>d</li></ol>"),
    ("*a* **b** `c<d` e*f", "<p><em>a</em> <strong>b</strong> <code>c&lt;d</code> e*f</p>"),
    ("```\n<x>\n```", "<pre tabindex=\"0\"><code>&lt;x&gt;</code></pre>"),
    ("> q", "<blockquote><p>q</p></blockquote>"),
    ("---\nname: x\n---\ntext", "<p>text</p>"),
    ("[l](https://e.org)", "<p><a href=\"https://e.org\" rel=\"noreferrer\">l</a></p>"),
    ("[l](javascript:alert(1))", "<p>[l](javascript:alert(1))</p>"),
    ("<b>", "<p>&lt;b&gt;</p>"), ("**", "<p>**</p>"), ("#no", "<p>#no</p>"), ("| a", "<p>| a</p>"),
  ])
  func markdownSubset(markdown: String, expected: String) {
    #expect(Self.card(markdown) == expected)
  }

  @Test func markdownTablesFillMissingCells() {
    let table = Self.card("| a | b |\n| --- | --- |\n| 1 |\n| 2 | 3 | 4 |")
    #expect(table.contains("<tr><td>1</td><td></td></tr><tr><td>2</td><td>3</td></tr>"))
  }

  @Test func chartsSayWhatTheyShow() {
    let form = ReportChart.Form.strips(
      [
        .init(label: "a", values: [0.5, 0.75, 0.8, 1], color: .init(red: 1, green: 2, blue: 3)),
        .init(label: "none", values: [], color: .init(red: 1, green: 2, blue: 3)),
      ],
      range: 0...1
    )
    let page = ReportWriter.html(
      ReportDocument(
        title: "t",
        subtitle: "",
        sections: [
          ReportSection(
            "C",
            [
              .chart(.init(title: "Dice", summary: "All cases.", form: form)),
              .chart(.init(title: "Empty", summary: "None.", form: .bars([]))),
              .chart(
                .init(
                  title: "Lines",
                  summary: "None.",
                  form: .lines([.init(label: "l", points: [[0, .nan]])], xLabel: "x")
                )
              ),
            ]
          )
        ]
      )
    )
    #expect(Markup.problems(page) == [])
    #expect(page.contains("aria-label=\"Dice. All cases.\"><title>Dice</title><desc>"))
    // 0.5 lies in the middle of an axis from 2 % to 98 %.
    #expect(page.contains("<circle cx=\"50.00%\""))
    #expect(page.ranges(of: "<circle").count == 4)
    #expect(!page.contains("nan"))
  }

  @Test func equalVolumesStandInTheMiddleOfTheirChart() throws {
    let cases = (0..<4).map { index in
      CaseEvaluation(
        id: "c\(index)",
        prediction: "p",
        reference: "r",
        labels: [
          LabelEvaluation(
            key: "1",
            name: "a",
            values: [
              "volumePredictionML": .value(Double(index + 1)),
              "volumeReferenceML": .value(Double(index + 1)),
            ]
          )
        ],
        problems: []
      )
    }
    let report = EvaluationReport(cases: cases, evaluator: try Evaluator())
    let page = try builder().html(
      [.evaluation(EvaluationReportData(title: "t", report: report))],
      date: sampleDate
    )
    // Half way down a plot of 260 pixels that begins at 30, and three words 16 pixels apart.
    #expect(page.ranges(of: "cy=\"160\"").count == 4)
    for (words, y) in [("bias", 155), ("lower limit", 139), ("upper limit", 123)] {
      let line = page.split(separator: "<text").first { $0.contains(">\(words) 0.000") }
      #expect(line?.contains("y=\"\(y)\"") == true, "\(words): \(line ?? "")")
    }
  }
}
