/// Dates and times of headers as seconds, without time zone (PS3.5 6.2: DA, TM and DT).
enum DICOMTime {
  /// Seconds since 1970 of a date and a time, or nil when one is missing or impossible.
  static func seconds(date: String?, time: String?) -> Double? {
    guard let days = days(date), let seconds = secondsOfDay(time) else { return nil }
    return Double(days) * 86400 + seconds
  }

  /// Seconds since 1970 of a date-time; an offset from UTC is left out.
  static func seconds(dateTime: String?) -> Double? {
    guard let dateTime else { return nil }
    let local = dateTime.prefix { $0 != "+" && $0 != "-" }
    guard local.utf8.count >= 10 else { return nil }
    return seconds(date: String(local.prefix(8)), time: String(local.dropFirst(8)))
  }

  /// Seconds since midnight of `HHMMSS.FFFFFF`, cut anywhere after the hours; colons are skipped.
  static func secondsOfDay(_ time: String?) -> Double? {
    guard let time else { return nil }
    let parts = time.filter { $0 != ":" }.split(separator: ".", omittingEmptySubsequences: false)
    guard let whole = parts.first, parts.count <= 2, let digits = digits(whole),
      digits.count >= 2, digits.count % 2 == 0, digits.count <= 6
    else { return nil }
    let numbers = stride(from: 0, to: digits.count, by: 2).map { digits[$0] * 10 + digits[$0 + 1] }
    guard numbers[0] < 24, numbers.dropFirst().allSatisfy({ $0 <= 60 }) else { return nil }
    var seconds = 0.0
    for (number, unit) in zip(numbers, [3600.0, 60, 1]) { seconds += Double(number) * unit }
    if parts.count == 2 {
      guard let fraction = self.digits(parts[1].prefix(9)) else { return nil }
      seconds += fraction.reversed().reduce(0) { ($0 + Double($1)) / 10 }
    }
    return seconds
  }

  /// Days since 1970-01-01 of `YYYYMMDD`; the dots of old files are skipped.
  private static func days(_ date: String?) -> Int? {
    guard let date, let digits = digits(date.filter { $0 != "." }[...]), digits.count == 8 else {
      return nil
    }
    let year = digits[..<4].reduce(0) { $0 * 10 + $1 }
    let month = digits[4] * 10 + digits[5]
    let day = digits[6] * 10 + digits[7]
    guard (1...12).contains(month), (1...31).contains(day) else { return nil }
    // Years begin in March, so that the leap day is the last.
    let shifted = month > 2 ? year : year - 1
    let monthFromMarch = (month + 9) % 12
    let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
    return 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
  }

  private static func digits(_ text: Substring) -> [Int]? {
    var digits: [Int] = []
    for byte in text.utf8 {
      guard (48...57).contains(byte) else { return nil }
      digits.append(Int(byte) - 48)
    }
    return digits
  }
}
