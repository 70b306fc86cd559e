import Imaging

/// Writes tables; the reasons of undefined cells stand below, marked by letters.
enum TableWriter {
  static func html(_ table: ReportTable) -> String {
    var reasons: [String] = []
    let header = table.columns.map { column -> String in
      let unit =
        column.unit.isEmpty ? "" : " " + HTML.text("span", ["class": "unit"], "(\(column.unit))")
      return HTML.element(
        "th",
        ["scope": "col", "class": column.isNumeric ? "num" : "text"],
        HTML.escaped(column.title) + unit
      )
    }
    let bodies = table.groups.map { group -> String in
      let heading = group.heading.map { cell in
        HTML.element(
          "tr",
          ["class": "group"],
          HTML.element(
            "th",
            ["colspan": "\(table.columns.count)", "scope": "rowgroup"],
            markup(cell, &reasons)
          )
        )
      }
      let rows = group.rows.map { row(of: $0, table.columns, &reasons) }
      return HTML.element("tbody", (heading ?? "") + rows.joined(separator: "\n"))
    }
    let body = HTML.element(
      "table",
      HTML.text("caption", table.caption)
        + HTML.element("thead", HTML.element("tr", header.joined())) + bodies.joined()
    )
    let region = HTML.element(
      "div",
      ["class": "table", "role": "region", "tabindex": "0", "aria-label": table.caption],
      body
    )
    guard !reasons.isEmpty else { return region }
    let remarks = reasons.enumerated().map { index, reason in
      HTML.element(
        "li",
        HTML.text("sup", mark(index)) + " \(ReportNumber.undefined) undefined: "
          + HTML.escaped(reason)
      )
    }
    return region + HTML.element("ul", ["class": "remarks"], remarks.joined())
  }

  private static func row(
    of cells: [ReportTable.Cell],
    _ columns: [ReportTable.Column],
    _ reasons: inout [String]
  ) -> String {
    var content = ""
    for (index, cell) in cells.enumerated() {
      let inner = markup(cell, &reasons)
      content +=
        index == 0
        ? HTML.element("th", ["scope": "row"], inner)
        : HTML.element("td", ["class": columns[index].isNumeric ? "num" : "text"], inner)
    }
    for case .viewedStructure(_, _, let viewer, let label) in cells {
      return HTML.element("tr", ["data-case": viewer, "data-structure": "\(label)"], content)
    }
    return HTML.element("tr", content)
  }

  private static func markup(_ cell: ReportTable.Cell, _ reasons: inout [String]) -> String {
    switch cell {
    case .text(let text), .number(let text): return HTML.escaped(text)
    case .code(let text): return HTML.text("code", text)
    case .link(let text, let address): return HTML.text("a", ["href": address], text)
    case .structure(let name, let color), .viewedStructure(let name, let color, _, _):
      let swatch = HTML.element(
        "span",
        ["class": "swatch", "style": "background:\(color.hex)"],
        ""
      )
      // A short name stays beside its swatch; a long one may break.
      return name.count > 24
        ? swatch + HTML.escaped(name)
        : HTML.element("span", ["class": "name"], swatch + HTML.escaped(name))
    case .undefined(let reason):
      let index = reasons.firstIndex(of: reason) ?? reasons.count
      if index == reasons.count { reasons.append(reason) }
      return HTML.element(
        "span",
        ["aria-hidden": "true"],
        ReportNumber.undefined + HTML.text("sup", mark(index))
      )
        + HTML.text("span", ["class": "visually-hidden"], "undefined: \(reason)")
    case .flags(let flags):
      if flags.isEmpty { return HTML.text("span", ["class": "quiet"], "none") }
      return flags.map { HTML.text("span", ["class": "flag"], $0) }.joined()
    }
  }

  /// The letters from a to z, followed by a2, b2 and so on.
  private static func mark(_ index: Int) -> String {
    let letter = String(UnicodeScalar(UInt8(97 + index % 26)))
    return index < 26 ? letter : "\(letter)\(index / 26 + 1)"
  }
}
