import Foundation
import Imaging
internal import Support
internal import Transforms

/// The linear systems of a grid whose neighbours are joined by weights and some of whose voxels are known.
///
/// For the unknown voxels Σ_j w_ij (x_i − x_j) = 0. Each connected part of them is a system of its own,
/// which is solved only where its known neighbours differ. Conjugate gradients are preconditioned by
/// M = (D + L) D⁻¹ (D + Lᵀ), L being the matrix below its diagonal and D such that M has the matrix's
/// diagonal: the incomplete Cholesky factor without fill-in (Meijerink and van der Vorst 1977, "An
/// iterative solution method for linear systems of which the coefficient matrix is a symmetric
/// M-matrix"). Its substitutions go through the voxels one after the other; products run side by side.
/// Held are, for each voxel, three weights and two numbers of 32 bits and six numbers of double precision.
struct GridSystem {
  /// The least weight, so that no voxel is cut off; skimage's random walker uses the same.
  private static let leastWeight = 1e-10
  /// Steps after which solving ends, whatever the residual.
  private static let mostSteps = 2000
  /// Voxels that are worth a thread.
  private static let chunk = 1 << 12

  private let image: ClassicalImage
  private let isFixed: [Bool]
  private let axes: [Int]
  private let strides: SIMD3<Int>
  /// The weight to the next voxel along each axis that is used; 0 at the grid's end.
  private let weights: [[Float]]
  private let inversePivots: [Double]
  /// The unknown voxels of each connected part, in the order of memory.
  private let parts: [[Int32]]
  /// Where each unknown voxel stands in its part.
  private let positions: [Int32]

  /// Prepares the system.
  /// - Parameters:
  ///   - image: The image.
  ///   - beta: Weights are exp(−beta (Δ/σ)²) / d².
  ///   - isFixed: Voxels that are known.
  init(_ image: ClassicalImage, beta: Double, isFixed: [Bool]) {
    self.image = image
    self.isFixed = isFixed
    let falloff = beta / (image.deviation * image.deviation)
    let (size, strides) = (image.size, image.strides)
    weights = (0..<3).map { axis in
      guard size[axis] > 1 else { return [] }
      let distance = image.spacing[axis] / image.finestSpacing
      return .filled(count: image.count, pieces: size.y * size.z) { rows, target in
        for place in rows.lowerBound * size.x..<rows.upperBound * size.x {
          guard image.position(place)[axis] < size[axis] - 1 else {
            target[place] = 0
            continue
          }
          let step = Double(image.values[place + strides[axis]]) - Double(image.values[place])
          let weight = (exp(-falloff * step * step) + Self.leastWeight) / (distance * distance)
          target[place] = Float(weight)
        }
      }
    }
    var inverse = [Double](repeating: 0, count: image.count)
    for place in inverse.indices where !isFixed[place] {
      var pivot = 0.0
      for axis in 0..<3 where size[axis] > 1 {
        pivot += Double(weights[axis][place])
        guard place >= strides[axis] else { continue }
        // Across the grid's end the weight is 0.
        let weight = Double(weights[axis][place - strides[axis]])
        pivot += weight - weight * weight * inverse[place - strides[axis]]
      }
      inverse[place] = 1 / max(pivot, .leastNormalMagnitude)
    }
    inversePivots = inverse
    axes = image.axes
    self.strides = strides
    let components = ConnectedComponents(
      mask: isFixed.map { !$0 },
      size: size,
      connectivity: .six
    )
    var parts = components.sizes.map { count -> [Int32] in
      var part: [Int32] = []
      part.reserveCapacity(count)
      return part
    }
    var positions = [Int32](repeating: 0, count: image.count)
    for place in positions.indices where components.numbers[place] > 0 {
      let part = Int(components.numbers[place]) - 1
      positions[place] = Int32(parts[part].count)
      parts[part].append(Int32(place))
    }
    (self.parts, self.positions) = (parts, positions)
  }

  /// Solves the systems.
  /// - Parameters:
  ///   - boundary: The values of the known voxels, from 0 to 1.
  ///   - tolerance: The residual, relative to the first one in the preconditioner's norm, to end at.
  ///   - interruption: Looked at between steps.
  /// - Returns: The value of every voxel.
  /// - Throws: `SupportError.interrupted`.
  func solved(
    boundary: [Double],
    tolerance: Double,
    interruption: Interruption
  ) throws -> [Double] {
    var x = isFixed.indices.map { isFixed[$0] ? boundary[$0] : 0 }
    for part in parts {
      let (low, high) = range(of: boundary, around: part)
      let values =
        low == high
        ? [Double](repeating: low, count: part.count)
        : try solved(part, boundary, tolerance, interruption)
      for (position, place) in part.enumerated() { x[Int(place)] = values[position] }
    }
    return x
  }

