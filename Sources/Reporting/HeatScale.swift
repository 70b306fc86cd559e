/// The colours of evidence, from none to the most of a picture.
public enum HeatScale {
  /// How much the strongest evidence hides of what lies below.
  public static let opacity = 0.6

  private static let stops: [SIMD3<Double>] = [[40, 90, 200], [250, 210, 60], [220, 30, 30]]

  /// From blue over yellow to red.
  /// - Parameter share: 0 to 1; what is beyond counts as the nearer end.
  /// - Returns: Red, green and blue, 0 to 255.
  public static func color(_ share: Double) -> SIMD3<Double> {
    let place = min(max(share, 0), 1) * 2
    let index = min(1, Int(place))
    return stops[index] + (stops[index + 1] - stops[index]) * (place - Double(index))
  }

  /// A colour with evidence laid over it; without evidence the colour itself.
  /// - Parameters:
  ///   - share: The evidence, 0 to 1.
  ///   - color: Red, green and blue, 0 to 255.
  /// - Returns: Red, green and blue, 0 to 255.
  public static func laid(_ share: Double, over color: SIMD3<Double>) -> SIMD3<Double> {
    color + (self.color(share) - color) * (opacity * min(max(share, 0), 1))
  }
}
