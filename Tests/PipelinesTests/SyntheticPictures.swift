import Foundation
import Imaging
import ImagingIO
import Support
import TestSupport

/// A small data set of pictures of discs, some of which touch; made by seed, nothing of it comes from
/// anybody's data.
///
/// Every second picture has colours: dark discs on a bright ground. In the others the discs are bright.
struct SyntheticPictures {
  static let side = 48
  let folder: TemporaryFolder
  var path: String { folder.path }

  init(
    count: Int = 8,
    labels: String = #""disc": 1"#,
    further: String = #", "instances": true"#,
    folders: (images: String, labels: String) = ("imagesTr", "labelsTr")
  ) throws {
    folder = try TemporaryFolder()
    for name in [folders.images, folders.labels] {
      try FileManager.default.createDirectory(
        atPath: folder.file(name),
        withIntermediateDirectories: true
      )
    }
    try write(
      #"{"channel_names": {"0": "R", "1": "G", "2": "B"}, "name": "Discs", "file_ending": ".png", "#
        + #""labels": {"background": 0, \#(labels)}\#(further)}"#,
      to: "dataset.json"
    )
    let suffix = folders.images == "imagesTr" ? "_0000" : ""
    for index in 0..<count {
      let (picture, objects) = Self.make(index)
      try Self.encode(picture, to: folder.file("\(folders.images)/discs_\(index)\(suffix).png"))
      try Self.encode(objects, to: folder.file("\(folders.labels)/discs_\(index).png"))
    }
  }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file(name)))
  }

  static func encode(_ picture: PNGImage, to path: String) throws {
    try PNGEncoder.encode(picture).write(to: URL(fileURLWithPath: path))
  }

  /// A picture and the numbers of its discs, which have gaps as in data of people.
  static func make(_ index: Int) -> (picture: PNGImage, objects: PNGImage) {
    var random = RandomStream(seed: 7).split(index)
    var objects = [UInt16](repeating: 0, count: side * side)
    var centres: [SIMD2<Double>] = []
    for _ in 0..<2 {
      let centre = SIMD2(random.uniform(in: 10..<38), random.uniform(in: 10..<38))
      // The second of a pair touches the first.
      centres += [centre, centre + SIMD2(random.chance(0.5) ? 12 : -12, 0)]
    }
    for (number, centre) in centres.enumerated() {
      for y in 0..<side {
        for x in 0..<side where objects[y * side + x] == 0 {
          let offset = SIMD2(Double(x), Double(y)) - centre
          if offset.x * offset.x + offset.y * offset.y < 36 {
            objects[y * side + x] = UInt16(2 * number + 1)
          }
        }
      }
    }
    let isColour = index % 2 == 1
    let pixels = objects.flatMap { object -> [UInt8] in
      let noise = 8 * random.normal()
      func level(_ ground: Double, _ disc: Double) -> UInt8 {
        UInt8(min(255, max(0, (object == 0 ? ground : disc) + noise)))
      }
      return isColour ? [level(220, 130), level(210, 70), level(230, 160)] : [level(40, 150)]
    }
    return (
      PNGImage(
        width: side,
        height: side,
        channels: isColour ? 3 : 1,
        samples: .eightBit(pixels)
      ),
      PNGImage(width: side, height: side, channels: 1, samples: .sixteenBit(objects))
    )
  }
}
