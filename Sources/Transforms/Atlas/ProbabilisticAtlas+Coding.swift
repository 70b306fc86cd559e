import Foundation

extension ProbabilisticAtlas {
  /// What precedes the numbers in a file.
  private struct Header: Codable {
    var version: Int
    var grid: AtlasGrid
    var classes: [AtlasClass]
    var centroids: [SIMD3<Double>?]
  }

  private static let version = 1
  /// The most points that an atlas may have; a head at 2 mm has about a million.
  static let pointLimit = 1 << 22
  /// Distances of points that an atlas may have, mm.
  static let steps = 0.5...10.0

  /// The atlas as bytes: probabilities in 1/255, sides in 1/127.
  ///
  /// A length of four bytes (lowest first) and a header in JSON precede the classes' maps, one after the
  /// other, and the map of sides.
  /// - Throws: What encoding throws.
  package func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let header = try encoder.encode(
      Header(version: Self.version, grid: grid, classes: classes, centroids: centroids)
    )
    var bytes = (0..<4).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    bytes += header
    for index in classes.indices {
      bytes += probabilities.map { UInt8(min(max(($0[index] * 255).rounded(), 0), 255)) }
    }
    bytes += sides.map {
      UInt8(bitPattern: Int8(min(max(($0 * 127).rounded(), -127), 127)))
    }
    return bytes
  }

  /// Reads an atlas; nil when the bytes are not one.
  /// - Parameter bytes: What ``encoded()`` made.
  package init?(encoded bytes: [UInt8]) {
    guard bytes.count > 4 else { return nil }
    let length = (0..<4).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
    guard length <= bytes.count - 4,
      let header = try? JSONDecoder().decode(Header.self, from: Data(bytes[4..<4 + length])),
      header.version == Self.version, header.grid.size.min() >= 2,
      header.grid.size.max() <= 1024, Self.steps.contains(header.grid.step),
      header.grid.count <= Self.pointLimit,
      (1...Self.classLimit).contains(header.classes.count)
    else { return nil }
    let labels = 0...header.centroids.count
    let count = header.grid.count
    guard header.classes.allSatisfy({ labels.contains($0.left) && labels.contains($0.right) }),
      bytes.count == 4 + length + count * (header.classes.count + 1)
    else { return nil }
    var probabilities = [SIMD32<Float>](repeating: .zero, count: count)
    var start = 4 + length
    for index in header.classes.indices {
      for place in 0..<count { probabilities[place][index] = Float(bytes[start + place]) }
      start += count
    }
    for place in 0..<count { probabilities[place] /= max(probabilities[place].total, 1) }
    self.init(
      grid: header.grid,
      classes: header.classes,
      probabilities: probabilities,
      sides: (0..<count).map { Float(Int8(bitPattern: bytes[start + $0])) / 127 },
      centroids: header.centroids
    )
  }
}
