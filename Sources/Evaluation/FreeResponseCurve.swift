/// Lesion sensitivity against false alarms per scan (FROC).
///
/// A found lesion is a candidate mark that hits it; further marks on a lesion that is found already
/// count nothing, marks that hit none are false alarms (Bunch et al. 1977; the rule of the LUNA16
/// challenge, Setio et al. 2017).
public struct FreeResponseCurve: Equatable, Sendable {
  /// A mark of the detector.
  public struct Mark: Equatable, Sendable {
    /// The detector's confidence.
    public let score: Double
    /// The lesion that the mark hits, by a number of its own among all scans; nil for a false
    /// alarm.
    public let lesion: Int?

    /// Creates a mark.
    /// - Parameters:
    ///   - score: The detector's confidence.
    ///   - lesion: The lesion that the mark hits, by a number of its own among all scans.
    public init(score: Double, lesion: Int?) {
      self.score = score
      self.lesion = lesion
    }
  }

  /// The false alarms per scan of each threshold, rising; 0 first.
  public let falseAlarms: [Double]
  /// The share of lesions found at each threshold.
  public let sensitivities: [Double]

  /// The usual false alarms per scan of the score: 1/8, 1/4, 1/2, 1, 2, 4 and 8.
  public static let usualFalseAlarms = [0.125, 0.25, 0.5, 1, 2, 4, 8]

  /// Draws the curve; nil without a lesion or scan.
  /// - Parameters:
  ///   - marks: The marks of all scans.
  ///   - lesionCount: The lesions of all scans, found or not.
  ///   - scanCount: The scans, those without marks too.
  public init?(marks: [Mark], lesionCount: Int, scanCount: Int) {
    guard lesionCount > 0, scanCount > 0 else { return nil }
    let ordered = marks.sorted { $0.score > $1.score }
    var found = Set<Int>()
    var alarms = 0
    var curve = [(0.0, 0.0)]
    for (rank, mark) in ordered.enumerated() {
      if let lesion = mark.lesion { found.insert(lesion) } else { alarms += 1 }
      if rank + 1 == ordered.count || ordered[rank + 1].score < mark.score {
        curve.append(
          (Double(alarms) / Double(scanCount), Double(found.count) / Double(lesionCount))
        )
      }
    }
    falseAlarms = curve.map(\.0)
    sensitivities = curve.map(\.1)
  }

  /// The sensitivity at a rate of false alarms, with linear interpolation.
  /// - Parameter rate: False alarms per scan.
  /// - Returns: The highest sensitivity at exactly the rate, the last one beyond the curve's end.
  public func sensitivity(atFalseAlarms rate: Double) -> Double {
    guard let next = falseAlarms.firstIndex(where: { $0 > rate }) else {
      return sensitivities[sensitivities.count - 1]
    }
    guard next > 0 else { return 0 }
    let width = falseAlarms[next] - falseAlarms[next - 1]
    let share = (rate - falseAlarms[next - 1]) / width
    return sensitivities[next - 1] + share * (sensitivities[next] - sensitivities[next - 1])
  }

  /// The mean sensitivity at the usual rates of false alarms.
  public var score: Double {
    Self.usualFalseAlarms.reduce(0) { $0 + sensitivity(atFalseAlarms: $1) }
      / Double(Self.usualFalseAlarms.count)
  }
}
