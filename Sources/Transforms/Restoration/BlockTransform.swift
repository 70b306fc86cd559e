import Foundation

/// Linear transforms of small blocks, axis by axis.
struct BlockTransform: Sendable {
  /// One axis: `length × length`, and transposed.
  private struct Axis: Sendable {
    let length: Int
    let forward: [Float]
    let inverse: [Float]
  }

  private let axes: [Axis]

  /// Voxels of a block.
  let count: Int

  /// The orthonormal cosine transform of type II along each axis.
  static func cosine(_ size: SIMD3<Int>) -> BlockTransform {
    BlockTransform(size) { n in
      (0..<n).map { k -> [Double] in
        let scale = (Double(k == 0 ? 1 : 2) / Double(n)).squareRoot()
        return (0..<n).map { i -> Double in
          let angle: Double = .pi * (Double(i) + 0.5) * Double(k) / Double(n)
          return scale * cos(angle)
        }
      }
    }
  }

  /// The biorthogonal spline wavelet 1.5 along each axis, down to one mean, its functions of norm 1.
  ///
  /// Filters: Cohen, Daubechies and Feauveau, 1992, "Biorthogonal bases of compactly supported
  /// wavelets"; blocks are periodic.
  static func spline(_ size: SIMD3<Int>) -> BlockTransform {
    BlockTransform(size) { n in
      let low = [3, -3, -22, 22, 128, 128, 22, -22, -3, 3].map {
        Double($0) / 128 * 0.5.squareRoot()
      }
      let high = [0, 0, 0, 0, -1, 1, 0, 0, 0, 0].map { Double($0) * 0.5.squareRoot() }
      // What each column of the identity becomes; then the matrix's rows are brought to norm 1.
      var matrix = [[Double]](repeating: .init(repeating: 0, count: n), count: n)
      for column in 0..<n {
        var signal = (0..<n).map { $0 == column ? 1.0 : 0 }
        var length = n
        while length > 1 {
          let part = signal
          for k in 0..<length / 2 {
            func sum(_ filter: [Double]) -> Double {
              filter.indices.reduce(0) { total, t in
                let place = ((2 * k + t - 4) % length + length) % length
                return total + filter[t] * part[place]
              }
            }
            signal[k] = sum(low)
            signal[length / 2 + k] = sum(high)
          }
          length /= 2
        }
        for row in 0..<n { matrix[row][column] = signal[row] }
      }
      return matrix.map { row in
        let norm = row.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return row.map { $0 / norm }
      }
    }
  }

  private init(_ size: SIMD3<Int>, matrix: (Int) -> [[Double]]) {
    axes = (0..<3).map { axis in
      let rows = matrix(size[axis])
      return Axis(
        length: size[axis],
        forward: rows.flatMap { $0.map { Float($0) } },
        inverse: Self.inverted(rows).flatMap { $0.map { Float($0) } }
      )
    }
    count = size.x * size.y * size.z
  }

  /// Gauss and Jordan's inverse with pivots.
  private static func inverted(_ matrix: [[Double]]) -> [[Double]] {
    let n = matrix.count
    var rows = matrix.enumerated().map { i, row -> [Double] in
      row + (0..<n).map { $0 == i ? 1.0 : 0 }
    }
    for column in 0..<n {
      let pivot = (column..<n).max { abs(rows[$0][column]) < abs(rows[$1][column]) } ?? column
      rows.swapAt(column, pivot)
      let scale = 1 / rows[column][column]
      rows[column] = rows[column].map { $0 * scale }
      for other in 0..<n where other != column {
        let factor = rows[other][column]
        for k in 0..<2 * n { rows[other][k] -= factor * rows[column][k] }
      }
    }
    return rows.map { Array($0[n...]) }
  }

