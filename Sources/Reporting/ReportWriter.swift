import Foundation
import Support

/// Writes a document as one HTML page that needs nothing else: no network, no font, and no program
/// but the viewer's, without which the page says the same.
///
/// Every page begins and ends with the notice that the output is not for clinical use.
public enum ReportWriter {
  /// The page of a document.
  /// - Parameter document: The document.
  /// - Returns: HTML, UTF-8.
  public static func html(_ document: ReportDocument) -> String {
    let ids = sectionIDs(document.sections)
    let sections = zip(document.sections, ids).map { section, id in
      HTML.element(
        "section",
        ["id": id, "aria-labelledby": "\(id)-heading"],
        HTML.text("h2", ["id": "\(id)-heading"], section.heading) + blocks(section.blocks)
      )
    }
    let contents = zip(document.sections, ids).map { section, id in
      HTML.element("li", HTML.text("a", ["href": "#\(id)"], section.heading))
    }
    let navigation =
      document.sections.count < 2
      ? ""
      : HTML.element(
        "nav",
        ["aria-label": "Contents"],
        HTML.element("ul", contents.joined())
      )
    let back = document.back.map {
      HTML.element("p", ["class": "back"], HTML.text("a", ["href": $0.address], $0.text))
    }
    let masthead = HTML.element(
      "header",
      ["class": "masthead"],
      (back ?? "") + HTML.text("h1", document.title)
        + HTML.text("p", ["class": "subtitle"], document.subtitle)
    )
    let hasViewer = document.sections.contains { section in
      section.blocks.contains { if case .viewer = $0 { true } else { false } }
    }
    let policy = hasViewer ? "; script-src \(ViewerScript.policySource)" : ""
    let program = hasViewer ? "<script>\(ViewerScript.source)</script>\n" : ""
    let footer = HTML.element(
      "footer",
      HTML.text("p", Version.disclaimer)
        + HTML.text("p", "Written by lamina \(Version.current). This page loads nothing.")
    )
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="generator" content="lamina \(HTML.escaped(Version.current))">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; \
      style-src 'unsafe-inline'\(policy)">
      <link rel="icon" href="data:,">
      <title>\(HTML.escaped(document.title))</title>
      <style>
      \(ReportStyle.css)\(hasViewer ? ViewerStyle.css : "")
      </style>
      </head>
      <body>
      <a class="skip" href="#content">Skip to the content</a>
      <aside class="notice" aria-label="Notice">\(HTML.escaped(Version.disclaimer))</aside>
      <div class="page">
      \(masthead)
      \(navigation)
      <main id="content">
      \(sections.joined(separator: "\n"))
      </main>
      \(footer)
      </div>
      \(program)</body>
      </html>

      """
  }

  /// Short names for links, unique in the page and free of anything but letters, digits and dashes.
  private static func sectionIDs(_ sections: [ReportSection]) -> [String] {
    var taken = Set(["content"])
    return sections.enumerated().map { index, section in
      let words = section.heading.lowercased().unicodeScalars
        .split { !(("a"..."z").contains($0) || ("0"..."9").contains($0)) }
        .map { String(String.UnicodeScalarView($0)) }
      let name = "s-" + words.prefix(6).joined(separator: "-")
      return taken.insert(name).inserted ? name : "s-\(index + 1)"
    }
  }

  private static func blocks(_ blocks: [ReportBlock]) -> String {
    var result = ""
    var charts = ""
    func flush() {
      if !charts.isEmpty { result += HTML.element("div", ["class": "charts"], charts) }
      charts = ""
    }
    for block in blocks {
      if case .chart(let chart) = block {
        charts += ChartWriter.svg(chart)
      } else {
        flush()
        result += markup(block) + "\n"
      }
    }
    flush()
    return result
  }

  private static func markup(_ block: ReportBlock) -> String {
    switch block {
    case .subheading(let text): return HTML.text("h3", text)
    case .lead(let text): return HTML.text("p", ["class": "lead"], text)
    case .paragraph(let text): return HTML.text("p", text)
    case .note(let text): return HTML.text("p", ["class": "note"], text)
    case .keyFigures(let figures):
      let items = figures.map {
        HTML.element("div", HTML.text("dt", $0.label) + HTML.text("dd", $0.value))
      }
      return HTML.element("dl", ["class": "figures-key"], items.joined())
    case .table(let table): return TableWriter.html(table)
    case .figures(let figures, let legend): return planes(figures) + self.legend(legend)
    case .viewer(let viewer): return self.viewer(viewer)
    case .chart(let chart): return ChartWriter.svg(chart)
    case .problems(let problems):
      if problems.isEmpty { return HTML.text("p", "Nothing needs a look.") }
      return HTML.element(
        "ul",
        ["class": "problems"],
        problems.map { HTML.text("li", $0) }.joined()
      )
    case .code(let text): return HTML.element("pre", ["tabindex": "0"], HTML.text("code", text))
    case .markdown(let text):
      return HTML.element("div", ["class": "card"], Markdown.html(text, headingLevel: 3))
    }
  }

  /// The viewer's place, hidden until its program runs.
  private static func viewer(_ viewer: ReportViewer) -> String {
    HTML.element(
      "div",
      [
        "class": "viewer", "id": viewer.id, "role": "region", "aria-label": viewer.title,
        "hidden": "hidden",
      ],
      HTML.text("p", ["class": "state"], "Unpacking the scan \u{2026}")
        + "<script type=\"application/json\">\(viewer.json)</script>"
    )
  }

  private static func planes(_ figures: [ReportFigure]) -> String {
    let items = figures.map { figure in
      let image = HTML.void(
        "img",
        [
          "src": "data:image/png;base64,\(figure.png.base64EncodedString())",
          "width": "\(figure.size.x)", "height": "\(figure.size.y)", "alt": figure.alternative,
        ]
      )
      let edges = zip(["l", "r", "t", "b"], figure.edges).map { side, letter in
        HTML.text("span", ["class": "edge \(side)", "aria-hidden": "true"], String(letter))
      }
      let scale = figure.widthMM.map { width in
        let bar = scaleBarMM(width)
        return HTML.text(
          "span",
          [
            "class": "scale", "aria-hidden": "true",
            "style": String(format: "width:%.2f%%", 100 * bar / width),
          ],
          ReportNumber.with(ReportNumber.significant(bar, 1), unit: "mm")
        )
      }
      let ratio = Double(figure.size.x) / Double(max(1, figure.size.y))
      return HTML.element(
        "figure",
        ["style": String(format: "--ratio:%.4f", ratio)],
        HTML.element("div", ["class": "picture"], image + edges.joined() + (scale ?? ""))
          + HTML.text("figcaption", figure.caption)
      )
    }
    return HTML.element("div", ["class": "planes"], items.joined())
  }

  /// A round length of about a fifth of the picture.
  private static func scaleBarMM(_ width: Double) -> Double {
    [1, 2, 5, 10, 20, 50, 100, 200].last { $0 <= max(1, width * 0.3) } ?? 1
  }

  private static func legend(_ entries: [LegendEntry]) -> String {
    guard !entries.isEmpty else { return "" }
    let items = entries.map { entry in
      let swatch =
        entry.color.map {
          HTML.element("span", ["class": "swatch", "style": "background:\($0.hex)"], "")
        } ?? HTML.element("span", ["class": "swatch outline"], "")
      return HTML.element("li", swatch + HTML.escaped(entry.label))
    }
    return HTML.element("ul", ["class": "legend"], items.joined())
  }
}
