/// The logistic function and its inverse in whole numbers, so that every machine finds the same.
enum Logistic {
  /// The unit of the function's argument.
  static let one = 256
  /// The largest argument.
  static let limit = 12 * one - 1
  /// 65536 / (1 + exp(-x)) at x = -12, -11.5, ..., 12, at least 1.
  private static let table = [
    1, 1, 1, 2, 3, 5, 8, 13, 22, 36, 60,
    98, 162, 267, 439, 720, 1179, 1921, 3108, 4971, 7812, 11955,
    17625, 24743, 32768, 40793, 47911, 53581, 57724, 60565, 62428, 63615, 64357,
    64816, 65097, 65269, 65374, 65438, 65476, 65500, 65514, 65523, 65528, 65531,
    65533, 65534, 65535, 65535, 65535,
  ]

  /// The probability in units of 2^-16, between points of the table on straight lines.
  /// - Parameter x: In units of 1 / 256.
  /// - Returns: 1 to 65535.
  @inline(__always)
  static func probability(_ x: Int) -> Int {
    let place = min(max(x, -limit), limit) + 12 * one
    let (index, rest) = (place >> 7, place & 127)
    return (table[index] * (128 - rest) + table[index + 1] * rest) >> 7
  }

  /// The inverse for probabilities in units of 2^-12: the least x whose probability reaches each.
  static let arguments: [Int16] = {
    var result = [Int16](repeating: 0, count: 4096)
    var place = 0
    for x in -limit...limit {
      let reached = probability(x) >> 4
      while place <= reached, place < 4096 {
        result[place] = Int16(x)
        place += 1
      }
    }
    while place < 4096 {
      result[place] = Int16(limit)
      place += 1
    }
    return result
  }()
}