  /// The least and the largest known value beside a part; 0 without any.
  private func range(of boundary: [Double], around part: [Int32]) -> (Double, Double) {
    var (low, high) = (Double.infinity, -Double.infinity)
    for place in part {
      image.forEachNeighbour(of: Int(place)) { other in
        guard isFixed[other] else { return }
        low = min(low, boundary[other])
        high = max(high, boundary[other])
      }
    }
    return low > high ? (0, 0) : (low, high)
  }

  private func solved(
    _ part: [Int32],
    _ boundary: [Double],
    _ tolerance: Double,
    _ interruption: Interruption
  ) throws -> [Double] {
    var x = [Double](repeating: 0, count: part.count)
    // r = b − A x, where x is 0.
    var r = part.map { place in
      var sum = 0.0
      forEachWeight(of: Int(place)) { other, weight in
        if isFixed[other] { sum += weight * boundary[other] }
      }
      return sum
    }
    var z = preconditioned(r, part)
    var p = z
    var energy = dot(r, z)
    let goal = energy * tolerance * tolerance
    var steps = 0
    while energy > goal, energy > 0, steps < Self.mostSteps {
      try interruption.check()
      let q = product(p, part)
      let length = energy / dot(p, q)
      guard length.isFinite else { break }
      Self.add(length, p, to: &x)
      Self.add(-length, q, to: &r)
      z = preconditioned(r, part)
      let next = dot(r, z)
      let ratio = next / energy
      energy = next
      Self.advance(&p, z, ratio)
      steps += 1
    }
    return x
  }

  /// Calls a body with each neighbour of a voxel and the weight between the two.
  @inline(__always)
  private func forEachWeight(of place: Int, _ body: (Int, Double) -> Void) {
    for axis in axes {
      let stride = strides[axis]
      let after = Double(weights[axis][place])
      // Across the grid's end the weight is 0.
      if after > 0 { body(place + stride, after) }
      guard place >= stride else { continue }
      let before = Double(weights[axis][place - stride])
      if before > 0 { body(place - stride, before) }
    }
  }

  /// The matrix of a part times a vector.
  private func product(_ x: [Double], _ part: [Int32]) -> [Double] {
    [Double](unsafeUninitializedCapacity: x.count) { room, initialized in
      if let base = room.baseAddress {
        let memory = SharedPointer(base)
        Parallelism.forEachRange(part.count, minimumChunk: Self.chunk) { range in
          for position in range {
            var sum = 0.0
            forEachWeight(of: Int(part[position])) { other, weight in
              sum += weight * (x[position] - (isFixed[other] ? 0 : x[Int(positions[other])]))
            }
            memory.pointer[position] = sum
          }
        }
      }
      initialized = x.count
    }
  }

  private func preconditioned(_ r: [Double], _ part: [Int32]) -> [Double] {
    var z = r
    z.withUnsafeMutableBufferPointer { z in
      for position in part.indices {
        let place = Int(part[position])
        var sum = z[position]
        for axis in axes where place >= strides[axis] {
          let other = place - strides[axis]
          let weight = Double(weights[axis][other])
          if weight > 0, !isFixed[other] { sum += weight * z[Int(positions[other])] }
        }
        z[position] = sum * inversePivots[place]
      }
      for position in part.indices.reversed() {
        let place = Int(part[position])
        var sum = 0.0
        for axis in axes {
          let weight = Double(weights[axis][place])
          guard weight > 0 else { continue }
          let other = place + strides[axis]
          if !isFixed[other] { sum += weight * z[Int(positions[other])] }
        }
        z[position] += sum * inversePivots[place]
      }
    }
    return z
  }

  /// The sum of products, by pieces of fixed length so that the number of threads does not matter.
  private func dot(_ a: [Double], _ b: [Double]) -> Double {
    Parallelism.sum(a.count) { range in
      var sum = 0.0
      for i in range { sum += a[i] * b[i] }
      return sum
    }
  }

  private static func add(_ factor: Double, _ direction: [Double], to x: inout [Double]) {
    x.withUnsafeMutableBufferPointer { x in
      direction.withUnsafeBufferPointer { for i in x.indices { x[i] += factor * $0[i] } }
    }
  }

  /// p = z + ratio · p.
  private static func advance(_ p: inout [Double], _ z: [Double], _ ratio: Double) {
    p.withUnsafeMutableBufferPointer { p in
      z.withUnsafeBufferPointer { for i in p.indices { p[i] = $0[i] + ratio * p[i] } }
    }
  }
}
