import Foundation
import Imaging
import Support

/// Tells whether one image, or its mirror image, occurs within another: test images must not be
/// trained on.
///
/// Both are reduced to few pixels and lose their local mean, so that brightness, contrast, compression
/// and noise hardly matter. The image that is looked for is then moved over the other one at several
/// sizes, and the largest correlation counts. Parts of it, turned or strongly distorted copies are not
/// found.
package struct ImageResemblance: Sendable {
  /// A correlation that no two different images came near: it means a copy.
  package static let copyCorrelation = 0.7

  /// The longest side that images are reduced to, and the shortest that a copy within one may have.
  private static let (longestSide, shortestSide) = (128, 36)
  /// The ratio of sizes that are tried one after the other.
  private static let sizeRatio = 1.08

  /// An image of few pixels without its local mean.
  private struct Small: Sendable {
    let width: Int
    let height: Int
    let values: [Float]
  }

  private let image: Small
  /// The image and its mirror image in each size.
  private let templates: [Small]

  /// Prepares an image.
  /// - Parameter image: Its middle slice is looked at.
  package init(_ image: Volume<Float>) {
    let size = image.geometry.size
    let plane = size.x * size.y
    let start = size.z / 2 * plane
    let full = Small(
      width: size.x,
      height: size.y,
      values: Array(image.voxels[start..<start + plane])
    )
    self.image = Self.reduced(full, to: Self.longestSide)
    var templates: [Small] = []
    var side = Double(Self.shortestSide)
    while Int(side.rounded()) <= Self.longestSide {
      let small = Self.reduced(full, to: Int(side.rounded()))
      templates += [small, Self.mirrored(small)]
      side *= Self.sizeRatio
    }
    self.templates = templates
  }

  /// The largest correlation of an image, in all sizes and at all places, with this one.
  /// - Parameter other: The image that may be within this one, or hold it.
  /// - Returns: 0 to 1; 1 for equal images, 0 where one of them is constant.
  package func correlation(with other: ImageResemblance) -> Double {
    let pairs =
      other.templates.map { ($0, image) } + templates.map { ($0, other.image) }
    let found = Parallelism.collected(pairs.count) { index in
      Self.largestCorrelation(pairs[index].0, within: pairs[index].1)
    }
    return Double(found.max() ?? 0)
  }

  private static func largestCorrelation(_ template: Small, within image: Small) -> Float {
    guard template.width <= image.width, template.height <= image.height else { return 0 }
    let count = Float(template.values.count)
    let mean = template.values.reduce(0, +) / count
    let centred = template.values.map { $0 - mean }
    let energy = centred.reduce(0) { $0 + $1 * $1 }
    guard energy > 0 else { return 0 }
    let sums = SummedArea(image.values, width: image.width)
    let squares = SummedArea(image.values.map { $0 * $0 }, width: image.width)
    var best: Float = 0
    for y in 0...image.height - template.height {
      for x in 0...image.width - template.width {
        let sum = sums.sum(x, y, template.width, template.height)
        let variance =
          squares.sum(x, y, template.width, template.height) - sum * sum / Double(count)
        guard variance > 1e-6 * Double(energy) else { continue }
        var product: Float = 0
        for row in 0..<template.height {
          product += dot(
            image.values,
            (y + row) * image.width + x,
            centred,
            row * template.width,
            template.width
          )
        }
        best = max(best, product / (Float(variance) * energy).squareRoot())
      }
    }
    return min(best, 1)
  }

  /// The sum of products of two runs of values, in eight lanes.
  private static func dot(
    _ a: [Float],
    _ aStart: Int,
    _ b: [Float],
    _ bStart: Int,
    _ count: Int
  ) -> Float {
    a.withUnsafeBytes { a in
      b.withUnsafeBytes { b in
        let size = MemoryLayout<Float>.size
        var lanes = SIMD8<Float>.zero
        var place = 0
        while place + 8 <= count {
          let left = a.loadUnaligned(fromByteOffset: size * (aStart + place), as: SIMD8<Float>.self)
          lanes +=
            left * b.loadUnaligned(fromByteOffset: size * (bStart + place), as: SIMD8<Float>.self)
          place += 8
        }
        var rest: Float = 0
        while place < count {
          rest +=
            a.loadUnaligned(fromByteOffset: size * (aStart + place), as: Float.self)
            * b.loadUnaligned(fromByteOffset: size * (bStart + place), as: Float.self)
          place += 1
        }
        return lanes.sum() + rest
      }
    }
  }

  /// Sums over rectangles in four look-ups (Crow 1984, "Summed-area tables for texture mapping").
  private struct SummedArea {
    private let width: Int
    private let table: [Double]

    init(_ values: [Float], width: Int) {
      self.width = width + 1
      let height = values.count / width
      var table = [Double](repeating: 0, count: (width + 1) * (height + 1))
      for y in 0..<height {
        var row = 0.0
        for x in 0..<width {
          row += Double(values[y * width + x])
          table[(y + 1) * (width + 1) + x + 1] = table[y * (width + 1) + x + 1] + row
        }
      }
      self.table = table
    }

    func sum(_ x: Int, _ y: Int, _ columns: Int, _ rows: Int) -> Double {
      let (top, bottom) = (y * width, (y + rows) * width)
      return table[bottom + x + columns] - table[bottom + x] - table[top + x + columns]
        + table[top + x]
    }
  }

  /// The image in few pixels: details of 3 pixels that differ from the 9 x 9 around.
  private static func reduced(_ image: Small, to longest: Int) -> Small {
    let ratio = Double(longest) / Double(max(image.width, image.height))
    let width = max(1, Int((Double(image.width) * ratio).rounded()))
    let height = max(1, Int((Double(image.height) * ratio).rounded()))
    let columns = (0..<width).map { shares($0, width, of: image.width) }
    let rows = (0..<height).map { shares($0, height, of: image.height) }
    var narrow: [Float] = []
    narrow.reserveCapacity(width * image.height)
    for y in 0..<image.height {
      for shares in columns {
        narrow.append(
          shares.reduce(0) { $0 + $1.weight * image.values[y * image.width + $1.place] }
        )
      }
    }
    var means: [Float] = []
    means.reserveCapacity(width * height)
    for shares in rows {
      for x in 0..<width {
        means.append(shares.reduce(0) { $0 + $1.weight * narrow[$1.place * width + x] })
      }
    }
    let sums = SummedArea(means, width: width)
    func mean(_ x: Int, _ y: Int, _ radius: Int) -> Float {
      let (left, right) = (max(0, x - radius), min(width, x + radius + 1))
      let (top, bottom) = (max(0, y - radius), min(height, y + radius + 1))
      let sum = sums.sum(left, top, right - left, bottom - top)
      return Float(sum / Double((right - left) * (bottom - top)))
    }
    let details = means.indices.map {
      mean($0 % width, $0 / width, 1) - mean($0 % width, $0 / width, 4)
    }
    // What is left of a constant image is rounding.
    let least = 1e-4 * (means.map(abs).max() ?? 0)
    return Small(width: width, height: height, values: details.map { abs($0) < least ? 0 : $0 })
  }

  /// The pixels that a coarse pixel covers, and how much of it each fills.
  private static func shares(
    _ place: Int,
    _ count: Int,
    of size: Int
  ) -> [(place: Int, weight: Float)] {
    let step = Double(size) / Double(count)
    let (from, to) = (Double(place) * step, Double(place + 1) * step)
    return (Int(from)..<min(size, Int(to.rounded(.up)))).map {
      ($0, Float((min(to, Double($0 + 1)) - max(from, Double($0))) / step))
    }
  }

  private static func mirrored(_ image: Small) -> Small {
    Small(
      width: image.width,
      height: image.height,
      values: (0..<image.height).flatMap { row in
        image.values[row * image.width..<(row + 1) * image.width].reversed()
      }
    )
  }
}
