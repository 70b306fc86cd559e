import Foundation

/// What a plain scalar stands for.
enum YAMLScalar {
  /// The value that PyYAML's safe loader gives, by the tables of YAML 1.1.
  static func value(_ text: String) -> JSONTree {
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": return .bool(true)
    case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": return .bool(false)
    case ".nan", ".NaN", ".NAN": return .number(.nan)
    default: return number(text).map { .number($0) } ?? .text(text)
    }
  }

  private static func number(_ text: String) -> Double? {
    guard let first = text.utf8.first, "+-.0123456789".utf8.contains(first) else { return nil }
    let isNegative = first == UInt8(ascii: "-")
    var body = text[...]
    if "+-".utf8.contains(first) { body = body.dropFirst() }
    func signed(_ value: Double?) -> Double? { value.map { isNegative ? -$0 : $0 } }
    if [".inf", ".Inf", ".INF"].contains(body) { return signed(.infinity) }
    let digits = body.replacingOccurrences(of: "_", with: "")
    func whole(_ digits: Substring, _ radix: Int) -> Double? {
      guard digits.first.map({ $0 != "+" && $0 != "-" }) ?? false else { return nil }
      return Int(digits, radix: radix).map(Double.init)
    }
    guard !body.hasPrefix("_"), !body.hasPrefix("._"), !digits.isEmpty else { return nil }
    // A fraction without a digit before its point has no sign.
    if body.hasPrefix("."), body.count < text.count { return nil }
    if digits.hasPrefix("0b") { return signed(whole(digits.dropFirst(2), 2)) }
    if digits.hasPrefix("0x") { return signed(whole(digits.dropFirst(2), 16)) }
    if digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      // A leading zero means octal digits; 08 is none and stays a text.
      let isOctal = digits.count > 1 && digits.hasPrefix("0")
      return signed(isOctal ? whole(digits[...], 8) : Double(digits))
    }
    if digits.contains(":") { return signed(sexagesimal(digits)) }
    // A fraction needs its point, an exponent its sign.
    let parts = digits.split(
      maxSplits: 1,
      omittingEmptySubsequences: false,
      whereSeparator: { "eE".contains($0) }
    )
    let mantissa = parts[0]
    let isMantissa =
      mantissa.count { $0 == "." } == 1 && mantissa.utf8.contains { $0 != 0x2E }
      && mantissa.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
    guard isMantissa else { return nil }
    if parts.count == 2 {
      let exponent = parts[1]
      guard let sign = exponent.first, "+-".contains(sign), exponent.count > 1,
        exponent.dropFirst().utf8.allSatisfy({ (0x30...0x39).contains($0) })
      else { return nil }
    }
    let padded = (mantissa.hasPrefix(".") ? "0" : "") + digits
    return signed(Double(mantissa.hasSuffix(".") ? padded.replacing(".", with: ".0") : padded))
  }

  /// Numbers to the base of 60, such as 1:30.
  private static func sexagesimal(_ digits: String) -> Double? {
    let parts = digits.split(separator: ":", omittingEmptySubsequences: false)
    guard let first = parts.first, first.first != "0" || first == "0" else { return nil }
    var value = 0.0
    for (index, part) in parts.enumerated() {
      let isLast = index == parts.count - 1
      let pieces = part.split(separator: ".", omittingEmptySubsequences: false)
      guard pieces.count == 1 || pieces.count == 2 && isLast,
        let head = pieces.first, !head.isEmpty,
        pieces.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
        let number = Double(pieces.count == 2 && pieces[1].isEmpty ? String(head) : String(part)),
        index == 0 || number < 60 && head.count <= 2
      else { return nil }
      value = value * 60 + number
    }
    return parts.count > 1 ? value : nil
  }
}
