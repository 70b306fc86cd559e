import Foundation

/// A subset of Markdown: headings, paragraphs, lists, tables, quotes, code, emphasis and web links.
///
/// Everything else is shown as it is written; HTML in the text is escaped, never passed on.
enum Markdown {
  /// Writes Markdown as HTML.
  /// - Parameters:
  ///   - text: The Markdown; a front matter between lines of `---` is left out.
  ///   - headingLevel: The level of the highest heading, 1 to 6.
  /// - Returns: Markup.
  static func html(_ text: String, headingLevel: Int) -> String {
    var lines = text.replacingOccurrences(of: "\r\n", with: "\n")
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    if lines.first == "---", let end = lines.dropFirst().firstIndex(of: "---") {
      lines.removeSubrange(...end)
    }
    var parser = Parser(lines: lines, headingLevel: headingLevel)
    return parser.blocks()
  }

  private struct Parser {
    let lines: [String]
    let headingLevel: Int
    var at = 0

    init(lines: [String], headingLevel: Int) {
      self.lines = lines
      self.headingLevel = headingLevel
    }

    mutating func blocks() -> String {
      var result = ""
      while at < lines.count {
        let line = lines[at].trimmed
        if line.isEmpty {
          at += 1
        } else if line.hasPrefix("```") {
          result += fence()
        } else if let heading = heading(line) {
          result += heading
          at += 1
        } else if item(line) != nil {
          result += list()
        } else if line.hasPrefix("|"), at + 1 < lines.count, isTableRule(lines[at + 1].trimmed) {
          result += table()
        } else if line.hasPrefix(">") {
          result += quote()
        } else {
          result += paragraph()
        }
      }
      return result
    }

    private mutating func fence() -> String {
      at += 1
      let start = at
      while at < lines.count, !lines[at].trimmed.hasPrefix("```") { at += 1 }
      let code = lines[start..<at].joined(separator: "\n")
      at += 1
      return HTML.element("pre", ["tabindex": "0"], HTML.text("code", code))
    }

    private func heading(_ line: String) -> String? {
      let marks = line.prefix { $0 == "#" }.count
      guard (1...6).contains(marks), line.dropFirst(marks).first == " " else { return nil }
      let level = min(6, headingLevel + marks - 1)
      return HTML.element("h\(level)", Markdown.inline(String(line.dropFirst(marks)).trimmed))
    }

    /// The text of a list item and whether its list is numbered.
    private func item(_ line: String) -> (text: String, isNumbered: Bool)? {
      for mark in ["- ", "* ", "+ "] where line.hasPrefix(mark) {
        return (String(line.dropFirst(2)), false)
      }
      let digits = line.prefix { $0.isASCII && $0.isNumber }
      guard !digits.isEmpty, line.dropFirst(digits.count).hasPrefix(". ") else { return nil }
      return (String(line.dropFirst(digits.count + 2)), true)
    }

    private mutating func list() -> String {
      var items: [String] = []
      let isNumbered = item(lines[at].trimmed)?.isNumbered ?? false
      while at < lines.count {
        let line = lines[at].trimmed
        if let next = item(line), next.isNumbered == isNumbered {
          items.append(next.text)
        } else if !line.isEmpty, lines[at].hasPrefix("  "), let last = items.popLast() {
          items.append(last + " " + line)
        } else {
          break
        }
        at += 1
      }
      return HTML.element(
        isNumbered ? "ol" : "ul",
        items.map { HTML.element("li", Markdown.inline($0)) }.joined()
      )
    }

    private func isTableRule(_ line: String) -> Bool {
      line.contains("-") && line.allSatisfy { "|-: ".contains($0) }
    }

    private mutating func table() -> String {
      let header = cells(lines[at])
      at += 2
      var rows = ""
      while at < lines.count, lines[at].trimmed.hasPrefix("|") {
        var row = Array(cells(lines[at]).prefix(header.count))
        row += Array(repeating: "", count: header.count - row.count)
        rows += HTML.element(
          "tr",
          row.map { HTML.element("td", Markdown.inline($0)) }.joined()
        )
        at += 1
      }
      let head = header.map { HTML.element("th", ["scope": "col"], Markdown.inline($0)) }.joined()
      let table = HTML.element(
        "table",
        HTML.element("thead", HTML.element("tr", head)) + HTML.element("tbody", rows)
      )
      return HTML.element(
        "div",
        ["class": "table", "role": "region", "tabindex": "0", "aria-label": "Table"],
        table
      )
    }

    private func cells(_ line: String) -> [String] {
      var text = line.trimmed
      if text.hasPrefix("|") { text.removeFirst() }
      if text.hasSuffix("|") { text.removeLast() }
      return text.split(separator: "|", omittingEmptySubsequences: false)
        .map { String($0).trimmed }
    }

    private mutating func quote() -> String {
      var text: [String] = []
      while at < lines.count, lines[at].trimmed.hasPrefix(">") {
        text.append(String(lines[at].trimmed.dropFirst()).trimmed)
        at += 1
      }
      return HTML.element(
        "blockquote",
        HTML.element("p", Markdown.inline(text.joined(separator: " ")))
      )
    }

    private mutating func paragraph() -> String {
      var text = [lines[at].trimmed]
      at += 1
      while at < lines.count {
        let line = lines[at].trimmed
        let isOther =
          line.isEmpty || line.hasPrefix("```") || line.hasPrefix(">") || line.hasPrefix("|")
          || heading(line) != nil || item(line) != nil
        if isOther { break }
        text.append(line)
        at += 1
      }
      return HTML.element("p", Markdown.inline(text.joined(separator: " ")))
    }
  }

  /// Emphasis, code and web links inside a line.
  static func inline(_ text: String) -> String {
    var result = ""
    var rest = Substring(text)
    while let first = rest.first {
      if let (inner, after) = enclosed(rest, "`", "`") {
        result += HTML.text("code", String(inner))
        rest = after
      } else if let (inner, after) = enclosed(rest, "**", "**") {
        result += HTML.element("strong", inline(String(inner)))
        rest = after
      } else if let (inner, after) = enclosed(rest, "*", "*"), inner.first != " " {
        result += HTML.element("em", inline(String(inner)))
        rest = after
      } else if let (label, after) = enclosed(rest, "[", "]"),
        let (target, end) = enclosed(after, "(", ")"),
        target.hasPrefix("https://") || target.hasPrefix("http://")
      {
        result += HTML.text("a", ["href": String(target), "rel": "noreferrer"], String(label))
        rest = end
      } else {
        result += HTML.escaped(String(first))
        rest = rest.dropFirst()
      }
    }
    return result
  }

  /// What stands between an opening mark at the text's start and the next closing one.
  private static func enclosed(
    _ text: Substring,
    _ open: String,
    _ close: String
  ) -> (inner: Substring, after: Substring)? {
    guard text.hasPrefix(open) else { return nil }
    let body = text.dropFirst(open.count)
    guard let end = body.range(of: close), end.lowerBound > body.startIndex else { return nil }
    return (body[..<end.lowerBound], body[end.upperBound...])
  }
}

extension String {
  fileprivate var trimmed: String { trimmingCharacters(in: .whitespaces) }
}
