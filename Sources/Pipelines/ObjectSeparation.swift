import Imaging
import Transforms

/// Turns probabilities of background, inside and border into numbered objects.
///
/// Foreground is where inside and border together are likely. Connected parts of what is likely inside
/// are seeds; from these the foreground is flooded, most likely inside first (`Watershed`). Foreground
/// that no seed reaches is an object of its own.
public struct ObjectSeparation: Codable, Sendable, Equatable {
  /// How many of an object's outermost pixels the network learns as its border.
  public var borderWidth = 2
  /// The least probability of inside and border together in foreground.
  public var foregroundThreshold: Float = 0.5
  /// The least probability of inside in a seed.
  public var seedThreshold: Float = 0.6
  /// The fewest pixels of a seed.
  public var minimumSeedPixels = 3
  /// The fewest pixels of an object; smaller ones become background.
  public var minimumPixels = 10

  /// Creates the defaults that the properties show.
  public init() {}

  /// The classes of the network: background, inside, border.
  static let classCount = 3

  /// Checks values that came from a file.
  /// - Throws: `PipelinesError.invalidPlan` naming the value that is out of range.
  func check() throws(PipelinesError) {
    guard (0...64).contains(borderWidth), (0...1).contains(foregroundThreshold),
      (0...1).contains(seedThreshold), (1...1_000_000).contains(minimumSeedPixels),
      (1...1_000_000).contains(minimumPixels)
    else { throw .invalidPlan(reason: "its separation of objects is \(self)") }
  }

  /// The objects of a picture.
  ///
  /// Pixels are neighbours over their sides; seeds' too, so that a thin border divides.
  /// - Parameters:
  ///   - probabilities: `[background, inside, border][row][column]`.
  ///   - width: Columns.
  ///   - height: Rows.
  /// - Returns: The object of each pixel, 0 for background, numbered in the order of their first pixels;
  ///   nil when there are more than 65535.
  /// - Precondition: Three values for each pixel.
  package func objects(in probabilities: [Float], width: Int, height: Int) -> [UInt16]? {
    let plane = width * height
    precondition(
      probabilities.count == Self.classCount * plane,
      "\(probabilities.count) probabilities for \(width) x \(height) pixels"
    )
    let size = SIMD3(width, height, 1)
    let inside = Array(probabilities[plane..<2 * plane])
    let foreground = (0..<plane).map { 1 - probabilities[$0] >= foregroundThreshold }
    let seeds = ConnectedComponents(
      mask: zip(inside, foreground).map { $0 >= seedThreshold && $1 },
      size: size,
      connectivity: .six
    )
    let markers = seeds.numbers.map {
      $0 > 0 && seeds.sizes[Int($0) - 1] >= minimumSeedPixels ? $0 : 0
    }
    var numbers = Watershed.basins(
      of: inside.map { -$0 },
      markers: markers,
      mask: foreground,
      size: size,
      connectivity: .six
    )
    let rest = ConnectedComponents(
      mask: zip(numbers, foreground).map { $0 == 0 && $1 },
      size: size,
      connectivity: .six
    )
    for place in 0..<plane where rest.numbers[place] > 0 {
      numbers[place] = UInt32(seeds.count) + rest.numbers[place]
    }
    return renumbered(numbers, count: seeds.count + rest.count)
  }

  /// Drops small objects and numbers the others in the order of their first pixels.
  private func renumbered(_ numbers: [UInt32], count: Int) -> [UInt16]? {
    var sizes = [Int](repeating: 0, count: count + 1)
    for number in numbers { sizes[Int(number)] += 1 }
    var new = [UInt16](repeating: 0, count: count + 1)
    var last = 0
    var result = [UInt16](repeating: 0, count: numbers.count)
    for (place, number) in numbers.enumerated() {
      let number = Int(number)
      guard number > 0, sizes[number] >= minimumPixels else { continue }
      if new[number] == 0 {
        last += 1
        guard last <= Int(UInt16.max) else { return nil }
        new[number] = UInt16(last)
      }
      result[place] = new[number]
    }
    return result
  }
}
