import Imaging

/// Small pieces of structures, which become what surrounds them.
package enum LabelIslands {
  /// A piece is small below this share of the structure's largest piece.
  private static let share = 0.05
  /// It is small only below this volume too, mm³.
  private static let volumeMM3 = 200.0

  /// Gives small pieces the label that most of their neighbours have.
  /// - Parameter map: The labels.
  /// - Returns: The labels without small pieces; background counts as a structure, so that holes close.
  package static func removed(from map: LabelMap) -> LabelMap {
    let size = map.geometry.size
    // Background takes part under a number of its own; no table of a model has 65535 labels.
    guard map.labels.max() ?? 0 < .max else { return map }
    let shifted = map.labels.map { $0 + 1 }
    let pieces = ConnectedComponents(labels: shifted, size: size, connectivity: .six)
    var labelOf = [UInt16](repeating: 0, count: pieces.count)
    for (index, number) in pieces.numbers.enumerated() where number > 0 {
      labelOf[Int(number) - 1] = shifted[index]
    }
    var largest: [UInt16: Int] = [:]
    for (piece, count) in pieces.sizes.enumerated() {
      largest[labelOf[piece]] = max(largest[labelOf[piece]] ?? 0, count)
    }
    let limit = volumeMM3 / (map.geometry.voxelVolumeML * 1000)
    let isSmall = pieces.sizes.enumerated().map { piece, count in
      Double(count) < share * Double(largest[labelOf[piece]] ?? 0) && Double(count) < limit
    }
    var votes: [UInt32: [UInt16: Int]] = [:]
    let steps = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    func vote(_ index: Int, _ other: Int) {
      let (a, b) = (pieces.numbers[index], pieces.numbers[other])
      guard a != b else { return }
      if isSmall[Int(a) - 1], !isSmall[Int(b) - 1] {
        votes[a, default: [:]][shifted[other], default: 0] += 1
      }
      if isSmall[Int(b) - 1], !isSmall[Int(a) - 1] {
        votes[b, default: [:]][shifted[index], default: 0] += 1
      }
    }
    var index = 0
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          for (i, j, k) in steps where x + i < size.x && y + j < size.y && z + k < size.z {
            let other = index + i + size.x * (j + size.y * k)
            if pieces.numbers[index] != pieces.numbers[other] { vote(index, other) }
          }
          index += 1
        }
      }
    }
    let chosen = votes.mapValues { counts in
      counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? 0
    }
    var labels = map.labels
    for index in labels.indices {
      if let label = chosen[pieces.numbers[index]], label > 0,
        isSmall[Int(pieces.numbers[index]) - 1]
      {
        labels[index] = label - 1
      }
    }
    return LabelMap(geometry: map.geometry, labels: labels, table: map.table)
  }
}