  /// Transforms a block in place.
  /// - Parameters:
  ///   - block: `count` values, x fastest.
  ///   - room: As many, for the work.
  ///   - isInverse: Whether back.
  func apply(
    _ block: UnsafeMutablePointer<Float>,
    _ room: UnsafeMutablePointer<Float>,
    isInverse: Bool
  ) {
    var inner = 1
    for axis in axes {
      let n = axis.length
      if n > 1 {
        let outer = count / (inner * n)
        (isInverse ? axis.inverse : axis.forward).withUnsafeBufferPointer { m in
          for o in 0..<outer {
            let (from, to) = (block + o * n * inner, room + o * n * inner)
            if inner == 1, n == 8 {
              Self.rows8(m, from, to)
            } else if inner == 8, n == 8 {
              Self.columns8(m, from, to)
            } else {
              for k in 0..<n {
                for i in 0..<inner {
                  var sum: Float = 0
                  for t in 0..<n { sum += m[k * n + t] * from[t * inner + i] }
                  to[k * inner + i] = sum
                }
              }
            }
          }
        }
        for i in 0..<count { block[i] = room[i] }
      }
      inner *= n
    }
  }

  /// The product of the matrix and one row of eight.
  @inline(__always)
  private static func rows8(
    _ m: UnsafeBufferPointer<Float>,
    _ from: UnsafePointer<Float>,
    _ to: UnsafeMutablePointer<Float>
  ) {
    let row = UnsafeRawPointer(from).loadUnaligned(as: SIMD8<Float>.self)
    guard let base = m.baseAddress else { return }
    for k in 0..<8 {
      let weights = UnsafeRawPointer(base + k * 8).loadUnaligned(as: SIMD8<Float>.self)
      let products = weights * row
      let halves = products.lowHalf + products.highHalf
      let quarters = halves.lowHalf + halves.highHalf
      to[k] = quarters.x + quarters.y
    }
  }

  /// The product of the matrix and eight columns of eight.
  @inline(__always)
  private static func columns8(
    _ m: UnsafeBufferPointer<Float>,
    _ from: UnsafePointer<Float>,
    _ to: UnsafeMutablePointer<Float>
  ) {
    for k in 0..<8 {
      var sum = SIMD8<Float>.zero
      for t in 0..<8 {
        let row = UnsafeRawPointer(from + t * 8).loadUnaligned(as: SIMD8<Float>.self)
        sum += m[k * 8 + t] * row
      }
      UnsafeMutableRawPointer(to + k * 8).storeBytes(of: sum, as: SIMD8<Float>.self)
    }
  }

  /// Haar's orthonormal transform across blocks, in place.
  /// - Parameters:
  ///   - group: `size` blocks of `count` values, one after the other; a power of two.
  ///   - room: As many, for the work.
  ///   - size: The number of blocks.
  ///   - count: The values of a block.
  ///   - isInverse: Whether back.
  static func haar(
    _ group: UnsafeMutablePointer<Float>,
    _ room: UnsafeMutablePointer<Float>,
    size: Int,
    count: Int,
    isInverse: Bool
  ) {
    let root = Float(0.5).squareRoot()
    var length = isInverse ? 2 : size
    while isInverse ? length <= size : length > 1 {
      let half = length / 2
      for k in 0..<half {
        if isInverse {
          let (sum, difference) = (group + k * count, group + (half + k) * count)
          let (a, b) = (room + 2 * k * count, room + (2 * k + 1) * count)
          for i in 0..<count {
            a[i] = (sum[i] + difference[i]) * root
            b[i] = (sum[i] - difference[i]) * root
          }
        } else {
          let (a, b) = (group + 2 * k * count, group + (2 * k + 1) * count)
          let (sum, difference) = (room + k * count, room + (half + k) * count)
          for i in 0..<count {
            sum[i] = (a[i] + b[i]) * root
            difference[i] = (a[i] - b[i]) * root
          }
        }
      }
      for i in 0..<length * count { group[i] = room[i] }
      length = isInverse ? length * 2 : half
    }
  }
}
