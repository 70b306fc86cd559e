import Foundation
import Transforms

/// Overlapping patches that cover a slice, and their weighted sum.
///
/// Patches lie half a patch apart at most, evenly, as nnU-Net places them (Isensee et al. 2021,
/// supplement, "inference"): n = ⌈(size − patch) / (patch / 2)⌉ + 1 along each axis. Slices smaller
/// than the patch are centred in it and surrounded by 0.
struct TileGrid {
  private let size: [Int]
  private let patch: [Int]
  /// First row and column of each patch; negative where the slice is smaller than the patch.
  let origins: [(row: Int, column: Int)]
  private let weights: [Float]

  init(size: [Int], patch: [Int]) {
    self.size = size
    self.patch = patch
    let starts = (0..<2).map { axis -> [Int] in
      let surplus = size[axis] - patch[axis]
      guard surplus > 0 else { return [-((patch[axis] - size[axis]) / 2)] }
      let count = Int((Double(surplus) / (Double(patch[axis]) / 2)).rounded(.up)) + 1
      return (0..<count).map {
        Int((Double($0) * Double(surplus) / Double(count - 1)).rounded(.toNearestOrEven))
      }
    }
    origins = starts[0].flatMap { row in starts[1].map { (row, $0) } }
    // One patch alone needs no weight; a Gaussian of an eighth of the patch joins several.
    weights =
      origins.count == 1
      ? [Float](repeating: 1, count: patch[0] * patch[1])
      : (0..<patch[0] * patch[1]).map { pixel in
        let dy = Double(pixel / patch[1] - patch[0] / 2) / (Double(patch[0]) / 8)
        let dx = Double(pixel % patch[1] - patch[1] / 2) / (Double(patch[1]) / 8)
        return Float(max(exp(-(dx * dx + dy * dy) / 2), 1e-6))
      }
  }

  func appendPatch(
    of stack: SliceStack,
    at origin: (row: Int, column: Int),
    to values: inout [Float]
  ) {
    for channel in 0..<stack.channels {
      for row in origin.row..<origin.row + patch[0] {
        guard (0..<size[0]).contains(row) else {
          values += repeatElement(0, count: patch[1])
          continue
        }
        let start = (channel * size[0] + row) * size[1]
        let from = max(0, origin.column)
        let to = min(size[1], origin.column + patch[1])
        values += repeatElement(0, count: from - origin.column)
        values += stack.values[start + from..<start + to]
        values += repeatElement(0, count: origin.column + patch[1] - to)
      }
    }
  }

  /// The weighted mean of the patches' scores, `[classes][rows][columns]` of the slice.
  func joined(_ scores: ArraySlice<Float>, classes: Int) -> [Float] {
    let (area, plane) = (patch[0] * patch[1], size[0] * size[1])
    var sum = [Float](repeating: 0, count: classes * plane)
    var total = [Float](repeating: 0, count: plane)
    for (index, origin) in origins.enumerated() {
      for row in max(0, origin.row)..<min(size[0], origin.row + patch[0]) {
        for column in max(0, origin.column)..<min(size[1], origin.column + patch[1]) {
          let pixel = (row - origin.row) * patch[1] + column - origin.column
          let weight = weights[pixel]
          let place = row * size[1] + column
          total[place] += weight
          for c in 0..<classes {
            let score = scores[scores.startIndex + (index * classes + c) * area + pixel]
            sum[c * plane + place] += weight * score
          }
        }
      }
    }
    for c in 0..<classes {
      for place in 0..<plane { sum[c * plane + place] /= total[place] }
    }
    return sum
  }
}
