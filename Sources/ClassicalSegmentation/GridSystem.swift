import Foundation
internal import Support
internal import Transforms

/// The linear system of a grid whose neighbours are joined by weights and some of whose voxels are known.
///
/// For the unknown voxels Σ_j w_ij (x_i − x_j) = 0. Conjugate gradients are preconditioned by
/// M = (D + L) D⁻¹ (D + Lᵀ), L being the matrix below its diagonal and D such that M has the matrix's
/// diagonal: the incomplete Cholesky factor without fill-in (Meijerink and van der Vorst 1977, "An
/// iterative solution method for linear systems of which the coefficient matrix is a symmetric
/// M-matrix"). Its substitutions go through the voxels one after the other; the rest runs side by side.
/// Held are, for each voxel, three weights in single precision and six numbers in double.
struct GridSystem {
  /// The least weight, so that no voxel is cut off; skimage's random walker uses the same.
  private static let leastWeight = 1e-10
  /// Steps after which solving ends, whatever the residual.
  private static let mostSteps = 2000

  private let image: ClassicalImage
  private let isFixed: [Bool]
  /// The weight to the next voxel along each axis that is used; 0 at the grid's end.
  private let weights: [[Float]]
  private let inversePivots: [Double]

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
  }

  /// Solves the system.
  /// - Parameters:
  ///   - boundary: The values of the known voxels.
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
    // r = b − A x, where x is 0 but for the known voxels.
    var r = product(x).map { -$0 }
    var z = preconditioned(r)
    var p = z
    var energy = dot(r, z)
    let goal = energy * tolerance * tolerance
    var steps = 0
    while energy > goal, energy > 0, steps < Self.mostSteps {
      try interruption.check()
      let q = product(p)
      let length = energy / dot(p, q)
      guard length.isFinite else { break }
      Self.add(length, p, to: &x)
      Self.add(-length, q, to: &r)
      z = preconditioned(r)
      let next = dot(r, z)
      let ratio = next / energy
      energy = next
      Self.advance(&p, z, ratio)
      steps += 1
    }
    return x
  }

  /// The matrix times a vector, 0 at known voxels; their values in the vector count.
  private func product(_ x: [Double]) -> [Double] {
    let (size, strides) = (image.size, image.strides)
    return [Double](unsafeUninitializedCapacity: x.count) { room, initialized in
      if let base = room.baseAddress {
        let memory = SharedMemory(base: base)
        Parallelism.forEachRange(size.y * size.z, minimumChunk: 64) { rows in
          for place in rows.lowerBound * size.x..<rows.upperBound * size.x {
            guard !isFixed[place] else {
              memory.base[place] = 0
              continue
            }
            var sum = 0.0
            for axis in 0..<3 where size[axis] > 1 {
              let stride = strides[axis]
              let after = Double(weights[axis][place])
              if after > 0 { sum += after * (x[place] - x[place + stride]) }
              if place >= stride {
                let before = Double(weights[axis][place - stride])
                if before > 0 { sum += before * (x[place] - x[place - stride]) }
              }
            }
            memory.base[place] = sum
          }
        }
      }
      initialized = x.count
    }
  }

  private func preconditioned(_ r: [Double]) -> [Double] {
    var z = r
    let strides = image.strides
    let axes = image.axes
    z.withUnsafeMutableBufferPointer { z in
      for place in z.indices {
        let inverse = inversePivots[place]
        guard inverse > 0 else {
          z[place] = 0
          continue
        }
        var sum = z[place]
        for axis in axes where place >= strides[axis] {
          let other = place - strides[axis]
          sum += Double(weights[axis][other]) * z[other]
        }
        z[place] = sum * inverse
      }
      for place in z.indices.reversed() {
        let inverse = inversePivots[place]
        guard inverse > 0 else { continue }
        var sum = 0.0
        for axis in axes where place + strides[axis] < z.count {
          sum += Double(weights[axis][place]) * z[place + strides[axis]]
        }
        z[place] += sum * inverse
      }
    }
    return z
  }

  /// The sum of products, by pieces of fixed length so that the number of threads does not matter.
  private func dot(_ a: [Double], _ b: [Double]) -> Double {
    let length = 1 << 16
    let pieces = (a.count + length - 1) / length
    var sums = [Double](repeating: 0, count: pieces)
    sums.withUnsafeMutableBufferPointer { room in
      guard let base = room.baseAddress else { return }
      let memory = SharedMemory(base: base)
      Parallelism.forEach(pieces) { piece in
        var sum = 0.0
        for i in piece * length..<min(a.count, (piece + 1) * length) { sum += a[i] * b[i] }
        memory.base[piece] = sum
      }
    }
    return sums.reduce(0, +)
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
