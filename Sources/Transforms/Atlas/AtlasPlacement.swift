import Foundation
import Imaging
import Support

/// Finds the head in a scan about which nothing is known but its axes.
///
/// Many first guesses are tried on a coarse grid, and those that explain the scan best are followed
/// further. What a guess explains is the information that the placed atlas has of the scan, so that a
/// place where there is nothing to explain does not win.
package struct AtlasPlacement: Sendable {
  /// Distance of points and iterations of the first trial.
  private static let (firstStepMM, firstIterations) = (8.0, 6)
  /// The same of the second, and how many guesses come that far.
  private static let (secondStepMM, secondIterations, finalists) = (6.0, 12, 4)
  /// Distances of the brain from the top of a head that are tried, mm.
  private static let coversMM = [-5.0, 10, 25]
  /// Turns about the axis from left to right and then about that from back to front, degrees.
  private static let turns: [(pitch: Double, roll: Double)] = [
    (0, 0), (-20, 0), (20, 0), (0, -15), (0, 15),
  ]
  /// Volumes may differ from the atlas's by this factor.
  private static let growth = 0.5...2.0
  /// Distance of the points by which the head is found, mm.
  private static let gridStepMM = 4.0

  private let atlas: ProbabilisticAtlas
  private let fitter: AtlasFitter

  package init(_ atlas: ProbabilisticAtlas, fitter: AtlasFitter) {
    self.atlas = atlas
    self.fitter = fitter
  }

  /// A placement by the middles of labels that another model found.
  /// - Parameter middles: Each label's middle from label 1 on, RAS mm, with its volume; nil for none.
  /// - Returns: The placement; nil when there are fewer than four labels.
  package func placement(
    byMiddles middles: [(middle: SIMD3<Double>, volume: Double)?]
  ) -> AffineMap? {
    let pairs = zip(middles, atlas.centroids).compactMap {
      (own, other) -> (SIMD3<Double>, SIMD3<Double>, Double)? in
      guard let own, let other else { return nil }
      return (own.middle, other, own.volume.squareRoot())
    }
    guard pairs.count >= 4 else { return nil }
    return AffineMap.fit(pairs.map(\.0), to: pairs.map(\.1), weights: pairs.map(\.2))
  }

  /// Finds the best placement.
  /// - Parameters:
  ///   - scan: The scan.
  ///   - hints: Placements to try beside our own.
  ///   - interruption: Looked at between trials.
  /// - Returns: From the scan's RAS mm to the atlas's space; nil when no guess explains anything of the
  ///   scan, or only by a volume that no head has.
  /// - Throws: What `interruption` throws.
  package func find(
    in scan: AtlasScan,
    hints: [AffineMap] = [],
    interruption: Interruption
  ) throws -> AffineMap? {
    var trials: [(map: AffineMap, gain: Double)] = []
    for guess in hints + guesses(scan) {
      try interruption.check()
      let result = fitter.placed(
        scan,
        guess: guess,
        step: Self.firstStepMM,
        iterations: Self.firstIterations
      )
      trials.append((result.placement, plausible(result.placement) ? result.gain : -.infinity))
    }
    // The first of equals comes first.
    let order = trials.indices.sorted { (-trials[$0].gain, $0) < (-trials[$1].gain, $1) }
    var best: (map: AffineMap, gain: Double)?
    for index in order.prefix(Self.finalists) {
      try interruption.check()
      let result = fitter.placed(
        scan,
        guess: trials[index].map,
        step: Self.secondStepMM,
        iterations: Self.secondIterations
      )
      let gain = plausible(result.placement) ? result.gain : -.infinity
      if best.map({ gain > $0.gain }) ?? true { best = (result.placement, gain) }
    }
    return best.flatMap { $0.gain.isFinite ? $0.map : nil }
  }

  /// The box of the places that are more likely brain than not, mm.
  private var brainBox: (low: SIMD3<Double>, high: SIMD3<Double>) {
    let grid = atlas.grid
    let isBrain = atlas.classes.map(\.isBrain)
    var low = SIMD3<Double>(repeating: .infinity)
    var high = -low
    var place = 0
    for z in 0..<grid.size.z {
      for y in 0..<grid.size.y {
        for x in 0..<grid.size.x {
          var share: Float = 0
          for index in isBrain.indices where isBrain[index] {
            share += atlas.probabilities[place][index]
          }
          place += 1
          guard share > 0.5 else { continue }
          let point = grid.positions(SIMD3<Double>(Double(x), Double(y), Double(z)))
          low = pointwiseMin(low, point)
          high = pointwiseMax(high, point)
        }
      }
    }
    return high.x < low.x ? (.zero, .zero) : (low, high)
  }

  private func plausible(_ map: AffineMap) -> Bool { Self.growth.contains(map.determinant) }

  /// First guesses: a head below its top, or a brain that fills what is there.
  private func guesses(_ scan: AtlasScan) -> [AffineMap] {
    guard let box = foreground(scan) else { return [] }
    let brain = brainBox
    let middle = (box.low + box.high) / 2
    let centers: [SIMD3<Double>] = Self.coversMM.map { (cover: Double) in
      SIMD3<Double>(box.top.x, box.top.y, box.high.z - brain.high.z - cover)
    }
    var guesses: [AffineMap] = []
    for center in centers {
      for (pitch, roll) in Self.turns {
        let turn = Self.rotation(pitch: pitch, roll: roll)
        guesses.append(AffineMap(columns: turn.columns, shift: -turn(center)))
      }
    }
    // Brains without skulls fill what is there.
    let ratio: SIMD3<Double> =
      (brain.high - brain.low) / pointwiseMax(box.high - box.low, SIMD3<Double>.one)
    let scale = min(max(ratio.sum() / 3, 0.7), 1.4)
    for (pitch, roll) in Self.turns {
      let turn = Self.rotation(pitch: pitch, roll: roll)
      let columns = turn.columns.map { $0 * scale }
      let linear = AffineMap(columns: columns, shift: .zero)
      guesses.append(
        AffineMap(columns: columns, shift: (brain.low + brain.high) / 2 - linear(middle))
      )
    }
    return guesses
  }

  private static func rotation(pitch: Double, roll: Double) -> AffineMap {
    let (a, b) = (pitch * .pi / 180, roll * .pi / 180)
    let first = AffineMap(
      columns: [[1, 0, 0], [0, cos(a), sin(a)], [0, -sin(a), cos(a)]],
      shift: .zero
    )
    let second = AffineMap(
      columns: [[cos(b), 0, -sin(b)], [0, 1, 0], [sin(b), 0, cos(b)]],
      shift: .zero
    )
    return second.after(first)
  }

  /// What is brighter than air: its box, and the middle of its upper part.
  private func foreground(
    _ scan: AtlasScan
  ) -> (low: SIMD3<Double>, high: SIMD3<Double>, top: SIMD3<Double>)? {
    let geometry = scan.geometry
    var low = SIMD3<Double>(repeating: .infinity)
    var high = -low
    let last = SIMD3<Double>(geometry.size &- 1)
    for corner in 0..<8 {
      let point =
        geometry.position(
          ofIndex: AtlasGrid.corner(corner, .zero, last)
        ) * SIMD3<Double>(-1, -1, 1)
      low = pointwiseMin(low, point)
      high = pointwiseMax(high, point)
    }
    var size = SIMD3<Int>.one
    for axis in 0..<3 {
      size[axis] = Int(min(511, (high[axis] - low[axis]) / Self.gridStepMM)) + 1
    }
    let grid = AtlasGrid(size: size, step: Self.gridStepMM, origin: low)
    let values = scan.samples(on: grid, placement: .identity).values
    // Half of it, for dark tissue counts too.
    let threshold = (OtsuThreshold.of(values.filter { $0 >= 0 }) ?? 0) / 2
    var counts = (0..<3).map { [Int](repeating: 0, count: size[$0]) }
    let isFull = values.map { $0 > threshold }
    var index = 0
    for z in 0..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x {
          if isFull[index] {
            counts[0][x] += 1
            counts[1][y] += 1
            counts[2][z] += 1
          }
          index += 1
        }
      }
    }
    guard let total = counts.first?.reduce(0, +), total > 0 else { return nil }
    // A few bright voxels in the air do not count.
    func ends(_ counts: [Int]) -> (Double, Double) {
      let least = max(2, (counts.max() ?? 0) / 50)
      let first = counts.firstIndex { $0 >= least } ?? 0
      let last = counts.lastIndex { $0 >= least } ?? counts.count - 1
      return (Double(first), Double(last))
    }
    var (boxLow, boxHigh) = (SIMD3<Double>.zero, SIMD3<Double>.zero)
    for axis in 0..<3 { (boxLow[axis], boxHigh[axis]) = ends(counts[axis]) }
    // The middle of the upper 120 mm, where there is no neck or nose.
    let from = Int(max(0, boxHigh.z - 120 / Self.gridStepMM))
    var (sum, weight) = (SIMD3<Double>.zero, 0.0)
    for z in from..<size.z {
      for y in 0..<size.y {
        for x in 0..<size.x where isFull[x + size.x * (y + size.y * z)] {
          sum += SIMD3(Double(x), Double(y), Double(z))
          weight += 1
        }
      }
    }
    return (
      grid.positions(boxLow), grid.positions(boxHigh), grid.positions(sum / max(weight, 1))
    )
  }
}
