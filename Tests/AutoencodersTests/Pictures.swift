import Foundation
import Recognition
import Support

/// Pictures of 16 x 16 pixels, made by a seed.
enum Pictures {
  static let side = 16

  /// Bright discs on a dark ground, at places and of sizes that vary a little; unusual ones have a dark hole
  /// in them.
  static func discs(_ count: Int, unusual: Int, seed: UInt64, split: LabelledImages.Split?)
    -> LabelledImages
  {
    var random = RandomStream(seed: seed)
    let bytes = (0..<count + unusual).flatMap { number -> [UInt8] in
      let middle = [random.uniform(in: 7..<9), random.uniform(in: 7..<9)]
      let radius = random.uniform(in: 4.5..<6)
      let light = random.uniform(in: 150..<220)
      return (0..<side * side).map { place -> UInt8 in
        let (y, x) = (Double(place / side) - middle[0], Double(place % side) - middle[1])
        let isHole = number >= count && abs(x - 1) < 2 && abs(y + 1) < 2
        let value = x * x + y * y < radius * radius && !isHole ? light : 40
        return UInt8(min(255, max(0, value + 6 * random.normal())))
      }
    }
    let stored = StoredImages(height: side, width: side, channels: 1, bytes: bytes)
    return LabelledImages(
      name: "discs",
      classNames: ["normal", "holed"],
      areFindings: false,
      items: (0..<count + unusual).map {
        LabelledImages.Item(
          id: "disc-\($0)",
          source: .stored(stored, $0),
          classes: [$0 < count ? 0 : 1],
          split: split
        )
      },
      problems: []
    )
  }

  /// Waves of one length along rows, of any phase.
  static func waves(_ count: Int, seed: UInt64) -> LabelledImages {
    var random = RandomStream(seed: seed)
    let bytes = (0..<count).flatMap { _ -> [UInt8] in
      let phase = random.uniform(in: 0..<2 * Double.pi)
      return (0..<side * side).map { place in
        UInt8(128 + 100 * sin(2 * .pi * Double(place % side) / 8 + phase))
      }
    }
    let stored = StoredImages(height: side, width: side, channels: 1, bytes: bytes)
    return LabelledImages(
      name: "waves",
      classNames: [],
      areFindings: false,
      items: (0..<count).map {
        LabelledImages.Item(id: "wave-\($0)", source: .stored(stored, $0), classes: [])
      },
      problems: []
    )
  }
}
