import Foundation
import Support

/// One pass of block matching: groups are found, filtered and put back.
///
/// The image is cut into parts along y and z that are long enough for the blocks of every second part
/// never to touch; parts of one colour run side by side and add to one image, so that every voxel's sum
/// has one order.
struct BlockMatchingPass: Sendable {
  let size: SIMD3<Int>
  let block: SIMD3<Int>
  let search: SIMD3<Int>
  let step: Int
  /// The most blocks of a group, a power of two.
  var groupSize: Int
  /// The largest mean squared difference of a group's blocks.
  var limit: Float
  var transform: BlockTransform
  let sigma: Float
  /// Smaller coefficients, in deviations, are set to 0 by the first pass.
  let threshold: Float

  /// Filters.
  /// - Parameters:
  ///   - noisy: The image.
  ///   - guide: The estimate of the first pass, for the second.
  /// - Returns: The estimate.
  func run(_ noisy: [Float], guide: [Float]?) -> [Float] {
    let ys = parts(axis: 1)
    let zs = parts(axis: 2)
    let xs = starts(axis: 0)
    var sums = [Float](repeating: 0, count: noisy.count)
    var weights = sums
    let window = window
    sums.withUnsafeMutableBufferPointer { sums in
      weights.withUnsafeMutableBufferPointer { weights in
        guard let sumBase = sums.baseAddress, let weightBase = weights.baseAddress else { return }
        let (sums, weights) = (SharedPointer(sumBase), SharedPointer(weightBase))
        for colour in 0..<4 {
          let mine = zs.indices.filter { $0 % 2 == colour / 2 }.flatMap { z in
            ys.indices.filter { $0 % 2 == colour % 2 }.map { (ys[$0], zs[z]) }
          }
          Parallelism.forEachRange(mine.count) { range in
            noisy.withUnsafeBufferPointer { noisy in
              (guide ?? []).withUnsafeBufferPointer { guide in
                guard let n = noisy.baseAddress else { return }
                var worker = BlockMatchingWorker(
                  pass: self,
                  noisy: n,
                  guide: guide.isEmpty ? nil : guide.baseAddress,
                  window: window,
                  columns: xs
                )
                for part in range {
                  for z in mine[part].1 {
                    for y in mine[part].0 {
                      worker.run(y: y, z: z, into: sums.pointer, weights.pointer)
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    for i in sums.indices { sums[i] = weights[i] > 0 ? sums[i] / weights[i] : noisy[i] }
    return sums
  }

  /// Where groups begin along an axis: every `step`, and the last block.
  private func starts(axis: Int) -> [Int] {
    let last = size[axis] - block[axis]
    let step = block[axis] == 1 ? 1 : step
    return Array(stride(from: 0, to: last, by: step)) + [last]
  }

  /// The starts in parts whose every second do not touch.
  private func parts(axis: Int) -> [[Int]] {
    let reach = 2 * search[axis] + block[axis]
    return Dictionary(grouping: starts(axis: axis)) { $0 / reach }.sorted { $0.key < $1.key }
      .map(\.value)
  }

  /// Kaiser's window of β = 2 along each axis, which weakens the blocks' borders.
  private var window: [Float] {
    func bessel(_ x: Double) -> Double {
      (1..<30).reduce((1.0, 1.0)) { sum, k in
        let term = sum.1 * (x / 2 / Double(k)) * (x / 2 / Double(k))
        return (sum.0 + term, term)
      }.0
    }
    func line(_ n: Int) -> [Double] {
      guard n > 1 else { return [1] }
      return (0..<n).map { i in
        let t = 2 * Double(i) / Double(n - 1) - 1
        return bessel(2 * (1 - t * t).squareRoot()) / bessel(2)
      }
    }
    let lines = (0..<3).map { line(block[$0]) }
    return lines[2].flatMap { z in lines[1].flatMap { y in lines[0].map { Float(z * y * $0) } } }
  }
}

/// What one thread needs to find and filter groups.
private struct BlockMatchingWorker {
  let pass: BlockMatchingPass
  let noisy: UnsafePointer<Float>
  let guide: UnsafePointer<Float>?
  let window: [Float]
  let columns: [Int]
  /// Squared differences of a row, summed across the block.
  private var line: [Float]
  /// The smallest distances of each column's groups, ascending, and where those blocks begin.
  private var distances: [Float]
  private var places: [Int]
  private var counts: [Int]
  private var group: [Float]
  private var guideGroup: [Float]
  private var room: [Float]

  init(
    pass: BlockMatchingPass,
    noisy: UnsafePointer<Float>,
    guide: UnsafePointer<Float>?,
    window: [Float],
    columns: [Int]
  ) {
    (self.pass, self.noisy, self.guide) = (pass, noisy, guide)
    (self.window, self.columns) = (window, columns)
    line = .init(repeating: 0, count: pass.size.x)
    distances = .init(repeating: 0, count: columns.count * pass.groupSize)
    places = .init(repeating: 0, count: columns.count * pass.groupSize)
    counts = .init(repeating: 0, count: columns.count)
    group = .init(repeating: 0, count: pass.groupSize * pass.transform.count)
    guideGroup = group
    room = group
  }

  /// Filters the groups that begin in one row.
  mutating func run(
    y: Int,
    z: Int,
    into sums: UnsafeMutablePointer<Float>,
    _ weights: UnsafeMutablePointer<Float>
  ) {
    match(y: y, z: z)
    for column in columns.indices { filter(column, into: sums, weights) }
  }

  /// Finds the most similar blocks of each group of a row.
  private mutating func match(y: Int, z: Int) {
    let (size, block, search) = (pass.size, pass.block, pass.search)
    let plane = size.x * size.y
    let image = guide ?? noisy
    let start = z * plane + y * size.x
    let most = pass.groupSize
    let limit = pass.limit * Float(pass.transform.count)
    // The block itself comes first, whatever else is as near.
    for column in columns.indices {
      counts[column] = 1
      distances[column * most] = -1
      places[column * most] = start + columns[column]
    }
    let (columnCount, columns) = (columns.count, columns)
    line.withUnsafeMutableBufferPointer { line in
      distances.withUnsafeMutableBufferPointer { distances in
        places.withUnsafeMutableBufferPointer { places in
          counts.withUnsafeMutableBufferPointer { counts in
            columns.withUnsafeBufferPointer { columns in
              guard let l = line.baseAddress else { return }
              for dz in max(-search.z, -z)...min(search.z, size.z - block.z - z) {
                for dy in max(-search.y, -y)...min(search.y, size.y - block.y - y) {
                  for dx in -search.x...search.x where dx != 0 || dy != 0 || dz != 0 {
                    let (first, last) = (max(0, -dx), size.x - max(0, dx))
                    guard last - first >= block.x else { continue }
                    let shift = dz * plane + dy * size.x + dx
                    for k in 0..<block.y * block.z {
                      let a = image + start + k / block.y * plane + k % block.y * size.x
                      let b = a + shift
                      if k == 0 {
                        for x in first..<last {
                          let d = a[x] - b[x]
                          l[x] = d * d
                        }
                      } else {
                        for x in first..<last {
                          let d = a[x] - b[x]
                          l[x] += d * d
                        }
                      }
                    }
                    for column in 0..<columnCount {
                      let x = columns[column]
                      guard x >= first, x + block.x <= last else { continue }
                      var distance: Float = 0
                      for k in 0..<block.x { distance += l[x + k] }
                      let base = column * most
                      var count = counts[column]
                      guard distance <= limit,
                        count < most || distance < distances[base + count - 1]
                      else { continue }
                      if count < most {
                        count += 1
                        counts[column] = count
                      }
                      var at = count - 1
                      while at > 0, distances[base + at - 1] > distance {
                        distances[base + at] = distances[base + at - 1]
                        places[base + at] = places[base + at - 1]
                        at -= 1
                      }
                      distances[base + at] = distance
                      places[base + at] = start + x + shift
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  /// Filters one group and adds its blocks to the image.
  private mutating func filter(
    _ column: Int,
    into sums: UnsafeMutablePointer<Float>,
    _ weights: UnsafeMutablePointer<Float>
  ) {
    // The largest power of two that the group fills.
    let used = 1 << (Int.bitWidth - 1 - counts[column].leadingZeroBitCount)
    let base = column * pass.groupSize
    let (count, transform, sigma) = (pass.transform.count, pass.transform, pass.sigma)
    let (guide, noisy, pass, window) = (guide, noisy, pass, window)
    let places = places[base..<base + used].map { $0 }
    group.withUnsafeMutableBufferPointer { group in
      guideGroup.withUnsafeMutableBufferPointer { guideGroup in
        room.withUnsafeMutableBufferPointer { room in
          guard let g = group.baseAddress, let r = room.baseAddress,
            let pilot = guideGroup.baseAddress
          else { return }
          Self.load(noisy, places, pass, g, r)
          let weight: Float
          if let guide {
            Self.load(guide, places, pass, pilot, r)
            weight = Self.wiener(g, pilot, used * count, sigma * sigma)
          } else {
            weight = Self.thresholded(g, used * count, pass.threshold * sigma)
          }
          BlockTransform.haar(g, r, size: used, count: count, isInverse: true)
          for k in 0..<used {
            let block = g + k * count
            transform.apply(block, r, isInverse: true)
            Self.add(block, at: places[k], weight, pass, window, sums, weights)
          }
        }
      }
    }
  }

  /// The joint transform of a group's blocks of an image.
  private static func load(
    _ image: UnsafePointer<Float>,
    _ places: [Int],
    _ pass: BlockMatchingPass,
    _ group: UnsafeMutablePointer<Float>,
    _ room: UnsafeMutablePointer<Float>
  ) {
    let (size, block, count) = (pass.size, pass.block, pass.transform.count)
    for (k, place) in places.enumerated() {
      let to = group + k * count
      for row in 0..<block.y * block.z {
        let from =
          image + place + row / block.y * size.x * size.y + row % block.y * size.x
        for x in 0..<block.x { to[row * block.x + x] = from[x] }
      }
      pass.transform.apply(to, room, isInverse: false)
    }
    BlockTransform.haar(group, room, size: places.count, count: count, isInverse: false)
  }

  /// Sets small coefficients to 0.
  /// - Returns: The group's weight: one over the variance that is left, in units of the noise's.
  private static func thresholded(
    _ group: UnsafeMutablePointer<Float>,
    _ count: Int,
    _ threshold: Float
  ) -> Float {
    var kept: Int32 = 0
    for i in 0..<count {
      let isKept = abs(group[i]) > threshold
      kept += isKept ? 1 : 0
      group[i] = isKept ? group[i] : 0
    }
    return 1 / Float(max(kept, 1))
  }

  /// Multiplies each coefficient by the share of signal that the first pass saw in it.
  /// - Returns: The group's weight.
  private static func wiener(
    _ group: UnsafeMutablePointer<Float>,
    _ pilot: UnsafePointer<Float>,
    _ count: Int,
    _ variance: Float
  ) -> Float {
    var energy: Float = 0
    for i in 0..<count {
      let square = pilot[i] * pilot[i]
      let share = square / (square + variance)
      group[i] *= share
      energy += share * share
    }
    return 1 / max(energy, 1e-6)
  }

  /// Adds a filtered block to the sums.
  @inline(__always)
  private static func add(
    _ block: UnsafePointer<Float>,
    at place: Int,
    _ weight: Float,
    _ pass: BlockMatchingPass,
    _ window: [Float],
    _ sums: UnsafeMutablePointer<Float>,
    _ weights: UnsafeMutablePointer<Float>
  ) {
    let (size, shape) = (pass.size, pass.block)
    window.withUnsafeBufferPointer { window in
      for row in 0..<shape.y * shape.z {
        let start = place + row / shape.y * size.x * size.y + row % shape.y * size.x
        for x in 0..<shape.x {
          let w = weight * window[row * shape.x + x]
          sums[start + x] += w * block[row * shape.x + x]
          weights[start + x] += w
        }
      }
    }
  }
}
