/// The exponential function by additions, multiplications and divisions alone, whose bits IEEE 754 defines;
/// those of system libraries differ.
enum ExactExponential {
  private static let (ln2, terms) = (0.693_147_180_559_945_3, 20)

  /// e to the power of a number.
  /// - Parameter x: Between -700 and 700; beyond, the ends.
  /// - Returns: The power, to about 15 digits.
  static func value(_ x: Double) -> Double {
    let limited = min(max(x, -700), 700)
    let octaves = (limited / ln2).rounded()
    let rest = limited - octaves * ln2
    var (sum, term) = (1.0, 1.0)
    for index in 1...terms {
      term = term * rest / Double(index)
      sum += term
    }
    return sum * Double(sign: .plus, exponent: Int(octaves), significand: 1)
  }
}
