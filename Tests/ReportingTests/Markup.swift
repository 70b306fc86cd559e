/// A small checker of the pages' markup: elements nest and close, attributes are quoted.
enum Markup {
  private static let void: Set = ["meta", "link", "img", "br", "hr", "input"]

  /// What is wrong with a page, first of all; empty when it is well-formed.
  static func problems(_ page: String) -> [String] {
    var open: [String] = []
    var problems: [String] = []
    var rest = page[...]
    while let start = rest.firstIndex(of: "<") {
      guard let end = rest[start...].firstIndex(of: ">") else { return problems + ["no >"] }
      let tag = rest[rest.index(after: start)..<end]
      rest = rest[rest.index(after: end)...]
      if tag.hasPrefix("!") { continue }
      if tag.contains("<") { problems.append("a < inside <\(tag.prefix(60))>") }
      if tag.hasPrefix("/") {
        if open.popLast() != String(tag.dropFirst()) { problems.append("<\(tag)> closes another") }
        continue
      }
      let name = String(tag.prefix { !" /".contains($0) })
      if tag.count(where: { $0 == "\"" }) % 2 != 0 { problems.append("quotes in <\(tag)>") }
      if name == "style" || name == "script" {
        guard let close = rest.firstRange(of: "</\(name)>") else { return problems + [name] }
        rest = rest[close.upperBound...]
        continue
      }
      if !void.contains(name), !tag.hasSuffix("/") { open.append(name) }
    }
    return problems + open.map { "<\($0)> stays open" }
  }

  /// The names of the elements of a page, each once.
  static func elementNames(_ page: String) -> Set<String> {
    var page = page
    // What stands in a program is no element.
    while let from = page.firstRange(of: "<script"),
      let to = page[from.upperBound...].firstRange(of: "</script>")
    {
      page.removeSubrange(from.lowerBound..<to.upperBound)
    }
    return Set(
      page.split(separator: "<").dropFirst().map {
        String($0.prefix { $0.isLetter || $0.isNumber })
      }
    )
  }
}
