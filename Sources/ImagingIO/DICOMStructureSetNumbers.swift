import Foundation

/// Decimal strings of coordinates, of which structure sets have millions.
package enum DICOMCoordinates {
  private static let powers: [Double] = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]

  /// Numbers with backslashes between.
  /// - Parameters:
  ///   - values: Finite numbers.
  ///   - decimals: Digits after the point, 0 to 9; zeros at the end are left out.
  /// - Returns: At most 16 characters for each.
  package static func text(_ values: [Double], decimals: Int) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(values.count * 10)
    for value in values {
      if !bytes.isEmpty { bytes.append(UInt8(ascii: "\\")) }
      append(value, decimals: decimals, to: &bytes)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends a number in at most 16 characters.
  /// - Parameters:
  ///   - value: A finite number.
  ///   - decimals: Digits after the point, 0 to 9; zeros at the end are left out.
  ///   - bytes: Where the characters go.
  private static func append(_ value: Double, decimals: Int, to bytes: inout [UInt8]) {
    let scaled = (value * powers[decimals]).rounded()
    // Sixteen characters: a sign, a point and fourteen digits.
    guard abs(scaled) < 1e14 else {
      bytes += DICOMDataSet.decimalString(value).utf8
      return
    }
    var rest = UInt64(abs(scaled))
    var place = 0
    while place < decimals, rest % 10 == 0 {
      rest /= 10
      place += 1
    }
    var digits: [UInt8] = []
    digits.reserveCapacity(16)
    for position in place... {
      if position == decimals {
        if !digits.isEmpty { digits.append(UInt8(ascii: ".")) }
        if rest == 0 { digits.append(UInt8(ascii: "0")) }
      }
      if position >= decimals, rest == 0 { break }
      digits.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    }
    if scaled < 0 { digits.append(UInt8(ascii: "-")) }
    bytes += digits.reversed()
  }

  /// The numbers of a value.
  /// - Parameter bytes: Numbers with backslashes between and spaces around.
  /// - Returns: Nil when one is missing, is not finite, or is something else.
  static func numbers(_ bytes: [UInt8]) -> [Double]? {
    var numbers: [Double] = []
    let isWhole = (bytes + [0]).withUnsafeBytes { raw -> Bool in
      guard let start = raw.bindMemory(to: CChar.self).baseAddress else { return false }
      var place = 0
      while true {
        var end: UnsafeMutablePointer<CChar>?
        let number = strtod(start + place, &end)
        guard let end, number.isFinite else { return false }
        var next = UnsafePointer(end) - start
        guard next > place else { return false }
        numbers.append(number)
        while next < bytes.count, bytes[next] == 0x20 || bytes[next] == 0 { next += 1 }
        if next >= bytes.count { return true }
        guard bytes[next] == UInt8(ascii: "\\") else { return false }
        place = next + 1
      }
    }
    return isWhole ? numbers : nil
  }
}
