import Foundation
import ImagingIO
import Recognition
import Support
import TestSupport

/// Made pictures: a bright blob in the upper left or the lower right quarter, on noise.
enum BlobPictures {
  static let side = 24

  /// Grey values of one picture; the third class has no blob.
  static func pixels(_ label: Int, _ random: inout RandomStream) -> [UInt8] {
    let (row, column) = (
      6 + 12 * label + Int(random.uniform() * 3), 6 + 12 * label + Int(random.uniform() * 3)
    )
    return (0..<side * side).map { place in
      let (y, x) = (place / side - row, place % side - column)
      let blob = label < 2 && y * y + x * x <= 9 ? 150.0 : 0
      return UInt8(min(255, max(0, 50 + blob + 15 * random.normal())))
    }
  }

  /// Writes so many pictures of each class as `folder/left/0.png` and so on.
  static func write(_ count: Int, to folder: String, seed: UInt64 = 1) throws {
    for (label, name) in ["left", "right"].enumerated() {
      let path = folder + "/" + name
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      for index in 0..<count {
        var random = RandomStream(seed: seed).split(label, index)
        let image = PNGImage(
          width: side,
          height: side,
          channels: 1,
          samples: .eightBit(pixels(label, &random))
        )
        try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: path + "/\(index).png"))
      }
    }
  }

  /// The same in memory.
  static func images(
    _ count: Int,
    seed: UInt64 = 1,
    classNames: [String] = ["left", "right"]
  ) -> LabelledImages {
    var bytes: [UInt8] = []
    var labels: [Int] = []
    for label in classNames.indices {
      for index in 0..<count {
        var random = RandomStream(seed: seed).split(label, index)
        bytes += pixels(label, &random)
        labels.append(label)
      }
    }
    let stored = StoredImages(height: side, width: side, channels: 1, bytes: bytes)
    return LabelledImages(
      name: "blobs",
      classNames: classNames,
      areFindings: false,
      items: labels.enumerated().map { index, label in
        LabelledImages.Item(
          id: "blob-\(index)",
          source: .stored(stored, index),
          classes: [label],
          split: nil,
          group: nil,
          attributes: ["parity": index % 2 == 0 ? "even" : "odd"]
        )
      },
      problems: []
    )
  }
}
