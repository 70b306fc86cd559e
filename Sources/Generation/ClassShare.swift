/// How many labelled images of a class a share of them is.
enum ClassShare {
  /// - Parameters:
  ///   - share: Above 0, at most 1.
  ///   - count: The images of the class.
  /// - Returns: The nearest number, at least 1, so that no class vanishes.
  static func count(_ share: Double, of count: Int) -> Int {
    max(1, Int((share * Double(count)).rounded()))
  }
}
