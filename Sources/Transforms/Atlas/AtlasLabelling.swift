import Foundation
import Imaging
import Support

/// Labels of a scan's own voxels by a fitted atlas.
package struct AtlasLabelling: Sendable {
  private let atlas: ProbabilisticAtlas
  private let fit: AtlasFit
  private let scan: AtlasScan
  private let table: [SIMD32<Float>]
  private let toGrid: AffineMap
  private let steps: [Int]
  private let fieldSteps: [Int]

  /// Prepares to label.
  package init(_ scan: AtlasScan, atlas: ProbabilisticAtlas, fit: AtlasFit) {
    self.scan = scan
    self.atlas = atlas
    self.fit = fit
    table = fit.intensities.table
    toGrid = fit.grid.positions.inverse.after(fit.placement).after(scan.indices.inverse)
    steps = GridPlace.steps(atlas.grid.size)
    fieldSteps = GridPlace.steps(fit.grid.size)
  }

  /// Labels a slice.
  /// - Parameters:
  ///   - slice: Its number along the scan's third axis.
  ///   - labels: Room for a label for each voxel: 0 for none, else 1…K.
  ///   - winners: Room for the labels' probabilities.
  ///   - probabilities: Told the place in the slice and the probabilities of all labels, background
  ///     first, for each voxel in the atlas's box; or nil.
  package func label(
    slice: Int,
    labels: UnsafeMutableBufferPointer<UInt16>,
    winners: UnsafeMutableBufferPointer<Float>,
    probabilities: ((Int, [Float]) -> Void)? = nil
  ) {
    let size = scan.geometry.size
    let grid = fit.grid
    let limit = SIMD3<Float>(
      Float(grid.size.x - 1),
      Float(grid.size.y - 1),
      Float(grid.size.z - 1)
    )
    let scale = Float(grid.step / atlas.grid.step)
    let perMM = Float(1 / atlas.grid.step)
    let outputs = atlas.classes.map(\.left)
    let (left, right) = sides
    var sums = [Float](repeating: 0, count: atlas.labelCount + 1)
    var mixed = [SIMD32<Float>.zero]
    var evidence: Float = 0
    let parts = ClassMixture.parts
    var index = 0
    let start = slice * size.x * size.y
    for y in 0..<size.y {
      for x in 0..<size.x {
        defer { index += 1 }
        labels[index] = 0
        winners[index] = 1
        let point = SIMD3<Float>(toGrid([Double(x), Double(y), Double(slice)]))
        guard point.min() >= 0, point.x <= limit.x, point.y <= limit.y, point.z <= limit.z
        else { continue }
        let from = GridPlace(point, size: grid.size)
        let weights = from.weights
        var moved = SIMD3<Float>.zero
        var logBias: Float = 0
        for corner in 0..<8 {
          let place = from.base + fieldSteps[corner]
          let own = SIMD3<Float>(
            fit.displacement.x[place],
            fit.displacement.y[place],
            fit.displacement.z[place]
          )
          moved += weights[corner] * own
          logBias += weights[corner] * fit.logBias[place]
        }
        let there: SIMD3<Float> = point * scale + moved * perMM
        let place = GridPlace(there, size: atlas.grid.size)
        let value = scan.values[start + index]
        let level =
          !value.isFinite || value == scan.emptyValue
          ? 0 : Int(AtlasIntensities.level(scan.scaled(value) * expf(-logBias)))
        let shares = place.weights
        let total =
          atlas.probabilities.withFours { maps in
            table.withFours { table in
              mixed.withMutableFours { mixed in
                evidence =
                  ClassMixture(maps, place, steps, table + level * parts, into: mixed).total
              }
            }
            return evidence
          } + 1e-12
        var side: Float = 0
        for corner in 0..<8 { side += shares[corner] * atlas.sides[place.base + steps[corner]] }
        for label in sums.indices { sums[label] = 0 }
        for (place, label) in outputs.enumerated() { sums[label] += mixed[0][place] }
        var best = 0
        for label in sums.indices where sums[label] > sums[best] { best = label }
        labels[index] = UInt16(side >= 0 ? left[best] : right[best])
        winners[index] = sums[best] / total
        if let probabilities {
          var all = [Float](repeating: 0, count: atlas.labelCount + 1)
          for label in sums.indices where sums[label] > 0 {
            all[side >= 0 ? left[label] : right[label]] += sums[label] / total
          }
          probabilities(index, all)
        }
      }
    }
  }

  /// The number that a label of the left has on either side.
  private var sides: (left: [Int], right: [Int]) {
    let left = Array(0...atlas.labelCount)
    var right = left
    for entry in atlas.classes { right[entry.left] = entry.right }
    return (left, right)
  }
}
