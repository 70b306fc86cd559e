import Foundation

/// Where tiles lie and how they count, as nnU-Net has it.
///
/// Its functions are `compute_steps_for_sliding_window` and `compute_gaussian`. Axes are those of
/// arrays, the slowest first.
package enum TileWindows {
  /// First voxels of the tiles along one axis.
  /// - Parameters:
  ///   - size: Voxels of the image, at least those of a tile.
  ///   - patch: Voxels of a tile.
  ///   - step: The largest distance of neighbouring tiles as a share of a tile.
  /// - Returns: n = ⌈(size − patch) / (patch · step)⌉ + 1 places, evenly spaced and rounded to even.
  package static func starts(size: Int, patch: Int, step: Double) -> [Int] {
    precondition(size >= patch && patch > 0 && step > 0, "size \(size), patch \(patch)")
    let surplus = Double(size - patch)
    let count = Int((surplus / (Double(patch) * step)).rounded(.up)) + 1
    guard count > 1 else { return [0] }
    let distance = surplus / Double(count - 1)
    return (0..<count).map { Int((distance * Double($0)).rounded(.toNearestOrEven)) }
  }

  /// The weight of each voxel of a tile in half precision, as bits.
  ///
  /// 10 · exp(−Σ d² / 2σ²) around the voxel of index ⌊patch / 2⌋, σ = patch / 8; what rounds to 0 gets
  /// the smallest other value.
  /// - Parameter patch: Voxels along each axis.
  /// - Returns: One weight for each voxel, the last axis fastest.
  package static func gaussian(_ patch: [Int]) -> [UInt16] {
    let axes = patch.map { length -> [Double] in
      let deviation = Double(length) / 8
      let radius = Int(4 * deviation + 0.5)
      return (0..<length).map { index in
        let distance = index - length / 2
        return abs(distance) > radius
          ? 0 : exp(-0.5 / (deviation * deviation) * Double(distance * distance))
      }
    }
    var weights: [Float16] = [10]
    var exact: [Double] = [1]
    for axis in axes { exact = exact.flatMap { outer in axis.map { outer * $0 } } }
    // Divided by a tenth of the largest, 1, as nnU-Net does.
    weights = exact.map { Float16($0 / (1 / 10.0)) }
    let least = weights.lazy.filter { $0 > 0 }.min() ?? 1
    return weights.map { ($0 > 0 ? $0 : least).bitPattern }
  }
}

/// One axis of a linear interpolation, or of a choice of the nearest.
struct ScoreTaps: Sendable {
  /// The lower neighbour of each output.
  let low: [Int32]
  /// The upper neighbour of each output.
  let high: [Int32]
  /// The share of the upper neighbour.
  let share: [Double]

  /// Whether every output is the input of the same index.
  var isIdentity: Bool {
    share.allSatisfy { $0 == 0 } && low.indices.allSatisfy { low[$0] == Int32($0) }
  }

  /// Plans an axis: output o lies at (o + 1/2) · in / out − 1/2, held within the input.
  /// - Parameters:
  ///   - input: Samples before.
  ///   - output: Samples after.
  ///   - isNearest: Whether the nearest sample is taken.
  init(input: Int, output: Int, isNearest: Bool) {
    let ratio = Double(input) / Double(output)
    let places = (0..<output).map { index in
      min(max((Double(index) + 0.5) * ratio - 0.5, 0), Double(input - 1))
    }
    if isNearest {
      low = places.map { Int32(($0 + 0.5).rounded(.down)) }.map { min($0, Int32(input - 1)) }
      high = low
      share = places.map { _ in 0 }
    } else {
      low = places.map { Int32($0.rounded(.down)) }
      high = low.map { min($0 + 1, Int32(input - 1)) }
      share = zip(places, low).map { $0 - Double($1) }
    }
  }
}
