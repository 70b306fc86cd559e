import Transforms

/// What the user decides about slices that are made thinner.
package struct ThickSliceSettings: Sendable, Equatable {
  /// How long the network learns.
  package enum Duration: Sendable, Equatable {
    /// Steps of the optimiser; equal runs give equal images.
    case steps(Int)
    /// Minutes of wall time; how many steps that are depends on the machine.
    case minutes(Double)
  }

  /// How long the network learns.
  package var duration = Duration.steps(1500)
  /// Voxels for each slice; nil for as many as make their distance that of pixels.
  package var ratio: Double?
  /// Thickness of slices, mm; nil for their distance.
  package var thicknessMM: Double?
  /// The sensitivity of a slice along its axis.
  package var profile = SliceThickening.Profile.box
  /// Seed of every random choice.
  package var seed: UInt64 = 1

  /// Creates the defaults that the properties show.
  package init() {}

  /// Reads settings such as `minutes=3,profile=gaussian`.
  /// - Parameter text: Names and values, separated by commas; none when empty.
  /// - Throws: `EnhancementError.wrongParameter`.
  package init(_ text: Substring) throws(EnhancementError) {
    var seen: Set<Substring> = []
    for setting in text.split(separator: ",") {
      let sides = setting.split(separator: "=", omittingEmptySubsequences: false)
      guard sides.count == 2, seen.insert(sides[0]).inserted else {
        throw Self.wrong("\(setting) is not one name and one value, as minutes=3")
      }
      try set(sides[0], to: sides[1])
    }
    if seen.contains("steps"), seen.contains("minutes") {
      throw Self.wrong("steps and minutes are two ways to say the same; leave out one")
    }
  }

  private static func wrong(_ reason: String) -> EnhancementError {
    .wrongParameter(stage: ThickSliceStage.name, reason: reason)
  }

  private mutating func set(_ name: Substring, to text: Substring) throws(EnhancementError) {
    func number(_ range: ClosedRange<Double>) throws(EnhancementError) -> Double {
      guard let value = Double(text), range.contains(value) else {
        throw Self.wrong("\(name) is \(range.lowerBound) to \(range.upperBound), not \(text)")
      }
      return value
    }
    switch name {
    case "minutes": duration = .minutes(try number(0.05...1440))
    case "steps": duration = .steps(Int(try number(1...1_000_000)))
    case "ratio": ratio = try number(1.1...SliceArrangement.largestRatio)
    case "thickness": thicknessMM = try number(0.1...100)
    case "seed": seed = UInt64(try number(0...1e15))
    case "profile":
      guard let found = SliceThickening.Profile(rawValue: String(text)) else {
        let known = SliceThickening.Profile.allCases.map(\.rawValue).joined(separator: " or ")
        throw Self.wrong("profile is \(known), not \(text)")
      }
      profile = found
    default:
      throw Self.wrong(
        "it has no \(name); it has minutes, steps, ratio, thickness, profile and seed"
      )
    }
  }

  /// The settings in a few words.
  var summary: String {
    var words: [String] = []
    switch duration {
    case .steps(let steps): words.append("\(steps) steps")
    case .minutes(let minutes): words.append("\(minutes) minutes")
    }
    if let ratio { words.append("\(ratio) voxels for each slice") }
    words.append(thicknessMM.map { "slices \($0) mm thick" } ?? "slices as thick as far apart")
    words += ["\(profile.rawValue) profile", "seed \(seed)"]
    return words.joined(separator: ", ")
  }
}
