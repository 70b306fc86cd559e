import Foundation
import ImagingIO
import Recognition
import Support
import TestSupport

/// A small data set in both layouts: bright squares ("square") and dim ones ("shade") on noise.
struct MadeSquares {
  static let classes = ["shade", "square"]
  /// Columns and rows of the pictures.
  static let (width, height) = (96, 64)

  let folder: TemporaryFolder
  /// The squares of each picture: label, left, upper edge and side.
  private(set) var squares: [[(label: Int, x: Int, y: Int, side: Int)]] = []

  /// Makes pictures; of the first, 3 of 4 are listed as "train", the others as "val".
  init(_ count: Int) throws {
    folder = try TemporaryFolder()
    let files = FileManager.default
    for name in ["Annotations", "JPEGImages", "ImageSets/Main"] {
      try files.createDirectory(atPath: path(name), withIntermediateDirectories: true)
    }
    for index in 0..<count {
      let own = Self.draw(index)
      squares.append(own)
      try write(Self.pixels(own, index), name(index))
      try annotate(name(index), own.map { (Self.classes[$0.label], Self.edges($0)) })
    }
    let names = (0..<count).map(name)
    try list("train", names.enumerated().filter { $0.offset % 4 != 3 }.map(\.element))
    try list("val", names.enumerated().filter { $0.offset % 4 == 3 }.map(\.element))
  }

  func name(_ index: Int) -> String { "picture\(index)" }
  func path(_ name: String) -> String { folder.file("voc/" + name) }
  var root: String { folder.file("voc") }

  func text(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path(name)))
  }

  func list(_ split: String, _ names: [String]) throws {
    try text(names.joined(separator: "\n") + "\n", to: "ImageSets/Main/\(split).txt")
  }

  func write(_ pixels: [UInt8], _ name: String) throws {
    let image = PNGImage(
      width: Self.width,
      height: Self.height,
      channels: 1,
      samples: .eightBit(pixels)
    )
    try PNGEncoder.encode(image).write(to: URL(fileURLWithPath: path("JPEGImages/\(name).png")))
  }

  /// Writes annotations; edges as in the files, counted from 1.
  func annotate(
    _ name: String,
    _ objects: [(className: String, edges: [Double])],
    size: (Int, Int) = (width, height)
  ) throws {
    let parts = objects.map { className, edges in
      "<object><name>\(className)</name><difficult>0</difficult><bndbox>"
        + zip(["xmin", "ymin", "xmax", "ymax"], edges).map { "<\($0)>\($1)</\($0)>" }.joined()
        + "</bndbox><part><name>head</name></part></object>"
    }
    try text(
      "<annotation><size><width>\(size.0)</width><height>\(size.1)</height><depth>1</depth></size>"
        + parts.joined() + "</annotation>",
      to: "Annotations/\(name).xml"
    )
  }

  static func edges(_ square: (label: Int, x: Int, y: Int, side: Int)) -> [Double] {
    [
      Double(square.x + 1), Double(square.y + 1), Double(square.x + square.side),
      Double(square.y + square.side),
    ]
  }

  /// One to three squares that do not touch.
  private static func draw(_ index: Int) -> [(label: Int, x: Int, y: Int, side: Int)] {
    var random = RandomStream(seed: 40).split(index)
    var result: [(label: Int, x: Int, y: Int, side: Int)] = []
    let wanted = 1 + Int(random.uniform() * 3)
    for _ in 0..<60 where result.count < wanted {
      let side = 10 + Int(random.uniform() * 14)
      let x = Int(random.uniform() * Double(width - side))
      let y = Int(random.uniform() * Double(height - side))
      let isFree = result.allSatisfy {
        x + side + 2 < $0.x || $0.x + $0.side + 2 < x || y + side + 2 < $0.y
          || $0.y + $0.side + 2 < y
      }
      if isFree { result.append((Int(random.uniform() * 2), x, y, side)) }
    }
    return result
  }

  /// Squares of 230 (label 1) and 150 (label 0) on noise about 60.
  static func pixels(
    _ squares: [(label: Int, x: Int, y: Int, side: Int)],
    _ index: Int
  ) -> [UInt8] {
    var random = RandomStream(seed: 41).split(index)
    return (0..<width * height).map { place in
      let (x, y) = (place % width, place / width)
      let inside = squares.first {
        ($0.x..<$0.x + $0.side).contains(x) && ($0.y..<$0.y + $0.side).contains(y)
      }
      let base = inside.map { $0.label == 1 ? 230.0 : 150.0 } ?? 60
      return UInt8(min(max(base + 8 * random.normal(), 0), 255))
    }
  }
}
