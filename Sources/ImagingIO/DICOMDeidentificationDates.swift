/// Dates (DA) and date-times (DT) of PS3.5 6.2, moved by whole days.
package enum DICOMDeidentificationDates {
  /// A date or date-time some days earlier; the time of day and the precision stay.
  ///
  /// Dates with dots (ACR-NEMA) lose them. A year or month alone is moved from its first day.
  /// - Returns: Nil when the text is no date, or would leave the years 1 to 9999.
  package static func moved(_ text: String, daysBack: Int) -> String? {
    var bytes = Array(text.utf8)
    if bytes.count == 10, bytes[4] == dot, bytes[7] == dot {
      bytes = Array(bytes[0..<4] + bytes[5..<7] + bytes[8...])
    }
    let digits = bytes.prefix { (0x30...0x39).contains($0) }.count
    guard digits == 4 || digits == 6 || digits >= 8 else { return nil }
    let precision = min(digits, 8)
    let rest = bytes.dropFirst(precision)
    guard rest.count <= 18,
      rest.allSatisfy({ (0x30...0x39).contains($0) || "+-.".utf8.contains($0) })
    else { return nil }
    let year = number(bytes[0..<4])
    let month = precision > 4 ? number(bytes[4..<6]) : 1
    let day = precision > 6 ? number(bytes[6..<8]) : 1
    guard year >= 1, (1...12).contains(month), (1...length(ofMonth: month, year)).contains(day)
    else { return nil }
    let moved = date(ofDay: self.day(year, month, day) - daysBack)
    guard (1...9999).contains(moved.year) else { return nil }
    let written = padded(moved.year, 4) + padded(moved.month, 2) + padded(moved.day, 2)
    return written.prefix(precision) + String(decoding: rest, as: UTF8.self)
  }

  private static let dot = UInt8(ascii: ".")

  private static func number(_ digits: ArraySlice<UInt8>) -> Int {
    digits.reduce(0) { $0 * 10 + Int($1) - 0x30 }
  }

  private static func padded(_ value: Int, _ width: Int) -> String {
    let digits = String(value)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }

  private static func isLeap(_ year: Int) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
  }

  private static func length(ofMonth month: Int, _ year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  private static func day(ofYear year: Int) -> Int {
    let before = year - 1
    return 365 * before + before / 4 - before / 100 + before / 400
  }

  /// Days from the first of January of the year 1 (Gregorian throughout).
  private static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
    self.day(ofYear: year) + (1..<month).reduce(0) { $0 + length(ofMonth: $1, year) } + day - 1
  }

  private static func date(ofDay number: Int) -> (year: Int, month: Int, day: Int) {
    guard number >= 0 else { return (0, 1, 1) }
    var year = number / 366 + 1
    while day(ofYear: year + 1) <= number { year += 1 }
    var rest = number - day(ofYear: year)
    var month = 1
    while rest >= length(ofMonth: month, year) {
      rest -= length(ofMonth: month, year)
      month += 1
    }
    return (year, month, rest + 1)
  }
}
