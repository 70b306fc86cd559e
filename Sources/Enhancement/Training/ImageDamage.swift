import Foundation
import Support

/// Damage that is done to clean images, plane by plane, on a scale on which they are 0 to 1: what time
/// does to photographs, and what goes wrong while a scan is taken.
///
/// The numbers of a sample are drawn first; what is done follows from them alone. Marks are as dense
/// in a piece as in a whole image, and as large, so that pieces may be trained on.
public struct ImageDamage: Codable, Sendable, Equatable {
  /// What is done.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// Thin lines, bright or dark, mostly upright.
    case scratches
    /// Stains and bleached spots with soft edges.
    case blotches
    /// Less contrast, unevenly.
    case fading
    /// The blocks of JPEG files: a cosine transform of 8 x 8 pixels, coarsely rounded.
    case compression
    /// Fading, blotches, scratches, grain and compression together.
    case oldPhotograph = "old-photograph"
    /// A regular pattern along one axis, as of interference or of detectors that differ.
    case stripes
    /// Rows or columns without signal.
    case droppedLines = "dropped-lines"
    /// Waves over the whole plane: single false values in the k-space of MR.
    case spikes
    /// A line of alternating bright and dark: a radio frequency that leaks into an MR scan.
    case zipper
    /// One to three of stripes, dropped lines, spikes and zipper, and grain.
    case scanFaults = "scan-faults"
  }

  /// The numbers of one sample.
  package struct Parameters: Sendable, Equatable {
    /// How strong, 0 to 1.
    package let level: Double
    /// Seed of the sample's marks.
    package let seed: UInt64
  }

  /// What is done.
  public var kind: Kind
  /// The weakest, 0 to 1.
  public var lowest: Double
  /// The strongest, 0 to 1.
  public var highest: Double

  /// Creates a range of damage.
  /// - Parameters:
  ///   - kind: What is done.
  ///   - lowest: The weakest, 0 to 1.
  ///   - highest: The strongest, 0 to 1.
  public init(kind: Kind, lowest: Double = 0.2, highest: Double = 1) {
    (self.kind, self.lowest, self.highest) = (kind, lowest, highest)
  }

  /// Draws the numbers of a sample; strengths are uniform over the range.
  /// - Parameter random: The stream to draw from.
  /// - Returns: The numbers.
  package func draw(_ random: inout RandomStream) -> Parameters {
    let share = random.uniform()
    return Parameters(level: lowest + share * (highest - lowest), seed: random.next())
  }

  /// The numbers of damage in the middle of the range.
  /// - Parameter seed: The marks' seed.
  /// - Returns: The numbers.
  package func middle(seed: UInt64) -> Parameters {
    Parameters(level: (lowest + highest) / 2, seed: seed)
  }

  /// Damages planes, each with marks of its own.
  /// - Parameters:
  ///   - parameters: The sample's numbers.
  ///   - values: The clean values, rows fastest, one plane after another, changed in place.
  ///   - width: Columns.
  ///   - height: Rows.
  /// - Precondition: Whole planes.
  package func apply(
    _ parameters: Parameters,
    to values: inout [Float],
    width: Int,
    height: Int
  ) {
    let area = width * height
    precondition(
      area > 0 && values.count % area == 0,
      "\(values.count) values of planes of \(area)"
    )
    let stream = RandomStream(seed: parameters.seed)
    for plane in 0..<values.count / area {
      var random = stream.split(plane)
      var canvas = DamagedPlane(
        values: Array(values[plane * area..<(plane + 1) * area]),
        width: width,
        height: height
      )
      for part in parts(&random) { canvas.apply(part, level: parameters.level, &random) }
      values.replaceSubrange(plane * area..<(plane + 1) * area, with: canvas.values)
    }
  }

  private func parts(_ random: inout RandomStream) -> [DamagedPlane.Part] {
    switch kind {
    case .scratches: return [.scratches]
    case .blotches: return [.blotches]
    case .fading: return [.fading]
    case .compression: return [.compression]
    case .oldPhotograph: return [.fading, .blotches, .grain, .scratches, .compression]
    case .stripes: return [.stripes]
    case .droppedLines: return [.droppedLines]
    case .spikes: return [.spikes]
    case .zipper: return [.zipper]
    case .scanFaults:
      let all: [DamagedPlane.Part] = [.stripes, .droppedLines, .spikes, .zipper]
      let count = 1 + Int(random.uniform() * 3)
      return all.shuffled(using: &random).prefix(count) + [.grain]
    }
  }

  /// Checks values that came from arguments or a file.
  /// - Throws: `EnhancementError.unfitTraining`.
  func check() throws(EnhancementError) {
    guard 0 <= lowest, lowest <= highest, highest > 0, highest <= 1 else {
      throw .unfitTraining(
        reason: "damage of \(100 * lowest) to \(100 * highest) % is out of range"
      )
    }
  }
}
