package import Support
package import Transforms

/// Two regions of constant brightness with a short border between them.
///
/// Chan and Vese 2001, "Active contours without edges", in the convex form of Chan, Esedoglu and Nikolova
/// 2006, "Algorithms for finding global minimizers of image segmentation and denoising models": for given
/// means the minimum of length · ∫|∇u| + ∫ u ((I − c₁)² − (I − c₂)²) / (c₁ − c₂)² over 0 ≤ u ≤ 1, cut off
/// at 1/2, is a global one, so that no contour has to be drawn first (theorem 2). Means and u are found in
/// turn, u by the primal-dual steps of Chambolle and Pock 2011 (algorithm 1). A disc of radius R in mm
/// vanishes below R = 2 · length. The brighter region is class 1, the darker one background.
package struct ConvexChanVese: ClassicalMethod {
  package static let name = "chan-vese"
  package static let paper =
    "Chan and Vese 2001, Active contours without edges; convex form: Chan, Esedoglu and Nikolova "
    + "2006, Algorithms for finding global minimizers of image segmentation and denoising models"
  package static let parameters = [
    FilterParameter("length", 1, 0...1000, "weight of the border's length, mm"),
    FilterParameter("iterations", 500, 1...100_000, isWhole: true, "steps, at most"),
  ]
  package static let seeds = SeedNeed.none

  package let values: FilterValues

  package init(_ values: FilterValues) { self.values = values }

  /// Steps between new means.
  private static let stepsPerMean = 25
  /// The mean change of u in a step below which it counts as found.
  private static let leastChange = 1e-5

  package static func bytesPerVoxel(classes: Int) -> Int { 36 }

  package func labels(
    of image: ClassicalImage,
    seeds: [UInt16]?,
    interruption: Interruption
  ) throws -> ClassicalLabels {
    let threshold = OtsuThreshold.of(image.values) ?? 0
    var u: [Float] = image.values.map { $0 >= threshold ? 1 : 0 }
    var bar = u
    let axes = image.axes
    var dual = axes.map { _ in [Float](repeating: 0, count: image.count) }
    // ‖∇‖² ≤ 4 Σ 1/h².
    let norm = (4 * axes.reduce(0) { $0 + 1 / (image.spacing[$1] * image.spacing[$1]) })
      .squareRoot()
    let step = Float(1 / norm)
    var force = [Float](repeating: 0, count: image.count)
    var total = 0
    let most = values.whole("iterations")
    while total < most {
      try interruption.check()
      guard setForce(&force, u, image) else { break }
      var change = 0.0
      for _ in 0..<min(Self.stepsPerMean, most - total) {
        ascend(&dual, bar, image, step)
        change = descend(&u, &bar, dual, force, image, step)
        total += 1
      }
      if change < Self.leastChange { break }
    }
    return ClassicalLabels(u.map { $0 > 0.5 ? 1 : 0 }, largest: 1)
  }

  /// Sets the force of the regions' means; false when they are the same.
  private func setForce(_ force: inout [Float], _ u: [Float], _ image: ClassicalImage) -> Bool {
    var (inside, weight, all) = (0.0, 0.0, 0.0)
    for place in u.indices {
      let value = Double(image.values[place])
      all += value
      if u[place] > 0.5 { (inside, weight) = (inside + value, weight + 1) }
    }
    let rest = Double(u.count) - weight
    guard weight > 0, rest > 0 else { return false }
    let (first, second) = (inside / weight, (all - inside) / rest)
    guard first > second else { return false }
    let scale = 1 / ((first - second) * (first - second))
    for place in u.indices {
      let (a, b) = (Double(image.values[place]) - first, Double(image.values[place]) - second)
      force[place] = Float((a * a - b * b) * scale)
    }
    return true
  }

  /// p ← the nearest field of at most `length` to p + step ∇ū.
  private func ascend(
    _ dual: inout [[Float]],
    _ bar: [Float],
    _ image: ClassicalImage,
    _ step: Float
  ) {
    let (size, strides, axes) = (image.size, image.strides, image.axes)
    let limit = Float(values["length"])
    let pieces = size.y * size.z
    // Axis by axis, and then the length of each vector.
    for (index, axis) in axes.enumerated() {
      let spacing = Float(image.spacing[axis])
      dual[index].change(pieces: pieces) { rows, field in
        for place in rows.lowerBound * size.x..<rows.upperBound * size.x
        where image.position(place)[axis] < size[axis] - 1 {
          field[place] += step * (bar[place + strides[axis]] - bar[place]) / spacing
        }
      }
    }
    let field = dual
    let shrinking: [Float] = .filled(count: image.count, pieces: pieces) { rows, target in
      for place in rows.lowerBound * size.x..<rows.upperBound * size.x {
        let square = field.reduce(0) { $0 + $1[place] * $1[place] }
        target[place] = square > limit * limit ? limit / square.squareRoot() : 1
      }
    }
    for index in dual.indices {
      dual[index].change(pieces: pieces) { rows, field in
        for place in rows.lowerBound * size.x..<rows.upperBound * size.x {
          field[place] *= shrinking[place]
        }
      }
    }
  }

  /// u ← u + step (div p − force) within 0 and 1; ū = 2 u − the old one.
  ///
  /// Gives the mean change.
  private func descend(
    _ u: inout [Float],
    _ bar: inout [Float],
    _ dual: [[Float]],
    _ force: [Float],
    _ image: ClassicalImage,
    _ step: Float
  ) -> Double {
    let (size, strides, axes) = (image.size, image.strides, image.axes)
    let old = u
    u = .filled(count: old.count, pieces: size.y * size.z) { rows, target in
      for place in rows.lowerBound * size.x..<rows.upperBound * size.x {
        let at = image.position(place)
        var divergence: Float = 0
        for (index, axis) in axes.enumerated() {
          let here = at[axis] < size[axis] - 1 ? dual[index][place] : 0
          let before = at[axis] > 0 ? dual[index][place - strides[axis]] : 0
          divergence += (here - before) / Float(image.spacing[axis])
        }
        target[place] = min(1, max(0, old[place] + step * (divergence - force[place])))
      }
    }
    let new = u
    bar = .filled(count: old.count, pieces: size.y * size.z) { rows, target in
      for place in rows.lowerBound * size.x..<rows.upperBound * size.x {
        target[place] = 2 * new[place] - old[place]
      }
    }
    var change = 0.0
    for place in old.indices { change += Double(abs(new[place] - old[place])) }
    return change / Double(old.count)
  }
}
