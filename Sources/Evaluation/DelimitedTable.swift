import Foundation

/// A table of text with a header, as spreadsheets write it: RFC 4180, also with semicolons or tabs.
package struct DelimitedTable: Equatable, Sendable {
  /// What is wrong with a text that is no table.
  package struct Fault: Error, Equatable {
    /// A clause, such as "row 3 has 2 cells instead of 4".
    package let reason: String
  }

  /// The names of the columns, without surrounding space.
  package let columns: [String]
  /// The rows, each with as many cells as there are columns, without surrounding space.
  package let rows: [[String]]

  /// Reads a table.
  ///
  /// Empty lines are passed over; a byte order mark is too.
  /// - Parameter data: UTF-8.
  /// - Throws: `Fault`.
  package init(_ data: Data) throws(Fault) {
    guard var text = String(data: data, encoding: .utf8) else {
      throw Fault(reason: "it is not UTF-8 text")
    }
    if text.hasPrefix("\u{FEFF}") { text.removeFirst() }
    let header = text.prefix { !$0.isNewline }
    let separator = [",", ";", "\t"].map { Character($0) }.max { a, b in
      header.count { $0 == a } < header.count { $0 == b }
    }
    let lines = try Self.lines(text, separator: separator ?? ",")
    guard let first = lines.first else { throw Fault(reason: "it is empty") }
    var seen = Set<String>()
    for name in first {
      guard !name.isEmpty else { throw Fault(reason: "a column has no name") }
      guard seen.insert(name.lowercased()).inserted else {
        throw Fault(reason: "the column \"\(name)\" stands twice")
      }
    }
    for (index, row) in lines.enumerated() where row.count != first.count {
      throw Fault(reason: "row \(index + 1) has \(row.count) cells instead of \(first.count)")
    }
    columns = first
    rows = Array(lines.dropFirst())
  }

  /// The place of a column, in any case of letters.
  package func column(_ name: String) -> Int? {
    columns.firstIndex { $0.lowercased() == name.lowercased() }
  }

  private static func lines(_ text: String, separator: Character) throws(Fault) -> [[String]] {
    var lines: [[String]] = []
    var row: [String] = []
    var cell = ""
    var isQuoted = false
    var wasQuoted = false
    func finished() -> String {
      wasQuoted ? cell : cell.trimmingCharacters(in: .whitespaces)
    }
    var characters = text.makeIterator()
    var next = characters.next()
    while let character = next {
      next = characters.next()
      if isQuoted {
        if character == "\"", next == "\"" {
          cell.append("\"")
          next = characters.next()
        } else if character == "\"" {
          isQuoted = false
        } else {
          cell.append(character)
        }
      } else if character == "\"", cell.allSatisfy(\.isWhitespace) {
        cell = ""
        (isQuoted, wasQuoted) = (true, true)
      } else if character == separator || character.isNewline {
        row.append(finished())
        (cell, wasQuoted) = ("", false)
        if character.isNewline {
          if row != [""] { lines.append(row) }
          row = []
        }
      } else {
        cell.append(character)
      }
    }
    guard !isQuoted else { throw Fault(reason: "a quoted cell does not end") }
    row.append(finished())
    if row != [""] { lines.append(row) }
    return lines
  }
}
