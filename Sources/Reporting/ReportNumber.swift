import Evaluation
import Foundation

/// Numbers as people read them, the same in every table, chart and sentence.
///
/// A negative number has a true minus sign; the unit follows after a narrow no-break space.
public enum ReportNumber {
  /// What stands where a value is undefined.
  public static let undefined = "\u{2014}"

  /// A number with a fixed count of decimals.
  /// - Parameters:
  ///   - value: A finite number.
  ///   - decimals: Digits after the point.
  /// - Returns: Such as "0.871".
  public static func fixed(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return undefined }
    let text = String(format: "%.\(decimals)f", value)
    guard text.hasPrefix("-") else { return text }
    let digits = text.dropFirst()
    return digits.allSatisfy { $0 == "0" || $0 == "." } ? String(digits) : "\u{2212}" + digits
  }

  /// A number with about the given count of significant digits, without an exponent.
  /// - Parameters:
  ///   - value: A finite number.
  ///   - digits: Significant digits, at least 1.
  /// - Returns: Such as "12.3" or "1240".
  public static func significant(_ value: Double, _ digits: Int = 3) -> String {
    guard value != 0, value.isFinite else { return fixed(value, 0) }
    let magnitude = Int(log10(abs(value)).rounded(.down))
    return fixed(value, min(max(0, digits - 1 - magnitude), 6))
  }

  /// A number of two significant digits, with a power of ten when it is below 0.001.
  /// - Parameter value: A finite number, at least 0.
  /// - Returns: Such as "0.25" or "1.2\u{202F}\u{00D7}\u{202F}10" with the power raised.
  public static func scientific(_ value: Double) -> String {
    guard value > 0, value < 0.001 else { return significant(value, 2) }
    let parts = String(format: "%.1e", value).split(separator: "e")
    guard parts.count == 2, let exponent = Int(parts[1]) else { return significant(value, 2) }
    let raised = String(exponent).map { digit in
      digit.wholeNumberValue.map {
        String(
          Array("\u{2070}\u{B9}\u{B2}\u{B3}\u{2074}\u{2075}\u{2076}\u{2077}\u{2078}\u{2079}")[$0]
        )
      }
        ?? "\u{207B}"
    }
    return "\(parts[0])\u{202F}\u{00D7}\u{202F}10" + raised.joined()
  }

  /// A volume: "0.045", "3.41", "27.5", "1432".
  /// - Parameter value: Millilitres.
  /// - Returns: The number without its unit.
  public static func millilitres(_ value: Double) -> String {
    switch abs(value) {
    case ..<0.0995: fixed(value, 3)
    case ..<9.995: fixed(value, 2)
    case ..<99.95: fixed(value, 1)
    default: fixed(value, 0)
    }
  }

  /// A value of a metric, without its unit.
  /// - Parameters:
  ///   - value: The value.
  ///   - metric: The metric, which says how many digits make sense.
  /// - Returns: The number.
  public static func metric(_ value: Double, _ metric: Metric) -> String {
    switch metric.unit {
    case "mm", "dB": fixed(value, 2)
    case "ml": millilitres(value)
    default: metric.isImageMetric ? significant(value, 4) : fixed(value, 3)
    }
  }

  /// A duration: "0.42 s", "12 s", "3 min 05 s", "2 h 07 min".
  /// - Parameter seconds: Seconds.
  /// - Returns: The duration with its units.
  public static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0 else { return undefined }
    let whole = Int(min(seconds, 1e9).rounded())
    switch whole {
    case ..<10: return with(significant(seconds, 2), unit: "s")
    case ..<60: return with("\(whole)", unit: "s")
    case ..<3600:
      return with("\(whole / 60)", unit: "min") + " "
        + with(String(format: "%02d", whole % 60), unit: "s")
    default:
      return with("\(whole / 3600)", unit: "h") + " "
        + with(String(format: "%02d", whole / 60 % 60), unit: "min")
    }
  }

  /// A number and its unit, which never part at a line's end.
  /// - Parameters:
  ///   - number: The number's text.
  ///   - unit: The unit; may be empty.
  /// - Returns: Such as "3.41 ml".
  public static func with(_ number: String, unit: String) -> String {
    unit.isEmpty ? number : "\(number)\u{202F}\(unit)"
  }
}
