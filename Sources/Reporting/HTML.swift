/// Pieces of HTML text; everything that is not markup of our own is escaped here and only here.
enum HTML {
  /// Text as it may stand in an element or in a quoted attribute.
  ///
  /// Control characters that HTML forbids become U+FFFD.
  static func escaped(_ text: String) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n": result.unicodeScalars.append(scalar)
      case "\u{0}"..<" ", "\u{7F}"..<"\u{A0}": result += "\u{FFFD}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// An element around markup.
  /// - Parameters:
  ///   - name: The tag's name.
  ///   - attributes: Names and values; the values are escaped.
  ///   - content: Markup that is escaped already.
  /// - Returns: The element's markup.
  static func element(
    _ name: String,
    _ attributes: KeyValuePairs<String, String>,
    _ content: String
  ) -> String {
    "<\(name)\(list(attributes))>\(content)</\(name)>"
  }

  /// An element without attributes around markup.
  static func element(_ name: String, _ content: String) -> String { element(name, [:], content) }

  /// An element without content, such as `img`.
  static func void(_ name: String, _ attributes: KeyValuePairs<String, String>) -> String {
    "<\(name)\(list(attributes))>"
  }

  /// An element around plain text.
  static func text(
    _ name: String,
    _ attributes: KeyValuePairs<String, String>,
    _ text: String
  ) -> String {
    element(name, attributes, escaped(text))
  }

  /// An element without attributes around plain text.
  static func text(_ name: String, _ text: String) -> String { element(name, [:], escaped(text)) }

  private static func list(_ attributes: KeyValuePairs<String, String>) -> String {
    attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined()
  }
}
