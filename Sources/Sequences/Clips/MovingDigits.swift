import Foundation
import ImagingIO
import Recognition
import Support

/// Clips of digits that move, of which no single frame tells whither: to try networks of sequences on, where
/// no clips are at hand.
///
/// After the moving digits of Srivastava et al. 2015, "Unsupervised learning of video representations using
/// LSTMs", section 4.1, with a torus instead of walls and the direction as the class: a digit at a random
/// place and angle goes one of eight ways at 1 to 3 pixels a frame along each axis, so that each frame has
/// the same distribution whatever the class.
public struct MovingDigits: Sendable {
  /// Where a digit goes; the classes.
  public enum Motion: String, Sendable, CaseIterable {
    /// Towards smaller columns.
    case left
    /// Towards larger columns.
    case right
    /// Towards smaller rows.
    case up
    /// Towards larger rows.
    case down
    /// Both at once.
    case upLeft = "up-left"
    /// Both at once.
    case upRight = "up-right"
    /// Both at once.
    case downLeft = "down-left"
    /// Both at once.
    case downRight = "down-right"

    /// Rows and columns of a step of 1 pixel.
    var step: (row: Double, column: Double) {
      switch self {
      case .left: (0, -1)
      case .right: (0, 1)
      case .up: (-1, 0)
      case .down: (1, 0)
      case .upLeft: (-1, -1)
      case .upRight: (-1, 1)
      case .downLeft: (1, -1)
      case .downRight: (1, 1)
      }
    }
  }

  /// Rows and columns of a frame.
  public static let size = 32
  /// Frames of a clip, drawn from these.
  public static let frames = 8...14
  /// Image pixels for one of the frame: 28 pixels become about 17.
  private static let reduction = 1.6
  /// Every so many digits are for the test alone.
  private static let testStep = 5

  private let digits: [ImagePlanes]

  /// Reads pictures of digits.
  /// - Parameter path: A table of pixels with the digit in the last column, or another set of labelled
  ///   pictures.
  /// - Throws: What reading throws; `SequencesError.nothingToUse` for fewer than ten pictures.
  public init(path: String) throws {
    let images = try LabelledImages(path: path)
    digits = try images.items.map { try $0.read().grey }
    guard digits.count >= 10 else {
      throw SequencesError.nothingToUse(path: path, reason: "it holds fewer than ten pictures")
    }
  }

  /// Takes pictures of digits.
  /// - Parameter digits: Grey pictures on black, at least one in five and one other.
  package init(digits: [ImagePlanes]) { self.digits = digits }

  /// Makes clips: `train` and `test` with a folder for each motion, digits of the test never in training.
  /// - Parameters:
  ///   - folder: A folder that exists.
  ///   - motions: The classes.
  ///   - training: Clips of each motion to train on.
  ///   - test: Clips of each motion for the test.
  ///   - seed: Seed of every random choice.
  ///   - progress: Told about every clip.
  ///   - interruption: Looked at before each.
  /// - Throws: `SupportError.unwritable`, `.interrupted`.
  public func write(
    to folder: String,
    motions: [Motion] = Motion.allCases,
    training: Int,
    test: Int,
    seed: UInt64,
    progress: any ProgressReporter,
    interruption: Interruption
  ) throws {
    let stream = RandomStream(seed: seed).split(0x6469_6769)
    let all = motions.count * (training + test)
    var done = 0
    progress.begin("making \(all) clips", total: all)
    for (part, (name, count)) in [("train", training), ("test", test)].enumerated() {
      let own = digits.indices.filter { ($0 % Self.testStep == 0) == (name == "test") }
      for (label, motion) in motions.enumerated() {
        for number in 0..<count {
          try interruption.check()
          var random = stream.split(part, label, number)
          let digit = digits[own[Int(random.uniform() * Double(own.count))]]
          let clip = "\(folder)/\(name)/\(motion.rawValue)/\(number)"
          try Self.write(Self.clip(of: digit, motion, &random), to: clip)
          done += 1
          if done % 50 == 0 { progress.update(done, detail: nil) }
        }
      }
    }
    progress.end()
  }

  private static func write(_ frames: [[UInt8]], to folder: String) throws {
    do {
      try FileManager.default.createDirectory(
        atPath: folder,
        withIntermediateDirectories: true
      )
      for (number, pixels) in frames.enumerated() {
        let image = PNGImage(
          width: size,
          height: size,
          channels: 1,
          samples: .eightBit(pixels)
        )
        try PNGEncoder.encode(image)
          .write(to: URL(fileURLWithPath: "\(folder)/\(number).png"))
      }
    } catch let error as any ClassifiedError {
      throw error
    } catch {
      throw SupportError.unwritable(path: folder, reason: OutputGuard.reason(of: error))
    }
  }

  /// The frames of one clip, each `size` rows of `size` pixels.
  /// - Parameters:
  ///   - digit: A grey picture on black.
  ///   - motion: Where it goes.
  ///   - random: The stream to draw place, angle, speed and length from.
  /// - Returns: The frames.
  package static func clip(
    of digit: ImagePlanes,
    _ motion: Motion,
    _ random: inout RandomStream
  ) -> [[UInt8]] {
    let side = Double(size)
    let count =
      frames.lowerBound + Int(random.uniform() * Double(frames.count))
    var (row, column) = (random.uniform() * side, random.uniform() * side)
    let angle = random.uniform() * 2 * .pi
    let speed = random.uniform(in: 1..<3)
    return (0..<count).map { _ in
      defer {
        row += speed * motion.step.row
        column += speed * motion.step.column
      }
      return frame(of: digit, row: row, column: column, angle: angle)
    }
  }

  /// A digit about a place, turned clockwise (rows point down), on a torus.
  private static func frame(
    of digit: ImagePlanes,
    row: Double,
    column: Double,
    angle: Double
  ) -> [UInt8] {
    let side = Double(size)
    func wrapped(_ distance: Double) -> Double {
      distance - side * (distance / side).rounded()
    }
    let (cosine, sine) = (cos(angle) * reduction, sin(angle) * reduction)
    let (middleY, middleX) = (Double(digit.height - 1) / 2, Double(digit.width - 1) / 2)
    return (0..<size * size).map { place in
      let y = wrapped(Double(place / size) - row)
      let x = wrapped(Double(place % size) - column)
      return digit.shade(
        row: cosine * y - sine * x + middleY,
        column: cosine * x + sine * y + middleX
      )
    }
  }
}

extension ImagePlanes {
  /// Interpolated linearly, as 8 bits; 0 outside.
  fileprivate func shade(row: Double, column: Double) -> UInt8 {
    func value(_ y: Int, _ x: Int) -> Double {
      (0..<height).contains(y) && (0..<width).contains(x) ? Double(values[y * width + x]) : 0
    }
    let (top, left) = (Int(row.rounded(.down)), Int(column.rounded(.down)))
    let (down, right) = (row - Double(top), column - Double(left))
    let upper = value(top, left) * (1 - right) + value(top, left + 1) * right
    let lower = value(top + 1, left) * (1 - right) + value(top + 1, left + 1) * right
    return UInt8(min(255, max(0, (upper * (1 - down) + lower * down).rounded())))
  }
}
