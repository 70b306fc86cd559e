import Foundation
import Recognition
import Support

/// The mean of images and the directions in which they vary most.
struct PrincipalComponents: Sendable {
  /// The mean image, one plane after another.
  let mean: [Float]
  /// Orthonormal directions by falling variance, one after another.
  let components: [Float]
  /// How many there are.
  let count: Int

  /// Rounds of the iteration; each multiplies the ratio of neighbouring variances once more.
  private static let rounds = 60

  /// Finds components by subspace iteration (Bauer 1957), with Gram and Schmidt's orthogonalisation.
  ///
  /// Sums run in one order, so that the result does not depend on the number of threads.
  /// - Parameters:
  ///   - images: At least two images.
  ///   - wanted: How many components; at most one fewer than images and as many as pixels are found.
  ///   - interruption: Looked at before each round.
  /// - Throws: `SupportError.interrupted`.
  init(of images: FittedImages, count wanted: Int, interruption: Interruption) throws {
    let rows = (0..<images.count).map { Array(images[$0]) }
    let size = rows[0].count
    var sums = [Double](repeating: 0, count: size)
    for row in rows { for place in 0..<size { sums[place] += Double(row[place]) } }
    let mean = sums.map { Float($0 / Double(rows.count)) }
    let centred = rows.map { row in zip(row, mean).map { $0 - $1 } }
    let count = max(1, min(wanted, rows.count - 1, size))
    var random = RandomStream(seed: 0x7063_61)
    var basis = (0..<count).map { _ in (0..<size).map { _ in Float(random.normal()) } }
    Self.orthogonalise(&basis)
    for _ in 0..<Self.rounds {
      try interruption.check()
      // B = Xᵀ (X B): a row of each factor belongs to one component, so that threads share nothing.
      let old = basis
      let buffer = AlignedBuffer<Float>(repeating: 0, count: count * size)
      Parallelism.forEach(count) { component in
        let direction = old[component]
        var sum = [Double](repeating: 0, count: size)
        for row in centred {
          let factor = Self.product(row, direction)
          for place in 0..<size { sum[place] += factor * Double(row[place]) }
        }
        for place in 0..<size {
          buffer.mutableElements[component * size + place] = Float(sum[place])
        }
      }
      let flat = Array(buffer.elements)
      basis = (0..<count).map { Array(flat[$0 * size..<($0 + 1) * size]) }
      Self.orthogonalise(&basis)
    }
    self.mean = mean
    self.count = count
    components = Array(basis.joined())
  }

  private static func product(_ a: [Float], _ b: [Float]) -> Double {
    var sum = 0.0
    for place in a.indices { sum += Double(a[place]) * Double(b[place]) }
    return sum
  }

  /// Makes vectors orthonormal, twice, as once loses digits; one that is left with nothing becomes 0.
  private static func orthogonalise(_ vectors: inout [[Float]]) {
    for index in vectors.indices {
      let whole = product(vectors[index], vectors[index]).squareRoot()
      for _ in 0..<2 {
        for other in 0..<index {
          let share = Float(product(vectors[index], vectors[other]))
          for place in vectors[index].indices {
            vectors[index][place] -= share * vectors[other][place]
          }
        }
      }
      let norm = product(vectors[index], vectors[index]).squareRoot()
      let factor = norm > 1e-6 * whole && norm > 0 ? 1 / norm : 0
      vectors[index] = vectors[index].map { Float(Double($0) * factor) }
    }
  }
}
